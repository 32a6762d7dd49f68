/*
 * buffer.c
 *		Text that grows.
 */
#include <stdint.h>
#include <stdlib.h>

#include "buffer.h"

bool
fs_buffer_grow(fs_buffer *buffer, size_t more)
{
	size_t		capacity;
	char	   *data;

	if (buffer->no_memory)
		return false;
	if (more <= SIZE_MAX / 2 - buffer->length)
	{
		capacity = (buffer->length + more) * 2;
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
