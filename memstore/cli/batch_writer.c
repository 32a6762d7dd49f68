/*
 * batch_writer.c
 *		Writing batches as lines of text.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/json_text.h"
#include "batch_text.h"
#include "errors.h"

void
cli_write_record(fs_buffer *out, const factstr_fact *fact)
{
	fs_buffer_append_text(out, "{\"sequence_number\": ");
	fs_write_integer(out, fact->sequence_number);
	fs_buffer_append_text(out, ", \"occurred_at\": ");
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

/* The canonical form of a payload or of metadata; *canonical is for free. */
static int
cli_canonical_text(const char *text, const char *what, uint64_t sequence_number,
				   char **canonical, factstr_error *error)
{
	fs_buffer	out = {0};
	bool		is_written = cli_write_canonical(&out, text);

	*canonical = fs_finish_text(&out);
	if (*canonical == NULL)
		return cli_error_no_memory(error);
	if (!is_written)
		return cli_error(error, FACTSTR_MALFORMED, "the %s of fact %" PRIu64 " is not JSON", what,
						 sequence_number);
	return FACTSTR_OK;
}

static int
cli_write_canonical_record(fs_buffer *out, const factstr_fact *fact, factstr_error *error)
{
	factstr_fact canonical = *fact;
	char	   *payload = NULL;
	char	   *metadata = NULL;
	int			code;

	code = cli_canonical_text(fact->payload, "payload", fact->sequence_number, &payload, error);
	if (code == FACTSTR_OK && fact->metadata != NULL)
		code = cli_canonical_text(fact->metadata, "metadata", fact->sequence_number, &metadata,
								  error);
	canonical.payload = payload;
	canonical.metadata = metadata;
	if (code == FACTSTR_OK)
		cli_write_record(out, &canonical);
	free(payload);
	free(metadata);
	return code;
}

int
cli_write_batch(fs_buffer *out, const factstr_batch *batch, bool canonical, factstr_error *error)
{
	int			code = FACTSTR_OK;

	fs_buffer_append_text(out, "{\"first_sequence_number\": ");
	fs_write_integer(out, batch->first_sequence_number);
	fs_buffer_append_text(out, ", \"last_sequence_number\": ");
	fs_write_integer(out, batch->last_sequence_number);
	if (batch->idempotency_key != NULL)
	{
		fs_buffer_append_text(out, ", \"idempotency_key\": ");
		fs_write_string(out, batch->idempotency_key);
	}
	fs_buffer_append_text(out, ", \"event_records\": [");
	for (size_t i = 0; code == FACTSTR_OK && i < batch->fact_count; i++)
	{
		if (i > 0)
			fs_buffer_append_text(out, ", ");
		if (canonical)
			code = cli_write_canonical_record(out, &batch->facts[i], error);
		else
			cli_write_record(out, &batch->facts[i]);
		if (batch->redaction_count > 0)
			cli_write_redactions(out, batch, batch->facts[i].sequence_number);
	}
	fs_buffer_append_text(out, "]}");
	if (code == FACTSTR_OK && out->no_memory)
		code = cli_error_no_memory(error);
	return code;
}

int
cli_batches_equal(const factstr_batch *a, const factstr_batch *b, bool *equal,
				  factstr_error *error)
{
	factstr_batch facts_a = *a;
	factstr_batch facts_b = *b;
	fs_buffer	text_a = {0};
	fs_buffer	text_b = {0};
	int			code;

	*equal = false;
	facts_a.redaction_count = 0;
	facts_b.redaction_count = 0;
	code = cli_write_batch(&text_a, &facts_a, true, error);
	if (code == FACTSTR_OK)
		code = cli_write_batch(&text_b, &facts_b, true, error);
	if (code == FACTSTR_OK)
		*equal = text_a.length == text_b.length &&
			memcmp(text_a.data, text_b.data, text_a.length) == 0;
	free(text_a.data);
	free(text_b.data);
	return code;
}
