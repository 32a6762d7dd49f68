/*
 * json.c
 *		A plain reader of JSON for the conformance suite.
 */
#include "json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Where in the text the reader is; NULL after an error. */
typedef struct reader
{
	const char *at;
} reader;

static fc_json *read_value(reader *r);

static void
skip_space(reader *r)
{
	if (r->at != NULL)
		r->at += strspn(r->at, " \t\r\n");
}

/* Takes one character, if it is next. */
static bool
take(reader *r, char wanted)
{
	skip_space(r);
	if (r->at == NULL || *r->at != wanted)
		return false;
	r->at++;
	return true;
}

static void *
allocate(size_t size)
{
	void	   *memory = calloc(1, size);

	if (memory == NULL)
		abort();
	return memory;
}

static fc_json *
new_value(fc_json_kind kind)
{
	fc_json    *value = allocate(sizeof(fc_json));

	value->kind = kind;
	return value;
}

void
fc_json_free(fc_json *value)
{
	while (value != NULL)
	{
		fc_json    *next = value->next;

		fc_json_free(value->first);
		free(value->text);
		free(value->key);
		free(value);
		value = next;
	}
}

static long
read_hex(reader *r)
{
	char		digits[5] = {0};
	char	   *end;
	long		unit;

	(void) strncpy(digits, r->at, 4);
	unit = strtol(digits, &end, 16);
	if (strlen(digits) != 4 || *end != '\0')
		return -1;
	r->at += 4;
	return unit;
}

/* The character after \u, as UTF-8.  Returns the end of the output, NULL on an error. */
static char *
read_unicode(reader *r, char *out)
{
	long		code = read_hex(r);

	if (code >= 0xD800 && code < 0xDC00 && r->at[0] == '\\' && r->at[1] == 'u')
	{
		long		low;

		r->at += 2;
		low = read_hex(r);
		code = low >= 0xDC00 && low < 0xE000 ? 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00) :
			-1;
	}
	if (code <= 0 || (code >= 0xD800 && code < 0xE000))
		return NULL;
	if (code < 0x80)
		*out++ = (char) code;
	else if (code < 0x800)
		*out++ = (char) (0xC0 | code >> 6);
	else if (code < 0x10000)
	{
		*out++ = (char) (0xE0 | code >> 12);
		*out++ = (char) (0x80 | (code >> 6 & 0x3F));
	}
	else
	{
		*out++ = (char) (0xF0 | code >> 18);
		*out++ = (char) (0x80 | (code >> 12 & 0x3F));
		*out++ = (char) (0x80 | (code >> 6 & 0x3F));
	}
	if (code >= 0x80)
		*out++ = (char) (0x80 | (code & 0x3F));
	return out;
}

static char *
read_escape(reader *r, char *out)
{
	static const char letters[] = "\"\\/bfnrt";
	static const char meanings[] = "\"\\/\b\f\n\r\t";
	char		letter = *r->at++;
	const char *found;

	if (letter == 'u')
		return read_unicode(r, out);
	found = letter == '\0' ? NULL : strchr(letters, letter);
	if (found == NULL)
		return NULL;
	*out++ = meanings[found - letters];
	return out;
}

/* How long a string may become: it ends with the first quote that is not escaped. */
static size_t
string_room(const char *at)
{
	const char *end = at;

	while (*end != '\0' && *end != '"')
		end += end[0] == '\\' && end[1] != '\0' ? 2 : 1;
	return (size_t) (end - at) + 1;
}

/* A string behind its first quote, as a new text; NULL on an error. */
static char *
read_string(reader *r)
{
	char	   *text = allocate(string_room(r->at));
	char	   *out = text;

	while (*r->at != '"')
	{
		if ((unsigned char) *r->at < ' ')
			out = NULL;
		else if (*r->at == '\\')
		{
			r->at++;
			out = read_escape(r, out);
		}
		else
			*out++ = *r->at++;
		if (out == NULL)
		{
			free(text);
			r->at = NULL;
			return NULL;
		}
	}
	r->at++;
	*out = '\0';
	return text;
}

/* Digits without leading and trailing zeros, and an exponent: 1, 1.0 and 10e-1 become 1e0. */
static char *
canonical_number(const char *digits, size_t count, long exponent, bool negative)
{
	char	   *text = allocate(count + 32);

	while (count > 0 && *digits == '0')
	{
		digits++;
		count--;
	}
	while (count > 0 && digits[count - 1] == '0')
	{
		count--;
		exponent++;
	}
	if (count == 0)
		(void) strcpy(text, "0");
	else
		(void) sprintf(text, "%s%.*se%ld", negative ? "-" : "", (int) count, digits, exponent);
	return text;
}

static size_t
copy_digits(reader *r, char *digits, size_t count)
{
	while (*r->at >= '0' && *r->at <= '9')
		digits[count++] = *r->at++;
	return count;
}

static char *
read_number(reader *r)
{
	char	   *digits = allocate(strspn(r->at, "-+.0123456789eE") + 1);
	bool		negative = *r->at == '-';
	size_t		count;
	size_t		whole;
	long		exponent = 0;
	char	   *text;

	if (negative)
		r->at++;
	whole = count = copy_digits(r, digits, 0);
	if (whole > 0 && *r->at == '.')
	{
		r->at++;
		count = copy_digits(r, digits, count);
	}
	if (whole == 0)
	{
		free(digits);
		r->at = NULL;
		return NULL;
	}
	if (*r->at == 'e' || *r->at == 'E')
	{
		char	   *end;

		exponent = strtol(r->at + 1, &end, 10);
		r->at = end;
	}
	text = canonical_number(digits, count, exponent - (long) (count - whole), negative);
	free(digits);
	return text;
}

static fc_json *
read_literal(reader *r, const char *word, fc_json_kind kind)
{
	if (strncmp(r->at, word, strlen(word)) != 0)
	{
		r->at = NULL;
		return NULL;
	}
	r->at += strlen(word);
	return new_value(kind);
}

/* Of duplicate keys the last counts.  Returns where the object's list ends. */
static fc_json **
remove_member(fc_json *object, const char *key)
{
	fc_json   **link = &object->first;

	while (*link != NULL)
	{
		fc_json    *member = *link;

		if (strcmp(member->key, key) != 0)
		{
			link = &member->next;
			continue;
		}
		*link = member->next;
		member->next = NULL;
		fc_json_free(member);
	}
	return link;
}

/* Reads an item and puts it at the end of the container, which ends at **end. */
static void
read_item(reader *r, fc_json *container, fc_json ***end)
{
	char	   *key = NULL;
	fc_json    *value;

	if (container->kind == FC_JSON_OBJECT)
	{
		key = take(r, '"') ? read_string(r) : NULL;
		if (key == NULL || !take(r, ':'))
		{
			free(key);
			r->at = NULL;
			return;
		}
	}
	value = read_value(r);
	if (value == NULL)
	{
		free(key);
		return;
	}
	if (key != NULL)
		*end = remove_member(container, key);
	value->key = key;
	**end = value;
	*end = &value->next;
}

static fc_json *
read_container(reader *r, fc_json_kind kind, char end)
{
	fc_json    *container = new_value(kind);
	fc_json   **last = &container->first;

	r->at++;
	if (take(r, end))
		return container;
	do
		read_item(r, container, &last);
	while (r->at != NULL && take(r, ','));
	if (r->at != NULL && take(r, end))
		return container;
	fc_json_free(container);
	r->at = NULL;
	return NULL;
}

static fc_json *
read_text(reader *r, fc_json_kind kind)
{
	char	   *text;
	fc_json    *value;

	if (kind == FC_JSON_STRING)
		r->at++;
	text = kind == FC_JSON_STRING ? read_string(r) : read_number(r);
	if (text == NULL)
		return NULL;
	value = new_value(kind);
	value->text = text;
	return value;
}

static fc_json *
read_any(reader *r)
{
	switch (*r->at)
	{
		case '{':
			return read_container(r, FC_JSON_OBJECT, '}');
		case '[':
			return read_container(r, FC_JSON_ARRAY, ']');
		case '"':
			return read_text(r, FC_JSON_STRING);
		case 'n':
			return read_literal(r, "null", FC_JSON_NULL);
		case 't':
			return read_literal(r, "true", FC_JSON_TRUE);
		case 'f':
			return read_literal(r, "false", FC_JSON_FALSE);
		default:
			return read_text(r, FC_JSON_NUMBER);
	}
}

static fc_json *
read_value(reader *r)
{
	const char *source;
	fc_json    *value;

	skip_space(r);
	if (r->at == NULL)
		return NULL;
	source = r->at;
	value = read_any(r);
	if (value != NULL)
	{
		value->source = source;
		value->source_length = (size_t) (r->at - source);
	}
	return value;
}

fc_json *
fc_json_parse(const char *text)
{
	reader		r = {text};
	fc_json    *value = text == NULL ? NULL : read_value(&r);

	skip_space(&r);
	if (value != NULL && (r.at == NULL || *r.at != '\0'))
	{
		fc_json_free(value);
		return NULL;
	}
	return value;
}

size_t
fc_json_count(const fc_json *container)
{
	size_t		count = 0;

	for (const fc_json *item = container->first; item != NULL; item = item->next)
		count++;
	return count;
}

const fc_json *
fc_json_get(const fc_json *object, const char *key)
{
	if (object == NULL || object->kind != FC_JSON_OBJECT)
		return NULL;
	for (const fc_json *member = object->first; member != NULL; member = member->next)
	{
		if (strcmp(member->key, key) == 0)
			return member;
	}
	return NULL;
}
