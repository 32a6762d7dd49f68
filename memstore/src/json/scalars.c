/*
 * json/scalars.c
 *		Strings, numbers and literals of a JSON text, as they are read into a document.
 */
#include <string.h>

#include "base/json_number.h"
#include "base/json_string.h"
#include "json/reader.h"

#define FS_NUMBER_SHAPE \
	"A number has no leading zero, no plus sign, and digits on both sides of its point, if any."
#define FS_RANGE_SHAPE \
	"A number written out has at most 131072 digits before its point and 16383 behind it."

/* So many bytes a length may have in a head, seven bits in each, with the first one. */
#define FS_LONGEST_TEXT_HEAD 11

static void
fs_write_byte(fs_reader *reader, size_t value)
{
	char		byte = (char) value;

	fs_buffer_append(&reader->document, &byte, 1);
}

static void
fs_write_text_head(fs_reader *reader, fs_json_kind kind, size_t length)
{
	if (length < FS_JSON_LONG)
	{
		fs_write_byte(reader, kind | length << FS_JSON_KIND_BITS);
		return;
	}
	fs_write_byte(reader, kind | FS_JSON_LONG << FS_JSON_KIND_BITS);
	for (; length >= 0x80; length >>= 7)
		fs_write_byte(reader, length | 0x80);
	fs_write_byte(reader, length);
}

/*
 * Text that has been written before its length was known stands so far behind start: puts the head
 * there, and the text behind it.
 */
static void
fs_add_text_head(fs_reader *reader, fs_json_kind kind, size_t start)
{
	fs_buffer  *document = &reader->document;
	size_t		length = document->length - start - FS_LONGEST_TEXT_HEAD;

	if (document->no_memory)
		return;
	document->length = start;
	fs_write_text_head(reader, kind, length);
	memmove(document->data + document->length, document->data + start + FS_LONGEST_TEXT_HEAD, length);
	document->length += length;
}

bool
fs_reader_take_text(fs_reader *reader)
{
	size_t		start = reader->document.length;
	fs_string_reader string = {.next = reader->next, .end = reader->end};
	fs_text		text;

	if (!fs_reader_leave_room(reader, FS_LONGEST_TEXT_HEAD))
		return false;
	if (!fs_read_string(&string, &reader->document, &text))
		return string.problem != NULL &&
			fs_reader_refuse(reader, string.next, FS_JSON_SHAPE, string.problem);
	reader->next = string.next;
	if (text.data == NULL)
	{
		fs_add_text_head(reader, FS_JSON_STRING, start);
		return true;
	}
	reader->document.length = start;
	fs_write_text_head(reader, FS_JSON_STRING, text.length);
	fs_buffer_append(&reader->document, text.data, text.length);
	return true;
}

/*
 * Is the token in canonical form?  Most are: one digit, or several that neither begin nor end with
 * zero.  Longer tokens are checked more closely.
 */
static bool
fs_is_canonical(fs_text token)
{
	size_t		sign = token.data[0] == '-' ? 1 : 0;

	if (token.length == sign || token.length > FS_JSON_LONG)
		return false;
	if (token.length > 1 && (token.data[sign] == '0' || token.data[token.length - 1] == '0'))
		return false;
	for (size_t i = sign; i < token.length; i++)
	{
		if (token.data[i] < '0' || token.data[i] > '9')
			return false;
	}
	return true;
}

/* The exponent 0 is left out. */
static bool
fs_write_canonical(fs_reader *reader, fs_text token)
{
	fs_buffer  *document = &reader->document;
	size_t		start = document->length;
	fs_number	number;

	if (!fs_scan_number(token, &number))
		return fs_reader_refuse(reader, token.data, FS_NUMBER_SHAPE, "malformed number");
	if (!fs_reader_leave_room(reader, FS_LONGEST_TEXT_HEAD))
		return false;
	if (!fs_write_number(document, &number))
		return fs_reader_refuse(reader, token.data, FS_RANGE_SHAPE, "the number is out of range");
	if (!document->no_memory && memcmp(document->data + document->length - 2, "e0", 2) == 0)
		document->length -= 2;
	fs_add_text_head(reader, FS_JSON_NUMBER, start);
	return true;
}

bool
fs_reader_take_number(fs_reader *reader)
{
	fs_text		token = fs_number_token(reader->next, reader->end);

	reader->next += token.length;
	if (!fs_is_canonical(token))
		return fs_write_canonical(reader, token);
	fs_write_text_head(reader, FS_JSON_NUMBER, token.length);
	fs_buffer_append(&reader->document, token.data, token.length);
	return true;
}

bool
fs_reader_take_literal(fs_reader *reader, const char *literal, fs_json_kind kind, unsigned int more)
{
	size_t		length = strlen(literal);

	if ((size_t) (reader->end - reader->next) < length ||
		memcmp(reader->next, literal, length) != 0)
		return fs_reader_refuse(reader, reader->next, FS_JSON_SHAPE, "invalid token");
	reader->next += length;
	fs_write_byte(reader, kind | more << FS_JSON_KIND_BITS);
	return true;
}
