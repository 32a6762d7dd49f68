/*
 * match/new_events.h
 *		One of the events that an append is given.
 *
 * Include a binding first (json_value.h defines bindings).  Texts and values borrow from the
 * document that was parsed, which must outlive the event.
 */
#ifndef FACTSTR_NEW_EVENTS_H
#define FACTSTR_NEW_EVENTS_H

#include "match/json_value.h"

/* Every store keeps types in an index, and PostgreSQL's holds no longer key.  In bytes. */
#define FS_EVENT_TYPE_MAX_BYTES 2000

typedef struct fs_new_event
{
	fs_text		event_type;
	fs_json		payload;
	bool		has_metadata;
	fs_json		metadata;
} fs_new_event;

#endif							/* FACTSTR_NEW_EVENTS_H */
