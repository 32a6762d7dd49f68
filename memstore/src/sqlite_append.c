/*
 * sqlite_append.c
 *		Appends and imports: what is prepared before the transaction, and what is done in it.
 *
 * In the transaction everything is looked at before anything is inserted, so that an append which
 * is refused has changed nothing.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "new_terms.h"
#include "sqlite_store.h"
#include "stored_event.h"
#include "times.h"

#define FS_APPEND_TO "append to"

/* A row holds some numbers and a key besides the texts. */
#define FS_ROW_OVERHEAD 2200

/* What SQLite takes, unless it was built otherwise. */
#define FS_MAX_ROW_BYTES 1000000000

/* SQLite refuses a row beyond its limit; better say which. */
static int
fs_check_size(const fs_append_event *event, const char *what, size_t index, factstr_error *error)
{
	size_t		size = strlen(event->event_type) + strlen(event->payload) + FS_ROW_OVERHEAD;

	if (event->metadata != NULL)
		size += strlen(event->metadata);
	if (size <= FS_MAX_ROW_BYTES)
		return FACTSTR_OK;
	(void) fs_error(error, FACTSTR_MALFORMED, "invalid %s at $[%zu]: the event is too long", what,
					index);
	fs_error_detail(error, "A SQLite file takes events of up to %d bytes.",
					FS_MAX_ROW_BYTES);
	return FACTSTR_MALFORMED;
}

/* Adds the terms of a batch. */
static int
fs_prepare_events(const fs_append_event *events, size_t count, const char *what,
				  fs_new_terms *terms, factstr_error *error)
{
	for (size_t i = 0; i < count; i++)
	{
		int			code = fs_check_size(&events[i], what, i, error);

		if (code != FACTSTR_OK)
			return code;
		if (!fs_new_terms_add(terms, &events[i]))
			return fs_error_no_memory(error);
	}
	return FACTSTR_OK;
}

/*
 * In the transaction
 */

static int
fs_insert_event(fs_database *connection, const factstr_batch *batch, size_t index,
				const fs_append_event *event, int64_t occurred_at, factstr_error *error)
{
	sqlite3_stmt *insert = fs_statement_get(connection, FS_INSERT_EVENT, FS_APPEND_TO, error);
	const char *key = index == 0 ? batch->idempotency_key : NULL;

	if (insert == NULL)
		return error->code;
	(void) sqlite3_bind_int64(insert, 1, (sqlite3_int64) batch->first_sequence_number + (sqlite3_int64) index);
	(void) sqlite3_bind_int64(insert, 2, (sqlite3_int64) batch->first_sequence_number);
	(void) sqlite3_bind_int64(insert, 3, (sqlite3_int64) batch->last_sequence_number);
	(void) sqlite3_bind_int64(insert, 4, occurred_at);
	(void) sqlite3_bind_text(insert, 5, event->event_type, -1, SQLITE_STATIC);
	(void) sqlite3_bind_text(insert, 6, event->payload, -1, SQLITE_STATIC);
	(void) sqlite3_bind_text(insert, 7, event->metadata, -1, SQLITE_STATIC);
	(void) sqlite3_bind_text(insert, 8, key, -1, SQLITE_STATIC);
	return fs_statement_run(connection, insert, FS_APPEND_TO, error);
}

static int
fs_insert_terms(fs_transaction *transaction, const fs_new_terms *terms, factstr_error *error)
{
	fs_database *connection = transaction->connection;
	sqlite3_stmt *insert = fs_statement_get(connection, FS_INSERT_TERM, FS_APPEND_TO, error);
	int			code = insert == NULL ? error->code : FACTSTR_OK;

	for (size_t i = 0; i < terms->count && code == FACTSTR_OK; i++)
	{
		uint64_t	number = transaction->head + 1 + terms->terms[i].offset;

		(void) sqlite3_bind_int64(insert, 1, (sqlite3_int64) terms->terms[i].term);
		(void) sqlite3_bind_int64(insert, 2, (sqlite3_int64) number);
		code = fs_statement_run(connection, insert, FS_APPEND_TO, error);
	}
	return code;
}

/* What an append has to do and will answer. */
typedef struct fs_append_work
{
	const fs_append *append;
	fs_new_terms terms;
	factstr_append_result result;
} fs_append_work;

/* Compares the append with a batch that is stored. */
static int
fs_compare_with_batch(const fs_local_log *log, uint64_t first, const fs_append *append,
					  factstr_error *error)
{
	for (size_t i = 0; i < append->event_count; i++)
	{
		fs_stored_fact fact;
		bool		equal = false;
		int			code = log->fetch(log->store, first + i, &fact, error);

		if (code == FACTSTR_OK)
			code = fs_fact_is_event(&fact.fact, &append->events[i], &equal, error);
		if (code != FACTSTR_OK)
			return code;
		if (!equal)
			return fs_error_idempotency_key_reused(error);
	}
	return FACTSTR_OK;
}

/* The batch that has the key, or 0.  key may be NULL. */
static int
fs_find_key(fs_database *connection, const char *key, uint64_t *first, uint64_t *last,
			factstr_error *error)
{
	sqlite3_stmt *find;
	int			result;
	int			code = FACTSTR_OK;

	*first = 0;
	if (key == NULL)
		return FACTSTR_OK;
	find = fs_statement_get(connection, FS_FIND_KEY, FS_APPEND_TO, error);
	if (find == NULL)
		return error->code;
	(void) sqlite3_bind_text(find, 1, key, -1, SQLITE_STATIC);
	result = sqlite3_step(find);
	if (result == SQLITE_ROW)
	{
		*first = (uint64_t) sqlite3_column_int64(find, 0);
		*last = (uint64_t) sqlite3_column_int64(find, 1);
	}
	else if (result != SQLITE_DONE)
		code = fs_sqlite_error(connection, result, FS_APPEND_TO, error);
	(void) sqlite3_reset(find);
	(void) sqlite3_clear_bindings(find);
	return code;
}

/* Has it been done before, under the same key?  Then the answer is in work->result. */
static int
fs_repeat_append(const fs_local_log *log, fs_append_work *work, factstr_error *error)
{
	const fs_append *append = work->append;
	uint64_t	first;
	uint64_t	last;
	int			code = fs_find_key(log->store, append->idempotency_key, &first, &last, error);

	work->result.committed_count = 0;
	if (code != FACTSTR_OK || first == 0)
		return code;
	if (last - first + 1 != append->event_count)
		return fs_error_idempotency_key_reused(error);
	code = fs_compare_with_batch(log, first, append, error);
	if (code != FACTSTR_OK)
		return code;
	work->result.first_sequence_number = first;
	work->result.last_sequence_number = last;
	work->result.committed_count = append->event_count;
	return FACTSTR_OK;
}

static int
fs_insert_append(fs_transaction *transaction, fs_append_work *work, factstr_error *error)
{
	const fs_append *append = work->append;
	int64_t		now = fs_now();
	factstr_batch batch = {
		.first_sequence_number = transaction->head + 1,
		.last_sequence_number = transaction->head + append->event_count,
		.idempotency_key = append->idempotency_key
	};
	int			code = FACTSTR_OK;

	for (size_t i = 0; i < append->event_count && code == FACTSTR_OK; i++)
		code = fs_insert_event(transaction->connection, &batch, i, &append->events[i], now, error);
	if (code == FACTSTR_OK)
		code = fs_insert_terms(transaction, &work->terms, error);
	if (code != FACTSTR_OK)
		return code;
	transaction->head = batch.last_sequence_number;
	work->result.first_sequence_number = batch.first_sequence_number;
	work->result.last_sequence_number = batch.last_sequence_number;
	work->result.committed_count = append->event_count;
	return FACTSTR_OK;
}

static int
fs_append_in(fs_transaction *transaction, void *argument, factstr_error *error)
{
	fs_append_work *work = argument;
	fs_local_log log;
	int			code;

	fs_log_init(&log, transaction->connection, transaction->head);
	code = fs_repeat_append(&log, work, error);
	if (code == FACTSTR_OK && work->result.committed_count == 0 && work->append->context != NULL)
		code = fs_local_check_context(&log, work->append, error);
	fs_log_reset(transaction->connection);
	if (code == FACTSTR_OK && work->result.committed_count == 0)
		code = fs_insert_append(transaction, work, error);
	return code;
}

int
fs_sqlite_append(fs_backend *backend, const fs_append *append, factstr_append_result *result,
				 factstr_error *error)
{
	fs_append_work work = {.append = append};
	int			code = fs_prepare_events(append->events, append->event_count, "events",
										 &work.terms, error);

	if (code == FACTSTR_OK)
	{
		fs_new_terms_sort(&work.terms);
		code = fs_write(backend, fs_append_in, &work, FS_WRITE_NOW, error);
	}
	if (code == FACTSTR_OK)
		*result = work.result;
	fs_new_terms_release(&work.terms);
	return code;
}

/*
 * Imports
 */
typedef struct fs_import_work
{
	const factstr_batch *batches;
	fs_append_event *const *events;
	size_t		count;
	fs_new_terms terms;
} fs_import_work;

static int
fs_import_batch(fs_database *connection, const factstr_batch *batch,
				const fs_append_event *events, factstr_error *error)
{
	uint64_t	first;
	uint64_t	last;
	int			code = fs_find_key(connection, batch->idempotency_key, &first, &last, error);

	if (code == FACTSTR_OK && first != 0)
		return fs_error_idempotency_key_reused(error);
	for (size_t i = 0; i < batch->fact_count && code == FACTSTR_OK; i++)
		code = fs_insert_event(connection, batch, i, &events[i], batch->facts[i].occurred_at,
							   error);
	return code;
}

static int
fs_import_in(fs_transaction *transaction, void *argument, factstr_error *error)
{
	const fs_import_work *work = argument;
	uint64_t	first = work->batches[0].first_sequence_number;
	int			code = FACTSTR_OK;

	if (first != transaction->head + 1)
		return fs_error(error, FACTSTR_MALFORMED,
						"invalid batches at $[0]: they begin with fact %" PRIu64
						", and the newest fact here is %" PRIu64, first, transaction->head);
	for (size_t i = 0; i < work->count && code == FACTSTR_OK; i++)
		code = fs_import_batch(transaction->connection, &work->batches[i], work->events[i], error);
	if (code == FACTSTR_OK)
		code = fs_insert_terms(transaction, &work->terms, error);
	if (code == FACTSTR_OK)
		transaction->head = work->batches[work->count - 1].last_sequence_number;
	return code;
}

int
fs_sqlite_import(fs_backend *backend, const factstr_batch *batches,
				 fs_append_event *const *events, size_t count, factstr_error *error)
{
	fs_import_work work = {.batches = batches, .events = events, .count = count};
	int			code = FACTSTR_OK;

	if (count == 0)
		return FACTSTR_OK;
	for (size_t i = 0; i < count && code == FACTSTR_OK; i++)
		code = fs_prepare_events(events[i], batches[i].fact_count, "batches", &work.terms, error);
	if (code == FACTSTR_OK)
	{
		fs_new_terms_sort(&work.terms);
		code = fs_write(backend, fs_import_in, &work, FS_WRITE_NOW, error);
	}
	fs_new_terms_release(&work.terms);
	return code;
}
