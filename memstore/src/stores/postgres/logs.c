/*
 * stores/postgres/logs.c
 *		The logs of the database: listed, created, sealed and dropped.
 *
 * No change is repeated after its connection was lost: a log that it finds then may be its own, or somebody else's.
 */
#include <string.h>

#include "results/error.h"
#include "results/lists.h"
#include "stores/postgres/backend.h"

static int
fs_take_log_row(const PGresult *rows, int row, void *target, factstr_error *error)
{
	const factstr_log_status log = {
		.log = fs_value_text(rows, row, 0),
		.created_at = fs_value_time(rows, row, 1),
		.created_by = fs_value_text(rows, row, 2),
		.sealed_at = fs_value_time(rows, row, 3),
		.sealed_by = fs_value_text(rows, row, 4)
	};

	return fs_log_list_add(target, &log) ? FACTSTR_OK : fs_error_no_memory(error);
}

static void
fs_begin_logs(void *target)
{
	fs_log_list_release(target);
}

int
fs_postgres_logs(fs_backend *backend, fs_log_list *logs, factstr_error *error)
{
	fs_call		call = {.statement = FS_STATEMENT_LOGS};
	fs_answer	answer = {fs_take_log_row, fs_begin_logs, logs, .one_by_one = false};

	return fs_call_server(backend, &call, &answer, FS_REPEAT_ONCE, error);
}

int
fs_postgres_create_log(fs_backend *backend, const char *log, factstr_error *error)
{
	fs_call		call = {FS_STATEMENT_CREATE_LOG, 1, {log}};

	return fs_call_server(backend, &call, NULL, FS_NEVER_REPEAT, error);
}

static int
fs_take_was_open(const PGresult *rows, int row, void *target, factstr_error *error)
{
	(void) error;
	*(bool *) target = fs_value_bool(rows, row, 0);
	return FACTSTR_OK;
}

int
fs_postgres_seal_log(fs_backend *backend, const char *log, bool *was_open, factstr_error *error)
{
	fs_call		call = {FS_STATEMENT_SEAL_LOG, 1, {log}};
	fs_answer	answer = {.take = fs_take_was_open, .target = was_open};

	return fs_call_server(backend, &call, &answer, FS_NEVER_REPEAT, error);
}

static int
fs_take_dropped_facts(const PGresult *rows, int row, void *target, factstr_error *error)
{
	(void) error;
	*(uint64_t *) target = (uint64_t) fs_value_int8(rows, row, 0);
	return FACTSTR_OK;
}

int
fs_postgres_drop_log(fs_backend *backend, const char *log, const char *confirmation,
					 uint64_t *dropped_facts, factstr_error *error)
{
	fs_call		call = {FS_STATEMENT_DROP_LOG, 2, {log, confirmation}};
	fs_answer	answer = {.take = fs_take_dropped_facts, .target = dropped_facts};

	if (strcmp(log, FS_MAIN_LOG) != 0)
		return fs_call_server(backend, &call, &answer, FS_NEVER_REPEAT, error);
	(void) fs_error(error, FACTSTR_UNSUPPORTED, "cannot drop log \"" FS_MAIN_LOG "\"");
	fs_error_hint(error, "It exists as long as the extension: DROP EXTENSION factstr CASCADE drops it, too.");
	return FACTSTR_UNSUPPORTED;
}
