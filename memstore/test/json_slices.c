/*
 * json_slices.c
 *		Tests of events from documents and from structs: what is kept is the text as given.
 */
#include <string.h>

#include "events.h"

#include "tap.h"

/* NULL stands for no metadata. */
static void
kept(const char *document, size_t index, const char *event_type, const char *payload,
	 const char *metadata)
{
	fs_events	events;
	factstr_error error;
	bool		same = false;
	const fs_append_event *event;

	if (fs_events_of_json(document, &events, &error) != FACTSTR_OK)
		tap_diagnostic("%s", error.message);
	else if (index < events.count)
	{
		event = &events.items[index];
		same = strcmp(event->event_type, event_type) == 0 && strcmp(event->payload, payload) == 0 &&
			(metadata == NULL ? event->metadata == NULL && event->metadata_document == NULL :
			 event->metadata != NULL && strcmp(event->metadata, metadata) == 0 &&
			 event->metadata_document != NULL);
		if (!same)
			tap_diagnostic("found %s %s %s", event->event_type, event->payload,
						   event->metadata == NULL ? "-" : event->metadata);
	}
	(void) tap_ok(same, "kept of event %zu: %s", index, document);
	fs_events_release(&events);
}

static void
test_slices(void)
{
	kept("[{\"event_type\": \"a\", \"payload\": 1}]", 0, "a", "1", NULL);
	kept(" [ { \"payload\" : 1.50e+1 , \"event_type\":\"a\" } ] ", 0, "a", "1.50e+1", NULL);
	kept("[{\"payload\":null,\"event_type\":\"a\"}]", 0, "a", "null", NULL);
	kept("[{\"payload\": \"]},{\\\"\\\\\", \"event_type\": \"a\"}]", 0, "a", "\"]},{\\\"\\\\\"",
		 NULL);
	kept("[{\"payload\": {\"payload\": [1, {\"}\": \"]\"}]}, \"event_type\": \"a\"}]", 0, "a",
		 "{\"payload\": [1, {\"}\": \"]\"}]}", NULL);
	kept("[{\"event_type\": \"payload\", \"payload\": [\"event_type\"]}]", 0, "payload",
		 "[\"event_type\"]", NULL);
	kept("[{\"\\u0070ayload\": 2, \"event_t\\u0079pe\": \"a\"}]", 0, "a", "2", NULL);
	kept("[{\"\\u0070\\u0061\\u0079\\u006C\\u006f\\u0061\\u0064\": [ ], \"event_type\": \"a\"}]", 0,
		 "a", "[ ]", NULL);
	kept(
		"[{\"payload\": 1, \"payload\": {\"x\": 2}, \"event_type\": \"a\", \"event_type\": \"b\"}]",
		0, "b", "{\"x\": 2}", NULL);
	kept("[{\"event_type\": \"a\", \"payload\": 1, \"metadata\": {\"m\":  1}}]", 0, "a", "1",
		 "{\"m\":  1}");
	kept("[{\"event_type\": \"a\", \"payload\": 1, \"metadata\": null}]", 0, "a", "1", NULL);
	kept("[{\"metadata\": {}, \"event_type\": \"a\", \"payload\": 1, \"metadata\": null}]", 0, "a",
		 "1", NULL);
	kept("[{\"event_type\": \"a\", \"payload\": 1},\n\t{\"event_type\": \"b\", \"payload\": "
		 "[2]}\r\n]",
		 1, "b", "[2]", NULL);
	kept("[{\"event_type\": \"\\u00e9\\n\\\"\", \"payload\": \"\\u00e9\"}]", 0, "\303\251\n\"",
		 "\"\\u00e9\"", NULL);
	kept(
		"[{\"event_type\": \"a\", \"payload\": true}, {\"event_type\": \"b\", \"payload\": false}]",
		0, "a", "true", NULL);
}

static void
refused(const factstr_event *event, const char *message)
{
	fs_events	events;
	factstr_error error = {.message = "accepted"};
	int			code = fs_events_of_structs(event, 1, &events, &error);

	if (!tap_ok(code == FACTSTR_MALFORMED && strcmp(error.message, message) == 0 &&
				error.detail[0] != '\0', "refused: %s", message))
		tap_diagnostic("found %d %s", code, error.message);
	fs_events_release(&events);
}

static void
test_structs(void)
{
	char		long_type[2002];

	memset(long_type, 'x', sizeof(long_type));
	long_type[2001] = '\0';
	refused(&(factstr_event) {NULL, "1", NULL},
			"invalid events at $[0]: missing key \"event_type\"");
	refused(&(factstr_event) {"a", NULL, NULL}, "invalid events at $[0]: missing key \"payload\"");
	refused(&(factstr_event) {"", "1", NULL},
			"invalid events at $[0].event_type: event_type must not be empty");
	refused(&(factstr_event) {long_type, "1", NULL},
			"invalid events at $[0].event_type: event_type is 2001 bytes long");
	refused(&(factstr_event) {"\303", "1", NULL},
			"invalid events at $[0].event_type: event_type is not UTF-8");
	refused(&(factstr_event) {"a", "{\"x\": 01}", NULL},
			"invalid events at $[0].payload, line 1, column 7: malformed number");
	refused(&(factstr_event) {"a", "1}, {\"event_type\": \"b\", \"payload\": 2", NULL},
			"invalid events at $[0].payload, line 1, column 2: end of file expected");
	refused(&(factstr_event) {"a", "1", "[]"},
			"invalid events at $[0].metadata: metadata must be an object, not an array");
	refused(&(factstr_event){ "a", "1", "{" }, "invalid events at $[0].metadata, line 1, column 2: "
											   "string or '}' expected near end of file");
}

static void
test_whole_text(void)
{
	factstr_event given[2] = {
		{"a \"\\\n", " {\"x\": 1} ", NULL},
		{"b", "[1.0]", "{\"m\": 2}"}
	};
	fs_events	events;
	fs_events	again;

	(void) fs_events_of_structs(given, 2, &events, NULL);
	(void) tap_ok(
		strcmp(events.text,
			   "[{\"event_type\": \"a \\\"\\\\\\u000a\", \"payload\":  {\"x\": 1} }, "
			   "{\"event_type\": \"b\", \"payload\": [1.0], \"metadata\": {\"m\": 2}}]") == 0,
		"structs as one document");
	(void) tap_ok(fs_events_of_json(events.text, &again, NULL) == FACTSTR_OK && again.count == 2 &&
				  strcmp(again.items[0].event_type, given[0].event_type) == 0 &&
				  strcmp(again.items[1].metadata, given[1].metadata) == 0,
				  "which says the same");
	fs_events_release(&again);
	fs_events_release(&events);
	(void) tap_ok(fs_events_of_structs(NULL, 0, &events, NULL) == FACTSTR_EMPTY_APPEND &&
				  fs_events_of_json("[]", &events, NULL) == FACTSTR_EMPTY_APPEND, "no events");
}

int
main(void)
{
	test_slices();
	test_structs();
	test_whole_text();
	return tap_finish();
}
