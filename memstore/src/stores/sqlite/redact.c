/*
 * stores/sqlite/redact.c
 *		Erasing the content of facts, and the record of it, as transactions see them.
 *
 * After the commit, erasure.c removes the old text from the files.
 */
#include <string.h>

#include "base/user.h"
#include "results/error.h"
#include "results/lists.h"
#include "stores/local/redactions.h"
#include "stores/sqlite/backend.h"
#include "stores/sqlite/connection.h"

#define FS_READ "read"
#define FS_REDACT "redact a fact in"

/*
 * The record, read
 */

/* Fills a redaction from a row of LIST_REDACTIONS; false if there is no memory. */
static bool
fs_redaction_of_row(sqlite3_stmt *row, factstr_redaction *redaction)
{
	*redaction = (factstr_redaction) {
		.sequence_number = (uint64_t) sqlite3_column_int64(row, 0),
		.redacted_at = sqlite3_column_int64(row, 1),
		.redacted_by = (const char *) sqlite3_column_text(row, 2),
		.reason = (const char *) sqlite3_column_text(row, 3)
	};
	return redaction->redacted_by != NULL && redaction->reason != NULL;
}

int
fs_redactions_walk(fs_database *connection, uint64_t after, fs_redaction_function take,
				   void *target, factstr_error *error)
{
	sqlite3_stmt *rows;
	int			result = SQLITE_ROW;
	int			code = FACTSTR_OK;
	bool		goes_on = true;

	if (connection->lacks_redactions)
		return FACTSTR_OK;
	rows = fs_statement_get(connection, FS_LIST_REDACTIONS, FS_READ, error);
	if (rows == NULL)
		return error->code;
	(void) sqlite3_bind_int64(rows, 1, after > INT64_MAX ? INT64_MAX : (sqlite3_int64) after);
	while (goes_on && code == FACTSTR_OK && (result = sqlite3_step(rows)) == SQLITE_ROW)
	{
		factstr_redaction redaction;

		code = fs_redaction_of_row(rows, &redaction) ?
			take(target, &redaction, &goes_on, error) : fs_error_no_memory(error);
	}
	if (code == FACTSTR_OK && result != SQLITE_ROW && result != SQLITE_DONE)
		code = fs_sqlite_error(connection, result, FS_READ, error);
	(void) sqlite3_reset(rows);
	return code;
}

/* A list that is to be filled. */
typedef struct fs_wanted_redactions
{
	fs_redaction_list *list;
	size_t		max_count;		/* and the rest of the last fact's */
	uint64_t	up_to;
} fs_wanted_redactions;

static int
fs_take_redaction(void *target, const factstr_redaction *redaction, bool *goes_on,
				  factstr_error *error)
{
	const fs_wanted_redactions *wanted = target;
	const fs_redaction_list *list = wanted->list;

	*goes_on = redaction->sequence_number <= wanted->up_to &&
		(list->count < wanted->max_count ||
		 list->redactions[list->count - 1].sequence_number == redaction->sequence_number);
	return !*goes_on || fs_redaction_list_add(wanted->list, redaction) ? FACTSTR_OK :
		fs_error_no_memory(error);
}

int
fs_sqlite_redactions(fs_backend *backend, uint64_t after, size_t max_count,
					 fs_redaction_list *redactions, factstr_error *error)
{
	fs_wanted_redactions wanted = {redactions, max_count, UINT64_MAX};
	fs_snapshot snapshot;
	int			code = fs_snapshot_begin(backend, &snapshot, error);

	if (code != FACTSTR_OK)
		return code;
	code = fs_redactions_walk(snapshot.connection, after, fs_take_redaction, &wanted, error);
	return fs_snapshot_end(backend, &snapshot, code, error);
}

int
fs_redaction_exists(fs_database *connection, uint64_t sequence_number, bool *exists,
					factstr_error *error)
{
	sqlite3_stmt *find = fs_statement_get(connection, FS_IS_REDACTED, FS_READ, error);
	int			result;

	if (find == NULL)
		return error->code;
	(void) sqlite3_bind_int64(find, 1, (sqlite3_int64) sequence_number);
	result = sqlite3_step(find);
	*exists = result == SQLITE_ROW;
	(void) sqlite3_reset(find);
	return result == SQLITE_ROW || result == SQLITE_DONE ? FACTSTR_OK :
		fs_sqlite_error(connection, result, FS_READ, error);
}

/*
 * In the transaction
 */

int
fs_redaction_insert(fs_database *connection, const factstr_redaction *redaction,
					factstr_error *error)
{
	sqlite3_stmt *insert = fs_statement_get(connection, FS_INSERT_REDACTION, FS_REDACT, error);

	if (insert == NULL)
		return error->code;
	(void) sqlite3_bind_int64(insert, 1, (sqlite3_int64) redaction->sequence_number);
	(void) sqlite3_bind_int64(insert, 2, redaction->redacted_at);
	(void) sqlite3_bind_text(insert, 3, redaction->redacted_by, -1, SQLITE_STATIC);
	(void) sqlite3_bind_text(insert, 4, redaction->reason, -1, SQLITE_STATIC);
	return fs_statement_run(connection, insert, FS_REDACT, error);
}

/* Deletes, or inserts, the terms of one list that are not in the other one. */
static int
fs_change_terms(fs_database *connection, fs_statement which, const fs_term_list *changed,
				const fs_term_list *kept, uint64_t sequence_number, factstr_error *error)
{
	sqlite3_stmt *change = fs_statement_get(connection, which, FS_REDACT, error);
	int			code = change == NULL ? error->code : FACTSTR_OK;

	for (size_t i = 0; i < changed->count && code == FACTSTR_OK; i++)
	{
		if (fs_term_list_holds(kept, changed->terms[i]))
			continue;
		(void) sqlite3_bind_int64(change, 1, (sqlite3_int64) changed->terms[i]);
		(void) sqlite3_bind_int64(change, 2, (sqlite3_int64) sequence_number);
		code = fs_statement_run(connection, change, FS_REDACT, error);
	}
	return code;
}

/* Runs a statement whose first parameter is a number. */
static int
fs_run_with_number(fs_database *connection, fs_statement which, uint64_t number,
				   factstr_error *error)
{
	sqlite3_stmt *statement = fs_statement_get(connection, which, FS_REDACT, error);

	if (statement == NULL)
		return error->code;
	(void) sqlite3_bind_int64(statement, 1, (sqlite3_int64) number);
	return fs_statement_run(connection, statement, FS_REDACT, error);
}

static int
fs_change_event(fs_database *connection, const fs_erasure *erasure, factstr_error *error)
{
	sqlite3_stmt *change = fs_statement_get(connection, FS_REDACT_EVENT, FS_REDACT, error);

	if (change == NULL)
		return error->code;
	(void) sqlite3_bind_int64(change, 1, (sqlite3_int64) erasure->sequence_number);
	fs_statement_bind_text(change, 2, erasure->event->payload);
	fs_statement_bind_text(change, 3, erasure->event->metadata);
	return fs_statement_run(connection, change, FS_REDACT, error);
}

/* The fact says something else, and is found by that. */
static int
fs_change_fact(fs_database *connection, const fs_erasure *erasure, factstr_error *error)
{
	uint64_t	number = erasure->sequence_number;
	int			code = fs_run_with_number(connection, FS_INSERT_ERASURE, number, error);

	if (code == FACTSTR_OK)
		code = fs_change_event(connection, erasure, error);
	if (code == FACTSTR_OK)
		code = fs_change_terms(connection, FS_DELETE_TERM, &erasure->old_terms,
							   &erasure->new_terms, number, error);
	if (code == FACTSTR_OK)
		code = fs_change_terms(connection, FS_INSERT_TERM, &erasure->new_terms,
							   &erasure->old_terms, number, error);
	return code;
}

static int
fs_erase_errors(fs_database *connection, factstr_error *error)
{
	sqlite3_stmt *erase = fs_statement_get(connection, FS_ERASE_ERRORS, FS_REDACT, error);

	if (erase == NULL)
		return error->code;
	(void) sqlite3_bind_text(erase, 1, FS_ERASED_MESSAGE, -1, SQLITE_STATIC);
	return fs_statement_run(connection, erase, FS_REDACT, error);
}

/* Makes a change that was worked out. */
static int
fs_make_change(fs_database *connection, const fs_erasure *erasure, factstr_error *error)
{
	int			code = FACTSTR_OK;

	for (size_t i = 0; i < erasure->record_count && code == FACTSTR_OK; i++)
		code = fs_redaction_insert(connection, &erasure->records[i], error);
	if (code == FACTSTR_OK && erasure->event != NULL)
		code = fs_change_fact(connection, erasure, error);
	if (code == FACTSTR_OK && erasure->record_count > 0)
		code = fs_erase_errors(connection, error);
	return code;
}

static int
fs_fetch_fact(fs_transaction *transaction, uint64_t number, fs_stored_fact *fact,
			  factstr_error *error)
{
	fs_local_log log;

	if (number == 0 || number > transaction->head)
		return fs_error_no_such_fact(error, number);
	fs_log_init(&log, transaction->connection, transaction->head);
	return log.fetch(log.store, number, fact, error);
}

/* The redactions of one caller. */
typedef struct fs_redact_work
{
	const fs_redaction *redaction;
	char		by[FS_USER_NAME_SIZE];
} fs_redact_work;

static int
fs_redact_in(fs_transaction *transaction, void *argument, factstr_error *error)
{
	fs_redact_work *work = argument;
	fs_erasure	erasure = {0};
	fs_stored_fact fact;
	int			code = fs_fetch_fact(transaction, work->redaction->sequence_number, &fact, error);

	if (code == FACTSTR_OK)
		code = fs_erasure_of_redaction(work->redaction, &fact.fact, work->by, &erasure, error);
	fs_log_reset(transaction->connection);
	if (code == FACTSTR_OK)
		code = fs_make_change(transaction->connection, &erasure, error);
	fs_erasure_release(&erasure);
	return code;
}

int
fs_sqlite_redact(fs_backend *backend, const fs_redaction *redaction, bool *traces_remain,
				 factstr_error *error)
{
	fs_redact_work work = {.redaction = redaction};
	int			code = fs_write(backend, fs_redact_in, &work, FS_WRITE_NOW, error);

	*traces_remain = code == FACTSTR_OK && !fs_erasure_finish(backend);
	return code;
}

/*
 * Imports
 */
typedef struct fs_import_redactions_work
{
	const factstr_batch *batch;
	const fs_append_event *events;
	uint64_t	imported_count;
} fs_import_redactions_work;

static int
fs_import_of_fact(fs_transaction *transaction, fs_import_redactions_work *work, uint64_t number,
				  factstr_error *error)
{
	fs_redaction_list known = {0};
	fs_wanted_redactions wanted = {&known, SIZE_MAX, number};
	fs_erasure	erasure = {0};
	fs_stored_fact fact;
	int			code = fs_redactions_walk(transaction->connection, number - 1, fs_take_redaction,
										  &wanted, error);

	if (code == FACTSTR_OK)
		code = fs_fetch_fact(transaction, number, &fact, error);
	if (code == FACTSTR_OK)
		code = fs_erasure_of_import(work->batch, work->events, &fact.fact, &known, &erasure, error);
	fs_log_reset(transaction->connection);
	if (code == FACTSTR_OK && erasure.record_count > 0)
		code = fs_make_change(transaction->connection, &erasure, error);
	work->imported_count += erasure.record_count;
	fs_erasure_release(&erasure);
	fs_redaction_list_release(&known);
	return code;
}

static int
fs_import_redactions_in(fs_transaction *transaction, void *argument, factstr_error *error)
{
	fs_import_redactions_work *work = argument;
	uint64_t	number = 0;
	int			code = FACTSTR_OK;

	work->imported_count = 0;
	for (size_t i = 0; i < work->batch->redaction_count && code == FACTSTR_OK; i++)
	{
		if (work->batch->redactions[i].sequence_number == number)
			continue;
		number = work->batch->redactions[i].sequence_number;
		code = fs_import_of_fact(transaction, work, number, error);
	}
	return code;
}

int
fs_sqlite_import_redactions(fs_backend *backend, const factstr_batch *batch,
							const fs_append_event *events, uint64_t *imported_count,
							factstr_error *error)
{
	fs_import_redactions_work work = {.batch = batch, .events = events};
	int			code = fs_write(backend, fs_import_redactions_in, &work, FS_WRITE_NOW, error);

	*imported_count = code == FACTSTR_OK ? work.imported_count : 0;
	if (*imported_count > 0)
		(void) fs_erasure_finish(backend);
	return code;
}
