/*
 * input_parsers.c
 *		Tests of the shared parsers and of the query matcher, over jansson.
 */
#include "json/binding.h"
#include "match/event_query_parser.h"
#include "match/new_events_parser.h"
#include "match/query_matcher.h"

#include "lib/matching.h"
#include "lib/tap.h"

/* The text must be JSON: these tests are about its content. */
static fs_json
load(const char *text)
{
	fs_input_error error;
	fs_json		document = fs_json_document_load(text, strlen(text), &error);

	if (document == NULL)
		tap_bail_out("%s is not JSON: %s: %s", text, error.path, error.message);
	return document;
}

/* A query that must be good. */
static fs_event_query
parse_query(fs_json document)
{
	fs_event_query query;
	fs_input_error error;

	if (!fs_event_query_parse(document, &query, &error))
		tap_bail_out("a query is refused: %s: %s", error.path, error.message);
	return query;
}

/* The message of an error of that code, and its place. */
static void
ok_input_error(const char *text, const fs_input_error *error, fs_input_code code,
			   const char *path, const char *message)
{
	ok_int(error->code, code, "its code: %.60s", text);
	ok_str(error->path, path, "its place: %.60s", text);
	ok_str(error->message, message, "its message: %.60s", text);
}

static void
ok_query_refused(const char *text, const char *path, const char *message)
{
	fs_json		document = load(text);
	fs_event_query query;
	fs_input_error error;

	if (ok(!fs_event_query_parse(document, &query, &error), "query refused: %s", text))
	{
		ok_input_error(text, &error, FS_INPUT_MALFORMED, path, message);
		ok(error.expected != NULL, "the expected form: %.60s", text);
	}
	fs_event_query_release(&query);
	fs_json_document_release(document);
}

static void
test_refused_queries(void)
{
	ok_query_refused("[]", "$", "an event query must be an object, not an array");
	ok_query_refused("null", "$", "an event query must be an object, not null");
	ok_query_refused("\"\"", "$", "an event query must be an object, not a string");
	ok_query_refused("1", "$", "an event query must be an object, not a number");
	ok_query_refused("{\"filter\": []}", "$", "unknown key \"filter\"");
	ok_query_refused("{\"\": 1}", "$", "unknown key \"\"");
	ok_query_refused("{\"filters\": {}}", "$.filters", "filters must be an array, not an object");
	ok_query_refused("{\"filters\": false}", "$.filters",
					 "filters must be an array, not a boolean");
	ok_query_refused("{\"filters\": [{}, null]}", "$.filters[1]",
					 "a filter must be an object, not null");
	ok_query_refused("{\"filters\": [[]]}", "$.filters[0]",
					 "a filter must be an object, not an array");
	ok_query_refused("{\"filters\": [{}, {\"event_type\": []}]}", "$.filters[1]",
				  "unknown key \"event_type\"");
	ok_query_refused("{\"filters\": [{\"event_types\": \"a\"}]}", "$.filters[0].event_types",
					 "event_types must be an array, not a string");
	ok_query_refused("{\"filters\": [{\"event_types\": [\"a\", 1]}]}",
					 "$.filters[0].event_types[1]", "an event type must be a string, not a number");
	ok_query_refused("{\"filters\": [{\"event_types\": [null]}]}", "$.filters[0].event_types[0]",
					 "an event type must be a string, not null");
	ok_query_refused("{\"filters\": [{\"event_types\": [\"\"]}]}", "$.filters[0].event_types[0]",
					 "an event type must not be empty");
	ok_query_refused("{\"filters\": [{\"payload_predicates\": {}}]}",
				  "$.filters[0].payload_predicates",
				  "payload_predicates must be an array, not an object");
	ok_query_refused("{\"filters\": [{\"payload_predicates\": 1}]}",
					 "$.filters[0].payload_predicates",
					 "payload_predicates must be an array, not a number");
}

/* Where the error is; the conformance suite has more that is refused. */
static void
test_refused_partitions(void)
{
	ok_query_refused("{\"partition\": 1}", "$.partition", "partition must be an object, not a number");
	ok_query_refused("{\"partition\": {\"key\": \"$.k\", \"count\": 2}}", "$.partition",
					 "a partition must have \"key\", \"count\" and \"number\"");
	ok_query_refused("{\"partition\": {\"keys\": 1}}", "$.partition", "unknown key \"keys\"");
	ok_query_refused("{\"partition\": {\"key\": \"k\", \"count\": 2, \"number\": 0}}",
					 "$.partition.key", "the key of a partition is not a path");
	ok_query_refused("{\"partition\": {\"key\": 1}}", "$.partition.key",
					 "the key of a partition must be a string, not a number");
	ok_query_refused("{\"partition\": {\"key\": \"$.k\", \"count\": 0, \"number\": 0}}",
					 "$.partition.count", "count must be an integer from 1 to 1024");
	ok_query_refused("{\"partition\": {\"key\": \"$.k\", \"count\": 1e30, \"number\": 0}}",
					 "$.partition.count", "count must be an integer from 1 to 1024");
	ok_query_refused("{\"partition\": {\"key\": \"$.k\", \"count\": \"2\"}}", "$.partition.count",
					 "count must be a number, not a string");
	ok_query_refused("{\"partition\": {\"key\": \"$.k\", \"count\": 2, \"number\": -1}}",
					 "$.partition.number", "number must be an integer from 0 to 1023");
	ok_query_refused("{\"partition\": {\"key\": \"$.k\", \"count\": 2, \"number\": 2}}",
					 "$.partition.number", "number must be less than count");
}

static void
test_long_keys(void)
{
	/* 63 bytes and a two-byte character: the character would be cut in half, so it goes. */
	char		text[128];
	char		message[128];

	(void) snprintf(text, sizeof(text), "{\"%063d\xC3\xA9zz\": 1}", 0);
	(void) snprintf(message, sizeof(message), "unknown key \"%063d...\"", 0);
	ok_query_refused(text, "$", message);
	(void) snprintf(text, sizeof(text), "{\"%064d\": 1}", 0);
	(void) snprintf(message, sizeof(message), "unknown key \"%064d\"", 0);
	ok_query_refused(text, "$", message);
}

static void
test_refused_bounds(void)
{
	const char *path = "$.after";

	ok_query_refused("{\"after\": \"1\"}", path,
					 "after must be a number, not a string");
	ok_query_refused("{\"after\": true}", path,
					 "after must be a number, not a boolean");
	ok_query_refused("{\"after\": []}", path,
					 "after must be a number, not an array");
	ok_query_refused("{\"after\": 1.5}", path,
					 "after must be an integer");
	ok_query_refused("{\"after\": 1e-400}", path,
					 "after must be an integer");
	ok_query_refused("{\"after\": 9223372036854775808}", path,
					 "after is beyond the 64-bit signed range");
	ok_query_refused("{\"after\": 18446744073709551621}", path,
					 "after is beyond the 64-bit signed range");
	ok_query_refused("{\"after\": -9223372036854775809}", path,
					 "after is beyond the 64-bit signed range");
	ok_query_refused("{\"after\": -1}", path,
					 "after must not be negative");
	ok_query_refused("{\"after\": -9223372036854775808}", path,
					 "after must not be negative");
	ok_query_refused("{\"after\": 1e400}", path,
					 "after is beyond the 64-bit signed range");
}

static void
ok_bound_accepted(const char *text, bool has, int64_t expected)
{
	fs_json		document = load(text);
	fs_event_query query = parse_query(document);

	ok(query.has_after == has, "query %s a bound: %s", has ? "with" : "without",
	   text);
	ok_int(query.after, expected, "its value: %s", text);
	fs_event_query_release(&query);
	fs_json_document_release(document);
}

static void
test_accepted_bounds(void)
{
	ok_bound_accepted("{}", false, 0);
	ok_bound_accepted("{\"after\": null}", false, 0);
	ok_bound_accepted("{\"after\": 0}", true, 0);
	ok_bound_accepted("{\"after\": 5.0}", true, 5);
	ok_bound_accepted("{\"after\": 50e-1}", true, 5);
	ok_bound_accepted("{\"after\": 9223372036854775807}", true, INT64_MAX);
	ok_bound_accepted("{\"after\": -0.0}", true, 0);
}

static const char *
verdict_name(fs_type_verdict verdict)
{
	return verdict == FS_MATCH ? "a match" : verdict == FS_NO_MATCH ? "no match" :
		"the payload decides";
}

/* A fact of this type and payload matches the query, or not; the answer by its type agrees. */
static void
ok_matches(const char *query_text, const char *event_type, const char *payload_text, bool expected)
{
	fs_json		document = load(query_text);
	fs_json		payload = load(payload_text);
	fs_text		type = {event_type, strlen(event_type)};
	fs_event_query query = parse_query(document);
	fs_type_verdict wrong = expected ? FS_NO_MATCH : FS_MATCH;

	ok(query_matches(&query, event_type, payload) == expected, "%s %s %s of type %s", query_text,
	   expected ? "matches" : "does not match", payload_text, event_type);
	ok_cmp(fs_event_type_verdict(&query, type), "!=", wrong, "type %s alone does not say %s: %s",
		   event_type, verdict_name(wrong), query_text);
	fs_event_query_release(&query);
	fs_json_document_release(document);
	fs_json_document_release(payload);
}

static void
test_query_matching(void)
{
	const char *query = "{\"filters\": [{\"event_types\": [\"a\", \"b\"], "
		"\"payload_predicates\": [{\"x\": 1}, {\"y\": 2}]}, {\"event_types\": [\"c\"]}]}";

	ok_matches("{}", "a", "1", true);
	ok_matches("{\"filters\": null}", "a", "1", true);
	ok_matches("{\"filters\": []}", "a", "1", true);
	ok_matches("{\"filters\": [{}]}", "a", "1", true);
	ok_matches("{\"filters\": [{\"event_types\": null, \"payload_predicates\": null}]}", "a", "1",
			   true);
	ok_matches("{\"filters\": [{\"event_types\": []}]}", "a", "1", false);
	ok_matches("{\"filters\": [{\"payload_predicates\": []}]}", "a", "1", false);
	ok_matches("{\"filters\": [{\"event_types\": []}, {}]}", "a", "1", true);
	ok_matches("{\"filters\": [{\"payload_predicates\": [null]}]}", "a", "null", true);
	ok_matches("{\"filters\": [{\"payload_predicates\": [1]}]}", "a", "[1]", false);
	ok_matches("{\"filters\": [{\"event_types\": [\"ab\"]}]}", "a", "1", false);
	ok_matches("{\"after\": 5}", "a", "1", true);
	ok_matches(query, "a", "{\"x\": 1.0}", true);
	ok_matches(query, "b", "{\"y\": 2, \"z\": 3}", true);
	ok_matches(query, "a", "{\"x\": 2, \"y\": 1}", false);
	ok_matches(query, "c", "{\"x\": 2}", true);
	ok_matches(query, "d", "{\"x\": 1}", false);
	ok_matches("{\"filters\": [{\"event_types\": [\"\\u0001a\"]}]}", "\001a", "1", true);
}

static void
ok_type_verdict(const char *query_text, const char *event_type, fs_type_verdict expected)
{
	fs_json		document = load(query_text);
	fs_text		type = {event_type, strlen(event_type)};
	fs_event_query query = parse_query(document);

	ok_str(verdict_name(fs_event_type_verdict(&query, type)), verdict_name(expected), "%s, type %s",
		   query_text, event_type);
	fs_event_query_release(&query);
	fs_json_document_release(document);
}

#define PARTITION "\"partition\": {\"key\": \"$.k\", \"count\": 2, \"number\": 0}"

static void
test_type_verdicts(void)
{
	const char *mixed = "{\"filters\": ["
		"{\"event_types\": [\"a\"], \"payload_predicates\": [1]},"
		"{\"event_types\": [\"b\"]},"
		"{\"event_types\": [\"a\", \"c\"], \"payload_predicates\": []}]}";

	ok_type_verdict("{}", "a", FS_MATCH);
	ok_type_verdict("{\"filters\": [{}]}", "a", FS_MATCH);
	ok_type_verdict("{\"filters\": [{\"payload_predicates\": [1]}]}", "a", FS_PAYLOAD_DECIDES);
	ok_type_verdict("{\"filters\": [{\"payload_predicates\": [1]}, {}]}", "a", FS_MATCH);
	ok_type_verdict(mixed, "a", FS_PAYLOAD_DECIDES);
	ok_type_verdict(mixed, "b", FS_MATCH);
	ok_type_verdict(mixed, "c", FS_NO_MATCH);
	ok_type_verdict(mixed, "d", FS_NO_MATCH);
	ok_type_verdict("{" PARTITION "}", "a", FS_PAYLOAD_DECIDES);
	ok_type_verdict("{" PARTITION ", \"filters\": [{\"event_types\": [\"a\"]}]}", "a",
					FS_PAYLOAD_DECIDES);
	ok_type_verdict("{" PARTITION ", \"filters\": [{\"event_types\": [\"a\"]}]}", "b", FS_NO_MATCH);
}

static void
test_has_scalar(void)
{
	static const struct
	{
		const char *text;
		bool		has_scalar;
	}			cases[] = {
		{"1", true}, {"null", true}, {"{}", false}, {"[]", false}, {"[[], {\"a\": {}}]", false},
		{"[[], {\"a\": {\"b\": null}}]", true}, {"{\"a\": [], \"b\": [[false]]}", true}
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		fs_json		document = load(cases[i].text);

		ok(fs_has_scalar(document) == cases[i].has_scalar, "%s %s a scalar", cases[i].text,
		   cases[i].has_scalar ? "has" : "has not");
		fs_json_document_release(document);
	}
}

static void
ok_append_refused(const char *text, fs_input_code code, const char *path, const char *message)
{
	fs_json		document = load(text);
	fs_new_event *events = NULL;
	size_t		count;
	fs_input_error error;

	if (ok(!fs_new_events_parse(document, 0, &events, &count, &error), "append refused: %.60s", text))
		ok_input_error(text, &error, code, path, message);
	ok_null(events, "no events come of it: %.60s", text);
	fs_release(events);
	fs_json_document_release(document);
}

static void
ok_malformed(const char *text, const char *path, const char *message)
{
	ok_append_refused(text, FS_INPUT_MALFORMED, path, message);
}

static void
test_refused_events(void)
{
	ok_append_refused("[]", FS_INPUT_EMPTY_APPEND, "$", "append requires at least one event");
	ok_malformed("{}", "$", "events must be an array, not an object");
	ok_malformed("null", "$", "events must be an array, not null");
	ok_malformed("1", "$", "events must be an array, not a number");
	ok_malformed("[1]", "$[0]", "an event must be an object, not a number");
	ok_malformed("[null]", "$[0]", "an event must be an object, not null");
	ok_malformed("[[]]", "$[0]", "an event must be an object, not an array");
	ok_malformed("[{}]", "$[0]", "missing key \"event_type\"");
	ok_malformed("[{\"payload\": 1}]", "$[0]", "missing key \"event_type\"");
	ok_malformed("[{\"event_type\": \"a\"}]", "$[0]", "missing key \"payload\"");
	ok_malformed("[{\"event_type\": null, \"payload\": 1}]", "$[0].event_type",
				 "event_type must be a string, not null");
	ok_malformed("[{\"event_type\": 1, \"payload\": 1}]", "$[0].event_type",
				 "event_type must be a string, not a number");
	ok_malformed("[{\"event_type\": \"\", \"payload\": 1}]", "$[0].event_type",
				 "event_type must not be empty");
	ok_malformed("[{\"event_type\": \"a\", \"payload\": 1}, {\"event_type\": \"a\", "
					 "\"payload\": 1, \"paylod\": 2}]", "$[1]", "unknown key \"paylod\"");
	ok_malformed("[{\"event_type\": \"a\", \"payload\": 1, \"metadata\": []}]", "$[0].metadata",
				 "metadata must be an object, not an array");
	ok_malformed("[{\"event_type\": \"a\", \"payload\": 1, \"metadata\": \"m\"}]", "$[0].metadata",
				 "metadata must be an object, not a string");
}

static void
test_accepted_events(void)
{
	fs_json		document = load(
		"[{\"event_type\": \"a\", \"payload\": null},"
		"{\"metadata\": {\"m\": 1}, \"payload\": [1], \"event_type\": \"\\u00e9\"},"
		"{\"event_type\": \"c\", \"payload\": {}, \"metadata\": null}]");
	fs_new_event *events = NULL;
	size_t		count = 0;
	fs_input_error error;

	if (!ok(fs_new_events_parse(document, 0, &events, &count, &error), "events are accepted") ||
		!ok_int((int64_t) count, 3, "all three"))
		tap_bail_out("there are no events to look at");
	ok(fs_text_is(events[0].event_type, "a"), "the first: its type");
	ok_int(fs_json_kind_of(events[0].payload), FS_JSON_NULL, "a null payload");
	ok(!events[0].has_metadata, "no metadata");
	ok(fs_text_is(events[1].event_type, "\xC3\xA9"), "the second: keys in any order, its type");
	ok_int(fs_json_kind_of(events[1].payload), FS_JSON_ARRAY, "its payload");
	ok(events[1].has_metadata, "metadata");
	ok_int((int64_t) fs_json_count(events[1].metadata), 1, "with a key");
	ok_int(fs_json_kind_of(events[2].payload), FS_JSON_OBJECT, "the third: its payload");
	ok(!events[2].has_metadata, "null metadata is absent");
	fs_release(events);
	fs_json_document_release(document);
}

/* The limit on an event type is in bytes, and so is the length that the error names. */
static void
test_event_type_length(void)
{
	char		text[2100];
	fs_json		document;
	fs_new_event *events = NULL;
	size_t		count = 0;
	fs_input_error error;

	(void) snprintf(text, sizeof(text), "[{\"payload\": 1, \"event_type\": \"%0*d\"}]", 2000, 0);
	document = load(text);
	ok(fs_new_events_parse(document, 0, &events, &count, &error),
	   "an event type of 2000 bytes is accepted");
	fs_release(events);
	fs_json_document_release(document);

	(void) snprintf(text, sizeof(text), "[{\"payload\": 1, \"event_type\": \"%0*d\xC3\xA9\"}]",
					1999, 0);
	ok_malformed(text, "$[0].event_type", "event_type is 2001 bytes long");
}

int
main(void)
{
	test_refused_queries();
	test_refused_partitions();
	test_long_keys();
	test_refused_bounds();
	test_accepted_bounds();
	test_query_matching();
	test_type_verdicts();
	test_has_scalar();
	test_refused_events();
	test_accepted_events();
	test_event_type_length();
	return tap_finish();
}
