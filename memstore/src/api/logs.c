/*
 * api/logs.c
 *		The logs of the store's database: lists, creates, seals and drops them.
 */
#include <stdlib.h>

#include "api/store.h"
#include "results/error.h"
#include "results/lists.h"

static int
fs_refuse_one_log(factstr_error *error)
{
	(void) fs_error(error, FACTSTR_UNSUPPORTED, "this store is one log, and has no others");
	fs_error_hint(error, "Open a store for each log, or keep the facts in PostgreSQL, where a database holds "
				  "several logs.");
	return FACTSTR_UNSUPPORTED;
}

/* A call that changes logs begins: FACTSTR_OK, and then fs_leave ends it. */
static int
fs_enter_change(factstr_store *store, const char *log, fs_entered *entered, factstr_error *error)
{
	int			code;

	if (store == NULL)
		return fs_error_misuse_null(error, "store");
	if (log == NULL)
		return fs_error_misuse_null(error, "log");
	if (store->methods->create_log == NULL)
		return fs_refuse_one_log(error);
	code = fs_check_no_transaction(store, "change logs", error);
	return code == FACTSTR_OK ? fs_enter(store, entered, error) : code;
}

/* The caller's part comes first, so that one pointer is both. */
typedef struct fs_log_answer
{
	factstr_log_status_list list;
	fs_log_list logs;
} fs_log_answer;

static int
fs_find_logs(factstr_store *store, fs_log_list *logs, factstr_error *error)
{
	fs_entered	entered;
	int			code;

	if (store->methods->logs == NULL)
		return fs_refuse_one_log(error);
	code = fs_enter(store, &entered, error);
	if (code != FACTSTR_OK)
		return code;
	code = store->methods->logs(store->backend, logs, error);
	fs_leave(&entered);
	return code;
}

static int
fs_list_logs(factstr_store *store, factstr_log_status_list **list, factstr_error *error)
{
	fs_log_answer *answer = calloc(1, sizeof(fs_log_answer));
	int			code;

	if (answer == NULL)
		return fs_error_no_memory(error);
	code = fs_find_logs(store, &answer->logs, error);
	answer->list.count = answer->logs.count;
	answer->list.logs = answer->logs.logs;
	if (code == FACTSTR_OK)
		*list = &answer->list;
	else
		factstr_log_status_list_free(&answer->list);
	return code;
}

int
factstr_logs(factstr_store *store, factstr_log_status_list **list, factstr_error *error)
{
	factstr_error found;

	if (list == NULL)
		return fs_error_misuse_null(error, "list");
	*list = NULL;
	if (store == NULL)
		return fs_error_misuse_null(error, "store");
	return fs_report(fs_list_logs(store, list, &found), &found, error);
}

void
factstr_log_status_list_free(factstr_log_status_list *list)
{
	fs_log_answer *answer = (fs_log_answer *) list;

	if (answer == NULL)
		return;
	fs_log_list_release(&answer->logs);
	free(answer);
}

int
factstr_create_log(factstr_store *store, const char *log, factstr_error *error)
{
	factstr_error found;
	fs_entered	entered;
	int			code = fs_enter_change(store, log, &entered, &found);

	if (code == FACTSTR_OK)
	{
		code = store->methods->create_log(store->backend, log, &found);
		fs_leave(&entered);
	}
	return fs_report(code, &found, error);
}

int
factstr_seal_log(factstr_store *store, const char *log, bool *was_open, factstr_error *error)
{
	factstr_error found;
	fs_entered	entered;
	bool		open = false;
	int			code = fs_enter_change(store, log, &entered, &found);

	if (code == FACTSTR_OK)
	{
		code = store->methods->seal_log(store->backend, log, &open, &found);
		fs_leave(&entered);
	}
	if (was_open != NULL)
		*was_open = code == FACTSTR_OK && open;
	return fs_report(code, &found, error);
}

int
factstr_drop_log(factstr_store *store, const char *log, const char *confirmation,
				 uint64_t *dropped_facts, factstr_error *error)
{
	factstr_error found;
	fs_entered	entered;
	uint64_t	facts = 0;
	int			code = confirmation == NULL ? fs_error_misuse_null(&found, "confirmation") :
		fs_enter_change(store, log, &entered, &found);

	if (code == FACTSTR_OK)
	{
		code = store->methods->drop_log(store->backend, log, confirmation, &facts, &found);
		fs_leave(&entered);
	}
	if (dropped_facts != NULL)
		*dropped_facts = code == FACTSTR_OK ? facts : 0;
	return fs_report(code, &found, error);
}
