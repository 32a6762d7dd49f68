/*
 * out_of_memory.c
 *		Fails every allocation of ours in turn: each time a clean error, and nothing leaks.
 *
 * failing_allocations.h says how, and which.
 */
#include "factstr.h"

#include "json_jansson.h"
#include "match/event_query_parser.h"
#include "match/new_events_parser.h"

#include "failing_libraries.h"
#include "tap.h"

static bool
load_and_parse_query(fs_input_error *error)
{
	const char *text = "{\"filters\": ["
		"{\"event_types\": [\"a\"], \"payload_predicates\": [1.5, {}]},"
		"{\"payload_predicates\": []}], \"min_sequence_number\": 12345678901234567}";
	json_t	   *document = fs_json_document_rewrite(text, strlen(text), error);
	fs_event_query query;
	bool		parsed;

	if (document == NULL)
		return false;
	parsed = fs_event_query_parse(document, &query, error);
	fs_event_query_release(&query);
	json_decref(document);
	return parsed;
}

static bool
load_and_parse_events(fs_input_error *error)
{
	const char *text = "[{\"event_type\": \"a\", \"payload\": {\"n\": [-1e5, \"\\u0001\"]}}]";
	json_t	   *document = fs_json_document_rewrite(text, strlen(text), error);
	fs_new_event *events = NULL;
	size_t		count;
	bool		parsed;

	if (document == NULL)
		return false;
	parsed = fs_new_events_parse(document, &events, &count, error);
	fs_release(events);
	json_decref(document);
	return parsed;
}

/*
 * A document comes out as it was, or not at all.  jansson's own parser cannot promise that: its
 * strings may lack bytes.
 */
static bool
load_long_strings(fs_input_error *error)
{
	const char *text = "{\"\\u0001 a key of more than sixteen bytes, and more than thirty-two\":"
		" [\"\\u0001 and a string that has more than sixty-four bytes, among them the tag\"]}";
	json_t	   *document = fs_json_document_load(text, strlen(text), error);
	json_t	   *expected;
	bool		is_right;

	if (document == NULL)
		return false;
	libraries_fail = false;
	expected = json_pack("{s[s]}",
						 "\001 a key of more than sixteen bytes, and more than thirty-two",
						 "\001\001 and a string that has more than sixty-four bytes,"
						 " among them the tag");
	is_right = json_equal(document, expected);
	libraries_fail = true;
	json_decref(expected);
	json_decref(document);
	if (!is_right)
		error->code = FS_INPUT_MALFORMED;
	return is_right;
}

/* Calls of the library; each is tried again and again in a store of its own. */

static int
append_an_event(factstr_store *store, factstr_error *error)
{
	factstr_event event = {"a", "{\"n\": [1, \"text\"]}", "{\"m\": 1}"};
	uint64_t	expected = 2;

	return factstr_append_if(store, &event, 1, "{\"filters\": [{\"event_types\": [\"a\"]}]}",
							 &expected, "key", NULL, error);
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
		code = factstr_import(other, list->batches, list->count, error);
	factstr_batch_list_free(list);
	(void) factstr_close(other);
	return code;
}

static int
take_records(const char *event_records, void *context)
{
	(void) context;
	return event_records == NULL;
}

static int
stream_facts(factstr_store *store, factstr_error *error)
{
	factstr_stream *stream;
	factstr_stream_status_list *list;
	int			code = factstr_json_stream_to_durable(store, "s", "{\"filters\": []}", take_records,
													  NULL, &stream, error);

	factstr_stream_free(stream);
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

static factstr_store *
store_with_facts(void)
{
	factstr_event events[2] = {{"a", "[1]", NULL}, {"a", "{\"n\": \"text\"}", "{}"}};
	factstr_store *store = NULL;

	if (factstr_open("memory:", &store, NULL) == FACTSTR_OK)
		(void) factstr_append(store, events, 2, "first", NULL, NULL);
	return store;
}

static void
fail_each_call(const char *name, int (*call) (factstr_store *, factstr_error *))
{
	int			failing = 0;
	int			code;
	bool		clean = true;
	factstr_error error = {0};

	do
	{
		factstr_store *store = store_with_facts();

		allocations_left = failing++;
		code = call(store, &error);
		allocations_left = -1;
		clean = clean && (code == FACTSTR_OK ||
						  (code == FACTSTR_NO_MEMORY && error.code == FACTSTR_NO_MEMORY));
		(void) factstr_close(store);
	}
	while (code != FACTSTR_OK && failing < 1000);
	if (!tap_ok(code == FACTSTR_OK && failing > 3 && clean, "%s: fails cleanly", name))
		tap_diagnostic("%d allocations, then %d: %s", failing, code, error.message);
}

/* A store that does not open is none. */
static int
open_a_store(factstr_store *store, factstr_error *error)
{
	factstr_store *another;
	int			code = factstr_open("memory:", &another, error);

	(void) store;
	(void) factstr_close(another);
	return code;
}

static void
fail_each_allocation(const char *name, bool (*work) (fs_input_error *))
{
	int			failing = 0;
	bool		succeeded;
	bool		clean = true;
	fs_input_error error;

	do
	{
		allocations_left = failing++;
		succeeded = work(&error);
		clean = clean && (succeeded || error.code == FS_INPUT_NO_MEMORY);
	}
	while (!succeeded && failing < 1000);
	allocations_left = -1;

	(void) tap_ok(succeeded && failing > 1, "%s: allocations, each failed once", name);
	(void) tap_ok(clean, "%s: every failure is reported as out of memory", name);
}

int
main(void)
{
	fail_each_allocation("an event query", load_and_parse_query);
	fail_each_allocation("new events", load_and_parse_events);
	libraries_fail = let_library_fail("/libjansson.so");
	fail_each_allocation("long strings", load_long_strings);
	libraries_fail = false;
	fail_each_call("opening", open_a_store);
	fail_each_call("appending", append_an_event);
	fail_each_call("querying", query_facts);
	fail_each_call("reading", read_facts);
	fail_each_call("export and import", export_and_import);
	fail_each_call("a durable stream", stream_facts);
	fail_each_call("a query in JSON", query_json);
	return tap_finish();
}
