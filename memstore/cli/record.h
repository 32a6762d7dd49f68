/*
 * record.h
 *		Batches as lines of text: what export writes and import reads.
 *
 * {"first_sequence_number": 4, "last_sequence_number": 5, "idempotency_key": "...",
 *  "event_records": [...]}; the key only if the batch has one.
 */
#ifndef FACTSTR_CLI_RECORD_H
#define FACTSTR_CLI_RECORD_H

#include "buffer.h"
#include "factstr.h"

/* Adds a batch; canonical.h says what that is.  Errors: FACTSTR_MALFORMED, FACTSTR_NO_MEMORY. */
int			cli_write_batch(fs_buffer *out, const factstr_batch *batch, bool canonical,
							factstr_error *error);

/* Are two batches the same in everything, payloads and metadata compared as JSON values? */
int			cli_batches_equal(const factstr_batch *a, const factstr_batch *b, bool *equal,
							  factstr_error *error);

/* A batch that was read; begins zeroed, and is used again for the next line. */
typedef struct cli_parsed_batch
{
	factstr_batch batch;		/* its texts are in the line */
	factstr_fact *facts;
	size_t		capacity;
} cli_parsed_batch;

/*
 * Reads a line, which is changed by it.  Keys are checked, and that the numbers agree; payloads and
 * metadata are not: the library does that.  Errors: FACTSTR_MALFORMED, FACTSTR_NO_MEMORY.
 */
int			cli_parse_batch(char *line, cli_parsed_batch *parsed, factstr_error *error);

#endif							/* FACTSTR_CLI_RECORD_H */
