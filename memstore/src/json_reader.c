/*
 * json_reader.c
 *		The short way from JSON text to a document.
 *
 * One pass, without a token of its own for anything.  At whatever is wrong it gives up, and the
 * long way is taken, which knows the words for it.
 */
#include <stdlib.h>
#include <string.h>

#include "buffer.h"
#include "json_document.h"
#include "json_number.h"
#include "json_reader.h"
#include "utf8.h"

typedef struct fs_reader
{
	const char *next;
	const char *end;
	int			depth;
	bool		no_memory;
	fs_buffer	decoded;		/* a stack: who adds something takes it away again */
} fs_reader;

static json_t *fs_read_value(fs_reader *reader);

/* Of what jansson makes and does here, nothing fails but for want of memory. */
static bool
fs_note_made(fs_reader *reader, bool is_made)
{
	reader->no_memory = reader->no_memory || !is_made;
	return is_made;
}

/* A new string, or NULL. */
static json_t *
fs_make_string(fs_reader *reader, const char *data, size_t length)
{
	json_t	   *string = json_stringn_nocheck(data, length);

	(void) fs_note_made(reader, string != NULL);
	return string;
}

static void
fs_skip_blanks(fs_reader *reader)
{
	while (reader->next < reader->end &&
		   (*reader->next == ' ' || *reader->next == '\t' || *reader->next == '\n' ||
			*reader->next == '\r'))
		reader->next++;
}

static bool
fs_take(fs_reader *reader, char expected)
{
	if (reader->next == reader->end || *reader->next != expected)
		return false;
	reader->next++;
	return true;
}

/* The four digits of an escape; negative if they are none. */
static int
fs_read_code_unit(fs_reader *reader)
{
	int			unit = 0;

	if (reader->end - reader->next < 4)
		return -1;
	for (int i = 0; i < 4; i++)
	{
		char		c = *reader->next++;

		if (c >= '0' && c <= '9')
			unit = unit * 16 + (c - '0');
		else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
			unit = unit * 16 + ((c | 0x20) - 'a' + 10);
		else
			return -1;
	}
	return unit;
}

/* The character behind \u, which may be spelt as two; negative if there is none, or it is NUL. */
static int
fs_read_escaped_character(fs_reader *reader)
{
	int			unit = fs_read_code_unit(reader);
	int			second;

	if (unit <= 0 || (unit >= 0xDC00 && unit <= 0xDFFF))
		return -1;
	if (unit < 0xD800 || unit > 0xDBFF)
		return unit;
	if (!fs_take(reader, '\\') || !fs_take(reader, 'u'))
		return -1;
	second = fs_read_code_unit(reader);
	if (second < 0xDC00 || second > 0xDFFF)
		return -1;
	return 0x10000 + ((unit - 0xD800) << 10) + (second - 0xDC00);
}

static void
fs_append_character(fs_buffer *buffer, int character)
{
	char		bytes[4];
	size_t		length = character < 0x80 ? 1 : character < 0x800 ? 2 : character < 0x10000 ? 3 : 4;

	for (size_t i = length - 1; i > 0; i--)
	{
		bytes[i] = (char) (0x80 | (character & 0x3F));
		character >>= 6;
	}
	bytes[0] = (char) (length == 1 ? character : (0xF00 >> length & 0xFF) | character);
	fs_buffer_append(buffer, bytes, length);
}

/* Behind the backslash. */
static bool
fs_read_escape(fs_reader *reader)
{
	static const char escapes[] = "\"\\/bfnrt";
	static const char characters[] = "\"\\/\b\f\n\r\t";
	const char *escape;
	int			character;

	if (reader->next == reader->end || *reader->next == '\0')
		return false;
	if (fs_take(reader, 'u'))
	{
		character = fs_read_escaped_character(reader);
		if (character < 0)
			return false;
		fs_append_character(&reader->decoded, character);
		return true;
	}
	escape = strchr(escapes, *reader->next++);
	if (escape == NULL)
		return false;
	fs_buffer_append(&reader->decoded, &characters[escape - escapes], 1);
	return true;
}

/* Over the bytes that stand for themselves.  False if they are not UTF-8. */
static bool
fs_read_plain(fs_reader *reader, fs_text *plain)
{
	const char *c = reader->next;
	unsigned char all = 0;

	while (c < reader->end && (unsigned char) *c >= ' ' && *c != '"' && *c != '\\')
		all |= (unsigned char) *c++;
	*plain = (fs_text) {reader->next, (size_t) (c - reader->next)};
	reader->next = c;
	return all < 0x80 || fs_utf8_is_valid(plain->data, plain->length);
}

/*
 * A string, from behind its first quote.  Its text is a part of the JSON text; or, where that has
 * escapes, what has been added to reader->decoded, and *string has no data until that is at rest.
 */
static bool
fs_read_string(fs_reader *reader, fs_text *string)
{
	size_t		start = reader->decoded.length;
	fs_text		plain;

	if (!fs_read_plain(reader, string))
		return false;
	if (fs_take(reader, '"'))
		return true;
	fs_buffer_append(&reader->decoded, string->data, string->length);
	while (fs_take(reader, '\\'))
	{
		if (!fs_read_escape(reader) || !fs_read_plain(reader, &plain))
			return false;
		fs_buffer_append(&reader->decoded, plain.data, plain.length);
	}
	*string = (fs_text) {NULL, reader->decoded.length - start};
	return fs_take(reader, '"') && !reader->decoded.no_memory;
}

/* Where the text of a string is, given where what it has added begins. */
static const char *
fs_string_data(const fs_reader *reader, fs_text string, size_t start)
{
	if (string.data != NULL)
		return string.data;
	return string.length > 0 ? reader->decoded.data + start : "";
}

/* A string that begins with the tag, with a second one in front. */
static json_t *
fs_make_tagged_string(fs_reader *reader, const char *data, size_t length)
{
	fs_buffer	tagged = {0};
	char		tag = FS_JSON_TAG;
	json_t	   *string = NULL;

	fs_buffer_append(&tagged, &tag, 1);
	fs_buffer_append(&tagged, data, length);
	if (fs_note_made(reader, !tagged.no_memory))
		string = fs_make_string(reader, tagged.data, tagged.length);
	free(tagged.data);
	return string;
}

static json_t *
fs_read_string_value(fs_reader *reader)
{
	size_t		start = reader->decoded.length;
	fs_text		string;
	const char *data;

	if (!fs_read_string(reader, &string))
		return NULL;
	data = fs_string_data(reader, string, start);
	reader->decoded.length = start;
	if (string.length > 0 && data[0] == FS_JSON_TAG)
		return fs_make_tagged_string(reader, data, string.length);
	return fs_make_string(reader, data, string.length);
}

static json_t *
fs_read_number(fs_reader *reader)
{
	fs_text		token = fs_number_token(reader->next, reader->end);
	size_t		start = reader->decoded.length;
	char		tag = FS_JSON_TAG;
	fs_number	number;
	size_t		length;

	fs_buffer_append(&reader->decoded, &tag, 1);
	if (!fs_scan_number(token, &number) || !fs_write_number(&reader->decoded, &number) ||
		reader->decoded.no_memory)
		return NULL;
	reader->next += token.length;
	length = reader->decoded.length - start;
	reader->decoded.length = start;
	return fs_make_string(reader, reader->decoded.data + start, length);
}

/* From behind the bracket. */
static bool
fs_read_elements(fs_reader *reader, json_t *array)
{
	fs_skip_blanks(reader);
	if (fs_take(reader, ']'))
		return true;
	do
	{
		json_t	   *element = fs_read_value(reader);

		/* Appending takes the value over, also when it fails. */
		if (element == NULL || !fs_note_made(reader, json_array_append_new(array, element) == 0))
			return false;
		fs_skip_blanks(reader);
	}
	while (fs_take(reader, ','));
	return fs_take(reader, ']');
}

static bool
fs_read_member(fs_reader *reader, json_t *object)
{
	size_t		start = reader->decoded.length;
	fs_text		key;
	const char *data;
	json_t	   *value;
	bool		is_set;

	fs_skip_blanks(reader);
	if (!fs_take(reader, '"') || !fs_read_string(reader, &key))
		return false;
	fs_skip_blanks(reader);
	if (!fs_take(reader, ':'))
		return false;
	value = fs_read_value(reader);
	data = fs_string_data(reader, key, start);
	is_set = value != NULL &&
		fs_note_made(reader, json_object_setn_new_nocheck(object, data, key.length, value) == 0);
	reader->decoded.length = start;
	return is_set;
}

/* From behind the brace. */
static bool
fs_read_members(fs_reader *reader, json_t *object)
{
	fs_skip_blanks(reader);
	if (fs_take(reader, '}'))
		return true;
	do
	{
		if (!fs_read_member(reader, object))
			return false;
		fs_skip_blanks(reader);
	}
	while (fs_take(reader, ','));
	return fs_take(reader, '}');
}

static json_t *
fs_read_nested(fs_reader *reader, bool is_object)
{
	json_t	   *nested = is_object ? json_object() : json_array();
	bool		is_read = false;

	reader->depth++;
	if (fs_note_made(reader, nested != NULL) && reader->depth <= JSON_PARSER_MAX_DEPTH)
		is_read = is_object ? fs_read_members(reader, nested) : fs_read_elements(reader, nested);
	reader->depth--;
	if (is_read)
		return nested;
	json_decref(nested);
	return NULL;
}

/* What comes behind the literal tells whether it ends there. */
static json_t *
fs_read_literal(fs_reader *reader, const char *literal, json_t *value)
{
	size_t		length = strlen(literal);

	if ((size_t) (reader->end - reader->next) < length ||
		memcmp(reader->next, literal, length) != 0)
		return NULL;
	reader->next += length;
	return value;
}

static json_t *
fs_read_value(fs_reader *reader)
{
	fs_skip_blanks(reader);
	if (reader->next == reader->end)
		return NULL;
	switch (*reader->next)
	{
		case '{':
		case '[':
			return fs_read_nested(reader, *reader->next++ == '{');
		case '"':
			reader->next++;
			return fs_read_string_value(reader);
		case 't':
			return fs_read_literal(reader, "true", json_true());
		case 'f':
			return fs_read_literal(reader, "false", json_false());
		case 'n':
			return fs_read_literal(reader, "null", json_null());
		default:
			return fs_read_number(reader);
	}
}

json_t *
fs_json_read(const char *text, size_t length, bool *no_memory)
{
	fs_reader	reader = {.next = text, .end = text + length};
	json_t	   *document = fs_read_value(&reader);

	fs_skip_blanks(&reader);
	if (document != NULL && reader.next != reader.end)
	{
		json_decref(document);
		document = NULL;
	}
	*no_memory = reader.no_memory || reader.decoded.no_memory;
	free(reader.decoded.data);
	return document;
}
