/*
 * input_parsers.c
 *		Tests of the shared parsers and of the query matcher, over jansson.
 */
#include "json_jansson.h"
#include "match/event_query_parser.h"
#include "match/new_events_parser.h"
#include "match/query_matcher.h"

#include "tap.h"

/* The text must be JSON: these tests are about what it says. */
static json_t *
load(const char *text)
{
	fs_input_error error;
	json_t	   *document = fs_json_document_load(text, strlen(text), &error);

	if (document == NULL)
		tap_diagnostic("%s is not JSON: %s: %s", text, error.path, error.message);
	return document;
}

static bool
error_is(const fs_input_error *error, const char *path, const char *message)
{
	bool		same = error->code != FS_INPUT_OK && strcmp(error->path, path) == 0 &&
		strcmp(error->message, message) == 0;

	if (!same)
		tap_diagnostic("found %s: %s", error->path, error->message);
	return same;
}

static void
query_refused(const char *text, const char *path, const char *message)
{
	json_t	   *document = load(text);
	fs_event_query query;
	fs_input_error error;

	if (document != NULL && !fs_event_query_parse(document, &query, &error))
	{
		(void) tap_ok(error_is(&error, path, message) && error.code == FS_INPUT_MALFORMED &&
					  error.expected != NULL, "query refused: %s", text);
		fs_event_query_release(&query);
	}
	else
		(void) tap_ok(false, "query refused: %s", text);
	json_decref(document);
}

static void
test_refused_queries(void)
{
	query_refused("[]", "$", "an event query must be an object, not an array");
	query_refused("null", "$", "an event query must be an object, not null");
	query_refused("\"\"", "$", "an event query must be an object, not a string");
	query_refused("1", "$", "an event query must be an object, not a number");
	query_refused("{\"filter\": []}", "$", "unknown key \"filter\"");
	query_refused("{\"\": 1}", "$", "unknown key \"\"");
	query_refused("{\"filters\": {}}", "$.filters", "filters must be an array, not an object");
	query_refused("{\"filters\": false}", "$.filters", "filters must be an array, not a boolean");
	query_refused("{\"filters\": [{}, null]}", "$.filters[1]",
				  "a filter must be an object, not null");
	query_refused("{\"filters\": [[]]}", "$.filters[0]",
				  "a filter must be an object, not an array");
	query_refused("{\"filters\": [{}, {\"event_type\": []}]}", "$.filters[1]",
				  "unknown key \"event_type\"");
	query_refused("{\"filters\": [{\"event_types\": \"a\"}]}", "$.filters[0].event_types",
				  "event_types must be an array, not a string");
	query_refused("{\"filters\": [{\"event_types\": [\"a\", 1]}]}", "$.filters[0].event_types[1]",
				  "an event type must be a string, not a number");
	query_refused("{\"filters\": [{\"event_types\": [null]}]}", "$.filters[0].event_types[0]",
				  "an event type must be a string, not null");
	query_refused("{\"filters\": [{\"event_types\": [\"\"]}]}", "$.filters[0].event_types[0]",
				  "an event type must not be empty");
	query_refused("{\"filters\": [{\"payload_predicates\": {}}]}",
				  "$.filters[0].payload_predicates",
				  "payload_predicates must be an array, not an object");
	query_refused("{\"filters\": [{\"payload_predicates\": 1}]}",
				  "$.filters[0].payload_predicates",
				  "payload_predicates must be an array, not a number");
}

static void
test_long_keys(void)
{
	/* 63 bytes and a two-byte character: the character would be cut in half, so it goes. */
	char		text[128];
	char		message[128];

	(void) snprintf(text, sizeof(text), "{\"%063d\xC3\xA9zz\": 1}", 0);
	(void) snprintf(message, sizeof(message), "unknown key \"%063d...\"", 0);
	query_refused(text, "$", message);
	(void) snprintf(text, sizeof(text), "{\"%064d\": 1}", 0);
	(void) snprintf(message, sizeof(message), "unknown key \"%064d\"", 0);
	query_refused(text, "$", message);
}

static void
test_refused_min_sequence_numbers(void)
{
	const char *path = "$.min_sequence_number";

	query_refused("{\"min_sequence_number\": \"1\"}", path,
				  "min_sequence_number must be a number, not a string");
	query_refused("{\"min_sequence_number\": true}", path,
				  "min_sequence_number must be a number, not a boolean");
	query_refused("{\"min_sequence_number\": []}", path,
				  "min_sequence_number must be a number, not an array");
	query_refused("{\"min_sequence_number\": 1.5}", path,
				  "min_sequence_number must be an integer");
	query_refused("{\"min_sequence_number\": 1e-400}", path,
				  "min_sequence_number must be an integer");
	query_refused("{\"min_sequence_number\": 9223372036854775808}", path,
				  "min_sequence_number is beyond the 64-bit signed range");
	query_refused("{\"min_sequence_number\": 18446744073709551621}", path,
				  "min_sequence_number is beyond the 64-bit signed range");
	query_refused("{\"min_sequence_number\": -9223372036854775809}", path,
				  "min_sequence_number is beyond the 64-bit signed range");
	query_refused("{\"min_sequence_number\": 1e400}", path,
				  "min_sequence_number is beyond the 64-bit signed range");
}

static void
min_accepted(const char *text, bool has, int64_t wanted)
{
	json_t	   *document = load(text);
	fs_event_query query;
	fs_input_error error;

	(void) tap_ok(document != NULL && fs_event_query_parse(document, &query, &error) &&
				  query.has_min_sequence_number == has && query.min_sequence_number == wanted,
				  "query accepted: %s", text);
	if (document != NULL)
		fs_event_query_release(&query);
	json_decref(document);
}

static void
test_accepted_min_sequence_numbers(void)
{
	min_accepted("{}", false, 0);
	min_accepted("{\"min_sequence_number\": null}", false, 0);
	min_accepted("{\"min_sequence_number\": 0}", true, 0);
	min_accepted("{\"min_sequence_number\": -3}", true, -3);
	min_accepted("{\"min_sequence_number\": 5.0}", true, 5);
	min_accepted("{\"min_sequence_number\": 50e-1}", true, 5);
	min_accepted("{\"min_sequence_number\": 9223372036854775807}", true, INT64_MAX);
	min_accepted("{\"min_sequence_number\": -9223372036854775808}", true, INT64_MIN);
}

/* What the type alone says must never contradict the whole. */
static bool
verdict_agrees(const fs_event_query *query, fs_text type, bool matches)
{
	switch (fs_event_type_verdict(query, type))
	{
		case FS_NO_MATCH:
			return !matches;
		case FS_MATCH:
			return matches;
		case FS_PAYLOAD_DECIDES:
			break;
	}
	return true;
}

/* Does a fact of this type and payload match the query? */
static void
query_matches(const char *query_text, const char *event_type, const char *payload_text, bool wanted)
{
	json_t	   *document = load(query_text);
	json_t	   *payload = load(payload_text);
	fs_text		type = {event_type, strlen(event_type)};
	fs_event_query query;
	fs_input_error error;
	bool		parsed = false;

	if (document != NULL && payload != NULL)
		parsed = fs_event_query_parse(document, &query, &error);
	(void) tap_ok(parsed && fs_event_query_matches(&query, type, payload) == wanted &&
				  verdict_agrees(&query, type, wanted),
				  "%s %s %s of type %s", query_text, wanted ? "matches" : "does not match",
				  payload_text, event_type);
	if (document != NULL && payload != NULL)
		fs_event_query_release(&query);
	json_decref(document);
	json_decref(payload);
}

static void
test_query_matching(void)
{
	const char *query = "{\"filters\": [{\"event_types\": [\"a\", \"b\"], "
		"\"payload_predicates\": [{\"x\": 1}, {\"y\": 2}]}, {\"event_types\": [\"c\"]}]}";

	query_matches("{}", "a", "1", true);
	query_matches("{\"filters\": null}", "a", "1", true);
	query_matches("{\"filters\": []}", "a", "1", true);
	query_matches("{\"filters\": [{}]}", "a", "1", true);
	query_matches("{\"filters\": [{\"event_types\": null, \"payload_predicates\": null}]}",
				  "a", "1", true);
	query_matches("{\"filters\": [{\"event_types\": []}]}", "a", "1", false);
	query_matches("{\"filters\": [{\"payload_predicates\": []}]}", "a", "1", false);
	query_matches("{\"filters\": [{\"event_types\": []}, {}]}", "a", "1", true);
	query_matches("{\"filters\": [{\"payload_predicates\": [null]}]}", "a", "null", true);
	query_matches("{\"filters\": [{\"payload_predicates\": [1]}]}", "a", "[1]", false);
	query_matches("{\"filters\": [{\"event_types\": [\"ab\"]}]}", "a", "1", false);
	query_matches("{\"min_sequence_number\": 5}", "a", "1", true);
	query_matches(query, "a", "{\"x\": 1.0}", true);
	query_matches(query, "b", "{\"y\": 2, \"z\": 3}", true);
	query_matches(query, "a", "{\"x\": 2, \"y\": 1}", false);
	query_matches(query, "c", "{\"x\": 2}", true);
	query_matches(query, "d", "{\"x\": 1}", false);
	query_matches("{\"filters\": [{\"event_types\": [\"\\u0001a\"]}]}", "\001a", "1", true);
}

static void
type_verdict(const char *filters, const char *event_type, fs_type_verdict wanted)
{
	json_t	   *document = load(filters);
	fs_text		type = {event_type, strlen(event_type)};
	fs_event_query query;
	fs_input_error error;

	(void) tap_ok(document != NULL && fs_event_query_parse(document, &query, &error) &&
				  fs_event_type_verdict(&query, type) == wanted,
				  "%s, type %s: %s", filters, event_type,
				  wanted == FS_MATCH ? "a match" :
				  wanted == FS_NO_MATCH ? "no match" : "the payload decides");
	if (document != NULL)
		fs_event_query_release(&query);
	json_decref(document);
}

static void
test_type_verdicts(void)
{
	const char *mixed = "{\"filters\": ["
		"{\"event_types\": [\"a\"], \"payload_predicates\": [1]},"
		"{\"event_types\": [\"b\"]},"
		"{\"event_types\": [\"a\", \"c\"], \"payload_predicates\": []}]}";

	type_verdict("{}", "a", FS_MATCH);
	type_verdict("{\"filters\": [{}]}", "a", FS_MATCH);
	type_verdict("{\"filters\": [{\"payload_predicates\": [1]}]}", "a", FS_PAYLOAD_DECIDES);
	type_verdict("{\"filters\": [{\"payload_predicates\": [1]}, {}]}", "a", FS_MATCH);
	type_verdict(mixed, "a", FS_PAYLOAD_DECIDES);
	type_verdict(mixed, "b", FS_MATCH);
	type_verdict(mixed, "c", FS_NO_MATCH);
	type_verdict(mixed, "d", FS_NO_MATCH);
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
		json_t	   *document = load(cases[i].text);

		(void) tap_ok(document != NULL && fs_has_scalar(document) == cases[i].has_scalar,
					  "%s %s a scalar", cases[i].text, cases[i].has_scalar ? "has" : "has not");
		json_decref(document);
	}
}

static void
events_refused(const char *text, const char *path, const char *message, fs_input_code code)
{
	json_t	   *document = load(text);
	fs_new_event *events = NULL;
	size_t		count;
	fs_input_error error;

	if (document != NULL && !fs_new_events_parse(document, &events, &count, &error))
		(void) tap_ok(error_is(&error, path, message) && error.code == code && events == NULL,
					  "append refused: %.60s", text);
	else
		(void) tap_ok(false, "append refused: %.60s", text);
	fs_release(events);
	json_decref(document);
}

static void
events_malformed(const char *text, const char *path, const char *message)
{
	events_refused(text, path, message, FS_INPUT_MALFORMED);
}

static void
test_refused_events(void)
{
	events_refused("[]", "$", "append requires at least one event", FS_INPUT_EMPTY_APPEND);
	events_malformed("{}", "$", "events must be an array, not an object");
	events_malformed("null", "$", "events must be an array, not null");
	events_malformed("1", "$", "events must be an array, not a number");
	events_malformed("[1]", "$[0]", "an event must be an object, not a number");
	events_malformed("[null]", "$[0]", "an event must be an object, not null");
	events_malformed("[[]]", "$[0]", "an event must be an object, not an array");
	events_malformed("[{}]", "$[0]", "missing key \"event_type\"");
	events_malformed("[{\"payload\": 1}]", "$[0]", "missing key \"event_type\"");
	events_malformed("[{\"event_type\": \"a\"}]", "$[0]", "missing key \"payload\"");
	events_malformed("[{\"event_type\": null, \"payload\": 1}]", "$[0].event_type",
					 "event_type must be a string, not null");
	events_malformed("[{\"event_type\": 1, \"payload\": 1}]", "$[0].event_type",
					 "event_type must be a string, not a number");
	events_malformed("[{\"event_type\": \"\", \"payload\": 1}]", "$[0].event_type",
					 "event_type must not be empty");
	events_malformed("[{\"event_type\": \"a\", \"payload\": 1}, {\"event_type\": \"a\", "
					 "\"payload\": 1, \"paylod\": 2}]", "$[1]", "unknown key \"paylod\"");
	events_malformed("[{\"event_type\": \"a\", \"payload\": 1, \"metadata\": []}]", "$[0].metadata",
					 "metadata must be an object, not an array");
	events_malformed("[{\"event_type\": \"a\", \"payload\": 1, \"metadata\": \"m\"}]",
					 "$[0].metadata", "metadata must be an object, not a string");
}

static void
test_accepted_events(void)
{
	json_t	   *document = load(
		"[{\"event_type\": \"a\", \"payload\": null},"
		"{\"metadata\": {\"m\": 1}, \"payload\": [1], \"event_type\": \"\\u00e9\"},"
		"{\"event_type\": \"c\", \"payload\": {}, \"metadata\": null}]");
	fs_new_event *events = NULL;
	size_t		count = 0;
	fs_input_error error;

	if (!tap_ok(document != NULL && fs_new_events_parse(document, &events, &count, &error) &&
				count == 3, "three events are accepted"))
	{
		json_decref(document);
		return;
	}
	(void) tap_ok(fs_text_is(events[0].event_type, "a") &&
				  fs_json_kind_of(events[0].payload) == FS_JSON_NULL && !events[0].has_metadata,
				  "the first: a null payload, no metadata");
	(void) tap_ok(fs_text_is(events[1].event_type, "\xC3\xA9") &&
				  fs_json_kind_of(events[1].payload) == FS_JSON_ARRAY && events[1].has_metadata &&
				  fs_json_count(events[1].metadata) == 1,
				  "the second: keys in any order, metadata");
	(void) tap_ok(fs_json_kind_of(events[2].payload) == FS_JSON_OBJECT && !events[2].has_metadata,
				  "the third: null metadata is absent");
	fs_release(events);
	json_decref(document);
}

/* The limit on an event type is in bytes, and so is the length that the error names. */
static void
test_event_type_length(void)
{
	char		text[2100];
	json_t	   *document;
	fs_new_event *events = NULL;
	size_t		count = 0;
	fs_input_error error;

	(void) snprintf(text, sizeof(text), "[{\"payload\": 1, \"event_type\": \"%0*d\"}]", 2000, 0);
	document = load(text);
	(void) tap_ok(document != NULL && fs_new_events_parse(document, &events, &count, &error),
				  "an event type of 2000 bytes is accepted");
	fs_release(events);
	json_decref(document);

	(void) snprintf(text, sizeof(text), "[{\"payload\": 1, \"event_type\": \"%0*d\xC3\xA9\"}]",
					1999, 0);
	events_malformed(text, "$[0].event_type", "event_type is 2001 bytes long");
}

int
main(void)
{
	test_refused_queries();
	test_long_keys();
	test_refused_min_sequence_numbers();
	test_accepted_min_sequence_numbers();
	test_query_matching();
	test_type_verdicts();
	test_has_scalar();
	test_refused_events();
	test_accepted_events();
	test_event_type_length();
	return tap_finish();
}
