/*
 * json_slices.c
 *		Tests of events from documents and from structs: the original text is kept.
 */
#include <stdlib.h>
#include <string.h>

#include "base/json_text.h"
#include "input/events.h"

#include "lib/tap.h"

static void
ok_text(fs_text got, const char *expected, const char *name)
{
	char	   *copy = got.data == NULL ? NULL : strndup(got.data, got.length);

	ok_str(copy, expected, "%s", name);
	free(copy);
}

/* NULL stands for no metadata. */
static void
ok_kept(const char *document, size_t index, const char *event_type, const char *payload,
		const char *metadata)
{
	fs_events	events;
	factstr_error error;
	const fs_append_event *event;

	ok_code(fs_events_of_json(document, &events, &error), FACTSTR_OK, &error, "read: %s", document);
	if (ok_cmp((int64_t) events.count, ">", (int64_t) index, "it has event %zu: %s", index,
			   document))
	{
		event = &events.items[index];
		ok_text(event->event_type, event_type, "its type");
		ok_text(event->payload, payload, "its payload as given");
		ok_text(event->metadata, metadata, "its metadata as given");
		ok((event->metadata_document != NULL) == (metadata != NULL), "its metadata parsed: %s",
		   document);
	}
	fs_events_release(&events);
}

static void
test_slices(void)
{
	ok_kept("[{\"event_type\": \"a\", \"payload\": 1}]", 0, "a", "1", NULL);
	ok_kept(" [ { \"payload\" : 1.50e+1 , \"event_type\":\"a\" } ] ", 0, "a", "1.50e+1", NULL);
	ok_kept("[{\"payload\":null,\"event_type\":\"a\"}]", 0, "a", "null", NULL);
	ok_kept("[{\"payload\": \"]},{\\\"\\\\\", \"event_type\": \"a\"}]", 0, "a", "\"]},{\\\"\\\\\"",
			NULL);
	ok_kept("[{\"payload\": {\"payload\": [1, {\"}\": \"]\"}]}, \"event_type\": \"a\"}]", 0, "a",
		 "{\"payload\": [1, {\"}\": \"]\"}]}", NULL);
	ok_kept("[{\"event_type\": \"payload\", \"payload\": [\"event_type\"]}]", 0, "payload",
			"[\"event_type\"]", NULL);
	ok_kept("[{\"\\u0070ayload\": 2, \"event_t\\u0079pe\": \"a\"}]", 0, "a", "2", NULL);
	ok_kept("[{\"\\u0070\\u0061\\u0079\\u006C\\u006f\\u0061\\u0064\": [ ], \"event_type\": \"a\"}]",
			0, "a", "[ ]", NULL);
	ok_kept(
		"[{\"payload\": 1, \"payload\": {\"x\": 2}, \"event_type\": \"a\", \"event_type\": \"b\"}]",
		0, "b", "{\"x\": 2}", NULL);
	ok_kept("[{\"event_type\": \"a\", \"payload\": 1, \"metadata\": {\"m\":  1}}]", 0, "a", "1",
		 "{\"m\":  1}");
	ok_kept("[{\"event_type\": \"a\", \"payload\": 1, \"metadata\": null}]", 0, "a", "1", NULL);
	ok_kept("[{\"metadata\": {}, \"event_type\": \"a\", \"payload\": 1, \"metadata\": null}]", 0, "a",
		 "1", NULL);
	ok_kept("[{\"event_type\": \"a\", \"payload\": 1},\n\t{\"event_type\": \"b\", \"payload\": "
			"[2]}\r\n]", 1, "b", "[2]", NULL);
	ok_kept("[{\"event_type\": \"\\u00e9\\n\\\"\", \"payload\": \"\\u00e9\"}]", 0, "\303\251\n\"",
			"\"\\u00e9\"", NULL);
	ok_kept(
		"[{\"event_type\": \"a\", \"payload\": true}, {\"event_type\": \"b\", \"payload\": false}]",
		0, "a", "true", NULL);
}

static void
ok_refused(const factstr_event *event, const char *message)
{
	fs_events	events;
	factstr_error error = {.message = "accepted"};

	ok_code(fs_events_of_structs(event, 1, &events, &error), FACTSTR_MALFORMED, &error,
			"refused: %s", message);
	ok_str(error.message, message, "its message: %s", message);
	ok(error.detail[0] != '\0', "the expected form: %s", message);
	fs_events_release(&events);
}

static void
test_structs(void)
{
	char		long_type[2002];

	memset(long_type, 'x', sizeof(long_type));
	long_type[2001] = '\0';
	ok_refused(&(factstr_event) {.event_type = NULL, .payload = "1"},
			"invalid events at $[0]: missing key \"event_type\"");
	ok_refused(&(factstr_event) {.event_type = "a", .payload = NULL}, "invalid events at $[0]: missing key \"payload\"");
	ok_refused(&(factstr_event) {.event_type = "", .payload = "1"},
			"invalid events at $[0].event_type: event_type must not be empty");
	ok_refused(&(factstr_event) {.event_type = long_type, .payload = "1"},
			"invalid events at $[0].event_type: event_type is 2001 bytes long");
	ok_refused(&(factstr_event) {.event_type = "\303", .payload = "1"},
			"invalid events at $[0].event_type: event_type is not UTF-8");
	ok_refused(&(factstr_event) {.event_type = "a", .payload = "{\"x\": 01}"},
			"invalid events at $[0].payload, line 1, column 7: malformed number");
	ok_refused(&(factstr_event) {.event_type = "a", .payload = "1}, {\"event_type\": \"b\", \"payload\": 2"},
			"invalid events at $[0].payload, line 1, column 2: end of file expected");
	ok_refused(&(factstr_event) {.event_type = "a", .payload = "1", .metadata = "[]"},
			"invalid events at $[0].metadata: metadata must be an object, not an array");
	ok_refused(&(factstr_event) {.event_type = "a", .payload = "1", .metadata = "{"},
			   "invalid events at $[0].metadata, line 1, column 2: "
			   "string or '}' expected near end of file");
}

static void
test_whole_text(void)
{
	factstr_event given[2] = {
		{.event_type = "a \"\\\n", .payload = " {\"x\": 1} "},
		{.event_type = "b", .payload = "[1.0]", .metadata = "{\"m\": 2}"}
	};
	fs_events	events;
	fs_events	again;
	factstr_error error;
	fs_buffer	written = {0};
	char	   *text;

	if (fs_events_of_structs(given, 2, &events, &error) != FACTSTR_OK)
		tap_bail_out("%s", error.message);
	ok_null(events.text, "structs are no document by themselves");
	fs_write_append_events(&written, events.items, events.count);
	text = fs_finish_text(&written);
	ok_str(text,
		   "[{\"event_type\": \"a \\\"\\\\\\u000a\", \"payload\":  {\"x\": 1} }, "
		   "{\"event_type\": \"b\", \"payload\": [1.0], \"metadata\": {\"m\": 2}}]",
		   "structs as one document");
	ok_code(fs_events_of_json(text, &again, &error), FACTSTR_OK, &error,
			"which can be read");
	if (ok_int((int64_t) again.count, 2, "and says the same: two events"))
	{
		ok_text(again.items[0].event_type, given[0].event_type, "a type");
		ok_text(again.items[1].metadata, given[1].metadata, "metadata");
	}
	fs_events_release(&again);
	free(text);
	fs_events_release(&events);
	ok_code(fs_events_of_structs(NULL, 0, &events, &error), FACTSTR_EMPTY_APPEND, &error,
			"no structs");
	ok_code(fs_events_of_json("[]", &events, &error), FACTSTR_EMPTY_APPEND, &error,
			"no events in JSON");
}

int
main(void)
{
	test_slices();
	test_structs();
	test_whole_text();
	return tap_finish();
}
