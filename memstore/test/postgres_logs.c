/*
 * postgres_logs.c
 *		Stores of several logs in one database, which the URL names.
 */
#include <stdlib.h>
#include <string.h>

#include "factstr.h"

#include "lib/postgres_server.h"
#include "lib/recording.h"

#define OF_TYPE(type) "{\"filters\": [{\"event_types\": [\"" type "\"]}]}"
#define ORDERS "factstr_log=orders"

/* 40 characters, as many as a name has at most. */
#define LONGEST "abcdefghijklmnopqrstuvwxyz-0123456789_ab"

static const factstr_stream_options from_now = {.size = sizeof(from_now), .start = FACTSTR_FROM_NOW};

/* The result of a URL with these options; the log exists. */
static void
ok_refused(const char *options, int code, const char *message, const char *word)
{
	factstr_store *store = NULL;
	factstr_error error = {0};
	char		words[sizeof(error.detail) + sizeof(error.hint) + 2];

	ok_code(factstr_open(server_url(options), &store, &error), code, &error, "%s", options);
	ok_contains(error.message, message, "the message names the problem");
	(void) snprintf(words, sizeof(words), "%s %s", error.detail, error.hint);
	ok_contains(words, word, "and the rest, how it is right: %s", words);
	(void) factstr_close(store, FACTSTR_CLOSE_TIMEOUT_MS);
}

static void
test_refused_urls(void)
{
	const char *not_a_name = "option \"factstr_log\" in the URL of the server is not the name of a log";

	ok_refused("factstr_log=", FACTSTR_CANNOT_OPEN, not_a_name, "1 to 40 of the characters");
	ok_refused("factstr_log=Orders", FACTSTR_CANNOT_OPEN, not_a_name, "a to z");
	ok_refused("factstr_log=or'ders", FACTSTR_CANNOT_OPEN, not_a_name, "a to z");
	ok_refused("factstr_log=or%20ders", FACTSTR_CANNOT_OPEN, not_a_name, "a to z");
	ok_refused("factstr_log=or%2", FACTSTR_CANNOT_OPEN, not_a_name, "a to z");
	ok_refused("factstr_log=or%00", FACTSTR_CANNOT_OPEN, not_a_name, "a to z");
	ok_refused("factstr_log=a=b", FACTSTR_CANNOT_OPEN, not_a_name, "a to z");
	ok_refused("factstr_log=" LONGEST "c", FACTSTR_CANNOT_OPEN, not_a_name, "1 to 40");
	ok_refused("factstr_log", FACTSTR_CANNOT_OPEN, "\"factstr_log\" in the URL of the server has no value",
			   "names a log");
	ok_refused("factstr_log=orders&factstr_log=orders", FACTSTR_CANNOT_OPEN, "is given twice", "names a log");
	ok_refused("factstr_log=main&connect_timeout=5&factstr%5Flog=orders", FACTSTR_CANNOT_OPEN, "is given twice",
			   "names a log");
	ok_refused("factstr_logs=orders", FACTSTR_CANNOT_OPEN, "there is no such option", "option=value");
	ok_refused("factstr_log=no-such-log", FACTSTR_NO_SUCH_LOG, "log \"no-such-log\" does not exist",
			   "factstr_create_log");
}

/* The head of the log that a URL with these options opens. */
static int
head_of(const char *options)
{
	factstr_store *store = server_open(options);
	int			head = (int) store_head(store);

	(void) factstr_close(store, FACTSTR_CLOSE_TIMEOUT_MS);
	return head;
}

/* main has no fact, orders one, and LONGEST two. */
static void
test_urls(void)
{
	(void) server_run(server_session, "SELECT factstr_create_log('orders'), factstr_create_log('" LONGEST "')");
	(void) server_run(server_session, "SELECT factstr_append('[{\"event_type\": \"a\", \"payload\": 1}]', log => 'orders')");
	(void) server_run(server_session, "SELECT factstr_append('[{\"event_type\": \"a\", \"payload\": 1},"
					  "{\"event_type\": \"b\", \"payload\": 1}]', log => '" LONGEST "')");
	ok_int(head_of(""), 0, "without the option the store is main");
	ok_int(head_of("factstr_log=main"), 0, "which can be named");
	ok_int(head_of(ORDERS), 1, "another log");
	ok_int(head_of("factstr_log=" LONGEST), 2, "a name of 40 characters");
	ok_int(head_of("connect_timeout=5&" ORDERS), 1, "as the last option");
	ok_int(head_of(ORDERS "&connect_timeout=5"), 1, "as the first option");
	ok_int(head_of("sslmode=prefer&" ORDERS "&connect_timeout=5"), 1, "between others");
	ok_int(head_of("factstr_log=%6Frders"), 1, "with percent signs in the name");
	ok_int(head_of("factstr%5flog=orders"), 1, "with percent signs in the option");
}

static void
test_local_stores(void)
{
	factstr_store *store;
	factstr_error error;

	ok_code(factstr_open("sqlite:facts.db?factstr_log=orders", &store, &error), FACTSTR_CANNOT_OPEN, &error,
			"a SQLite file takes no log");
	ok_contains(error.message, "a SQLite file is one log", "and the message says why");
	ok_contains(error.hint, "several files", "with advice: %s", error.hint);
	ok_code(factstr_open("memory:?factstr_log=orders", &store, &error), FACTSTR_CANNOT_OPEN, &error,
			"a memory store takes no log");
	ok_contains(error.hint, "several stores", "with advice: %s", error.hint);
}

/* The answers of the store about its facts: queries, batches, an export. */
static void
ok_facts(factstr_store *store, const char *numbers, const char *name)
{
	factstr_query_result *found;
	factstr_batch_list *batches;
	factstr_batch_list *exported;
	factstr_error error;
	char		text[200] = "";

	if (factstr_query(store, NULL, &found, &error) != FACTSTR_OK ||
		factstr_batches(store, NULL, 0, 100, &batches, &error) != FACTSTR_OK ||
		factstr_export(store, 0, 100, &exported, &error) != FACTSTR_OK)
		tap_bail_out("%s", error.message);
	for (size_t i = 0; i < found->fact_count; i++)
		(void) snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%d%s", i == 0 ? "" : " ",
						(int) found->facts[i].sequence_number, found->facts[i].event_type);
	ok_str(text, numbers, "%s: its facts are found", name);
	ok_int((int64_t) batches->count, (int64_t) found->fact_count, "%s: in as many batches", name);
	ok_int((int64_t) exported->count, (int64_t) found->fact_count, "%s: which are exported", name);
	factstr_query_result_free(found);
	factstr_batch_list_free(batches);
	factstr_batch_list_free(exported);
}

static void
ok_newest(factstr_store *store, int expected, const char *name)
{
	static const char *const queries[] = {NULL};
	factstr_newest_result *newest;
	factstr_cursor *cursor;
	const factstr_fact *fact = NULL;
	factstr_error error;

	if (factstr_newest(store, queries, 1, &newest, &error) != FACTSTR_OK ||
		factstr_read_open(store, NULL, NULL, &cursor, &error) != FACTSTR_OK)
		tap_bail_out("%s", error.message);
	ok_int((int64_t) newest->current_context_version, expected, "%s: the newest fact", name);
	ok_code(factstr_read_next(cursor, &fact, &error), FACTSTR_OK, &error, "%s: read", name);
	ok_int(fact == NULL ? 0 : (int64_t) fact->sequence_number, 1, "%s: from the first on", name);
	factstr_read_close(cursor);
	factstr_newest_result_free(newest);
}

/* Both logs have fact 1 already. */
static void
test_appends(factstr_store *first, factstr_store *second)
{
	factstr_event event = {.event_type = "c", .payload = "{}"};
	factstr_append_result result;
	factstr_error error;

	ok_code(store_append_with_key(first, "k", NULL, "key", &error), FACTSTR_OK, &error, "a key in one log");
	ok_code(store_append_with_key(second, "l", NULL, "key", &error), FACTSTR_OK, &error,
			"is no key in another");
	ok_code(factstr_append(first, &event, 1, IF_VERSION(OF_TYPE("l"), 0, NULL), &result, &error), FACTSTR_OK, &error,
			"a context of one log has no facts of another");
	ok_int((int64_t) result.first_sequence_number, 3, "and no numbers");
	ok_code(factstr_append(second, &event, 1, IF_VERSION(OF_TYPE("l"), 0, NULL), NULL, &error), FACTSTR_CONFLICT,
			&error, "the other log has the fact");
	ok_code(factstr_append(first, &event, 1, UNLESS_NEWER(OF_TYPE("l"), 0, NULL), NULL, &error), FACTSTR_OK, &error,
			"there is nothing newer in the log");
	ok_code(factstr_append(second, &event, 1, UNLESS_NEWER(OF_TYPE("l"), 4, NULL), NULL, &error), FACTSTR_MALFORMED,
			&error, "a number of the other log is beyond the end of this one");
	ok_facts(first, "1a 2k 3c 4c", "one log");
	ok_facts(second, "1a 2l", "another");
	ok_newest(first, 4, "one log");
	ok_newest(second, 2, "another");
}

static void
test_at_commit(factstr_store *first, factstr_store *second)
{
	PGconn	   *connection = server_connect(server_url(""));
	factstr_event event = {.event_type = "d", .payload = "{}"};
	factstr_append_options options = FACTSTR_APPEND_OPTIONS_INIT;
	factstr_append_result result;
	factstr_error error;

	options.connection = connection;
	(void) server_run(connection, "BEGIN");
	ok_code(factstr_append(first, &event, 1, &options, NULL, &error), FACTSTR_OK, &error,
			"one transaction appends at commit to one log");
	options.condition = FACTSTR_APPEND_IF;
	options.context_query = OF_TYPE("d");
	ok_code(factstr_append(second, &event, 1, &options, NULL, &error), FACTSTR_OK, &error,
			"and on a condition to another");
	(void) server_run(connection, "COMMIT");
	ok_code(factstr_last_append(first, connection, &result, &error), FACTSTR_OK, &error, "the last append");
	ok_int((int64_t) result.last_sequence_number, 5, "is that of the store's log");
	ok_code(factstr_last_append(second, connection, &result, &error), FACTSTR_OK, &error, "in each");
	ok_int((int64_t) result.last_sequence_number, 3, "store");
	PQfinish(connection);
}

/* The second log becomes a copy of facts 4 and 5 of the first. */
static void
test_import_and_redaction(factstr_store *first, factstr_store *second)
{
	factstr_batch_list *batches;
	factstr_redaction_list *redactions;
	factstr_error error;
	uint64_t	imported;

	if (factstr_export(first, 3, 2, &batches, &error) != FACTSTR_OK)
		tap_bail_out("%s", error.message);
	ok_code(factstr_import(second, batches->batches, batches->count, NULL, &error), FACTSTR_OK, &error,
			"batches of one log are imported into another");
	factstr_batch_list_free(batches);
	ok_code(factstr_redact(first, 5, "{\"gone\": true}", "test", NULL, NULL, &error), FACTSTR_OK, &error, "a fact is redacted");
	ok_code(factstr_redactions(first, 0, 100, &redactions, &error), FACTSTR_OK, &error, "its log");
	ok_int((int64_t) redactions->count, 1, "has a redaction");
	factstr_redaction_list_free(redactions);
	ok_code(factstr_redactions(second, 0, 100, &redactions, &error), FACTSTR_OK, &error, "the other");
	ok_int((int64_t) redactions->count, 0, "has none");
	factstr_redaction_list_free(redactions);
	(void) factstr_export(first, 4, 1, &batches, &error);
	ok_code(factstr_import_redactions(second, batches->batches, batches->count, &imported, &error), FACTSTR_OK,
			&error, "until it is imported");
	ok_int((int64_t) imported, 1, "once");
	factstr_batch_list_free(batches);
}

static int
stream_count(factstr_store *store)
{
	factstr_stream_status_list *list;
	factstr_error error;
	int			count;

	if (factstr_streams(store, &list, &error) != FACTSTR_OK)
		tap_bail_out("%s", error.message);
	count = (int) list->count;
	factstr_stream_status_list_free(list);
	return count;
}

/* Durable streams of one name in two logs, from the sixth fact on. */
static void
test_streams(factstr_store *first, factstr_store *second)
{
	factstr_stream *of_first;
	factstr_stream *of_second;
	recording	in_first = RECORDING_INIT;
	recording	in_second = RECORDING_INIT;
	factstr_error error;

	ok_code(factstr_stream_open(first, "s", NULL, recording_handler, &in_first, &from_now, &of_first, &error),
			FACTSTR_OK, &error, "a stream in one log");
	ok_code(factstr_stream_open(second, "s", OF_TYPE("e"), recording_handler, &in_second, &from_now, &of_second, &error),
			FACTSTR_OK, &error, "and another of its name in another log");
	ok(AWAIT(server_count("query = 'LISTEN \"factstr.orders\"'") == 1), "its store listens on its channel");
	ok_int(server_count("query = 'LISTEN \"factstr\"'"), 1, "and the other on that of main");
	(void) store_append(first, "e", NULL, NULL);
	(void) server_run(server_session, "SELECT factstr_append('[{\"event_type\": \"e\", \"payload\": 1},"
					  " {\"event_type\": \"f\", \"payload\": 1}]', log => 'orders')");
	ok_recorded(&in_first, "6-6(6)", "each delivers the facts of its log");
	ok_recorded(&in_second, "6-7(6)", "and no others");
	ok_code(factstr_wait(second, "s", 7, 20000, &error), FACTSTR_OK, &error, "it is waited for");
	(void) factstr_stream_close(of_first, -1);
	(void) factstr_stream_close(of_second, -1);
	ok_int((int64_t) store_cursor(first, "s"), 6, "each has its cursor");
	ok_int((int64_t) store_cursor(second, "s"), 7, "in its log");
	ok_code_soon(factstr_stream_seek(second, "s", 1, &error), FACTSTR_OK, &error, "one is moved");
	ok_int((int64_t) store_cursor(first, "s"), 6, "without the other");
	ok_code_soon(factstr_stream_drop(second, "s", &error), FACTSTR_OK, &error, "and dropped");
	ok_int(stream_count(second), 0, "its log has none then");
	ok_int(stream_count(first), 1, "the other still has one");
	ok_code(factstr_wait(second, "s", 1, 0, &error), FACTSTR_NO_SUCH_STREAM, &error, "a name of another log is none");
}

/* The handler of a stream of the second log, in whose transaction it appends at commit to both. */
static factstr_store *other_store;

static int
append_at_commit(recording *self, const factstr_batch *batch)
{
	factstr_event event = {.event_type = "g", .payload = "{}"};
	factstr_append_options options = {.size = sizeof(options), .connection = batch->transaction};
	factstr_error error;

	recording_set_result(self, factstr_append(other_store, &event, 1, &options, NULL, &error));
	return recording_result(self);
}

static void
test_transactions(factstr_store *first, factstr_store *second)
{
	factstr_stream *stream;
	recording	delivered = RECORDING_INIT;
	factstr_stream_options options = from_now;
	factstr_error error;
	uint64_t	before = store_head(first);

	other_store = first;
	delivered.action = append_at_commit;
	options.transactional = true;
	ok_code(factstr_stream_open(second, "t", OF_TYPE("e"), recording_handler, &delivered, &options, &stream, &error),
			FACTSTR_OK, &error, "a transactional stream of one log");
	(void) store_append(second, "e", NULL, NULL);
	ok_recorded(&delivered, "8-8(8)", "delivers its fact");
	ok(AWAIT(store_head(first) == before + 1), "and appends to the other log in the same transaction");
	ok_int(recording_result(&delivered), FACTSTR_OK, "over the other log's store");
	ok_code(factstr_wait(second, "t", 8, 20000, &error), FACTSTR_OK, &error, "with its cursor");
	(void) factstr_stream_close(stream, -1);
	ok_code_soon(factstr_stream_drop(second, "t", &error), FACTSTR_OK, &error, "the stream is dropped");
}

static void
test_sealed(void)
{
	factstr_store *store = server_open(ORDERS);
	factstr_store *main_store = server_open("");
	factstr_event event = {.event_type = "h", .payload = "{}"};
	factstr_fact history = {.event_type = "h", .payload = "{}", .occurred_at = 1};
	factstr_batch batch = {.facts = &history, .fact_count = 1};
	factstr_stream *stream;
	recording	delivered = RECORDING_INIT;
	factstr_error error;

	(void) server_run(server_session, "SELECT factstr_seal_log('orders')");
	ok_code(store_append(store, "h", NULL, &error), FACTSTR_LOG_SEALED, &error, "nothing is appended to a sealed log");
	ok_contains(error.message, "log \"orders\" is sealed", "the message names it");
	ok_contains(error.hint, "Append to another log", "with advice: %s", error.hint);
	ok_code(store_append_with_key(store, "h", NULL, "sealed", &error), FACTSTR_LOG_SEALED, &error, "with a key");
	ok_code(factstr_append(store, &event, 1, IF_VERSION(OF_TYPE("h"), 0, NULL), NULL, &error), FACTSTR_LOG_SEALED,
			&error, "with a condition");
	ok_code(factstr_append(store, &event, 1, UNLESS_NEWER(OF_TYPE("h"), 0, NULL), NULL, &error), FACTSTR_LOG_SEALED,
			&error, "or unless something is newer");
	ok_code(factstr_import(store, &batch, 1, NULL, &error), FACTSTR_LOG_SEALED, &error, "nothing is imported");
	ok_code(store_append(main_store, "h", NULL, &error), FACTSTR_OK, &error, "other logs are not concerned");
	ok_int((int64_t) store_head(store), 8, "it is read");
	ok_code(factstr_stream_open(store, "u", OF_TYPE("a"), recording_handler, &delivered, NULL, &stream, &error),
			FACTSTR_OK, &error, "and consumed");
	ok_recorded(&delivered, "1-1(1)", "as before");
	(void) factstr_stream_close(stream, -1);
	(void) factstr_close(store, FACTSTR_CLOSE_TIMEOUT_MS);
	ok_int(head_of(ORDERS), 8, "and opened");
	(void) factstr_close(main_store, FACTSTR_CLOSE_TIMEOUT_MS);
}

static void
note_end(const factstr_error *reason, void *context)
{
	recording_set_result(context, reason->code);
}

static void
test_dropped_streams(factstr_store *store)
{
	factstr_stream_options options = from_now;
	factstr_stream *live;
	factstr_stream *durable;
	factstr_stream *pulled;
	factstr_batch_list *batches;
	recording	of_live = RECORDING_INIT;
	recording	of_durable = RECORDING_INIT;
	factstr_error error;

	options.ended = note_end;
	if (factstr_stream_open(store, NULL, NULL, recording_handler, &of_live, &options, &live, &error) != FACTSTR_OK ||
		factstr_stream_open(store, "v", NULL, recording_handler, &of_durable, &options, &durable, &error) != FACTSTR_OK ||
		factstr_stream_open(store, "w", NULL, NULL, NULL, &from_now, &pulled, &error) != FACTSTR_OK)
		tap_bail_out("%s", error.message);
	ok_str(server_run(server_session, "SELECT factstr_drop_log('orders', 'orders')"), "8",
		   "a log is dropped while its store is open");
	ok_int_soon(recording_result(&of_live), FACTSTR_NO_SUCH_LOG, "a live stream ends");
	ok_int_soon(recording_result(&of_durable), FACTSTR_NO_SUCH_LOG, "a durable stream ends");
	ok_code(factstr_stream_state(live, &error), FACTSTR_NO_SUCH_LOG, &error, "as its state says: %s", error.message);
	ok_code(factstr_stream_next(pulled, 1, 20000, &batches, &error), FACTSTR_NO_SUCH_LOG, &error,
			"so does one without a handler");
	ok_int(recording_calls(&of_live) + recording_calls(&of_durable), 0, "nothing was delivered");
	(void) factstr_stream_close(live, -1);
	(void) factstr_stream_close(durable, -1);
	(void) factstr_stream_close(pulled, -1);
}

static void
test_dropped(void)
{
	factstr_store *store = server_open(ORDERS);
	factstr_query_result *found;
	factstr_redaction_list *redactions;
	factstr_stream_status_list *streams;
	factstr_stream *stream;
	factstr_error error;

	test_dropped_streams(store);
	ok_code(store_append(store, "i", NULL, &error), FACTSTR_NO_SUCH_LOG, &error, "an append says that the log is gone");
	ok_contains(error.message, "log \"orders\" does not exist", "by its name");
	ok_contains(error.hint, "factstr_create_log", "with advice: %s", error.hint);
	ok_code(factstr_query(store, NULL, &found, &error), FACTSTR_NO_SUCH_LOG, &error, "a query");
	ok_code(factstr_redactions(store, 0, 1, &redactions, &error), FACTSTR_NO_SUCH_LOG, &error, "redactions");
	ok_code(factstr_streams(store, &streams, &error), FACTSTR_NO_SUCH_LOG, &error, "the list of streams");
	ok_code(factstr_wait(store, "v", 1, 0, &error), FACTSTR_NO_SUCH_LOG, &error, "a wait");
	ok_code(factstr_stream_seek(store, "v", 0, &error), FACTSTR_NO_SUCH_LOG, &error, "a seek");
	ok_code(factstr_stream_drop(store, "v", &error), FACTSTR_NO_SUCH_LOG, &error, "a drop");
	ok_code(factstr_stream_open(store, "v", NULL, NULL, NULL, NULL, &stream, &error), FACTSTR_NO_SUCH_LOG, &error,
			"and opening a stream");
	(void) server_run(server_session, "SELECT factstr_create_log('orders')");
	ok_code(store_append(store, "i", NULL, &error), FACTSTR_OK, &error, "a new log of the name is the store's then");
	ok_int((int64_t) store_head(store), 1, "and begins with 1");
	(void) factstr_close(store, FACTSTR_CLOSE_TIMEOUT_MS);
}

/* A role that may read one log, and no other. */
static void
test_rights(void)
{
	char		options[200];
	factstr_store *store;
	factstr_error error;

	(void) server_run(server_session, "CREATE ROLE reader_%d LOGIN", (int) getpid());
	(void) server_run(server_session, "SELECT factstr_grant('reader_%d', 'read', 'orders'),"
					  " factstr_grant('reader_%d', 'append', '" LONGEST "')", (int) getpid(), (int) getpid());
	(void) snprintf(options, sizeof(options), "user=reader_%d&" ORDERS, (int) getpid());
	store = server_open(options);
	ok_int((int64_t) store_head(store), 1, "a role reads the log that it was granted");
	ok_code(store_append(store, "i", NULL, &error), FACTSTR_PERMISSION_DENIED, &error, "it cannot append to it");
	ok_contains(error.message, "permission denied for log \"orders\"", "which the message says of the log");
	ok_contains(error.detail, "\"append\"", "and the detail of the right: %s", error.detail);
	ok_contains(error.hint, "factstr_grant", "with advice: %s", error.hint);
	(void) factstr_close(store, FACTSTR_CLOSE_TIMEOUT_MS);
	(void) server_run(server_session, "DROP OWNED BY reader_%d", (int) getpid());
	(void) server_run(server_session, "DROP ROLE reader_%d", (int) getpid());
}

int
main(void)
{
	factstr_store *first;
	factstr_store *second;

	if (!server_begin("logs"))
		return 0;
	test_refused_urls();
	test_urls();
	test_local_stores();
	first = server_open("");
	second = server_open(ORDERS);
	(void) store_append(first, "a", NULL, NULL);
	test_appends(first, second);
	test_at_commit(first, second);
	test_import_and_redaction(first, second);
	test_streams(first, second);
	test_transactions(first, second);
	(void) factstr_close(first, FACTSTR_CLOSE_TIMEOUT_MS);
	(void) factstr_close(second, FACTSTR_CLOSE_TIMEOUT_MS);
	test_sealed();
	test_dropped();
	test_rights();
	return server_end();
}
