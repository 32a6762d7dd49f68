/*
 * api/at_commit.c
 *		Appends at commit, in transactions on connections of the program, and their results.
 */
#include "api/append.h"
#include "api/store.h"
#include "results/error.h"

int
fs_check_connection(const factstr_store *store, const void *connection, factstr_error *error)
{
	if (store == NULL)
		return fs_error_misuse_null(error, "store");
	if (connection == NULL)
		return fs_error_misuse_null(error, "connection");
	if (store->methods->append_at_commit != NULL)
		return FACTSTR_OK;
	(void) fs_error(error, FACTSTR_UNSUPPORTED,
					"this store cannot append in a transaction of the program");
	fs_error_hint(error, "Append without a connection, or keep the facts in PostgreSQL.");
	return FACTSTR_UNSUPPORTED;
}

int
factstr_last_append(factstr_store *store, void *connection, factstr_append_result *result,
					factstr_error *error)
{
	factstr_append_result appended = {0};
	factstr_error found;
	fs_entered	entered;
	int			code;

	if (result == NULL)
		return fs_report(fs_error_misuse_null(&found, "result"), &found, error);
	*result = appended;
	code = fs_check_connection(store, connection, &found);
	if (code == FACTSTR_OK)
		code = fs_enter(store, &entered, &found);
	if (code != FACTSTR_OK)
		return fs_report(code, &found, error);
	code = store->methods->last_append(store->backend, connection, &appended, &found);
	fs_leave(&entered);
	if (code == FACTSTR_OK)
		*result = appended;
	return fs_report(code, &found, error);
}
