/*
 * canonical.c
 *		One spelling for each JSON value.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "canonical.h"
#include "error.h"
#include "json_jansson.h"
#include "json_text.h"

/* Numbers are written without an exponent up to this many digits before the point. */
#define CLI_PLAIN_DIGITS 21

/* And down to this many zeros behind the point. */
#define CLI_PLAIN_ZEROS 6

typedef struct cli_member
{
	fs_text		key;
	fs_json		value;
} cli_member;

static void cli_write_value(fs_buffer *out, fs_json value);

static void
cli_write_zeros(fs_buffer *out, int64_t count)
{
	for (int64_t i = 0; i < count; i++)
		fs_buffer_append(out, "0", 1);
}

/* point is where the decimal point is, counted from the first digit. */
static void
cli_write_plain(fs_buffer *out, fs_text digits, int64_t point)
{
	if (point <= 0)
	{
		fs_buffer_append_text(out, "0.");
		cli_write_zeros(out, -point);
		fs_buffer_append(out, digits.data, digits.length);
	}
	else if ((uint64_t) point >= digits.length)
	{
		fs_buffer_append(out, digits.data, digits.length);
		cli_write_zeros(out, point - (int64_t) digits.length);
	}
	else
	{
		fs_buffer_append(out, digits.data, (size_t) point);
		fs_buffer_append(out, ".", 1);
		fs_buffer_append(out, digits.data + point, digits.length - (size_t) point);
	}
}

static void
cli_write_exponential(fs_buffer *out, fs_text digits, int64_t exponent)
{
	char		written[24];

	fs_buffer_append(out, digits.data, 1);
	if (digits.length > 1)
	{
		fs_buffer_append(out, ".", 1);
		fs_buffer_append(out, digits.data + 1, digits.length - 1);
	}
	(void) snprintf(written, sizeof(written), "e%+" PRId64, exponent);
	fs_buffer_append_text(out, written);
}

/* The document spells a number as -25e-2: digits without zeros at either end, and an exponent. */
static void
cli_write_number(fs_buffer *out, fs_json number)
{
	fs_text		text = fs_json_string(number);
	const char *e;
	int64_t		point;

	/* What fs_json_string returns begins behind the tag. */
	if (*text.data == '-')
	{
		fs_buffer_append(out, "-", 1);
		text.data++;
	}
	e = strchr(text.data, 'e');
	text.length = (size_t) (e - text.data);
	point = (int64_t) text.length + strtoll(e + 1, NULL, 10);
	if (point > CLI_PLAIN_DIGITS || point < -CLI_PLAIN_ZEROS)
		cli_write_exponential(out, text, point - 1);
	else
		cli_write_plain(out, text, point);
}

static int
cli_compare_members(const void *a, const void *b)
{
	const fs_text *key_a = &((const cli_member *) a)->key;
	const fs_text *key_b = &((const cli_member *) b)->key;
	size_t		common = key_a->length < key_b->length ? key_a->length : key_b->length;
	int			order = memcmp(key_a->data, key_b->data, common);

	if (order != 0)
		return order;
	return (key_a->length > key_b->length) - (key_a->length < key_b->length);
}

static void
cli_write_object(fs_buffer *out, fs_json object)
{
	size_t		count = 0;
	cli_member *members = malloc((fs_json_count(object) + 1) * sizeof(cli_member));
	fs_json_iterator iterator;

	if (members == NULL)
	{
		out->no_memory = true;
		return;
	}
	fs_json_iterate(object, &iterator);
	while (fs_json_next_member(&iterator, &members[count].key, &members[count].value))
		count++;
	qsort(members, count, sizeof(cli_member), cli_compare_members);
	fs_buffer_append(out, "{", 1);
	for (size_t i = 0; i < count; i++)
	{
		if (i > 0)
			fs_buffer_append(out, ",", 1);
		fs_write_string(out, members[i].key.data);
		fs_buffer_append(out, ":", 1);
		cli_write_value(out, members[i].value);
	}
	fs_buffer_append(out, "}", 1);
	free(members);
}

static void
cli_write_array(fs_buffer *out, fs_json array)
{
	fs_json_iterator elements;
	fs_json		element;
	bool		first = true;

	fs_buffer_append(out, "[", 1);
	fs_json_iterate(array, &elements);
	while (fs_json_next_element(&elements, &element))
	{
		if (!first)
			fs_buffer_append(out, ",", 1);
		first = false;
		cli_write_value(out, element);
	}
	fs_buffer_append(out, "]", 1);
}

/* No deeper than the loader allows. */
static void
cli_write_value(fs_buffer *out, fs_json value)
{
	switch (fs_json_kind_of(value))
	{
		case FS_JSON_NULL:
			fs_buffer_append_text(out, "null");
			break;
		case FS_JSON_BOOLEAN:
			fs_buffer_append_text(out, json_is_true(value) ? "true" : "false");
			break;
		case FS_JSON_NUMBER:
			cli_write_number(out, value);
			break;
		case FS_JSON_STRING:
			fs_write_string(out, fs_json_string(value).data);
			break;
		case FS_JSON_ARRAY:
			cli_write_array(out, value);
			break;
		case FS_JSON_OBJECT:
			cli_write_object(out, value);
			break;
	}
}

int
cli_write_canonical(fs_buffer *out, const char *text, factstr_error *error)
{
	fs_input_error input_error;
	json_t	   *document = fs_json_document_load(text, strlen(text), &input_error);

	if (document == NULL)
		return fs_error_of_input(error, "JSON", &input_error);
	cli_write_value(out, document);
	json_decref(document);
	return out->no_memory ? fs_error_no_memory(error) : FACTSTR_OK;
}
