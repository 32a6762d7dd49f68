/*
 * out_of_memory.c
 *		Fails every allocation of ours in turn: each time a clean error, and nothing leaks.
 *
 * failing_allocations.h says how, and which.
 */
#include "factstr.h"

#include "json/binding.h"
#include "match/event_query_parser.h"
#include "match/new_events_parser.h"
#include "match/query_equality.h"
#include "match/query_matcher.h"

#include "lib/failing_allocations.h"
#include "lib/stores.h"
#include "lib/tap.h"

static bool
load_and_parse_query(fs_input_error *error)
{
	const char *text = "{\"filters\": ["
		"{\"event_types\": [\"a\"], \"payload_predicates\": [1.5, {}]},"
		"{\"payload_predicates\": []}], \"after\": 12345678901234567}";
	fs_json		document = fs_json_document_load(text, strlen(text), error);
	fs_event_query query;
	bool		parsed;

	if (document == NULL)
		return false;
	parsed = fs_event_query_parse(document, &query, error);
	fs_event_query_release(&query);
	fs_json_document_release(document);
	return parsed;
}

static bool
load_and_parse_events(fs_input_error *error)
{
	const char *text = "[{\"event_type\": \"a\", \"payload\": {\"n\": [-1e5, \"\\u0001\"]}}]";
	fs_json		document = fs_json_document_load(text, strlen(text), error);
	fs_new_event *events = NULL;
	size_t		count;
	bool		parsed;

	if (document == NULL)
		return false;
	parsed = fs_new_events_parse(document, 0, &events, &count, error);
	fs_release(events);
	fs_json_document_release(document);
	return parsed;
}

/* Deeper than the reader's first list of containers, with many members out of order. */
static bool
load_large_document(fs_input_error *error)
{
	char		text[8000] = "{\"z\": 1, \"a\": [[[[[[[[[[{}, \"\\u00e9\"]]]]]]]]]]";
	fs_json		document;

	for (int i = 999; i >= 900; i--)
		(void) sprintf(text + strlen(text), ", \"key %d that is long\": \"a text that is long\"", i);
	(void) strcat(text, "}");
	document = fs_json_document_load(text, strlen(text), error);
	fs_json_document_release(document);
	return document != NULL;
}

/* A list of numbers long enough to be sorted, nested so deep that it needs memory. */
static fs_json
load_for_matching(const char *before, const char *after, fs_input_error *error)
{
	char		text[1000] = "[[[[[[[[[[[[[[[[[[[[";

	(void) strcat(text, before);
	for (int i = 0; i < 50; i++)
		(void) sprintf(text + strlen(text), "%d, ", i);
	(void) strcat(text, after);
	(void) strcat(text, "]]]]]]]]]]]]]]]]]]]]");
	return fs_json_document_load(text, strlen(text), error);
}

static bool
note_completion(fs_completion completion, fs_input_error *error)
{
	error->code = completion == FS_NO_MEMORY ? FS_INPUT_NO_MEMORY : FS_INPUT_MALFORMED;
	return completion == FS_COMPLETED;
}

static bool
match_and_compare(fs_input_error *error)
{
	fs_json		documents[2] = {load_for_matching("0, ", "0", error), NULL};
	fs_filter	filters[2] = {{.has_payload_predicates = true, .payload_predicate_count = 1},
	{.has_payload_predicates = true, .payload_predicate_count = 1}};
	fs_event_query queries[2] = {{.filter_count = 1}, {.filter_count = 1}};
	bool		answers[2] = {true, true};
	bool		done = documents[0] != NULL;

	if (done)
		documents[1] = load_for_matching("", "1", error);
	done = done && documents[1] != NULL && fs_check_nesting(documents[0], "$", "payload", error);
	for (int i = 0; i < 2; i++)
	{
		filters[i].payload_predicates = &documents[i];
		queries[i].filters = &filters[i];
	}
	done = done &&
		note_completion(fs_event_query_matches(&queries[0], (fs_text) {"a", 1}, documents[1],
											   &answers[0]), error) &&
		note_completion(fs_event_query_equal(&queries[0], &queries[1], &answers[1]), error);
	fs_json_document_release(documents[0]);
	fs_json_document_release(documents[1]);
	return done && answers[0] && answers[1];
}

/* Calls of the library; each is repeated many times in a separate store. */

static int
append_an_event(factstr_store *store, factstr_error *error)
{
	factstr_event event = {.event_type = "a", .payload = "{\"n\": [1, \"text\"]}", .metadata = "{\"m\": 1}"};
	uint64_t	expected = 2;

	return factstr_append(store, &event, 1,
						  IF_VERSION("{\"filters\": [{\"event_types\": [\"a\"]}]}", expected,
									 "key"),
						  NULL, error);
}

static int
query_facts(factstr_store *store, factstr_error *error)
{
	factstr_query_result *result;
	int			code = factstr_query(store, "{\"filters\": [{\"payload_predicates\": [{}]}]}",
									 &result, error);

	factstr_query_result_free(result);
	return code;
}

static int
read_facts(factstr_store *store, factstr_error *error)
{
	factstr_cursor *cursor;
	const factstr_fact *fact = NULL;
	int			code = factstr_read_open(store, "{}", NULL, &cursor, error);

	while (code == FACTSTR_OK)
	{
		code = factstr_read_next(cursor, &fact, error);
		if (fact == NULL)
			break;
	}
	factstr_read_close(cursor);
	return code;
}

static int
export_and_import(factstr_store *store, factstr_error *error)
{
	factstr_batch_list *list;
	factstr_store *other = NULL;
	int			code = factstr_export(store, 0, 100, &list, error);

	if (code == FACTSTR_OK)
		code = factstr_open("memory:", &other, error);
	if (code == FACTSTR_OK)
		code = factstr_import(other, list->batches, list->count, NULL, error);
	factstr_batch_list_free(list);
	(void) factstr_close(other, FACTSTR_CLOSE_TIMEOUT_MS);
	return code;
}

static int
take_records(const char *delivery, void *context, factstr_error *error)
{
	(void) context;
	(void) error;
	return delivery == NULL;
}

static int
stream_facts(factstr_store *store, factstr_error *error)
{
	factstr_stream *stream;
	factstr_stream_status_list *list;
	char	   *result;
	int			code = factstr_json_stream_open(store, "s", "{}", take_records, NULL, NULL, NULL,
												"{\"partition_key\": null}", &stream, &result);

	error->code = code;
	factstr_json_free(result);
	(void) factstr_stream_close(stream, -1);
	if (code != FACTSTR_OK)
		return code;
	code = factstr_streams(store, &list, error);
	factstr_stream_status_list_free(list);
	return code;
}

/* A document that says why there is none: NULL when there is no memory for that either. */
static int
query_json(factstr_store *store, factstr_error *error)
{
	char	   *result;
	int			code = factstr_json_query(store, "{}", &result);

	error->code = code;
	factstr_json_free(result);
	return code;
}

static int
copy_json(factstr_store *store, factstr_error *error)
{
	factstr_store *other = NULL;
	char	   *exported;
	char	   *result = NULL;
	int			code = factstr_json_export(store, 0, 100, &exported);

	if (code == FACTSTR_OK)
		code = factstr_json_open("memory:", &other, &result);
	factstr_json_free(result);
	result = NULL;
	if (code == FACTSTR_OK)
		code = factstr_json_import(other, exported, &result);
	factstr_json_free(result);
	factstr_json_free(exported);
	(void) factstr_close(other, FACTSTR_CLOSE_TIMEOUT_MS);
	error->code = code;
	return code;
}

/* After a call that has failed, the same is there for the next one: both facts.  Returns its code. */
static int
ok_both_again(int code, const char *again)
{
	if (code == FACTSTR_OK || (again != NULL && strstr(again, "[1]") != NULL && strstr(again, "text") != NULL))
		return code;
	tap_diagnostic("the next call returns %s", again == NULL ? "nothing" : again);
	return FACTSTR_STORAGE;
}

static int
read_json(factstr_store *store, factstr_error *error)
{
	factstr_cursor *cursor;
	char	   *result;
	char	   *again = NULL;
	int			code = factstr_json_read_open(store, "{}", "{\"max_count\": 9}", &cursor, &result);

	factstr_json_free(result);
	if (code == FACTSTR_OK)
	{
		code = factstr_json_read_next(cursor, 9, &result);
		factstr_json_free(result);
		failing_left = code == FACTSTR_OK ? failing_left : -1;
		(void) factstr_json_read_next(cursor, 9, &again);
		code = ok_both_again(code, again);
		factstr_json_free(again);
	}
	factstr_read_close(cursor);
	error->code = code;
	return code;
}

static int
pull_json(factstr_store *store, factstr_error *error)
{
	factstr_stream *stream;
	char	   *result;
	char	   *again = NULL;
	int			code = factstr_json_stream_open(store, "s", NULL, NULL, NULL, NULL, NULL, NULL, &stream,
												&result);

	factstr_json_free(result);
	if (code == FACTSTR_OK)
	{
		code = factstr_json_stream_next(stream, 9, 0, &result);
		factstr_json_free(result);
		failing_left = code == FACTSTR_OK ? failing_left : -1;
		(void) factstr_json_stream_next(stream, 9, 0, &again);
		code = ok_both_again(code, again);
		factstr_json_free(again);
	}
	(void) factstr_stream_close(stream, -1);
	error->code = code;
	return code;
}

static factstr_store *
store_with_facts(void)
{
	factstr_event events[2] = {{.event_type = "a", .payload = "[1]"}, {.event_type = "a", .payload = "{\"n\": \"text\"}", .metadata = "{}"}};
	factstr_store *store = NULL;

	if (factstr_open("memory:", &store, NULL) == FACTSTR_OK)
		(void) factstr_append(store, events, 2, WITH_KEY("first"), NULL, NULL);
	return store;
}

static void
fail_each_call(const char *name, int (*call) (factstr_store *, factstr_error *))
{
	int			failing = 0;
	int			code;
	int			unclear = 0;
	factstr_error error = {0};

	do
	{
		factstr_store *store = store_with_facts();

		failing_left = failing++;
		code = call(store, &error);
		failing_left = -1;
		if (code != FACTSTR_OK && (code != FACTSTR_NO_MEMORY || error.code != FACTSTR_NO_MEMORY))
		{
			tap_diagnostic("allocation %d: %s", failing, factstr_code_name(code));
			unclear++;
		}
		(void) factstr_close(store, FACTSTR_CLOSE_TIMEOUT_MS);
	}
	while (code != FACTSTR_OK && failing < 1000);
	ok_code(code, FACTSTR_OK, &error, "%s: in the end it succeeds", name);
	ok_cmp(failing, ">", 3, "%s: allocations have failed", name);
	ok_int(unclear, 0, "%s: each failure says that there is no memory", name);
}

/* A store that does not open is none. */
static int
open_a_store(factstr_store *store, factstr_error *error)
{
	factstr_store *another;
	int			code = factstr_open("memory:", &another, error);

	(void) store;
	(void) factstr_close(another, FACTSTR_CLOSE_TIMEOUT_MS);
	return code;
}

static void
fail_each_allocation(const char *name, bool (*work) (fs_input_error *))
{
	int			failing = 0;
	bool		succeeded;
	int			unclear = 0;
	fs_input_error error;

	do
	{
		failing_left = failing++;
		succeeded = work(&error);
		unclear += !succeeded && error.code != FS_INPUT_NO_MEMORY ? 1 : 0;
	}
	while (!succeeded && failing < 1000);
	failing_left = -1;

	ok(succeeded, "%s: in the end it succeeds", name);
	ok_cmp(failing, ">", 1, "%s: allocations have failed", name);
	ok_int(unclear, 0, "%s: each failure says that there is no memory", name);
}

int
main(void)
{
	fail_each_allocation("an event query", load_and_parse_query);
	fail_each_allocation("new events", load_and_parse_events);
	fail_each_allocation("matching", match_and_compare);
	fail_each_allocation("a large document", load_large_document);
	fail_each_call("opening", open_a_store);
	fail_each_call("appending", append_an_event);
	fail_each_call("querying", query_facts);
	fail_each_call("reading", read_facts);
	fail_each_call("export and import", export_and_import);
	fail_each_call("a durable stream", stream_facts);
	fail_each_call("a query in JSON", query_json);
	fail_each_call("an export and an import in JSON", copy_json);
	fail_each_call("a cursor in JSON", read_json);
	fail_each_call("a pulled stream in JSON", pull_json);
	return tap_finish();
}
