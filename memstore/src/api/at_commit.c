/*
 * api/at_commit.c
 *		factstr_append_at_commit and factstr_last_append: appends in transactions of the program's own.
 */
#include "api/append.h"
#include "api/store.h"
#include "api/structs.h"
#include "results/error.h"

/* Can the store append over a connection that is not its own? */
static int
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
	fs_error_hint(error, "Append with factstr_append, or keep the facts in PostgreSQL.");
	return FACTSTR_UNSUPPORTED;
}

static fs_append_condition
fs_condition_of(factstr_append_condition condition)
{
	switch (condition)
	{
		case FACTSTR_IF_VERSION:
			return FS_IF_VERSION;
		case FACTSTR_UNLESS_NEWER:
			return FS_UNLESS_NEWER;
		case FACTSTR_UNCONDITIONALLY:
			break;
	}
	return FS_UNCONDITIONALLY;
}

int
factstr_append_at_commit(factstr_store *store, void *connection, const factstr_event *events,
						 size_t count, const factstr_append_options *options,
						 factstr_append_result *result, factstr_error *error)
{
	factstr_append_options taken;
	factstr_error found;
	fs_append_terms terms;
	int			code;

	if (result != NULL)
		*result = (factstr_append_result) {0};
	code = fs_check_connection(store, connection, &found);
	if (code == FACTSTR_OK)
		code = fs_take_append_options(options, &taken, &found);
	if (code != FACTSTR_OK)
		return fs_report(code, &found, error);
	terms = (fs_append_terms) {
		.condition = fs_condition_of(taken.condition),
		.context_query = taken.context_query,
		.context_number = taken.context_number,
		.idempotency_key = taken.idempotency_key,
		.connection = connection
	};
	return fs_append_structs(store, events, count, &terms, result, error);
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
