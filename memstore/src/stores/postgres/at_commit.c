/*
 * stores/postgres/at_commit.c
 *		Appends over a connection of the program's own, at the commit of its transaction.
 */
#include <stdlib.h>
#include <string.h>

#include "results/error.h"
#include "stores/postgres/backend.h"

static int
fs_check_transaction_of(PGconn *libpq, factstr_error *error)
{
	switch (PQtransactionStatus(libpq))
	{
		case PQTRANS_INTRANS:
			return FACTSTR_OK;
		case PQTRANS_INERROR:
			(void) fs_error(error, FACTSTR_MISUSE, "the transaction of the connection has failed");
			fs_error_hint(error, "Roll it back, and begin again.");
			return FACTSTR_MISUSE;
		case PQTRANS_UNKNOWN:
			return fs_connection_error(libpq, error);
		default:
			(void) fs_error(error, FACTSTR_MISUSE, "the connection has no transaction");
			fs_error_hint(error, "Begin a transaction, or append with factstr_append.");
			return FACTSTR_MISUSE;
	}
}

/* The server describes a conflict in its detail. */
static int
fs_conflict_of(const PGresult *result, factstr_error *error)
{
	static const char key[] = "\"actual_context_version\": ";
	const char *detail = PQresultErrorField(result, PG_DIAG_MESSAGE_DETAIL);
	const char *version = detail == NULL ? NULL : strstr(detail, key);

	return fs_error_conflict(error, version == NULL ? 0 :
							 strtoull(version + strlen(key), NULL, 10));
}

/* Over the program's connection nothing is prepared by name. */
static int
fs_call_over_theirs(fs_backend *backend, PGconn *libpq, const fs_call *call,
					factstr_append_result *result, factstr_error *error)
{
	int			code = fs_call_check_size(call, error);
	PGresult   *rows;

	if (code != FACTSTR_OK)
		return code;
	rows = PQexecParams(libpq, backend->statements[call->statement], call->parameter_count, NULL,
						call->parameters, NULL, NULL, 1);
	if (PQresultStatus(rows) == PGRES_TUPLES_OK && PQntuples(rows) == 1)
		code = fs_take_append(rows, 0, result, error);
	else
		code = fs_postgres_error(libpq, rows, error);
	if (code == FACTSTR_CONFLICT)
		code = fs_conflict_of(rows, error);
	PQclear(rows);
	return code;
}

static fs_statement
fs_statement_at_commit(factstr_append_condition condition)
{
	switch (condition)
	{
		case FACTSTR_APPEND_IF:
			return FS_STATEMENT_APPEND_IF_AT_COMMIT;
		case FACTSTR_APPEND_UNLESS:
			return FS_STATEMENT_APPEND_UNLESS_AT_COMMIT;
		case FACTSTR_APPEND_ALWAYS:
			break;
	}
	return FS_STATEMENT_APPEND_AT_COMMIT;
}

int
fs_postgres_append_at_commit(fs_backend *backend, void *connection, const fs_append *append,
							 factstr_append_result *result, factstr_error *error)
{
	char		number[FS_INTEGER_SIZE];
	char	   *written = NULL;
	fs_call		call = {
		fs_statement_at_commit(append->condition), append->context == NULL ? 2 : 4,
		{append->events_text, append->idempotency_key}
	};
	int			code = fs_check_transaction_of(connection, error);

	if (code != FACTSTR_OK)
		return code;
	if (append->events_text == NULL)
		call.parameters[0] = written = fs_write_events(append);
	if (call.parameters[0] == NULL)
		return fs_error_no_memory(error);
	if (append->context != NULL)
	{
		call.parameters[2] = append->context->text;
		call.parameters[3] = fs_integer_parameter(append->context_number, number);
	}
	code = fs_call_over_theirs(backend, connection, &call, result, error);
	free(written);
	if (code == FACTSTR_IDEMPOTENCY_KEY_REUSED)
		(void) fs_error_idempotency_key_reused(error);
	return code;
}

int
fs_postgres_last_append(fs_backend *backend, void *connection, factstr_append_result *result,
						factstr_error *error)
{
	fs_call		call = {FS_STATEMENT_LAST_APPEND, 0, {NULL}};

	return fs_call_over_theirs(backend, connection, &call, result, error);
}
