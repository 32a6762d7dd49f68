/*
 * postgres_log_changes.c
 *		The logs of a database, listed, created, sealed and dropped through stores.
 */
#include <stdlib.h>
#include <string.h>

#include "factstr.h"

#include "lib/postgres_server.h"
#include "lib/recording.h"

#define ORDERS "factstr_log=orders"

/* The names that a store lists, each with a blank behind it. */
static const char *
names_of_logs(factstr_store *store)
{
	static char names[500];
	factstr_log_status_list *list;
	factstr_error error;

	names[0] = '\0';
	if (factstr_logs(store, &list, &error) != FACTSTR_OK)
		tap_bail_out("%s", error.message);
	for (size_t i = 0; i < list->count; i++)
		(void) snprintf(names + strlen(names), sizeof(names) - strlen(names), "%s ", list->logs[i].log);
	factstr_log_status_list_free(list);
	return names;
}

static void
ok_listed(factstr_store *store)
{
	factstr_log_status_list *list;
	factstr_error error;

	ok_code(factstr_logs(store, &list, &error), FACTSTR_OK, &error, "logs are listed");
	ok_int((int64_t) list->count, 2, "both of them");
	ok_str(list->logs[0].log, "main", "in the order of their names");
	ok_int(list->logs[0].created_at, 0, "main exists from the start");
	ok_null(list->logs[0].created_by, "and no role created it");
	ok_cmp(list->logs[1].created_at, ">", INT64_C(1700000000000000), "the other has its time");
	ok_str(list->logs[1].created_by, PQuser(server_session), "and its creator");
	ok_int(list->logs[1].sealed_at, 0, "it is not sealed");
	ok_null(list->logs[1].sealed_by, "by anybody");
	ok_int((int64_t) list->logs[1].reserved[0], 0, "reserved members are 0");
	factstr_log_status_list_free(list);
}

static void
test_created(factstr_store *store)
{
	factstr_store *orders = NULL;
	factstr_error error;

	ok_code(factstr_open(server_url(ORDERS), &orders, &error), FACTSTR_NO_SUCH_LOG, &error, "there is no other log");
	ok_code(factstr_create_log(store, "orders", &error), FACTSTR_OK, &error, "one is created");
	ok_listed(store);
	ok_code(factstr_create_log(store, "orders", &error), FACTSTR_LOG_EXISTS, &error, "once");
	ok_contains(error.message, "log \"orders\" already exists", "as the message says");
	ok_code(factstr_create_log(store, "or ders", &error), FACTSTR_MALFORMED, &error, "a name is checked");
	orders = server_open(ORDERS);
	ok_code(store_append_batch(orders, "a", 3), FACTSTR_OK, &error, "the new log is appended to");
	ok_str(names_of_logs(orders), "main orders ", "its store lists the same");
	ok_code(factstr_create_log(orders, "payments", &error), FACTSTR_OK, &error, "and creates others");
	ok_str(names_of_logs(store), "main orders payments ", "which the first one lists");
	ok_int((int64_t) store_head(store), 0, "main has got nothing of it");
	(void) factstr_close(orders, FACTSTR_CLOSE_TIMEOUT_MS);
}

static void
test_sealed(factstr_store *store)
{
	factstr_store *orders = server_open(ORDERS);
	factstr_error error;
	bool		was_open;

	ok_code(factstr_seal_log(orders, "orders", &was_open, &error), FACTSTR_OK, &error, "a log is sealed by its own store");
	ok(was_open, "it was open");
	ok_code(store_append(orders, "a", NULL, &error), FACTSTR_LOG_SEALED, &error, "nothing is appended to it");
	ok_code(factstr_seal_log(store, "orders", &was_open, &error), FACTSTR_OK, &error, "it can be sealed again");
	ok(!was_open, "and was not open then");
	ok_code(factstr_seal_log(store, "orders", NULL, &error), FACTSTR_OK, &error, "the answer can be left out");
	ok_int((int64_t) store_head(orders), 3, "its facts are there");
	(void) factstr_close(orders, FACTSTR_CLOSE_TIMEOUT_MS);
}

static void
test_dropped(factstr_store *store)
{
	factstr_store *orders = server_open(ORDERS);
	factstr_stream *stream;
	recording	delivered = RECORDING_INIT;
	factstr_error error;
	uint64_t	facts;

	ok_code(factstr_stream_open(orders, "s", NULL, recording_handler, &delivered, NULL, &stream, &error), FACTSTR_OK,
			&error, "a log has a consumer");
	ok_code(factstr_drop_log(store, "orders", "order", &facts, &error), FACTSTR_MALFORMED, &error, "a drop is confirmed");
	ok_contains(error.message, "invalid confirmation", "as the message says");
	ok_contains(error.detail, "gone for good", "with the reason");
	ok_int((int64_t) facts, 0, "nothing is dropped");
	ok_code(factstr_drop_log(store, "orders", "orders", &facts, &error), FACTSTR_OK, &error, "a log is dropped in use");
	ok_int((int64_t) facts, 3, "with its facts");
	ok(AWAIT(factstr_stream_state(stream, NULL) == FACTSTR_NO_SUCH_LOG), "its stream ends");
	ok_code(store_append(orders, "a", NULL, &error), FACTSTR_NO_SUCH_LOG, &error, "and its store has no log");
	ok_str(names_of_logs(orders), "main payments ", "but lists the others");
	ok_code(factstr_create_log(orders, "orders", &error), FACTSTR_OK, &error, "and creates it again");
	ok_int((int64_t) store_head(orders), 0, "without its facts");
	ok_code(factstr_drop_log(orders, "orders", "orders", NULL, &error), FACTSTR_OK, &error, "it drops its own log");
	ok_code(factstr_drop_log(orders, "orders", "orders", &facts, &error), FACTSTR_NO_SUCH_LOG, &error, "once");
	ok_code(factstr_drop_log(store, "main", "main", &facts, &error), FACTSTR_UNSUPPORTED, &error, "main stays");
	ok_contains(error.hint, "DROP EXTENSION factstr CASCADE", "as long as the extension");
	(void) factstr_stream_close(stream, -1);
	(void) factstr_close(orders, FACTSTR_CLOSE_TIMEOUT_MS);
}

static void
test_misuse(factstr_store *store)
{
	factstr_log_status_list *list = (factstr_log_status_list *) store;
	factstr_error error;
	uint64_t	facts = 9;

	ok_code(factstr_logs(NULL, &list, &error), FACTSTR_MISUSE, &error, "a list without a store");
	ok_null(list, "is none");
	ok_code(factstr_logs(store, NULL, &error), FACTSTR_MISUSE, &error, "a list without a place");
	ok_code(factstr_create_log(NULL, "a", &error), FACTSTR_MISUSE, &error, "a new log without a store");
	ok_code(factstr_create_log(store, NULL, &error), FACTSTR_MISUSE, &error, "or without a name");
	ok_code(factstr_seal_log(store, NULL, NULL, &error), FACTSTR_MISUSE, &error, "no name to be sealed");
	ok_code(factstr_drop_log(store, NULL, "a", NULL, &error), FACTSTR_MISUSE, &error, "no name to be dropped");
	ok_code(factstr_drop_log(store, "a", NULL, &facts, &error), FACTSTR_MISUSE, &error, "no confirmation");
	ok_int((int64_t) facts, 0, "and no facts");
	factstr_log_status_list_free(NULL);
}

/* Each call in a transactional delivery; the result is the first that is not refused, or 0. */
static int
change_logs(recording *self, const factstr_batch *batch)
{
	factstr_error error;

	(void) batch;
	if (factstr_create_log(self->store, "within", &error) != FACTSTR_MISUSE)
		recording_set_result(self, 1);
	else if (factstr_seal_log(self->store, "payments", NULL, &error) != FACTSTR_MISUSE)
		recording_set_result(self, 2);
	else if (factstr_drop_log(self->store, "payments", "payments", NULL, &error) != FACTSTR_MISUSE)
		recording_set_result(self, 3);
	return 0;
}

static void
test_handlers(factstr_store *store)
{
	const factstr_stream_options options = {.size = sizeof(options), .transactional = true};
	factstr_stream *stream;
	recording	delivered = RECORDING_INIT;
	factstr_error error;

	delivered.store = store;
	delivered.action = change_logs;
	ok_code(store_append(store, "a", NULL, &error), FACTSTR_OK, &error, "a fact");
	ok_code(factstr_stream_open(store, "t", NULL, recording_handler, &delivered, &options, &stream, &error), FACTSTR_OK,
			&error, "is delivered in a transaction");
	ok_int(recording_result(&delivered), 0, "whose handler changes no logs");
	ok_str(names_of_logs(store), "main payments ", "as their list shows");
	(void) factstr_stream_close(stream, -1);
}

/* A role that has a right on one log. */
static void
test_rights(void)
{
	char		options[200];
	factstr_store *store;
	factstr_error error;

	(void) server_run(server_session, "CREATE ROLE keeper_%d LOGIN", (int) getpid());
	(void) server_run(server_session, "SELECT factstr_grant('keeper_%d', 'admin', 'payments'),"
					  " factstr_grant('keeper_%d', 'read', 'payments')", (int) getpid(), (int) getpid());
	(void) snprintf(options, sizeof(options), "user=keeper_%d", (int) getpid());
	store = server_open(options);
	ok_str(names_of_logs(store), "payments ", "a role sees the logs on which it has a right");
	ok_code(factstr_create_log(store, "mine", &error), FACTSTR_PERMISSION_DENIED, &error, "it creates none");
	ok_contains(error.detail, "needs the right EXECUTE on function factstr_create_log", "without the right: %s", error.detail);
	ok_code(factstr_seal_log(store, "main", NULL, &error), FACTSTR_PERMISSION_DENIED, &error, "it does not seal another's");
	ok_contains(error.detail, "\"admin\"", "without the right: %s", error.detail);
	ok_code(factstr_seal_log(store, "payments", NULL, &error), FACTSTR_OK, &error, "it seals its own");
	ok_code(factstr_drop_log(store, "payments", "payments", NULL, &error), FACTSTR_OK, &error, "and drops it");
	(void) factstr_close(store, FACTSTR_CLOSE_TIMEOUT_MS);
	(void) server_run(server_session, "DROP OWNED BY keeper_%d", (int) getpid());
	(void) server_run(server_session, "DROP ROLE keeper_%d", (int) getpid());
}

int
main(void)
{
	factstr_store *store;

	if (!server_begin("log_changes"))
		return 0;
	store = server_open("factstr_log=main");
	test_created(store);
	test_sealed(store);
	test_dropped(store);
	test_misuse(store);
	test_handlers(store);
	(void) factstr_close(store, FACTSTR_CLOSE_TIMEOUT_MS);
	test_rights();
	return server_end();
}
