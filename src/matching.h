/*
 * matching.h
 *		Event queries and new events in the server: the shared code over jsonb, with errors raised.
 */
#ifndef FACTSTR_MATCHING_H
#define FACTSTR_MATCHING_H

#include "executor/tuptable.h"

#include "match/json_jsonb.h"
#include "match/event_query.h"
#include "match/new_events.h"

/* Parsed events; their texts and values borrow from the document. */
typedef struct FactstrNewEvents
{
	size_t		count;
	fs_new_event *events;
} FactstrNewEvents;

/* The query that every fact matches. */
extern const fs_event_query factstr_every_fact;

extern fs_event_query *factstr_parse_event_query(Jsonb *document, const char *argument);
extern FactstrNewEvents factstr_parse_new_events(Jsonb *document);
extern bool factstr_row_matches(const fs_event_query *query, TupleTableSlot *row);
extern bool factstr_queries_equal(const fs_event_query *a, const fs_event_query *b);
extern bool factstr_predicate_is_indexable(fs_json predicate);
extern Jsonb *factstr_jsonb_of(fs_json value);

#endif							/* FACTSTR_MATCHING_H */
