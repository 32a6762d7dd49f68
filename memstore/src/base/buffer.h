/*
 * base/buffer.h
 *		Text that grows.
 */
#ifndef FACTSTR_BASE_BUFFER_H
#define FACTSTR_BASE_BUFFER_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

/*
 * Begins zeroed.  After a failed allocation nothing more is added, so a writer has to check only once, at the end.
 * data is released with free.
 */
typedef struct fs_buffer
{
	char	   *data;
	size_t		length;
	size_t		capacity;
	bool		no_memory;
} fs_buffer;

/* The size to allocate if this many bytes are needed now, and more will follow. */
size_t		fs_grown_capacity(size_t wanted);

/* Makes room for more bytes after the content. */
bool		fs_buffer_grow(fs_buffer *buffer, size_t more);

static inline bool
fs_buffer_reserve(fs_buffer *buffer, size_t more)
{
	if (!buffer->no_memory && more <= buffer->capacity - buffer->length)
		return true;
	return fs_buffer_grow(buffer, more);
}

static inline void
fs_buffer_append(fs_buffer *buffer, const char *data, size_t length)
{
	if (length > 0 && fs_buffer_reserve(buffer, length))
	{
		memcpy(buffer->data + buffer->length, data, length);
		buffer->length += length;
	}
}

static inline void
fs_buffer_append_text(fs_buffer *buffer, const char *text)
{
	fs_buffer_append(buffer, text, strlen(text));
}

#endif							/* FACTSTR_BASE_BUFFER_H */
