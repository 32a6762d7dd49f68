/*
 * base/buffer.c
 *		Text that grows: the growth itself, which is rare.  The rest is inline, because writing is
 *		mostly appending.
 */
#include <stdint.h>
#include <stdlib.h>

#include "base/buffer.h"

#define FS_LARGE_BYTES 100000

/* Large buffers grow by smaller steps, to save memory; the system moves them without copying. */
size_t
fs_grown_capacity(size_t wanted)
{
	return wanted < FS_LARGE_BYTES ? wanted * 2 : wanted + wanted / 8;
}

bool
fs_buffer_grow(fs_buffer *buffer, size_t more)
{
	size_t		capacity;
	char	   *data;

	if (buffer->no_memory)
		return false;
	if (more <= SIZE_MAX / 2 - buffer->length)
	{
		capacity = fs_grown_capacity(buffer->length + more);
		data = realloc(buffer->data, capacity);
		if (data != NULL)
		{
			buffer->data = data;
			buffer->capacity = capacity;
			return true;
		}
	}
	buffer->no_memory = true;
	return false;
}
