/*
 * batch_redactions.c
 *		The redactions of a fact as its record has them, read and written.
 */
#include <stdlib.h>
#include <string.h>

#include "base/json_text.h"
#include "base/json_walk.h"
#include "base/times.h"
#include "batch_text.h"
#include "errors.h"
#include "slice_text.h"

static int
cli_malformed_redaction(uint64_t sequence_number, factstr_error *error)
{
	(void) cli_error(error, FACTSTR_MALFORMED, "invalid batch: the redactions of fact %llu are malformed",
					 (unsigned long long) sequence_number);
	cli_error_detail(error, "They are an array of objects with \"redacted_at\", \"redacted_by\" and "
					 "\"reason\".");
	return FACTSTR_MALFORMED;
}

/* Room for one more. */
static factstr_redaction *
cli_new_redaction(cli_parsed_batch *parsed)
{
	size_t		capacity = parsed->redaction_capacity == 0 ? 8 : parsed->redaction_capacity * 2;
	factstr_redaction *redactions = parsed->redactions;

	if (parsed->batch.redaction_count == parsed->redaction_capacity)
	{
		redactions = realloc(redactions, capacity * sizeof(factstr_redaction));
		if (redactions == NULL)
			return NULL;
		parsed->redactions = redactions;
		parsed->redaction_capacity = capacity;
	}
	return &redactions[parsed->batch.redaction_count];
}

/* Takes the members of one redaction. */
static bool
cli_take_redaction(fs_json_walk *members, factstr_redaction *redaction)
{
	fs_text		key;
	fs_text		value;
	const char *time = NULL;

	while (fs_json_walk_member(members, &key, &value))
	{
		if (fs_text_is(key, "\"redacted_at\""))
			time = cli_string(value);
		else if (fs_text_is(key, "\"redacted_by\""))
			redaction->redacted_by = cli_string(value);
		else if (fs_text_is(key, "\"reason\""))
			redaction->reason = cli_string(value);
		else
			return false;
	}
	return redaction->redacted_by != NULL && redaction->reason != NULL && time != NULL &&
		fs_parse_time(time, &redaction->redacted_at);
}

int
cli_parse_redactions(fs_text array, uint64_t sequence_number, cli_parsed_batch *parsed,
					 factstr_error *error)
{
	fs_json_walk redactions;
	fs_json_walk members;

	if (array.data == NULL)
		return FACTSTR_OK;
	if (!fs_json_walk_begin(&redactions, array.data, '['))
		return cli_malformed_redaction(sequence_number, error);
	while (fs_json_walk_enter(&redactions, &members, '{'))
	{
		factstr_redaction *redaction = cli_new_redaction(parsed);

		if (redaction == NULL)
			return cli_error_no_memory(error);
		*redaction = (factstr_redaction) {.sequence_number = sequence_number};
		if (!cli_take_redaction(&members, redaction))
			return cli_malformed_redaction(sequence_number, error);
		fs_json_walk_leave(&redactions, &members);
		parsed->batch.redaction_count++;
	}
	return fs_json_walk_complete(&redactions) ? FACTSTR_OK :
		cli_malformed_redaction(sequence_number, error);
}

void
cli_parsed_batch_release(cli_parsed_batch *parsed)
{
	free(parsed->facts);
	free(parsed->redactions);
	*parsed = (cli_parsed_batch) {0};
}

void
cli_write_redaction(fs_buffer *out, const factstr_redaction *redaction)
{
	fs_buffer_append_text(out, "\"redacted_at\": ");
	fs_write_time(out, redaction->redacted_at);
	fs_buffer_append_text(out, ", \"redacted_by\": ");
	fs_write_string(out, redaction->redacted_by);
	fs_buffer_append_text(out, ", \"reason\": ");
	fs_write_string(out, redaction->reason);
	fs_buffer_append_text(out, "}");
}

/* In place of the brace that ends the record. */
void
cli_write_redactions(fs_buffer *out, const factstr_batch *batch, uint64_t sequence_number)
{
	const char *separator = ", \"redactions\": [{";

	for (size_t i = 0; i < batch->redaction_count; i++)
	{
		if (batch->redactions[i].sequence_number != sequence_number)
			continue;
		if (separator[2] == '"' && !out->no_memory)
			out->length--;
		fs_buffer_append_text(out, separator);
		cli_write_redaction(out, &batch->redactions[i]);
		separator = ", {";
	}
	if (separator[2] != '"')
		fs_buffer_append_text(out, "]}");
}
