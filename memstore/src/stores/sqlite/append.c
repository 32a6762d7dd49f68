/*
 * stores/sqlite/append.c
 *		Appends and imports: the preparation before the transaction, and the work in it.
 *
 * In the transaction everything is checked before anything is inserted, so an append that is
 * refused has changed nothing.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/times.h"
#include "input/events.h"
#include "results/error.h"
#include "stores/local/search.h"
#include "stores/local/new_terms.h"
#include "stores/sqlite/backend.h"
#include "stores/sqlite/connection.h"

#define FS_APPEND_TO "append to"

/* A row holds some numbers and a key besides the texts. */
#define FS_ROW_OVERHEAD 2200

/* The limit of SQLite, unless it was built otherwise. */
#define FS_MAX_ROW_BYTES 1000000000

/* SQLite refuses a row beyond its limit; better say which. */
static int
fs_check_size(const fs_append_event *event, const char *what, size_t index, factstr_error *error)
{
	size_t		size = event->event_type.length + event->payload.length + event->metadata.length +
		FS_ROW_OVERHEAD;

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
	fs_statement_bind_text(insert, 5, event->event_type);
	fs_statement_bind_text(insert, 6, event->payload);
	fs_statement_bind_text(insert, 7, event->metadata);
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
		fs_new_term added = fs_new_terms_at(terms, i);
		uint64_t	number = transaction->head + 1 + added.offset;

		(void) sqlite3_bind_int64(insert, 1, (sqlite3_int64) added.term);
		(void) sqlite3_bind_int64(insert, 2, (sqlite3_int64) number);
		code = fs_statement_run(connection, insert, FS_APPEND_TO, error);
	}
	return code;
}

/* An append: its input and its answer. */
typedef struct fs_append_work
{
	const fs_append *append;
	uint64_t	checked_head;	/* up to this fact the context is as expected */
	fs_new_terms terms;
	factstr_append_result result;
} fs_append_work;

/* Does the fact equal the event?  The original content of a redacted fact is unknown, so only its type is compared. */
static int
fs_is_same_event(const fs_local_log *log, const factstr_fact *fact, const fs_append_event *event,
				 bool *same, factstr_error *error)
{
	int			code = fs_fact_is_event(fact, event, same, error);

	if (code != FACTSTR_OK || *same || !fs_text_is(event->event_type, fact->event_type))
		return code;
	return fs_redaction_exists(log->store, fact->sequence_number, same, error);
}

/* The key of these events was used for a batch: they have to be the same. */
static int
fs_require_same_events(const fs_local_log *log, uint64_t first, uint64_t last,
					   const fs_append_event *events, size_t count, factstr_error *error)
{
	if (last - first + 1 != count)
		return fs_error_idempotency_key_reused(error);
	for (size_t i = 0; i < count; i++)
	{
		fs_stored_fact fact;
		bool		equal = false;
		int			code = log->fetch(log->store, first + i, &fact, error);

		if (code == FACTSTR_OK)
			code = fs_is_same_event(log, &fact.fact, &events[i], &equal, error);
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

	/* The comparison uses the memory. */
	fs_new_terms_release(&work->terms);
	code = fs_require_same_events(log, first, last, append->events, append->event_count, error);
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

/* Makes the terms, unless they are there. */
static int
fs_prepare_append(fs_append_work *work, factstr_error *error)
{
	const fs_append *append = work->append;
	int			code;

	if (work->terms.fact_count > 0)
		return FACTSTR_OK;
	code = fs_prepare_events(append->events, append->event_count, "events", &work->terms, error);
	if (code == FACTSTR_OK)
		fs_new_terms_sort(&work->terms);
	return code;
}

/* Tried again, it may find that the batch which had its key was rolled back: then it has no terms. */
static int
fs_append_in(fs_transaction *transaction, void *argument, factstr_error *error)
{
	fs_append_work *work = argument;
	fs_local_log log;
	int			code;

	fs_log_init(&log, transaction->connection, transaction->head);
	code = fs_repeat_append(&log, work, error);
	if (code == FACTSTR_OK && work->result.committed_count == 0)
		code = fs_local_check_since(&log, work->append, work->checked_head, error);
	fs_log_reset(transaction->connection);
	if (code != FACTSTR_OK || work->result.committed_count > 0)
		return code;
	code = fs_prepare_append(work, error);
	return code == FACTSTR_OK ? fs_insert_append(transaction, work, error) : code;
}

/*
 * Looks at the context before the file is locked, since that may be long.  A key may have its answer
 * then, which comes before that of the context.
 */
static int
fs_check_before(fs_backend *backend, fs_append_work *work, factstr_error *error)
{
	fs_snapshot snapshot;
	int			code = fs_snapshot_begin(backend, &snapshot, error);

	if (code != FACTSTR_OK)
		return code;
	code = fs_repeat_append(&snapshot.log, work, error);
	if (code == FACTSTR_OK && work->result.committed_count == 0)
		code = fs_local_check_context(&snapshot.log, work->append, error);
	work->checked_head = snapshot.log.head;
	return fs_snapshot_end(backend, &snapshot, code, error);
}

int
fs_sqlite_append(fs_backend *backend, const fs_append *append, factstr_append_result *result,
				 factstr_error *error)
{
	fs_append_work work = {.append = append};
	int			code = fs_check_writable(backend, error);

	if (code == FACTSTR_OK)
		code = fs_prepare_append(&work, error);
	if (code == FACTSTR_OK && append->context != NULL)
		code = fs_check_before(backend, &work, error);
	if (code == FACTSTR_OK && work.result.committed_count == 0)
		code = fs_write(backend, fs_append_in, &work, FS_WRITE_NOW, error);
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
	fs_new_terms terms;			/* of the batches that are new; at first, of all */
	bool	   *present;		/* which are there already */
	size_t		present_count;
	factstr_append_result result;
} fs_import_work;

/* Sets the terms of the batches that are new. */
static int
fs_prepare_import(fs_import_work *work, factstr_error *error)
{
	int			code = FACTSTR_OK;

	fs_new_terms_release(&work->terms);
	for (size_t i = 0; i < work->count && code == FACTSTR_OK; i++)
	{
		if (!work->present[i])
			code = fs_prepare_events(work->events[i], work->batches[i].fact_count, "batches",
									 &work->terms, error);
	}
	if (code == FACTSTR_OK)
		fs_new_terms_sort(&work->terms);
	return code;
}

/* Is the batch already stored?  Numbered batches continue the log, so none of their keys may be known. */
static int
fs_check_present(const fs_local_log *log, fs_import_work *work, size_t index, factstr_error *error)
{
	const factstr_batch *batch = &work->batches[index];
	uint64_t	first;
	uint64_t	last;
	int			code = fs_find_key(log->store, batch->idempotency_key, &first, &last, error);

	work->present[index] = first != 0;
	if (code != FACTSTR_OK || first == 0)
		return code;
	work->present_count++;
	if (batch->first_sequence_number != 0)
		return fs_error_idempotency_key_reused(error);
	return fs_require_same_events(log, first, last, work->events[index], batch->fact_count, error);
}

/* Finds the batches that are there already, as seen by this transaction. */
static int
fs_pass_by_known(const fs_local_log *log, fs_import_work *work, factstr_error *error)
{
	bool		changed = work->present_count > 0;
	int			code = FACTSTR_OK;

	work->present_count = 0;
	for (size_t i = 0; i < work->count && code == FACTSTR_OK; i++)
		code = fs_check_present(log, work, i, error);
	if (code == FACTSTR_OK && (changed || work->present_count > 0))
		code = fs_prepare_import(work, error);
	return code;
}

static int
fs_insert_imported(fs_transaction *transaction, const factstr_batch *batch,
				   const fs_append_event *events, uint64_t first, factstr_error *error)
{
	const factstr_batch numbered = {
		.first_sequence_number = first,
		.last_sequence_number = first + batch->fact_count - 1,
		.idempotency_key = batch->idempotency_key
	};
	int			code = FACTSTR_OK;

	for (size_t i = 0; i < batch->fact_count && code == FACTSTR_OK; i++)
		code = fs_insert_event(transaction->connection, &numbered, i, &events[i],
							   batch->facts[i].occurred_at, error);
	for (size_t i = 0; i < batch->redaction_count && code == FACTSTR_OK; i++)
		code = fs_redaction_insert(transaction->connection, &batch->redactions[i], error);
	return code;
}

static int
fs_insert_new(fs_transaction *transaction, fs_import_work *work, factstr_error *error)
{
	uint64_t	newest = transaction->head;
	int			code = FACTSTR_OK;

	for (size_t i = 0; i < work->count && code == FACTSTR_OK; i++)
	{
		if (work->present[i])
			continue;
		code = fs_insert_imported(transaction, &work->batches[i], work->events[i], newest + 1,
								  error);
		newest += work->batches[i].fact_count;
	}
	if (code == FACTSTR_OK)
		code = fs_insert_terms(transaction, &work->terms, error);
	if (code != FACTSTR_OK)
		return code;
	work->result.first_sequence_number = transaction->head + 1;
	work->result.last_sequence_number = newest;
	work->result.committed_count = newest - transaction->head;
	transaction->head = newest;
	return FACTSTR_OK;
}

static int
fs_import_in(fs_transaction *transaction, void *argument, factstr_error *error)
{
	fs_import_work *work = argument;
	uint64_t	first = work->batches[0].first_sequence_number;
	fs_local_log log;
	int			code;

	work->result = (factstr_append_result) {0};
	if (first != 0 && first != transaction->head + 1)
		return fs_error(error, FACTSTR_MALFORMED,
						"invalid batches at $[0]: they begin with fact %" PRIu64
						", and the newest fact here is %" PRIu64, first, transaction->head);
	fs_log_init(&log, transaction->connection, transaction->head);
	code = fs_pass_by_known(&log, work, error);
	fs_log_reset(transaction->connection);
	if (code == FACTSTR_OK && work->present_count < work->count)
		code = fs_insert_new(transaction, work, error);
	return code;
}

int
fs_sqlite_import(fs_backend *backend, const factstr_batch *batches,
				 fs_append_event *const *events, size_t count, factstr_append_result *result,
				 factstr_error *error)
{
	fs_import_work work = {
		.batches = batches,
		.events = events,
		.count = count,
		.present = calloc(count, sizeof(bool))
	};
	int			code = work.present == NULL ? fs_error_no_memory(error) :
		fs_prepare_import(&work, error);

	if (code == FACTSTR_OK)
		code = fs_write(backend, fs_import_in, &work, FS_WRITE_NOW, error);
	if (code == FACTSTR_OK)
		*result = work.result;
	fs_new_terms_release(&work.terms);
	free(work.present);
	return code;
}
