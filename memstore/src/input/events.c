/*
 * input/events.c
 *		The events of an append, checked and parsed.
 *
 * Texts stay where the caller has them.  Of a JSON document, a payload's text is the part of the
 * caller's that holds it, and its document a part of the one that was parsed.
 */
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/json_text.h"
#include "base/utf8.h"
#include "input/events.h"
#include "input/slices.h"
#include "json/document.h"
#include "results/error.h"
#include "match/new_events_parser.h"

void
fs_append_event_release(fs_append_event *event)
{
	fs_json_document_release(event->payload_document);
	fs_json_document_release(event->metadata_document);
	event->payload_document = NULL;
	event->metadata_document = NULL;
}

void
fs_events_release(fs_events *events)
{
	for (size_t i = 0; events->document == NULL && i < events->count; i++)
		fs_append_event_release(&events->items[i]);
	fs_json_document_release(events->document);
	free(events->items);
	*events = (fs_events) {0};
}

/* Room for count events, at least one; none of them is there yet. */
static bool
fs_allocate_events(fs_events *events, size_t count)
{
	if (count > 0 && count <= SIZE_MAX / sizeof(fs_append_event))
		events->items = malloc(count * sizeof(fs_append_event));
	return events->items != NULL;
}

static fs_text
fs_text_of(const char *text)
{
	return (fs_text) {text, strlen(text)};
}

/* Parses a JSON text that is a member of an event; the error's place is within the member. */
static fs_json
fs_load_member(fs_text text, const char *member, fs_input_error *error)
{
	fs_json		document = fs_json_document_load(text.data, text.length, error);
	char		place[sizeof(error->path)];

	if (document == NULL && error->code == FS_INPUT_MALFORMED)
	{
		(void) snprintf(place, sizeof(place), ".%s, %.100s", member, error->path);
		memcpy(error->path, place, sizeof(place));
	}
	return document;
}

static bool
fs_check_struct(const factstr_event *event, fs_text *event_type, fs_input_error *error)
{
	if (event->event_type == NULL)
		return fs_malformed(error, "", FS_EVENT_TYPE_SHAPE, "missing key \"event_type\"");
	if (event->payload == NULL)
		return fs_malformed(error, "", FS_PAYLOAD_SHAPE, "missing key \"payload\"");
	*event_type = fs_text_of(event->event_type);
	if (!fs_check_event_type(*event_type, ".event_type", error))
		return false;
	if (!fs_utf8_is_valid(event_type->data, event_type->length))
		return fs_malformed(error, ".event_type", FS_EVENT_TYPE_SHAPE, "event_type is not UTF-8");
	return true;
}

/* As in a document, null means no metadata. */
static bool
fs_load_metadata(fs_text text, fs_append_event *result, fs_input_error *error)
{
	fs_json		document = fs_load_member(text, "metadata", error);
	fs_new_event parsed = {.has_metadata = false};
	bool		is_parsed;

	if (document == NULL)
		return false;
	is_parsed = fs_parse_metadata(document, ".metadata", &parsed, error);
	if (is_parsed && parsed.has_metadata)
	{
		result->metadata = text;
		result->metadata_document = document;
	}
	else
		fs_json_document_release(document);
	return is_parsed;
}

bool
fs_event_of_struct(const factstr_event *event, fs_append_event *result,
				   fs_input_error *input_error)
{
	memset(result, 0, sizeof(*result));
	if (!fs_check_struct(event, &result->event_type, input_error))
		return false;
	result->payload = fs_text_of(event->payload);
	result->payload_document = fs_load_member(result->payload, "payload", input_error);
	if (result->payload_document == NULL)
		return false;
	if (fs_check_nesting(result->payload_document, ".payload", "payload", input_error) &&
		(event->metadata == NULL ||
		 fs_load_metadata(fs_text_of(event->metadata), result, input_error)))
		return true;
	fs_append_event_release(result);
	return false;
}

int
fs_event_error(factstr_error *error, const char *what, fs_input_error *input_error,
			   const char *format,...)
{
	char		event_path[64];
	char		path[sizeof(input_error->path)];
	va_list		arguments;

	va_start(arguments, format);
	(void) vsnprintf(event_path, sizeof(event_path), format, arguments);
	va_end(arguments);
	(void) snprintf(path, sizeof(path), "%s%.120s", event_path, input_error->path);
	memcpy(input_error->path, path, sizeof(path));
	return fs_error_of_input(error, what, input_error);
}

void
fs_write_append_events(fs_buffer *out, const fs_append_event *events, size_t count)
{
	for (size_t i = 0; i < count; i++)
	{
		fs_buffer_append_text(out, i == 0 ? "[{\"event_type\": " : ", {\"event_type\": ");
		fs_write_text(out, events[i].event_type);
		fs_buffer_append_text(out, ", \"payload\": ");
		fs_buffer_append(out, events[i].payload.data, events[i].payload.length);
		if (events[i].metadata.data != NULL)
		{
			fs_buffer_append_text(out, ", \"metadata\": ");
			fs_buffer_append(out, events[i].metadata.data, events[i].metadata.length);
		}
		fs_buffer_append_text(out, "}");
	}
	fs_buffer_append_text(out, "]");
}

bool
fs_event_add_to_batch(uint64_t *size, const fs_append_event *event, fs_input_error *input_error)
{
	const fs_new_event parsed = {
		.event_type = event->event_type,
		.payload = event->payload_document,
		.has_metadata = event->metadata_document != NULL,
		.metadata = event->metadata_document
	};

	return fs_add_to_batch(size, &parsed, "", input_error);
}

/* Could the events be delivered as one batch? */
static int
fs_check_batch_size(const fs_events *events, size_t bytes, factstr_error *error)
{
	fs_input_error input_error;
	uint64_t	size = 0;

	if (!fs_batch_may_be_too_large(events->count, bytes))
		return FACTSTR_OK;
	for (size_t i = 0; i < events->count; i++)
	{
		if (!fs_event_add_to_batch(&size, &events->items[i], &input_error))
			return fs_event_error(error, "events", &input_error, "$[%zu]", i);
	}
	return FACTSTR_OK;
}

static int
fs_add_structs(fs_events *events, const factstr_event *given, size_t count, factstr_error *error)
{
	fs_input_error input_error;
	size_t		bytes = 0;

	if (!fs_allocate_events(events, count))
		return fs_error_no_memory(error);
	while (events->count < count)
	{
		fs_append_event *event = &events->items[events->count];

		if (!fs_event_of_struct(&given[events->count], event, &input_error))
			return fs_event_error(error, "events", &input_error, "$[%zu]", events->count);
		bytes += event->event_type.length + event->payload.length + event->metadata.length;
		events->count++;
	}
	return fs_check_batch_size(events, bytes, error);
}

int
fs_events_of_structs(const factstr_event *events, size_t count, fs_events *result,
					 factstr_error *error)
{
	int			code;

	*result = (fs_events) {0};
	if (count == 0)
		return fs_error(error, FACTSTR_EMPTY_APPEND, "append requires at least one event");
	if (events == NULL)
		return fs_error_misuse_null(error, "events");
	code = fs_add_structs(result, events, count, error);
	if (code != FACTSTR_OK)
		fs_events_release(result);
	return code;
}

/* Adds the events of a document, with the texts that the slicer finds. */
static bool
fs_add_all_parsed(fs_events *events, const char *text, const fs_new_event *parsed, size_t count)
{
	fs_slicer	slicer;
	fs_event_slices slices;

	if (!fs_allocate_events(events, count))
		return false;
	fs_slicer_begin(&slicer, text);
	for (size_t i = 0; i < count; i++)
	{
		fs_slicer_next(&slicer, &slices);
		events->items[i] = (fs_append_event) {
			.event_type = parsed[i].event_type,
			.payload = slices.payload,
			.payload_document = parsed[i].payload
		};
		if (parsed[i].has_metadata)
		{
			events->items[i].metadata = slices.metadata;
			events->items[i].metadata_document = parsed[i].metadata;
		}
	}
	events->count = count;
	return true;
}

int
fs_events_of_json(const char *text, fs_events *result, factstr_error *error)
{
	size_t		length = strlen(text);
	fs_input_error input_error;
	fs_new_event *parsed = NULL;
	size_t		count;
	int			code = FACTSTR_OK;

	*result = (fs_events) {.text = text};
	result->document = fs_json_document_load(text, length, &input_error);
	if (result->document == NULL ||
		!fs_new_events_parse(result->document, length, &parsed, &count, &input_error))
		code = fs_error_of_input(error, "events", &input_error);
	else if (!fs_add_all_parsed(result, text, parsed, count))
		code = fs_error_no_memory(error);
	if (code != FACTSTR_OK)
		fs_events_release(result);
	free(parsed);
	return code;
}

static bool
fs_text_equal(fs_text a, const char *b)
{
	return strlen(b) == a.length && memcmp(a.data, b, a.length) == 0;
}

/* A text that is spelt alike says the same, and needs no parsing. */
static int
fs_payload_is_equal(const char *stored, const fs_append_event *event, bool *equal,
					factstr_error *error)
{
	fs_input_error input_error;
	fs_json		document;

	*equal = fs_text_equal(event->payload, stored);
	if (*equal)
		return FACTSTR_OK;
	document = fs_json_document_load(stored, strlen(stored), &input_error);
	if (document == NULL && input_error.code == FS_INPUT_NO_MEMORY)
		return fs_error_no_memory(error);
	*equal = document != NULL && fs_json_equal(document, event->payload_document);
	fs_json_document_release(document);
	return FACTSTR_OK;
}

int
fs_fact_is_event(const factstr_fact *fact, const fs_append_event *event, bool *equal,
				 factstr_error *error)
{
	*equal = fs_text_equal(event->event_type, fact->event_type);
	if (!*equal)
		return FACTSTR_OK;
	return fs_payload_is_equal(fact->payload, event, equal, error);
}
