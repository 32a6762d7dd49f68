/*
 * json_text.c
 *		Writing JSON.
 */
#include <stdlib.h>

#include "json_text.h"

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
fs_write_string(fs_buffer *out, const char *text)
{
	const char *start = text;

	fs_buffer_append(out, "\"", 1);
	for (; *text != '\0'; text++)
	{
		if (!fs_needs_escape((unsigned char) *text))
			continue;
		fs_buffer_append(out, start, (size_t) (text - start));
		fs_write_escape(out, (unsigned char) *text);
		start = text + 1;
	}
	fs_buffer_append(out, start, (size_t) (text - start));
	fs_buffer_append(out, "\"", 1);
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

static void
fs_write_time(fs_buffer *out, int64_t time)
{
	char		text[FACTSTR_TIME_SIZE];

	fs_buffer_append_text(out, "\"");
	fs_buffer_append_text(out, factstr_format_time(time, text));
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

void
fs_write_event_record(fs_buffer *out, const factstr_fact *fact)
{
	fs_buffer_append_text(out, "{\"sequence_number\": ");
	fs_write_integer(out, fact->sequence_number);
	fs_buffer_append_text(out, ", \"occurred_at\": ");
	fs_write_time(out, fact->occurred_at);
	fs_buffer_append_text(out, ", \"event_type\": ");
	fs_write_string(out, fact->event_type);
	fs_buffer_append_text(out, ", \"payload\": ");
	fs_buffer_append_text(out, fact->payload);
	if (fact->metadata != NULL)
	{
		fs_buffer_append_text(out, ", \"metadata\": ");
		fs_buffer_append_text(out, fact->metadata);
	}
	fs_buffer_append_text(out, "}");
}

void
fs_write_event_records(fs_buffer *out, const factstr_fact *facts, size_t count)
{
	fs_buffer_append_text(out, "[");
	for (size_t i = 0; i < count; i++)
	{
		if (i > 0)
			fs_buffer_append_text(out, ", ");
		fs_write_event_record(out, &facts[i]);
	}
	fs_buffer_append_text(out, "]");
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
