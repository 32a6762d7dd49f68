/*
 * base/json_string.c
 *		Reading a string of JSON.
 */
#include <stdlib.h>
#include <string.h>

#include "base/json_string.h"
#include "base/json_text.h"
#include "base/utf8.h"

/* The value of an escape that is no character, or none that can be stored. */
#define FS_NO_CHARACTER (-1)

static bool
fs_take(fs_string_reader *reader, char expected)
{
	if (reader->next == reader->end || *reader->next != expected)
		return false;
	reader->next++;
	return true;
}

static bool
fs_fail(fs_string_reader *reader, const char *place, const char *problem)
{
	reader->next = place;
	reader->problem = problem;
	return false;
}

/* The four digits of an escape; FS_NO_CHARACTER if they are none. */
static int
fs_read_code_unit(fs_string_reader *reader)
{
	int			unit = 0;

	if (reader->end - reader->next < 4)
		return FS_NO_CHARACTER;
	for (int i = 0; i < 4; i++)
	{
		char		c = *reader->next++;

		if (c >= '0' && c <= '9')
			unit = unit * 16 + (c - '0');
		else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
			unit = unit * 16 + ((c | 0x20) - 'a' + 10);
		else
			return FS_NO_CHARACTER;
	}
	return unit;
}

/* The other half of a character that is spelt as two. */
static int
fs_read_second_half(fs_string_reader *reader, int first)
{
	int			second;

	if (!fs_take(reader, '\\') || !fs_take(reader, 'u'))
		return FS_NO_CHARACTER;
	second = fs_read_code_unit(reader);
	if (second < 0xDC00 || second > 0xDFFF)
		return FS_NO_CHARACTER;
	return 0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00);
}

static void
fs_append_character(fs_buffer *out, int character)
{
	char		bytes[4];
	size_t		length = character < 0x80 ? 1 : character < 0x800 ? 2 : character < 0x10000 ? 3 : 4;

	for (size_t i = length - 1; i > 0; i--)
	{
		bytes[i] = (char) (0x80 | (character & 0x3F));
		character >>= 6;
	}
	bytes[0] = (char) (length == 1 ? character : (0xF00 >> length & 0xFF) | character);
	fs_buffer_append(out, bytes, length);
}

/* Reads the digits after \u; escape points to the backslash. */
static bool
fs_read_unicode(fs_string_reader *reader, const char *escape, fs_buffer *out)
{
	int			character = fs_read_code_unit(reader);

	if (character == FS_NO_CHARACTER)
		return fs_fail(reader, escape, "invalid escape");
	if (character == 0)
		return fs_fail(reader, escape, "\\u0000 cannot be kept");
	if (character >= 0xD800 && character <= 0xDBFF)
		character = fs_read_second_half(reader, character);
	if (character == FS_NO_CHARACTER || (character >= 0xDC00 && character <= 0xDFFF))
		return fs_fail(reader, escape, "invalid Unicode");
	fs_append_character(out, character);
	return true;
}

/* Reads the rest of an escape, after the backslash. */
static bool
fs_read_escape(fs_string_reader *reader, fs_buffer *out)
{
	static const char escapes[] = "\"\\/bfnrt";
	static const char characters[] = "\"\\/\b\f\n\r\t";
	const char *escape = reader->next - 1;
	const char *found;

	if (fs_take(reader, 'u'))
		return fs_read_unicode(reader, escape, out);
	found = reader->next == reader->end ? NULL :
		memchr(escapes, *reader->next, sizeof(escapes) - 1);
	if (found == NULL)
		return fs_fail(reader, escape, "invalid escape");
	reader->next++;
	fs_buffer_append(out, &characters[found - escapes], 1);
	return true;
}

/* Over the bytes that stand for themselves. */
static bool
fs_read_plain(fs_string_reader *reader, fs_text *plain)
{
	const char *c = reader->next;
	unsigned char all = 0;

	while (c < reader->end && (unsigned char) *c >= ' ' && *c != '"' && *c != '\\')
		all |= (unsigned char) *c++;
	*plain = (fs_text) {reader->next, (size_t) (c - reader->next)};
	if (all >= 0x80)
	{
		size_t		valid = fs_utf8_valid_part(plain->data, plain->length);

		if (valid < plain->length)
			return fs_fail(reader, plain->data + valid, "the text is not UTF-8");
	}
	reader->next = c;
	return true;
}

/* After bytes that are no escape. */
static bool
fs_read_last_quote(fs_string_reader *reader)
{
	if (fs_take(reader, '"'))
		return true;
	return fs_fail(reader, reader->next, reader->next == reader->end ? "premature end of input" :
				   "a control character must be escaped");
}

bool
fs_read_string(fs_string_reader *reader, fs_buffer *out, fs_text *text)
{
	size_t		start = out->length;
	fs_text		plain;

	reader->problem = NULL;
	if (!fs_read_plain(reader, text))
		return false;
	if (reader->next == reader->end || *reader->next != '\\')
		return fs_read_last_quote(reader);
	fs_buffer_append(out, text->data, text->length);
	while (fs_take(reader, '\\'))
	{
		if (!fs_read_escape(reader, out) || !fs_read_plain(reader, &plain))
			return false;
		fs_buffer_append(out, plain.data, plain.length);
	}
	*text = (fs_text) {NULL, out->length - start};
	return fs_read_last_quote(reader) && !out->no_memory;
}

char *
fs_decode_string(fs_text string)
{
	fs_string_reader reader = {.next = string.data + 1, .end = string.data + string.length};
	fs_buffer	decoded = {0};
	fs_text		text;

	if (string.length < 2 || string.data[0] != '"' || !fs_read_string(&reader, &decoded, &text) ||
		reader.next != reader.end)
	{
		free(decoded.data);
		return NULL;
	}
	if (text.data != NULL)
		fs_buffer_append(&decoded, text.data, text.length);
	return fs_finish_text(&decoded);
}
