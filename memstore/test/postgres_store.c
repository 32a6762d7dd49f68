/*
 * postgres_store.c
 *		Tests of what is PostgreSQL's own in its store: opening, settings, names, errors.
 */
#include "postgres_server.h"

static void
test_server_not_there(void)
{
	factstr_store *store;
	factstr_error error;

	(void) tap_ok(factstr_open("postgresql://me:secret@127.0.0.1:1/nowhere", &store, &error) ==
				  FACTSTR_CANNOT_OPEN && store == NULL, "nobody listens: %s", error.message);
	(void) tap_ok(strstr(error.message, "refused") != NULL, "libpq says why");
	(void) tap_ok(strstr(error.message, "secret") == NULL && strstr(error.detail, "secret") == NULL,
				  "without the password");
	(void) tap_ok(factstr_open("postgresql://me:secret@[::1/nowhere", &store, &error) ==
				  FACTSTR_CANNOT_OPEN && strstr(error.message, "secret") == NULL &&
				  strstr(error.detail, "secret") == NULL, "a URL without sense: %s", error.message);
	(void) tap_ok(factstr_open("postgresql:///postgres?no_such_option=secret", &store, &error) ==
				  FACTSTR_CANNOT_OPEN && strstr(error.message, "secret") == NULL,
				  "an option that there is not: %s", error.message);
	(void) tap_ok(factstr_open("postgresql:///factstr_no_such_database", &store, &error) ==
				  FACTSTR_CANNOT_OPEN && strstr(error.message, "does not exist") != NULL &&
				  strchr(error.message, '\n') == NULL, "no such database: %s", error.message);
}

static void
test_extension_not_there(void)
{
	factstr_store *store;
	factstr_error error;

	(void) server_run(server_session, "DROP EXTENSION factstr");
	(void) tap_ok(factstr_open(server_url(""), &store, &error) == FACTSTR_INCOMPATIBLE &&
				  store == NULL, "no extension: %s", error.message);
	(void) tap_ok(strstr(error.hint, "CREATE EXTENSION factstr") != NULL, "%s", error.hint);

	(void) server_run(server_session, "CREATE EXTENSION factstr");
	(void) server_run(server_session,
					  "ALTER EXTENSION factstr DROP FUNCTION factstr_stream_try_hold(text, bigint);"
					  "DROP FUNCTION factstr_stream_try_hold(text, bigint)");
	(void) tap_ok(factstr_open(server_url(""), &store, &error) == FACTSTR_INCOMPATIBLE,
				  "an extension that lacks something: %s", error.message);
	(void) tap_ok(error.hint[0] != '\0' && error.detail[0] != '\0', "%s", error.hint);
	(void) server_run(server_session, "DROP EXTENSION factstr; CREATE EXTENSION factstr");

	store = server_open("");
	(void) server_run(server_session, "DROP EXTENSION factstr");
	(void) tap_ok(append_facts(store, "a", 1) == FACTSTR_INCOMPATIBLE,
				  "dropped under an open store");
	(void) factstr_close(store);
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
	recording	recorded = RECORDER_INIT;
	const char *name = "a 'stream' \"named\" \\ @ \xc3\x9f $1";

	(void) server_run(server_session, "DROP EXTENSION factstr");
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
	(void) tap_ok(append_facts(store, "a", 2) == FACTSTR_OK, "appended");
	(void) tap_ok(factstr_query(store, NULL, &result, &error) == FACTSTR_OK &&
				  result->fact_count == 2, "queried");
	factstr_query_result_free(result);
	(void) tap_ok(factstr_stream_all_durable(store, name, NULL, record, &recorded, &stream,
											 &error) == FACTSTR_OK &&
				  recorder_log_is(&recorded, "1-2(1,2)"), "streamed");
	(void) tap_ok(factstr_wait(store, 2, name, 0, &error) == FACTSTR_OK, "waited for");
	(void) tap_ok(factstr_streams(store, &list, &error) == FACTSTR_OK && list->count == 1 &&
				  strcmp(list->streams[0].name, name) == 0 && list->streams[0].active, "listed");
	factstr_stream_status_list_free(list);
	factstr_stream_free(stream);
	(void) factstr_close(store);
	(void) server_run(server_session, "ALTER DATABASE %s RESET search_path", server_database);
	(void) server_run(server_session, "DROP EXTENSION factstr; CREATE EXTENSION factstr");
}

/* Everything that JSON, PostgreSQL's arrays of bytes or C might take for something else. */
static void
test_texts(void)
{
	static const char *const payloads[] = {
		"\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0001\\u001f\\u007f\\u0080\\u00e9\\ud83e\\udd8a\"",
		"{\"payload\": {\"event_type\": \"}],\\\"\"}, \"\": [[], {}, [{}]], \"a\\u0002b\": null}",
		"[1.50, -0.0, 1e2, 12345678901234567890123456789.0123456789, true, false, null]",
		"null", "0", "\"\"", "[]", "{}"
	};
	factstr_store *store = server_open("");
	factstr_batch_list *list = NULL;
	factstr_query_result *result = NULL;
	factstr_event events[8];
	factstr_error error;
	bool		same = true;

	for (size_t i = 0; i < 8; i++)
		events[i] = (factstr_event) {
			.event_type = "t\"\\\b\f\n\r\t\001\037\177\xc2\x80 \xc3\xa9 \xf0\x9f\xa6\x8a , ] }",
			.payload = payloads[i], .metadata = i == 1 ? "{\"m\": \"\\u0003\"}" : NULL
		};
	(void) tap_ok(factstr_append(store, events, 8, "key \"\\ \xf0\x9f\x97\x9d", NULL, &error) ==
				  FACTSTR_OK, "texts of all kinds are appended");
	(void) tap_ok(factstr_export(store, 0, 10, &list, &error) == FACTSTR_OK && list->count == 1 &&
				  list->batches[0].fact_count == 8 &&
				  strcmp(list->batches[0].idempotency_key, "key \"\\ \xf0\x9f\x97\x9d") == 0,
				  "and exported");
	(void) tap_ok(factstr_query(store, NULL, &result, &error) == FACTSTR_OK &&
				  result->fact_count == 8, "and queried");
	for (size_t i = 0; list != NULL && result != NULL && i < 8; i++)
	{
		const factstr_fact *exported = &list->batches[0].facts[i];
		const factstr_fact *queried = &result->facts[i];

		same = same && strcmp(exported->event_type, events[i].event_type) == 0 &&
			strcmp(queried->event_type, events[i].event_type) == 0 &&
			strcmp(exported->payload, queried->payload) == 0 &&
			exported->occurred_at == queried->occurred_at &&
			exported->sequence_number == queried->sequence_number &&
			(exported->metadata != NULL) == (i == 1) && (queried->metadata != NULL) == (i == 1);
	}
	(void) tap_ok(same, "both give the same facts, with the types as they were");

	(void) server_run(server_session, "DROP EXTENSION factstr; CREATE EXTENSION factstr");
	(void) factstr_close(store);
	store = server_open("");
	(void) tap_ok(list != NULL && factstr_import(store, list->batches, 1, &error) == FACTSTR_OK,
				  "what was exported is imported");
	factstr_batch_list_free(list);
	(void) tap_ok(factstr_append(store, events, 8, "key \"\\ \xf0\x9f\x97\x9d", NULL, &error) ==
				  FACTSTR_OK && strcmp(server_run(server_session,
												  "SELECT count(*) FROM factstr_events"), "8") == 0,
				  "equal to what it was");
	factstr_query_result_free(result);
	(void) factstr_close(store);
}

/* What a role or a database may be set to. */
static void
test_settings(void)
{
	factstr_store *store;
	factstr_error error;
	factstr_event event = {.event_type = "a", .payload = "1"};
	PGconn	   *other = server_connect(server_url(""));

	store = server_open("options=-c%20default_transaction_isolation%3Dserializable");
	(void) tap_ok(append_facts(store, "a", 1) == FACTSTR_OK,
				  "appended where transactions are serializable");
	(void) server_run(other, "BEGIN");
	(void) server_run(other, "SELECT factstr_append('[{\"event_type\": \"a\", \"payload\": 1}]')");
	(void) factstr_close(store);

	store = server_open("options=-c%20lock_timeout%3D20");
	(void) tap_ok(factstr_append(store, &event, 1, NULL, NULL, &error) == FACTSTR_BUSY,
				  "lock_timeout: %s", error.message);
	(void) tap_ok(factstr_append(store, &event, 1, "key", NULL, &error) == FACTSTR_BUSY,
				  "also with a key");
	(void) server_run(other, "COMMIT");
	(void) tap_ok(factstr_append(store, &event, 1, NULL, NULL, &error) == FACTSTR_OK,
				  "the connection is good for more");
	(void) factstr_close(store);

	store = server_open("options=-c%20default_transaction_read_only%3Don");
	(void) tap_ok(factstr_append(store, &event, 1, NULL, NULL, &error) == FACTSTR_UNSUPPORTED,
				  "read only: %s", error.message);
	(void) factstr_close(store);
	PQfinish(other);

	store = server_open("application_name=mine");
	(void) tap_ok(atoi(server_run(server_administrator, "SELECT count(*) FROM pg_stat_activity"
								  " WHERE application_name = 'mine'")) > 0,
				  "an application_name in the URL is kept");
	(void) factstr_close(store);
}

/* A role that may call the functions needs no right on tables; errors say what it lacks. */
static void
test_rights(void)
{
	factstr_store *store;
	factstr_error error;
	factstr_event event = {.event_type = "a", .payload = "1"};
	uint64_t	version;
	char		options[100];
	char		role[80];

	(void) snprintf(role, sizeof(role), "regress_%s", server_database);
	(void) server_run(server_session, "CREATE ROLE %s LOGIN", role);
	(void) server_run(server_session, "GRANT EXECUTE ON FUNCTION factstr_append(jsonb, text) TO %s",
					  role);
	(void) snprintf(options, sizeof(options), "user=%s", role);
	store = server_open(options);
	(void) tap_ok(factstr_append(store, &event, 1, NULL, NULL, &error) == FACTSTR_OK,
				  "a role that may append appends");
	(void) tap_ok(factstr_context_version(store, NULL, &version, &error) == FACTSTR_STORAGE,
				  "and cannot read: %s", error.message);
	(void) factstr_close(store);
	(void) server_run(server_session, "DROP OWNED BY %s; DROP ROLE %s", role, role);
}

/* Refused by the server alone, whose messages must not quote what was given. */
static void
test_server_refuses(void)
{
	factstr_store *store = server_open("");
	factstr_error error;
	factstr_event event = {.event_type = "a", .payload = "1e200000"};

	(void) tap_ok(factstr_append(store, &event, 1, NULL, NULL, &error) == FACTSTR_MALFORMED &&
				  strstr(error.message, "1e200000") == NULL && error.detail[0] == '\0',
				  "a number beyond numeric: %s", error.message);
	(void) server_run(server_session,
					  "CREATE UNIQUE INDEX one ON factstr_events ((payload->>'secret'))");
	event.payload = "{\"secret\": \"hidden\"}";
	(void) tap_ok(factstr_append(store, &event, 1, NULL, NULL, &error) == FACTSTR_OK,
				  "an index of the user's own");
	(void) tap_ok(factstr_append(store, &event, 1, NULL, NULL, &error) == FACTSTR_STORAGE &&
				  strstr(error.message, "hidden") == NULL && strstr(error.detail, "hidden") == NULL,
				  "its violation: %s", error.message);
	(void) server_run(server_session, "DROP INDEX one");
	(void) factstr_close(store);
}

/* Larger than what a socket takes at once, and than one chunk of a cursor. */
static void
test_large(void)
{
	size_t		size = 3000000;
	char	   *payload = malloc(size + 3);
	factstr_store *store = server_open("");
	factstr_cursor *cursor;
	factstr_read_options options = {.backwards = true};
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
	(void) tap_ok(count == 5, "large payloads are appended");
	count = 0;
	if (factstr_read_open(store, "{\"filters\": [{\"event_types\": [\"large\"]}]}", &options,
						  &cursor, &error) == FACTSTR_OK)
	{
		while (factstr_read_next(cursor, &fact, &error) == FACTSTR_OK && fact != NULL)
			count += strcmp(fact->payload, payload) == 0;
		factstr_read_close(cursor);
	}
	(void) tap_ok(count == 5, "and read");
	free(payload);
	(void) factstr_close(store);
}

int
main(void)
{
	if (!server_begin("store"))
		return 0;
	test_server_not_there();
	test_extension_not_there();
	test_names();
	test_texts();
	test_settings();
	test_rights();
	test_server_refuses();
	test_large();
	(void) tap_ok(AWAIT(server_count("true") == 0), "no connection is left");
	return server_end();
}
