/*
 * events.h
 *		The events of an append, checked and parsed, from either form a caller may give them in.
 */
#ifndef FACTSTR_EVENTS_H
#define FACTSTR_EVENTS_H

#include "arena.h"
#include "buffer.h"
#include "match/input_error.h"
#include "store.h"

typedef struct fs_events
{
	size_t		count;
	fs_append_event *items;
	const char *text;			/* all of them as a JSON array */
	fs_arena	arena;
	fs_buffer	written;
} fs_events;

/*
 * Texts stay the caller's and are borrowed.  On success *events is to be released; on failure it
 * is empty.
 */
int			fs_events_of_structs(const factstr_event *events, size_t count, fs_events *result,
								 factstr_error *error);
int			fs_events_of_json(const char *text, fs_events *result, factstr_error *error);
void		fs_events_release(fs_events *events);

/*
 * Checks and parses one event.  An error's path is within the event; fs_event_error puts the
 * event's own path in front of it, which is formatted only then.  what is the argument's name.
 */
bool		fs_event_of_struct(const factstr_event *event, fs_append_event *result,
							   fs_input_error *input_error);
int			fs_event_error(factstr_error *error, const char *what, fs_input_error *input_error,
						   const char *format,...)
			__attribute__((format(printf, 4, 5)));
void		fs_append_event_release(fs_append_event *event);

#endif							/* FACTSTR_EVENTS_H */
