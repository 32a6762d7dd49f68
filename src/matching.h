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
#include "match/input_error.h"

/* Parsed events; their texts and values borrow from the document. */
typedef struct FactstrNewEvents
{
	size_t		count;
	fs_new_event *events;
} FactstrNewEvents;

/* The query that every fact matches. */
extern const fs_event_query factstr_every_fact;

/* Errors of a document, which is the SQL argument of this name. */
extern void factstr_raise_input_error(const fs_input_error *error, const char *argument);
extern void factstr_refuse_input(const char *argument, const char *path, const char *expected,
								 const char *format,...) pg_attribute_printf(4, 5);
extern void factstr_require_kind(fs_json value, fs_json_kind kind, const char *argument,
								 const char *path, const char *name, const char *expected);

extern fs_event_query *factstr_parse_event_query(Jsonb *document, const char *argument);
extern FactstrNewEvents factstr_parse_new_events(Jsonb *document);
extern bool factstr_row_matches(const fs_event_query *query, TupleTableSlot *row);
extern bool factstr_queries_equal(const fs_event_query *a, const fs_event_query *b);
extern bool factstr_predicate_is_indexable(fs_json predicate);
extern Jsonb *factstr_jsonb_of(fs_json value);

#endif							/* FACTSTR_MATCHING_H */
