/*
 * sqlite_contexts.c
 *		Conditional appends to a SQLite store search their context before they lock the file, and
 *		afterwards only newer facts.
 *
 * {"nokey": {}} has no scalars, so no index leads to the facts that it matches: all of them are
 * examined.  Tracing shows the statements of the store's connections.
 */
#include <stdatomic.h>
#include <string.h>

#include "lib/sqlite_files.h"
#include "lib/stores.h"

#define CONTEXT "{\"filters\": [{\"payload_predicates\": [{\"nokey\": {}}]}]}"

enum {FACTS = 300};

/* Rows that were stepped to, within transactions that write and outside of them. */
static atomic_int rows_locked;
static atomic_int rows_unlocked;
static atomic_bool is_locked;

static int
trace(unsigned type, void *context, void *statement, void *text)
{
	(void) context;
	if (type == SQLITE_TRACE_ROW)
		(void) atomic_fetch_add(atomic_load(&is_locked) ? &rows_locked : &rows_unlocked, 1);
	else if (strcmp(text, "BEGIN IMMEDIATE") == 0)
		atomic_store(&is_locked, true);
	else if (strcmp(text, "COMMIT") == 0 || strcmp(text, "ROLLBACK") == 0)
		atomic_store(&is_locked, false);
	(void) statement;
	return 0;
}

static int
trace_connection(sqlite3 *db, const char **message, const void *api)
{
	(void) message;
	(void) api;
	return sqlite3_trace_v2(db, SQLITE_TRACE_STMT | SQLITE_TRACE_ROW, trace, NULL);
}

static int
append_if_empty(factstr_store *store, const char *key, factstr_error *error)
{
	const factstr_event event = {.event_type = "t", .payload = "{}"};

	return factstr_append(store, &event, 1, IF_VERSION(CONTEXT, 0, key), NULL, error);
}

static void
test_rows_under_the_lock(factstr_store *store)
{
	factstr_error error = {0};

	atomic_store(&rows_locked, 0);
	atomic_store(&rows_unlocked, 0);
	ok_code(append_if_empty(store, NULL, &error), FACTSTR_OK, &error,
			"an append on a context without scalars");
	ok_cmp(atomic_load(&rows_unlocked), ">=", FACTS, "looks at all facts");
	ok_cmp(atomic_load(&rows_locked), "<", 20, "but at hardly any while it holds the file");
}

/* Another connection holds the file all the time: the busy timeout would be over. */
static void
test_answers_without_the_lock(factstr_store *store)
{
	sqlite3    *holder;
	factstr_error error = {0};

	ok_code(store_append_with_key(store, "t", "{\"nokey\": {}}", "k", &error), FACTSTR_OK, &error,
			"the context is not empty any more");
	if (sqlite3_open(sqlite_path, &holder) != SQLITE_OK ||
		sqlite3_exec(holder, "BEGIN IMMEDIATE", NULL, NULL, NULL) != SQLITE_OK)
		tap_bail_out("the file cannot be held: %s", sqlite3_errmsg(holder));
	ok_code(append_if_empty(store, NULL, &error), FACTSTR_CONFLICT, &error,
			"a conflict is found while another connection holds the file");
	ok_int((int64_t) error.actual_context_version, FACTS + 2, "with the context's version");
	ok_code(append_if_empty(store, "k", &error), FACTSTR_IDEMPOTENCY_KEY_REUSED, &error,
			"and so is a key that was used for other events");
	(void) sqlite3_close(holder);
}

int
main(void)
{
	factstr_store *store;

	sqlite_begin();
	if (sqlite3_auto_extension((void (*) (void)) trace_connection) != SQLITE_OK)
		tap_bail_out("connections cannot be traced");
	sqlite_new_file("contexts.db", "?busy_timeout_ms=20");
	store = sqlite_open();
	for (int i = 0; i < FACTS; i += FACTS / 3)
	{
		if (store_append_batch(store, "other", FACTS / 3) != FACTSTR_OK)
			tap_bail_out("nothing can be appended");
	}
	test_rows_under_the_lock(store);
	test_answers_without_the_lock(store);
	(void) factstr_close(store, FACTSTR_CLOSE_TIMEOUT_MS);
	return sqlite_end();
}
