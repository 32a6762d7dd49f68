/*
 * batch_text.h
 *		Batches as lines of text, which export writes and import reads.
 *
 * {"first_sequence_number": 4, "last_sequence_number": 5, "idempotency_key": "...",
 *  "event_records": [...]}; the key only if the batch has one.  The record of a redacted fact has
 * "redactions": [{"redacted_at": "...", "redacted_by": "...", "reason": "..."}].
 *
 * import also reads batches without any numbers, and batches of one event as
 * {"event_type": "...", "payload": ..., "occurred_at": "..."}, perhaps with "metadata" and
 * "idempotency_key".
 */
#ifndef FACTSTR_CLI_BATCH_TEXT_H
#define FACTSTR_CLI_BATCH_TEXT_H

#include "factstr.h"

#include "base/buffer.h"
#include "base/json_walk.h"

/*
 * canonical.c: adds the one spelling of a JSON value.  False if the text is not JSON, or if there is
 * no memory, which *out knows.
 *
 * Stores may spell the same payload differently.  Values that are equal as JSON have the same text in
 * canonical form: no blanks, keys ordered byte by byte, of duplicate keys the last one, only the necessary
 * escapes, and numbers in the shortest decimal spelling of their exact value, with an exponent only
 * instead of more than 21 digits or more than 6 zeros after the point.
 */
bool		cli_write_canonical(fs_buffer *out, const char *text);

/*
 * batch_writer.c
 */

/* Adds a fact as an event record. */
void		cli_write_record(fs_buffer *out, const factstr_fact *fact);

/* Adds a batch, its payloads and metadata canonical or as they are. */
int			cli_write_batch(fs_buffer *out, const factstr_batch *batch, bool canonical,
							factstr_error *error);

/*
 * Are two batches the same in everything but the record of redactions, payloads and metadata compared
 * as JSON values?
 */
int			cli_batches_equal(const factstr_batch *a, const factstr_batch *b, bool *equal,
							  factstr_error *error);

/*
 * batch_parser.c
 */

/* A batch that was read; begins zeroed, and is used again for the next line. */
typedef struct cli_parsed_batch
{
	factstr_batch batch;		/* its texts are in the line */
	factstr_fact *facts;
	size_t		capacity;
	factstr_redaction *redactions;
	size_t		redaction_capacity;
} cli_parsed_batch;

void		cli_parsed_batch_release(cli_parsed_batch *parsed);

/*
 * Reads a line, which is changed by it.  Keys are checked, and that the numbers agree; payloads and
 * metadata are not: the library does that.  Errors: FACTSTR_MALFORMED, FACTSTR_NO_MEMORY.
 */
int			cli_parse_batch(char *line, cli_parsed_batch *parsed, factstr_error *error);

/*
 * batch_redactions.c
 */

/* Adds those of a fact to its batch; an array without data has none. */
int			cli_parse_redactions(fs_text array, uint64_t sequence_number,
								 cli_parsed_batch *parsed, factstr_error *error);

/* The members of a redaction, and the brace behind them. */
void		cli_write_redaction(fs_buffer *out, const factstr_redaction *redaction);

/* Adds those of a fact to its record, which has just been written. */
void		cli_write_redactions(fs_buffer *out, const factstr_batch *batch,
								 uint64_t sequence_number);

#endif							/* FACTSTR_CLI_BATCH_TEXT_H */
