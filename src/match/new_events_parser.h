/*
 * match/new_events_parser.h
 *		From a JSON document to the events of an append, checked strictly: rules 7, 8 and 32 of the
 *		contract.
 *
 * Include a binding first (json_value.h defines bindings).
 */
#ifndef FACTSTR_NEW_EVENTS_PARSER_H
#define FACTSTR_NEW_EVENTS_PARSER_H

#include "match/input_error.h"
#include "match/new_events.h"
#include "match/value_limits.h"

#define FS_EVENTS_SHAPE "Events are an array of objects with \"event_type\", \"payload\" and, if wanted, \"metadata\"."
#define FS_EVENT_KEYS "The keys of an event are \"event_type\", \"payload\" and, if wanted, \"metadata\"."
#define FS_EVENT_TYPE_SHAPE "\"event_type\" is a non-empty string of at most 2000 bytes."
#define FS_PAYLOAD_SHAPE "\"payload\" is any JSON value, null included."
#define FS_METADATA_SHAPE "\"metadata\" is an object, or absent."

static bool
fs_check_event_type(fs_text event_type, const char *path, fs_input_error *error)
{
	if (event_type.length == 0)
		return fs_malformed(error, path, FS_EVENT_TYPE_SHAPE, "event_type must not be empty");
	if (event_type.length > FS_EVENT_TYPE_MAX_BYTES)
		return fs_malformed(error, path, FS_EVENT_TYPE_SHAPE, "event_type is %zu bytes long",
							event_type.length);
	return true;
}

static bool
fs_parse_event_type(fs_json value, const char *path, fs_new_event *event, fs_input_error *error)
{
	if (fs_json_kind_of(value) != FS_JSON_STRING)
		return fs_wrong_kind(error, path, FS_EVENT_TYPE_SHAPE, "event_type",
							 FS_JSON_STRING, fs_json_kind_of(value));
	event->event_type = fs_json_string(value);
	return fs_check_event_type(event->event_type, path, error);
}

static bool
fs_parse_metadata(fs_json value, const char *path, fs_new_event *event, fs_input_error *error)
{
	if (fs_json_kind_of(value) == FS_JSON_NULL)
		return true;
	if (fs_json_kind_of(value) != FS_JSON_OBJECT)
		return fs_wrong_kind(error, path, FS_METADATA_SHAPE, "metadata",
							 FS_JSON_OBJECT, fs_json_kind_of(value));
	event->metadata = value;
	event->has_metadata = true;
	return fs_check_nesting(value, path, "metadata", error);
}

/* Parses one event.  The path of an error begins at the event. */
static bool
fs_parse_event_members(fs_json document, fs_new_event *event, fs_input_error *error)
{
	fs_json_iterator members;
	fs_text		key;
	fs_json		value;
	bool		has_event_type = false;
	bool		has_payload = false;

	event->has_metadata = false;
	if (fs_json_kind_of(document) != FS_JSON_OBJECT)
		return fs_wrong_kind(error, "", FS_EVENT_KEYS, "an event",
							 FS_JSON_OBJECT, fs_json_kind_of(document));

	fs_json_iterate(document, &members);
	while (fs_json_next_member(&members, &key, &value))
	{
		if (fs_text_is(key, "event_type"))
		{
			if (!fs_parse_event_type(value, ".event_type", event, error))
				return false;
			has_event_type = true;
		}
		else if (fs_text_is(key, "payload"))
		{
			if (!fs_check_nesting(value, ".payload", "payload", error))
				return false;
			event->payload = value;
			has_payload = true;
		}
		else if (fs_text_is(key, "metadata"))
		{
			if (!fs_parse_metadata(value, ".metadata", event, error))
				return false;
		}
		else
			return fs_unknown_key(error, "", key, FS_EVENT_KEYS);
	}

	if (!has_event_type)
		return fs_malformed(error, "", FS_EVENT_TYPE_SHAPE, "missing key \"event_type\"");
	if (!has_payload)
		return fs_malformed(error, "", FS_PAYLOAD_SHAPE, "missing key \"payload\"");
	return true;
}

/* Parses one event; index is its position in the append, for the path of an error. */
static bool
fs_new_event_parse(fs_json document, size_t index, fs_new_event *event, fs_input_error *error)
{
	char		path[sizeof(error->path)];

	if (fs_parse_event_members(document, event, error))
		return true;
	(void) snprintf(path, sizeof(path), "$[%zu]%.120s", index, error->path);
	memcpy(error->path, path, sizeof(path));
	return false;
}

/* Could the events, with the given number of bytes of JSON, be delivered as one batch? */
static bool
fs_check_batch(const fs_new_event *events, size_t count, size_t bytes, fs_input_error *error)
{
	uint64_t	size = 0;
	char		path[64];

	if (!fs_batch_may_be_too_large(count, bytes))
		return true;
	for (size_t i = 0; i < count; i++)
	{
		fs_check_interrupts();
		(void) snprintf(path, sizeof(path), "$[%zu]", i);
		if (!fs_add_to_batch(&size, &events[i], path, error))
			return false;
	}
	return true;
}

static bool
fs_parse_each_event(fs_json document, fs_new_event *events, size_t *count, fs_input_error *error)
{
	fs_json_iterator elements;
	fs_json		element;

	fs_json_iterate(document, &elements);
	while (fs_json_next_element(&elements, &element))
	{
		fs_check_interrupts();
		if (!fs_new_event_parse(element, *count, &events[*count], error))
			return false;
		(*count)++;
	}
	return true;
}

/*
 * Parses a whole append, whose document has the given number of bytes.  On success *events is a list of *count events
 * that the caller gives back to fs_release; on failure it is NULL, with *error filled.
 */
static bool
fs_new_events_parse(fs_json document, size_t bytes, fs_new_event **events, size_t *count,
					fs_input_error *error)
{
	size_t		total;

	*events = NULL;
	*count = 0;
	error->code = FS_INPUT_OK;
	if (fs_json_kind_of(document) != FS_JSON_ARRAY)
		return fs_wrong_kind(error, "$", FS_EVENTS_SHAPE, "events",
							 FS_JSON_ARRAY, fs_json_kind_of(document));

	total = fs_json_count(document);
	if (total == 0)
	{
		(void) fs_malformed(error, "$", NULL, "append requires at least one event");
		error->code = FS_INPUT_EMPTY_APPEND;
		return false;
	}
	*events = total > SIZE_MAX / sizeof(fs_new_event) ? NULL :
		fs_allocate(total * sizeof(fs_new_event));
	if (*events == NULL)
		return fs_out_of_memory(error);

	if (fs_parse_each_event(document, *events, count, error) &&
		fs_check_batch(*events, *count, bytes, error))
		return true;
	fs_release(*events);
	*events = NULL;
	return false;
}

#endif							/* FACTSTR_NEW_EVENTS_PARSER_H */
