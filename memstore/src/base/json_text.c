/*
 * base/json_text.c
 *		Writing JSON.
 */
#include <stdlib.h>

#include "base/buffer.h"
#include "base/json_text.h"
#include "base/times.h"

static bool
fs_needs_escape(unsigned char c)
{
	return c < ' ' || c == '"' || c == '\\';
}

static void
fs_write_escape(fs_buffer *out, unsigned char c)
{
	static const char digits[] = "0123456789abcdef";
	char		escape[6] = {'\\', 'u', '0', '0', digits[c >> 4], digits[c & 0x0F]};

	if (c >= ' ')
	{
		escape[1] = (char) c;
		fs_buffer_append(out, escape, 2);
	}
	else
		fs_buffer_append(out, escape, sizeof(escape));
}

void
fs_write_text(fs_buffer *out, fs_text text)
{
	const char *start = text.data;
	const char *end = text.data + text.length;

	fs_buffer_append(out, "\"", 1);
	for (const char *c = start; c < end; c++)
	{
		if (!fs_needs_escape((unsigned char) *c))
			continue;
		fs_buffer_append(out, start, (size_t) (c - start));
		fs_write_escape(out, (unsigned char) *c);
		start = c + 1;
	}
	fs_buffer_append(out, start, (size_t) (end - start));
	fs_buffer_append(out, "\"", 1);
}

void
fs_write_string(fs_buffer *out, const char *text)
{
	fs_write_text(out, (fs_text) {text, strlen(text)});
}

void
fs_write_integer(fs_buffer *out, uint64_t integer)
{
	char		digits[20];
	size_t		start = sizeof(digits);

	do
	{
		digits[--start] = (char) ('0' + integer % 10);
		integer /= 10;
	}
	while (integer > 0);
	fs_buffer_append(out, digits + start, sizeof(digits) - start);
}

void
fs_write_integer_or_null(fs_buffer *out, uint64_t integer)
{
	if (integer == 0)
		fs_buffer_append_text(out, "null");
	else
		fs_write_integer(out, integer);
}

void
fs_write_time(fs_buffer *out, int64_t time)
{
	char		text[FS_TIME_SIZE];

	fs_buffer_append_text(out, "\"");
	fs_buffer_append_text(out, fs_format_time(time, text));
	fs_buffer_append_text(out, "\"");
}

void
fs_write_time_or_null(fs_buffer *out, int64_t time)
{
	if (time == 0)
		fs_buffer_append_text(out, "null");
	else
		fs_write_time(out, time);
}

char *
fs_finish_text(fs_buffer *out)
{
	fs_buffer_append(out, "", 1);
	if (!out->no_memory)
		return out->data;
	free(out->data);
	out->data = NULL;
	return NULL;
}
