/*
 * input/stream_options.c
 *		The options of a stream that come as a JSON document.
 */
#include <stddef.h>
#include <stdlib.h>

#include "input/stream_options.h"
#include "results/error.h"

#define FS_STREAM_OPTIONS_SHAPE \
	"Options are start, after_sequence_number, timeout_ms, ack_batches, ack_ms, transactional, " \
	"in_background, partition_key, partitions and partition."

static bool
fs_take_start(const fs_given *given, void *member, fs_input_error *error)
{
	factstr_stream_start *start = member;
	bool		is_text = fs_json_kind_of(given->value) == FS_JSON_STRING;

	if (is_text && fs_text_is(fs_json_string(given->value), "first"))
		*start = FACTSTR_FROM_FIRST;
	else if (is_text && fs_text_is(fs_json_string(given->value), "now"))
		*start = FACTSTR_FROM_NOW;
	else
		return fs_refuse_option(given, "must be \"first\" or \"now\"", error);
	return true;
}

/* A number of a partition that is too large the API refuses. */
static bool
fs_take_partition(const fs_given *given, void *member, fs_input_error *error)
{
	uint32_t	number;

	if (!fs_take_uint32(given, &number, error))
		return false;
	*(int32_t *) member = (int32_t) number;
	return true;
}

static const fs_option fs_stream_option_table[] = {
	{"start", fs_take_start, offsetof(fs_stream_options, options.start), false},
	{"after_sequence_number", fs_take_optional_number,
	offsetof(fs_stream_options, after_sequence_number), false},
	{"timeout_ms", fs_take_int64, offsetof(fs_stream_options, options.timeout_ms), false},
	{"ack_batches", fs_take_size, offsetof(fs_stream_options, options.ack_batches), false},
	{"ack_ms", fs_take_int64, offsetof(fs_stream_options, options.ack_ms), false},
	{"transactional", fs_take_flag, offsetof(fs_stream_options, options.transactional), false},
	{"in_background", fs_take_flag, offsetof(fs_stream_options, options.in_background), false},
	{"partition_key", fs_take_text, offsetof(fs_stream_options, partition_key), false},
	{"partitions", fs_take_uint32, offsetof(fs_stream_options, options.partitions), false},
	{"partition", fs_take_partition, offsetof(fs_stream_options, options.partition), false},
	{NULL, NULL, 0, false}
};

/* A number says by itself where the stream begins. */
static int
fs_choose_start(fs_stream_options *parsed, factstr_error *error)
{
	factstr_stream_options *options = &parsed->options;

	if (!parsed->after_sequence_number.is_given)
		return FACTSTR_OK;
	if (options->start != FACTSTR_FROM_DEFAULT)
		return fs_error(error, FACTSTR_MALFORMED, "invalid options at $: start and "
						"after_sequence_number are two beginnings");
	options->start = FACTSTR_FROM_AFTER;
	options->after_sequence_number = parsed->after_sequence_number.number;
	return FACTSTR_OK;
}

int
fs_stream_options_of_json(const char *text, fs_stream_options *parsed, factstr_error *error)
{
	int			code;

	*parsed = (fs_stream_options) {.options = FACTSTR_STREAM_OPTIONS_INIT};
	code = fs_options_of_json(text, fs_stream_option_table, FS_STREAM_OPTIONS_SHAPE, parsed, error);
	if (code == FACTSTR_OK)
		code = fs_choose_start(parsed, error);
	parsed->options.partition_key = parsed->partition_key;
	if (code != FACTSTR_OK)
		fs_stream_options_release(parsed);
	return code;
}

void
fs_stream_options_release(fs_stream_options *parsed)
{
	free(parsed->partition_key);
	*parsed = (fs_stream_options) {0};
}
