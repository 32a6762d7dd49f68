/*
 * results/records.c
 *		Facts as event records, which are JSON, and their times as text.
 */
#include "base/buffer.h"
#include "base/json_text.h"
#include "base/times.h"
#include "results/records.h"

_Static_assert(FACTSTR_TIME_SIZE >= FS_TIME_SIZE, "callers of factstr_format_time leave enough room");

char *
factstr_format_time(int64_t occurred_at, char *text)
{
	return fs_format_time(occurred_at, text);
}

void
fs_write_event_record(fs_buffer *out, const factstr_fact *fact)
{
	fs_buffer_append_text(out, "{");
	if (fact->sequence_number != 0)
	{
		fs_buffer_append_text(out, "\"sequence_number\": ");
		fs_write_integer(out, fact->sequence_number);
		fs_buffer_append_text(out, ", ");
	}
	fs_buffer_append_text(out, "\"occurred_at\": ");
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

void
fs_write_delivery(fs_buffer *out, const factstr_batch *batch)
{
	fs_buffer_append_text(out, "{\"first_sequence_number\": ");
	fs_write_integer(out, batch->first_sequence_number);
	fs_buffer_append_text(out, ", \"last_sequence_number\": ");
	fs_write_integer(out, batch->last_sequence_number);
	fs_buffer_append_text(out, ", \"event_records\": ");
	fs_write_event_records(out, batch->facts, batch->fact_count);
	fs_buffer_append_text(out, "}");
}

void
fs_write_redaction_members(fs_buffer *out, const factstr_redaction *redaction)
{
	fs_buffer_append_text(out, "\"redacted_at\": ");
	fs_write_time(out, redaction->redacted_at);
	fs_buffer_append_text(out, ", \"redacted_by\": ");
	fs_write_string(out, redaction->redacted_by);
	fs_buffer_append_text(out, ", \"reason\": ");
	fs_write_string(out, redaction->reason);
}

/* A fact's record with its redactions; *next is the first of the batch's that is not written yet. */
static void
fs_write_redacted_record(fs_buffer *out, const factstr_batch *batch, const factstr_fact *fact, size_t *next)
{
	const char *separator = ", \"redactions\": [{";

	fs_write_event_record(out, fact);
	if (*next == batch->redaction_count ||
		batch->redactions[*next].sequence_number != fact->sequence_number)
		return;
	if (!out->no_memory)
		out->length--;			/* the record's brace comes after them */
	while (*next < batch->redaction_count &&
		   batch->redactions[*next].sequence_number == fact->sequence_number)
	{
		fs_buffer_append_text(out, separator);
		fs_write_redaction_members(out, &batch->redactions[(*next)++]);
		fs_buffer_append_text(out, "}");
		separator = ", {";
	}
	fs_buffer_append_text(out, "]}");
}

void
fs_write_batch(fs_buffer *out, const factstr_batch *batch)
{
	size_t		redactions = 0;

	fs_buffer_append_text(out, "{");
	if (batch->first_sequence_number != 0)
	{
		fs_buffer_append_text(out, "\"first_sequence_number\": ");
		fs_write_integer(out, batch->first_sequence_number);
		fs_buffer_append_text(out, ", \"last_sequence_number\": ");
		fs_write_integer(out, batch->last_sequence_number);
		fs_buffer_append_text(out, ", ");
	}
	if (batch->idempotency_key != NULL)
	{
		fs_buffer_append_text(out, "\"idempotency_key\": ");
		fs_write_string(out, batch->idempotency_key);
		fs_buffer_append_text(out, ", ");
	}
	fs_buffer_append_text(out, "\"event_records\": [");
	for (size_t i = 0; i < batch->fact_count; i++)
	{
		fs_buffer_append_text(out, i == 0 ? "" : ", ");
		fs_write_redacted_record(out, batch, &batch->facts[i], &redactions);
	}
	fs_buffer_append_text(out, "]}");
}

char *
fs_deliveries_document(const factstr_batch *batches, size_t count)
{
	fs_buffer	out = {0};

	fs_buffer_append_text(&out, "[");
	for (size_t i = 0; i < count; i++)
	{
		fs_buffer_append_text(&out, i == 0 ? "" : ", ");
		fs_write_delivery(&out, &batches[i]);
	}
	fs_buffer_append_text(&out, "]");
	return fs_finish_text(&out);
}

/* Appends a value, unless it is empty, as one more member of an error document. */
static void
fs_write_words(fs_buffer *out, const char *key, const char *words)
{
	if (words[0] == '\0')
		return;
	fs_buffer_append_text(out, ", ");
	fs_write_string(out, key);
	fs_buffer_append_text(out, ": ");
	fs_write_string(out, words);
}

void
fs_write_error_members(fs_buffer *out, int code, const factstr_error *error)
{
	fs_buffer_append_text(out, "{\"code\": ");
	fs_write_string(out, factstr_code_name(code));
	fs_buffer_append_text(out, ", \"message\": ");
	fs_write_string(out, error->message);
	fs_write_words(out, "detail", error->detail);
	fs_write_words(out, "hint", error->hint);
}

char *
fs_error_document(int code, const factstr_error *error)
{
	fs_buffer	out = {0};

	fs_write_error_members(&out, code, error);
	fs_buffer_append_text(&out, "}");
	return fs_finish_text(&out);
}
