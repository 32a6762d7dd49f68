/*
 * input/stream_options.c
 *		The options of a stream that come as a JSON document.
 *
 * A table has a row for each key, with the function that takes its value.
 */
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json_walk.h"
#include "input/slices.h"
#include "input/stream_options.h"
#include "json/binding.h"
#include "json/document.h"
#include "results/error.h"

#define FS_OPTIONS_SHAPE \
	"Options are name, event_query, start, timeout_ms, ack_batches, ack_ms, transactional, in_background, " \
	"partition_key, partitions and partition."

/* One member: its key, and where its value goes. */
typedef struct fs_option
{
	const char *key;
	fs_json_kind kind;
	bool		(*take) (const struct fs_option *option, fs_json value, void *target,
						 fs_input_error *error);
	size_t		offset;			/* in fs_stream_options */
} fs_option;

static bool
fs_take_text(const fs_option *option, fs_json value, void *target, fs_input_error *error)
{
	fs_text		text = fs_json_string(value);
	char	  **copy = target;

	(void) option;
	*copy = strndup(text.data, text.length);
	return *copy != NULL || fs_out_of_memory(error);
}

static bool
fs_take_flag(const fs_option *option, fs_json value, void *target, fs_input_error *error)
{
	(void) option;
	(void) error;
	*(bool *) target = fs_json_boolean(value);
	return true;
}

static bool
fs_take_integer(const fs_option *option, fs_json value, void *target, fs_input_error *error)
{
	char		path[64];

	if (fs_json_int64(value, target) == FS_INT64_OK)
		return true;
	(void) snprintf(path, sizeof(path), "$.%s", option->key);
	return fs_malformed(error, path, NULL, "%s must be an integer of 64 bits", option->key);
}

/* A negative number is none of a partition, and the API refuses what is too large. */
static bool
fs_take_number(const fs_option *option, fs_json value, void *target, fs_input_error *error)
{
	int64_t		number;
	char		path[64];

	if (fs_json_int64(value, &number) == FS_INT64_OK && number >= 0 && number <= INT32_MAX)
	{
		*(uint32_t *) target = (uint32_t) number;
		return true;
	}
	(void) snprintf(path, sizeof(path), "$.%s", option->key);
	return fs_malformed(error, path, NULL, "%s must be an integer of 31 bits", option->key);
}

/* Its text is taken from the document later, as it is spelt there. */
static bool
fs_take_query(const fs_option *option, fs_json value, void *target, fs_input_error *error)
{
	(void) option;
	(void) value;
	(void) target;
	(void) error;
	return true;
}

static bool
fs_take_count(const fs_option *option, fs_json value, void *target, fs_input_error *error)
{
	int64_t		count;

	if (!fs_take_integer(option, value, &count, error))
		return false;
	if (count < 0)
		return fs_malformed(error, "$", FS_OPTIONS_SHAPE, "%s must not be negative", option->key);
	*(size_t *) target = (size_t) count;
	return true;
}

static const fs_option fs_options[] = {
	{"ack_batches", FS_JSON_NUMBER, fs_take_count,
	offsetof(fs_stream_options, options.ack_batches)},
	{"ack_ms", FS_JSON_NUMBER, fs_take_integer, offsetof(fs_stream_options, options.ack_ms)},
	{"event_query", FS_JSON_OBJECT, fs_take_query, 0},
	{"in_background", FS_JSON_BOOLEAN, fs_take_flag,
	offsetof(fs_stream_options, options.in_background)},
	{"name", FS_JSON_STRING, fs_take_text, offsetof(fs_stream_options, name)},
	{"partition", FS_JSON_NUMBER, fs_take_number, offsetof(fs_stream_options, options.partition)},
	{"partition_key", FS_JSON_STRING, fs_take_text, offsetof(fs_stream_options, partition_key)},
	{"partitions", FS_JSON_NUMBER, fs_take_number, offsetof(fs_stream_options, options.partitions)},
	{"timeout_ms", FS_JSON_NUMBER, fs_take_integer,
	offsetof(fs_stream_options, options.timeout_ms)},
	{"transactional", FS_JSON_BOOLEAN, fs_take_flag,
	offsetof(fs_stream_options, options.transactional)}
};

/* "first", "now", or the number of the fact after which it begins. */
static bool
fs_take_start(fs_json value, factstr_stream_options *options, fs_input_error *error)
{
	int64_t		after;

	if (fs_json_kind_of(value) == FS_JSON_NUMBER && fs_json_int64(value, &after) == FS_INT64_OK &&
		after >= 0)
	{
		options->start = FACTSTR_FROM_AFTER;
		options->after_sequence_number = (uint64_t) after;
		return true;
	}
	if (fs_json_kind_of(value) == FS_JSON_STRING && fs_text_is(fs_json_string(value), "first"))
		options->start = FACTSTR_FROM_FIRST;
	else if (fs_json_kind_of(value) == FS_JSON_STRING && fs_text_is(fs_json_string(value), "now"))
		options->start = FACTSTR_FROM_NOW;
	else
		return fs_malformed(error, "$.start", NULL,
							"start must be \"first\", \"now\", or the number of a fact");
	return true;
}

static bool
fs_take_option(fs_text key, fs_json value, fs_stream_options *parsed, fs_input_error *error)
{
	char		path[64];

	if (fs_text_is(key, "start"))
		return fs_take_start(value, &parsed->options, error);
	for (size_t i = 0; i < sizeof(fs_options) / sizeof(fs_options[0]); i++)
	{
		const fs_option *option = &fs_options[i];

		if (!fs_text_is(key, option->key))
			continue;
		if (fs_json_kind_of(value) == option->kind)
			return option->take(option, value, (char *) parsed + option->offset, error);
		(void) snprintf(path, sizeof(path), "$.%s", option->key);
		return fs_wrong_kind(error, path, FS_OPTIONS_SHAPE, option->key, option->kind,
							 fs_json_kind_of(value));
	}
	return fs_unknown_key(error, "$", key, FS_OPTIONS_SHAPE);
}

/* Of several members with one key the last one counts, as for the loader. */
static bool
fs_take_query_text(const char *text, fs_stream_options *parsed, fs_input_error *error)
{
	fs_json_walk members;
	fs_text		key;
	fs_text		value;
	fs_text		query = {NULL, 0};

	(void) fs_json_walk_begin(&members, text, '{');
	while (fs_json_walk_member(&members, &key, &value))
	{
		if (fs_slice_key_is(key.data, "event_query"))
			query = value;
	}
	if (query.data == NULL)
		return true;
	parsed->event_query = strndup(query.data, query.length);
	return parsed->event_query != NULL || fs_out_of_memory(error);
}

static bool
fs_take_options(const char *text, fs_json document, fs_stream_options *parsed,
				fs_input_error *error)
{
	fs_json_iterator members;
	fs_text		key;
	fs_json		value;

	if (fs_json_kind_of(document) != FS_JSON_OBJECT)
		return fs_wrong_kind(error, "$", FS_OPTIONS_SHAPE, "options", FS_JSON_OBJECT,
							 fs_json_kind_of(document));
	fs_json_iterate(document, &members);
	while (fs_json_next_member(&members, &key, &value))
	{
		if (!fs_take_option(key, value, parsed, error))
			return false;
	}
	return fs_take_query_text(text, parsed, error);
}

int
fs_stream_options_of_json(const char *text, fs_stream_options *parsed, factstr_error *error)
{
	fs_input_error input_error;
	fs_json		document;
	bool		success;

	*parsed = (fs_stream_options) {.options = FACTSTR_STREAM_OPTIONS_INIT};
	if (text == NULL)
		return FACTSTR_OK;
	document = fs_json_document_load(text, strlen(text), &input_error);
	success = document != NULL && fs_take_options(text, document, parsed, &input_error);
	fs_json_document_release(document);
	parsed->options.partition_key = parsed->partition_key;
	if (success)
		return FACTSTR_OK;
	fs_stream_options_release(parsed);
	return fs_error_of_input(error, "options", &input_error);
}

void
fs_stream_options_release(fs_stream_options *parsed)
{
	free(parsed->name);
	free(parsed->event_query);
	free(parsed->partition_key);
	memset(parsed, 0, sizeof(*parsed));
}
