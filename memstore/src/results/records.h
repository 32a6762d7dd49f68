/*
 * results/records.h
 *		Facts as event records, which are JSON: {"sequence_number": 1, "occurred_at": "...",
 *		"event_type": "...", "payload": ...}, and "metadata" if the fact has it.
 */
#ifndef FACTSTR_RESULTS_RECORDS_H
#define FACTSTR_RESULTS_RECORDS_H

#include "factstr.h"

#include "base/buffer.h"

/* A fact that is to be imported may have no number yet. */
void		fs_write_event_record(fs_buffer *out, const factstr_fact *fact);

/* An array of them. */
void		fs_write_event_records(fs_buffer *out, const factstr_fact *facts, size_t count);

/*
 * A delivery of a stream: {"first_sequence_number": 1, "last_sequence_number": 2,
 * "event_records": [...]}.
 */
void		fs_write_delivery(fs_buffer *out, const factstr_batch *batch);

/* Its "redacted_at", "redacted_by" and "reason", without braces. */
void		fs_write_redaction_members(fs_buffer *out, const factstr_redaction *redaction);

/*
 * A batch of an export or import: "first_sequence_number" and "last_sequence_number" unless it is to get its numbers,
 * "idempotency_key" if it has one, and "event_records", each with its "redactions".  The batch's redactions are in
 * the order of its facts.
 */
void		fs_write_batch(fs_buffer *out, const factstr_batch *batch);

/* An array of deliveries; NULL: no memory. */
char	   *fs_deliveries_document(const factstr_batch *batches, size_t count);

/* The members of the document of an error, and the brace before them. */
void		fs_write_error_members(fs_buffer *out, int code, const factstr_error *error);

/* {"code": "...", "message": "..."}, with "detail" and "hint" if there are any; NULL: no memory. */
char	   *fs_error_document(int code, const factstr_error *error);

#endif							/* FACTSTR_RESULTS_RECORDS_H */
