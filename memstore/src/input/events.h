/*
 * input/events.h
 *		The events of an append, checked and parsed, from either form of input.
 */
#ifndef FACTSTR_INPUT_EVENTS_H
#define FACTSTR_INPUT_EVENTS_H

#include "factstr.h"

#include "base/buffer.h"
#include "json/binding.h"
#include "match/input_error.h"

/*
 * An event that has passed all checks.  Its texts are as given, and belong to the caller of the library or to the
 * documents that were parsed from them.
 */
typedef struct fs_append_event
{
	fs_text		event_type;
	fs_text		payload;
	fs_text		metadata;		/* no data: it has none */
	fs_json		payload_document;
	fs_json		metadata_document;	/* NULL: it has none */
} fs_append_event;

typedef struct fs_events
{
	size_t		count;
	fs_append_event *items;
	const char *text;			/* all of them as a JSON array, if given in that form; or NULL */
	fs_json		document;		/* the document parsed from that, which holds those of all events; or NULL */
} fs_events;

/* Texts stay the caller's and are borrowed.  On success the caller releases *events; on failure it is empty. */
int			fs_events_of_structs(const factstr_event *events, size_t count, fs_events *result,
								 factstr_error *error);
int			fs_events_of_json(const char *text, fs_events *result, factstr_error *error);
void		fs_events_release(fs_events *events);

/* Writes events as a JSON array. */
void		fs_write_append_events(fs_buffer *out, const fs_append_event *events, size_t count);

/*
 * Checks and parses one event.  An error's path is within the event; fs_event_error puts the
 * event's own path in front of it, which is formatted only then.  "what" is the argument's name.
 */
bool		fs_event_of_struct(const factstr_event *event, fs_append_event *result,
							   fs_input_error *input_error);
int			fs_event_error(factstr_error *error, const char *what, fs_input_error *input_error,
						   const char *format,...)
			__attribute__((format(printf, 4, 5)));

/* Adds an event to the size of its batch; false if the batch becomes too large to be delivered. */
bool		fs_event_add_to_batch(uint64_t *size, const fs_append_event *event,
								  fs_input_error *input_error);

/* For an event from fs_event_of_struct, which owns its documents. */
void		fs_append_event_release(fs_append_event *event);

/*
 * Is a stored fact equal to an event?  For idempotency keys.
 *
 * *equal: same type, and payloads equal as JSON values.  Metadata is not compared: a repeated call may have another
 * trace.  FACTSTR_NO_MEMORY if there is no memory to decide.
 */
int			fs_fact_is_event(const factstr_fact *fact, const fs_append_event *event, bool *equal,
							 factstr_error *error);

#endif							/* FACTSTR_INPUT_EVENTS_H */
