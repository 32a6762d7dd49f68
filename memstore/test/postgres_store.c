/*
 * postgres_store.c
 *		Tests of features that only the PostgreSQL store has: opening, settings, names, errors.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "stores/handle.h"
#include "stores/postgres/backend.h"

#include "lib/postgres_server.h"
#include "lib/recording.h"

/* The URL leads to no server, or not to the database. */
static void
ok_cannot_open(const char *url, int code, const char *word, const char *name)
{
	factstr_store *store = (factstr_store *) url;
	factstr_error error;

	ok_code(factstr_open(url, &store, &error), code, &error, "%s: %s", name, error.message);
	ok_null(store, "%s: no store", name);
	ok_contains(error.message, word, "%s: it is told why", name);
	ok_lacks(error.message, "secret", "%s: without the password", name);
	ok_lacks(error.detail, "secret", "%s: not in the detail, either", name);
	ok_lacks(error.message, "\n", "%s: in one line", name);
}

static void
test_server_not_there(void)
{
	ok_cannot_open("postgresql://me:secret@127.0.0.1:1/nowhere", FACTSTR_NOT_CONNECTED, "refused",
				   "nobody listens");
	ok_cannot_open("postgresql://me:secret@[::1/nowhere", FACTSTR_CANNOT_OPEN, "invalid URL of the server",
				   "a URL without sense");
	ok_cannot_open("postgresql:///postgres?no_such_option=secret", FACTSTR_CANNOT_OPEN,
				   "no such option", "an option that there is not");
	ok_cannot_open("postgresql:///factstr_no_such_database", FACTSTR_NOT_CONNECTED,
				   "database \"factstr_no_such_database\" does not exist", "no such database");
	ok_cannot_open("postgresql://no%20secret@/postgres", FACTSTR_NOT_CONNECTED,
				   "cannot connect to the server: it refuses the connection", "no such role");
	ok_cannot_open("postgresql:///postgres?options=-c%20no.such%3Dsecret%20-c%20work_mem%3D%3F",
				   FACTSTR_NOT_CONNECTED, "it refuses the connection", "a setting that there is not");
}

static void
test_extension_not_there(void)
{
	factstr_store *store;
	factstr_error error;

	(void) server_run(server_session, "DROP EXTENSION factstr CASCADE");
	ok_code(factstr_open(server_url(""), &store, &error), FACTSTR_INCOMPATIBLE, &error,
			"no extension: %s", error.message);
	ok_null(store, "an error leaves no store");
	ok_contains(error.hint, "CREATE EXTENSION factstr", "the hint: %s", error.hint);

	(void) server_run(server_session, "CREATE EXTENSION factstr");
	(void) server_run(server_session,
					  "ALTER EXTENSION factstr DROP FUNCTION factstr_stream_try_hold(text, bigint, text);"
					  "DROP FUNCTION factstr_stream_try_hold(text, bigint, text)");
	ok_code(factstr_open(server_url(""), &store, &error), FACTSTR_INCOMPATIBLE, &error,
			"an incomplete extension: %s", error.message);
	ok(error.hint[0] != '\0', "the hint: %s", error.hint);
	ok(error.detail[0] != '\0', "the detail: %s", error.detail);
	(void) server_run(server_session, "DROP EXTENSION factstr CASCADE; CREATE EXTENSION factstr");

	store = server_open("");
	(void) server_run(server_session, "DROP EXTENSION factstr CASCADE");
	ok_code(store_append(store, "a", NULL, &error), FACTSTR_INCOMPATIBLE, &error,
			"dropped under an open store");
	(void) factstr_close(store, FACTSTR_CLOSE_TIMEOUT_MS);
	(void) server_run(server_session, "CREATE EXTENSION factstr");
}

/* In a schema with a name of any kind, in a database where the search_path misleads. */
static void
test_names(void)
{
	factstr_store *store;
	factstr_query_result *result;
	factstr_stream *stream;
	factstr_stream_status_list *list;
	factstr_error error;
	recording	recorded = RECORDING_INIT;
	const char *name = "a 'stream' \"named\" \\ @ \xc3\x9f $1";

	(void) server_run(server_session, "DROP EXTENSION factstr CASCADE");
	(void) server_run(server_session, "CREATE SCHEMA \"it's \"\"my\"\" @schema\"");
	(void) server_run(server_session,
					  "CREATE EXTENSION factstr SCHEMA \"it's \"\"my\"\" @schema\"");
	(void) server_run(server_session,
					  "CREATE SCHEMA evil;"
					  "CREATE DOMAIN evil.jsonb AS text;"
					  "CREATE FUNCTION evil.factstr_append(jsonb, text) RETURNS record LANGUAGE sql"
					  " AS 'SELECT 1/0, 1, 1';"
					  "CREATE FUNCTION evil.no(text, text) RETURNS bool LANGUAGE sql"
					  " AS 'SELECT false';"
					  "CREATE OPERATOR evil.="
					  " (FUNCTION = evil.no, LEFTARG = text, RIGHTARG = text);"
					  "ALTER DATABASE %s SET search_path = evil, pg_catalog", server_database);
	store = server_open("");
	ok_code(store_append_batch(store, "a", 2), FACTSTR_OK, NULL, "appended");
	ok_code(factstr_query(store, NULL, &result, &error), FACTSTR_OK, &error, "queried");
	ok_int((int64_t) result->fact_count, 2, "both facts are found");
	factstr_query_result_free(result);
	ok_code(factstr_stream_open(store, name, NULL, recording_handler, &recorded, NULL, &stream,
								&error), FACTSTR_OK, &error, "streamed");
	ok_recorded_now(&recorded, "1-2(1,2)", "both facts are delivered");
	ok_code(factstr_wait(store, name, 2, 0, &error), FACTSTR_OK, &error, "waited for");
	ok_code(factstr_streams(store, &list, &error), FACTSTR_OK, &error, "listed");
	if (ok_int((int64_t) list->count, 1, "one stream"))
	{
		ok_str(list->streams[0].name, name, "with its name");
		ok(list->streams[0].active, "as active");
	}
	factstr_stream_status_list_free(list);
	(void) factstr_stream_close(stream, -1);
	(void) factstr_close(store, FACTSTR_CLOSE_TIMEOUT_MS);
	(void) server_run(server_session, "ALTER DATABASE %s RESET search_path", server_database);
	(void) server_run(server_session, "DROP EXTENSION factstr CASCADE; CREATE EXTENSION factstr");
}

/* Everything that JSON, PostgreSQL's arrays of bytes or C might take for something else. */
#define ODD_TYPE "t\"\\\b\f\n\r\t\001\037\177\xc2\x80 \xc3\xa9 \xf0\x9f\xa6\x8a , ] }"
#define ODD_KEY "key \"\\ \xf0\x9f\x97\x9d"

static const char *const odd_payloads[] = {
	"\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0001\\u001f\\u007f\\u0080\\u00e9\\ud83e\\udd8a\"",
	"{\"payload\": {\"event_type\": \"}],\\\"\"}, \"\": [[], {}, [{}]], \"a\\u0002b\": null}",
	"[1.50, -0.0, 1e2, 12345678901234567890123456789.0123456789, true, false, null]",
	"null", "0", "\"\"", "[]", "{}"
};

#define ODD_COUNT (sizeof(odd_payloads) / sizeof(odd_payloads[0]))

/* The same fact, exported and queried; PostgreSQL writes JSON in its own way. */
static void
ok_odd_fact(size_t i, const factstr_fact *exported, const factstr_fact *queried)
{
	int			number = (int) i + 1;

	ok_str(exported->event_type, ODD_TYPE, "fact %d: the type as it was, exported", number);
	ok_str(queried->event_type, ODD_TYPE, "fact %d: the type as it was, queried", number);
	ok_str(queried->payload, exported->payload, "fact %d: the same payload", number);
	ok_str(queried->metadata, exported->metadata, "fact %d: the same metadata", number);
	ok(i == 1 ? exported->metadata != NULL : exported->metadata == NULL, "fact %d: %s metadata",
	   number, i == 1 ? "with" : "without");
	ok_int(queried->occurred_at, exported->occurred_at, "fact %d: the same time", number);
	ok_int((int64_t) queried->sequence_number, (int64_t) exported->sequence_number,
		   "fact %d: the same number", number);
}

static void
test_texts(void)
{
	factstr_store *store = server_open("");
	factstr_batch_list *list = NULL;
	factstr_query_result *result = NULL;
	factstr_event events[ODD_COUNT];
	factstr_error error;

	for (size_t i = 0; i < ODD_COUNT; i++)
		events[i] = (factstr_event) {
			.event_type = ODD_TYPE, .payload = odd_payloads[i],
			.metadata = i == 1 ? "{\"m\": \"\\u0003\"}" : NULL
		};
	ok_code(factstr_append(store, events, ODD_COUNT, WITH_KEY(ODD_KEY), NULL,
						   &error), FACTSTR_OK, &error,
			"texts of all kinds are appended");
	if (!ok_code(factstr_export(store, 0, 10, &list, &error), FACTSTR_OK, &error, "and exported") ||
		!ok_code(factstr_query(store, NULL, &result, &error), FACTSTR_OK, &error, "and queried") ||
		!ok_int((int64_t) list->count, 1, "in one batch") ||
		!ok_int((int64_t) list->batches[0].fact_count, ODD_COUNT, "of all facts") ||
		!ok_int((int64_t) result->fact_count, ODD_COUNT, "which are all found"))
		tap_bail_out("there is nothing to compare");
	ok_str(list->batches[0].idempotency_key, ODD_KEY, "with the key as it was");
	for (size_t i = 0; i < ODD_COUNT; i++)
		ok_odd_fact(i, &list->batches[0].facts[i], &result->facts[i]);
	factstr_query_result_free(result);

	server_make_new();
	(void) factstr_close(store, FACTSTR_CLOSE_TIMEOUT_MS);
	store = server_open("");
	ok_code(factstr_import(store, list->batches, 1, NULL, &error), FACTSTR_OK, &error,
			"exported batches are imported");
	factstr_batch_list_free(list);
	ok_code(factstr_append(store, events, ODD_COUNT, WITH_KEY(ODD_KEY), NULL,
						   &error), FACTSTR_OK, &error,
			"its key belongs to the events as they were");
	ok_str(server_run(server_session, "SELECT count(*) FROM factstr_events"), "8",
		   "a repetition stores nothing");
	(void) factstr_close(store, FACTSTR_CLOSE_TIMEOUT_MS);
}

/* Settings of a role or a database. */
static void
test_settings(void)
{
	factstr_store *store;
	factstr_error error;
	factstr_event event = {.event_type = "a", .payload = "1"};
	PGconn	   *other = server_connect(server_url(""));

	store = server_open("options=-c%20default_transaction_isolation%3Dserializable");
	ok_code(store_append(store, "a", NULL, &error), FACTSTR_OK, &error,
			"appended where transactions are serializable");
	(void) server_run(other, "BEGIN");
	(void) server_run(other, "SELECT factstr_append('[{\"event_type\": \"a\", \"payload\": 1}]')");
	(void) factstr_close(store, FACTSTR_CLOSE_TIMEOUT_MS);

	store = server_open("options=-c%20lock_timeout%3D20");
	ok_code(factstr_append(store, &event, 1, NULL, NULL, &error), FACTSTR_BUSY, &error,
			"lock_timeout: %s", error.message);
	ok_code(factstr_append(store, &event, 1, WITH_KEY("key"), NULL, &error), FACTSTR_BUSY, &error,
			"also with a key");
	(void) server_run(other, "COMMIT");
	ok_code(factstr_append(store, &event, 1, NULL, NULL, &error), FACTSTR_OK, &error,
			"the connection is good for more");
	(void) factstr_close(store, FACTSTR_CLOSE_TIMEOUT_MS);

	store = server_open("options=-c%20default_transaction_read_only%3Don");
	ok_code(factstr_append(store, &event, 1, NULL, NULL, &error), FACTSTR_READ_ONLY, &error,
			"read only: %s", error.message);
	(void) factstr_close(store, FACTSTR_CLOSE_TIMEOUT_MS);
	PQfinish(other);

	store = server_open("application_name=mine");
	ok_cmp(atoi(server_run(server_administrator, "SELECT count(*) FROM pg_stat_activity"
						   " WHERE application_name = 'mine'")), ">", 0,
		   "an application_name in the URL is kept");
	(void) factstr_close(store, FACTSTR_CLOSE_TIMEOUT_MS);
}

/* A role that may call the functions needs no right on tables; errors name the missing right. */
static void
test_rights(void)
{
	factstr_store *store;
	factstr_error error;
	factstr_event event = {.event_type = "a", .payload = "1"};
	factstr_stream_status_list *streams;
	uint64_t	version;
	char		options[100];
	char		role[80];
	char		missing[200];

	(void) snprintf(role, sizeof(role), "regress_%s", server_database);
	(void) server_run(server_session, "CREATE ROLE %s LOGIN", role);
	(void) server_run(server_session, "GRANT EXECUTE ON FUNCTION factstr_append(jsonb, text, boolean, text) TO %s",
					  role);
	(void) server_run(server_session, "GRANT INSERT ON factstr_main_log TO %s", role);
	(void) snprintf(options, sizeof(options), "user=%s", role);
	store = server_open(options);
	ok_code(factstr_append(store, &event, 1, NULL, NULL, &error), FACTSTR_OK, &error,
			"a role that may append appends");
	ok_code(factstr_context_version(store, NULL, &version, &error), FACTSTR_PERMISSION_DENIED, &error,
			"and cannot read: %s", error.message);
	(void) snprintf(missing, sizeof(missing), "Role \"%s\" needs the right EXECUTE on function"
					" factstr_context_version.", role);
	ok_str(error.detail, missing, "the detail names the role and the right");
	ok_contains(error.hint, "GRANT", "the hint, the way out: %s", error.hint);
	ok_code(factstr_streams(store, &streams, &error), FACTSTR_PERMISSION_DENIED, &error,
			"nor list streams: %s", error.message);
	(void) snprintf(missing, sizeof(missing), "Role \"%s\" needs the right SELECT on view"
					" factstr_stream_status.", role);
	ok_str(error.detail, missing, "which is another right");
	(void) factstr_close(store, FACTSTR_CLOSE_TIMEOUT_MS);
	(void) server_run(server_session, "DROP OWNED BY %s; DROP ROLE %s", role, role);
}

/* Values that cannot be stored; messages must not quote them. */
static void
test_server_refuses(void)
{
	factstr_store *store = server_open("");
	factstr_error error;

	ok_code(store_append(store, "a", "1e200000", &error), FACTSTR_MALFORMED, &error,
			"a number beyond numeric: %s", error.message);
	ok_lacks(error.message, "1e200000", "the error does not quote it");
	ok_lacks(error.detail, "1e200000", "in no detail, either");
	(void) server_run(server_session,
					  "CREATE UNIQUE INDEX one ON factstr_events ((payload->>'secret'))");
	ok_code(store_append(store, "a", "{\"secret\": \"hidden\"}", &error), FACTSTR_OK, &error,
			"an index of the user's own");
	ok_code(store_append(store, "a", "{\"secret\": \"hidden\"}", &error), FACTSTR_STORAGE, &error,
			"its violation: %s", error.message);
	ok_lacks(error.message, "hidden", "the error does not quote the value");
	ok_lacks(error.detail, "hidden", "in no detail, either");
	(void) server_run(server_session, "DROP INDEX one");
	(void) factstr_close(store, FACTSTR_CLOSE_TIMEOUT_MS);
}

/* Larger than the buffer of a socket, and than one chunk of a cursor. */
static void
test_large(void)
{
	size_t		size = 3000000;
	char	   *payload = malloc(size + 3);
	factstr_store *store = server_open("");
	factstr_cursor *cursor;
	factstr_read_options options = {.size = sizeof(options), .backwards = true};
	const factstr_fact *fact = NULL;
	factstr_error error;
	factstr_event event = {.event_type = "large"};
	int			count = 0;

	memset(payload, 'x', size + 2);
	payload[0] = payload[size + 1] = '"';
	payload[size + 2] = '\0';
	event.payload = payload;
	for (int i = 0; i < 5; i++)
		count += factstr_append(store, &event, 1, NULL, NULL, &error) == FACTSTR_OK;
	ok_int(count, 5, "large payloads are appended");
	count = 0;
	if (factstr_read_open(store, "{\"filters\": [{\"event_types\": [\"large\"]}]}", &options,
						  &cursor, &error) == FACTSTR_OK)
	{
		while (factstr_read_next(cursor, &fact, &error) == FACTSTR_OK && fact != NULL)
			count += strcmp(fact->payload, payload) == 0;
		factstr_read_close(cursor);
	}
	ok_int(count, 5, "and read");
	free(payload);
	(void) factstr_close(store, FACTSTR_CLOSE_TIMEOUT_MS);
}

/* Batches whose documents are together larger than the server's largest: 285 MB. */
#define LARGE_BATCHES 3
#define LARGE_PAYLOAD 95000000

static void
test_large_import(void)
{
	factstr_store *store;
	char	   *payload = malloc(LARGE_PAYLOAD + 3);
	factstr_fact facts[LARGE_BATCHES];
	factstr_batch batches[LARGE_BATCHES];
	factstr_append_result result;
	factstr_error error = {0};

	server_make_new();
	store = server_open("");
	memset(payload, 'x', LARGE_PAYLOAD + 2);
	payload[0] = payload[LARGE_PAYLOAD + 1] = '"';
	payload[LARGE_PAYLOAD + 2] = '\0';
	for (int i = 0; i < LARGE_BATCHES; i++)
	{
		facts[i] = (factstr_fact) {.occurred_at = 1, .event_type = "large", .payload = payload};
		batches[i] = (factstr_batch) {.fact_count = 1, .facts = &facts[i]};
	}
	batches[0].idempotency_key = "known";
	(void) store_append_with_key(store, "other", "1", "late", NULL);
	batches[2].idempotency_key = "late";
	ok_code(factstr_import(store, batches, LARGE_BATCHES, &result, &error),
			FACTSTR_IDEMPOTENCY_KEY_REUSED, &error, "an import in portions, of which the last fails");
	ok_int((int64_t) store_head(store), 1, "has stored nothing");
	batches[2].idempotency_key = NULL;
	ok_code(factstr_import(store, batches, LARGE_BATCHES, &result, &error), FACTSTR_OK, &error,
			"an import of more than a document holds: %s", error.message);
	ok_int((int64_t) result.first_sequence_number, 2, "the first number is the first portion's");
	ok_int((int64_t) result.last_sequence_number, 1 + LARGE_BATCHES, "the last one the last portion's");
	ok_int((int64_t) result.committed_count, LARGE_BATCHES, "and all are counted");
	ok_str(server_run(server_session, "SELECT count(DISTINCT occurred_at) || ' ' || count(DISTINCT"
					  " pg_column_size(payload)) || ' ' || count(*) FROM factstr_events"
					  " WHERE event_type = 'large'"), "1 1 3", "as they were");
	(void) factstr_close(store, FACTSTR_CLOSE_TIMEOUT_MS);
	free(payload);
}

/*
 * A text of more than a server takes in one message, most of it blanks: the same memory, mapped again
 * and again.
 */
#define MAPPED_SIZE (1 << 20)
#define MAPPED_COUNT 1030

static char *
map_huge_query(void)
{
	int			fd = memfd_create("blanks", 0);
	char	   *text = mmap(NULL, (size_t) MAPPED_SIZE * (MAPPED_COUNT + 1), PROT_READ | PROT_WRITE,
							MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (text == MAP_FAILED || fd < 0 || ftruncate(fd, MAPPED_SIZE) != 0)
		tap_bail_out("cannot map memory");
	for (int i = 0; i < MAPPED_COUNT; i++)
	{
		if (mmap(text + (size_t) MAPPED_SIZE * i, MAPPED_SIZE, PROT_READ | PROT_WRITE,
				 MAP_SHARED | MAP_FIXED, fd, 0) == MAP_FAILED)
			tap_bail_out("cannot map memory");
	}
	(void) close(fd);
	memset(text, ' ', MAPPED_SIZE);
	strcpy(text + (size_t) MAPPED_SIZE * MAPPED_COUNT, "{}");
	return text;
}

/* It is not sent: the server would end the connection without a reason. */
static void
test_too_large(void)
{
	char	   *query = map_huge_query();
	factstr_store *store = server_open("");
	fs_call		call = {FS_STATEMENT_CONTEXT_VERSION, 1, {query}};
	factstr_error error = {0};
	int			before = server_count("true");

	ok_code(fs_call_server(store->backend, &call, NULL, FS_NEVER_REPEAT, &error), FACTSTR_MALFORMED,
			&error, "a text of more than 1 GB: %s", error.message);
	ok_contains(error.detail, "1000000000 bytes", "the detail names the allowed form: %s", error.detail);
	ok_int(server_count("true"), before, "the connection is there yet");
	(void) factstr_close(store, FACTSTR_CLOSE_TIMEOUT_MS);
	(void) munmap(query, (size_t) MAPPED_SIZE * (MAPPED_COUNT + 1));
}

int
main(void)
{
	if (!server_begin("store"))
		return 0;
	test_server_not_there();
	if (!server_has_other_log())
	{
		/* An extension that is dropped and made again has no other log. */
		test_extension_not_there();
		test_names();
	}
	test_texts();
	test_settings();
	if (!server_has_other_log())
		test_rights();
	test_server_refuses();
	test_large();
	test_large_import();
	test_too_large();
	ok_int_soon(server_count("true"), 0, "no connection is left");
	return server_end();
}
