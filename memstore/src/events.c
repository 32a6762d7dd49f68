/*
 * events.c
 *		The events of an append, checked and parsed.
 *
 * Texts are kept as they were given.  Of a JSON document, a payload's text is the part of the
 * caller's that holds it.
 */
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "events.h"
#include "json_slices.h"
#include "json_text.h"
#include "match/new_events_parser.h"
#include "utf8.h"

void
fs_append_event_release(fs_append_event *event)
{
	json_decref(event->payload_document);
	json_decref(event->metadata_document);
	event->payload_document = NULL;
	event->metadata_document = NULL;
}

void
fs_events_release(fs_events *events)
{
	for (size_t i = 0; i < events->count; i++)
		fs_append_event_release(&events->items[i]);
	fs_arena_release(&events->arena);
	free(events->written.data);
	*events = (fs_events) {0};
}

/* Room for count events; none of them is there yet. */
static bool
fs_allocate_events(fs_events *events, size_t count)
{
	if (count > SIZE_MAX / sizeof(fs_append_event))
		return false;
	events->items = fs_arena_allocate(&events->arena, count * sizeof(fs_append_event));
	return events->items != NULL;
}

/* Parses a JSON text that is a member of an event; the error's place is within the member. */
static json_t *
fs_load_member(const char *text, const char *member, fs_input_error *error)
{
	json_t	   *document = fs_json_document_load(text, strlen(text), error);
	char		place[sizeof(error->path)];

	if (document == NULL && error->code == FS_INPUT_MALFORMED)
	{
		(void) snprintf(place, sizeof(place), ".%s, %.100s", member, error->path);
		memcpy(error->path, place, sizeof(place));
	}
	return document;
}

static bool
fs_check_struct(const factstr_event *event, fs_input_error *error)
{
	fs_text		event_type = {event->event_type, 0};

	if (event->event_type == NULL)
		return fs_malformed(error, "", FS_EVENT_TYPE_SHAPE, "missing key \"event_type\"");
	if (event->payload == NULL)
		return fs_malformed(error, "", FS_PAYLOAD_SHAPE, "missing key \"payload\"");
	event_type.length = strlen(event->event_type);
	if (!fs_check_event_type(event_type, ".event_type", error))
		return false;
	if (!fs_utf8_is_valid(event_type.data, event_type.length))
		return fs_malformed(error, ".event_type", FS_EVENT_TYPE_SHAPE, "event_type is not UTF-8");
	return true;
}

/* As in a document, null stands for no metadata. */
static bool
fs_load_metadata(const char *text, fs_append_event *result, fs_input_error *error)
{
	json_t	   *document = fs_load_member(text, "metadata", error);
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
		json_decref(document);
	return is_parsed;
}

bool
fs_event_of_struct(const factstr_event *event, fs_append_event *result,
				   fs_input_error *input_error)
{
	memset(result, 0, sizeof(*result));
	if (!fs_check_struct(event, input_error))
		return false;
	result->event_type = event->event_type;
	result->payload = event->payload;
	result->payload_document = fs_load_member(event->payload, "payload", input_error);
	if (result->payload_document == NULL)
		return false;
	if (event->metadata != NULL && !fs_load_metadata(event->metadata, result, input_error))
	{
		fs_append_event_release(result);
		return false;
	}
	return true;
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

/* Writes the events as one JSON array. */
static bool
fs_write_events(fs_events *events)
{
	fs_buffer  *out = &events->written;

	for (size_t i = 0; i < events->count; i++)
	{
		const fs_append_event *event = &events->items[i];

		fs_buffer_append_text(out, i == 0 ? "[{\"event_type\": " : ", {\"event_type\": ");
		fs_write_string(out, event->event_type);
		fs_buffer_append_text(out, ", \"payload\": ");
		fs_buffer_append_text(out, event->payload);
		if (event->metadata != NULL)
		{
			fs_buffer_append_text(out, ", \"metadata\": ");
			fs_buffer_append_text(out, event->metadata);
		}
		fs_buffer_append_text(out, "}");
	}
	fs_buffer_append(out, "]", sizeof("]"));
	events->text = out->data;
	return !out->no_memory;
}

static int
fs_add_structs(fs_events *events, const factstr_event *given, size_t count, factstr_error *error)
{
	fs_input_error input_error;

	if (!fs_allocate_events(events, count))
		return fs_error_no_memory(error);
	while (events->count < count)
	{
		if (!fs_event_of_struct(&given[events->count], &events->items[events->count],
								&input_error))
			return fs_event_error(error, "events", &input_error, "$[%zu]", events->count);
		events->count++;
	}
	return fs_write_events(events) ? FACTSTR_OK : fs_error_no_memory(error);
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

/* A NUL-terminated copy of a part of the caller's text. */
static const char *
fs_copy_slice(fs_arena *arena, fs_text slice)
{
	return fs_arena_copy_bytes(arena, slice.data, slice.length);
}

/* Adds an event of a document, with the texts that slices found. */
static bool
fs_add_parsed(fs_events *events, const fs_new_event *parsed, const fs_event_slices *slices)
{
	fs_append_event *event = &events->items[events->count];

	memset(event, 0, sizeof(*event));
	event->event_type = fs_copy_slice(&events->arena, parsed->event_type);
	event->payload = fs_copy_slice(&events->arena, slices->payload);
	if (event->event_type == NULL || event->payload == NULL)
		return false;
	if (parsed->has_metadata)
	{
		event->metadata = fs_copy_slice(&events->arena, slices->metadata);
		if (event->metadata == NULL)
			return false;
		event->metadata_document = json_incref(parsed->metadata);
	}
	event->payload_document = json_incref(parsed->payload);
	events->count++;
	return true;
}

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
		if (!fs_add_parsed(events, &parsed[i], &slices))
			return false;
	}
	return true;
}

int
fs_events_of_json(const char *text, fs_events *result, factstr_error *error)
{
	fs_input_error input_error;
	fs_new_event *parsed = NULL;
	size_t		count;
	json_t	   *document;
	int			code = FACTSTR_OK;

	*result = (fs_events) {0};
	document = fs_json_document_load(text, strlen(text), &input_error);
	if (document == NULL || !fs_new_events_parse(document, &parsed, &count, &input_error))
		code = fs_error_of_input(error, "events", &input_error);
	else if (!fs_add_all_parsed(result, text, parsed, count))
		code = fs_error_no_memory(error);
	result->text = text;
	if (code != FACTSTR_OK)
		fs_events_release(result);
	free(parsed);
	json_decref(document);
	return code;
}
