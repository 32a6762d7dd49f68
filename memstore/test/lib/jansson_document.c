/*
 * lib/jansson_document.c
 *		The same JSON text as jansson reads it, to compare the library's documents with.
 *
 * A string value that begins with the tag gets a second one, so that it is not taken for a number.
 * Nothing that is not JSON becomes JSON by the rewriting: a string may stand wherever a number may,
 * and the one place where only a string may stand, a key, is looked after.
 */
#include <stdlib.h>
#include <string.h>

#include "base/json_number.h"
#include "jansson_document.h"

#define TAG '\001'
#define TAG_ESCAPE "\\u0001"

/* A colon follows a key and nothing else. */
static bool
colon_follows(const char *after, const char *end)
{
	while (after < end && strchr(" \t\r\n", *after) != NULL && *after != '\0')
		after++;
	return after < end && *after == ':';
}

/* Each of these returns where it has come to; NULL: the text is no JSON. */
static const char *
rewrite_number(const char *next, const char *end, fs_buffer *out)
{
	fs_text		token = fs_number_token(next, end);
	fs_number	number;

	if (!fs_scan_number(token, &number) || colon_follows(token.data + token.length, end))
		return NULL;
	fs_buffer_append_text(out, "\"" TAG_ESCAPE);
	if (!fs_write_number(out, &number))
		return NULL;
	fs_buffer_append_text(out, "\"");
	return next + token.length;
}

/* With its quotes, or as far as it goes. */
static const char *
rewrite_string(const char *next, const char *end, fs_buffer *out)
{
	const char *start = next++;
	size_t		tag_length = strlen(TAG_ESCAPE);

	while (next < end && *next != '"')
		next += *next == '\\' && next + 1 < end ? 2 : 1;
	if (next < end)
		next++;
	if ((size_t) (next - start) > tag_length && memcmp(start + 1, TAG_ESCAPE, tag_length) == 0 &&
		!colon_follows(next, end))
	{
		fs_buffer_append_text(out, "\"" TAG_ESCAPE);
		start++;
	}
	fs_buffer_append(out, start, (size_t) (next - start));
	return next;
}

static bool
rewrite(const char *next, const char *end, fs_buffer *out)
{
	while (next != NULL && next < end)
	{
		if (*next == '-' || (*next >= '0' && *next <= '9'))
			next = rewrite_number(next, end, out);
		else if (*next == '"')
			next = rewrite_string(next, end, out);
		else
			fs_buffer_append(out, next++, 1);
	}
	return next != NULL;
}

json_t *
jansson_load(const char *text, size_t length)
{
	fs_buffer	out = {0};
	json_t	   *document = NULL;

	/* Behind a value jansson takes a NUL for the end. */
	if (memchr(text, '\0', length) == NULL && rewrite(text, text + length, &out) && !out.no_memory)
		document = json_loadb(out.data != NULL ? out.data : "", out.length, JSON_DECODE_ANY, NULL);
	free(out.data);
	return document;
}

static bool
agrees_on_array(const json_t *expected, fs_json value)
{
	fs_json_iterator elements;
	fs_json		element;
	size_t		index = 0;
	bool		agrees = fs_json_count(value) == json_array_size(expected);

	fs_json_iterate(value, &elements);
	while (agrees && fs_json_next_element(&elements, &element))
		agrees = jansson_agrees(json_array_get(expected, index++), element);
	return agrees && index == json_array_size(expected);
}

/* Each member is also found by its key, and a missing one is not. */
static bool
agrees_on_object(const json_t *expected, fs_json value)
{
	fs_json_iterator members;
	fs_text		key;
	fs_json		member;
	fs_json		found;
	size_t		count = 0;
	bool		agrees = fs_json_count(value) == json_object_size(expected);

	fs_json_iterate(value, &members);
	while (agrees && fs_json_next_member(&members, &key, &member))
	{
		const json_t *wanted = json_object_getn(expected, key.data, key.length);

		count++;
		agrees = wanted != NULL && jansson_agrees(wanted, member) &&
			fs_json_object_get(value, key, &found) && found == member;
	}
	return agrees && count == json_object_size(expected) &&
		!fs_json_object_get(value, (fs_text) {"\0", 1}, &found);
}

/* The library's form of a number leaves out the exponent 0. */
static bool
agrees_on_text(const json_t *expected, fs_json value)
{
	const char *text = json_string_value(expected);
	size_t		length = json_string_length(expected);
	bool		is_number = length > 1 && text[0] == TAG && text[1] != TAG;
	fs_text		found = fs_json_text_of(value);

	if (length > 0 && text[0] == TAG)
	{
		text++;
		length--;
	}
	if (is_number && strcmp(text + length - 2, "e0") == 0)
		length -= 2;
	return fs_json_kind_of(value) == (is_number ? FS_JSON_NUMBER : FS_JSON_STRING) &&
		found.length == length && memcmp(found.data, text, length) == 0;
}

bool
jansson_agrees(const json_t *expected, fs_json value)
{
	switch (fs_json_kind_of(value))
	{
		case FS_JSON_NULL:
			return json_is_null(expected);
		case FS_JSON_BOOLEAN:
			return json_is_boolean(expected) && json_is_true(expected) == fs_json_boolean(value);
		case FS_JSON_ARRAY:
			return json_is_array(expected) && agrees_on_array(expected, value);
		case FS_JSON_OBJECT:
			return json_is_object(expected) && agrees_on_object(expected, value);
		default:
			return json_is_string(expected) && agrees_on_text(expected, value);
	}
}
