/*
 * read/matching.h
 *		Event queries in the server: the shared code over jsonb, which raises errors.
 */
#ifndef FACTSTR_READ_MATCHING_H
#define FACTSTR_READ_MATCHING_H

#include "executor/tuptable.h"

#include "match/json_jsonb.h"
#include "match/event_query.h"
#include "match/input_error.h"

/* The query that every fact matches. */
extern const fs_event_query fs_query_every_fact;

/* Errors of a document, which is the SQL argument with this name. */
extern void fs_input_raise_error(const fs_input_error *error, const char *argument);
extern void fs_input_refuse(const char *argument, const char *path, const char *expected,
							const char *format,...) pg_attribute_printf(4, 5);
extern void fs_input_require_kind(fs_json value, fs_json_kind kind, const char *argument,
								  const char *path, const char *name, const char *expected);

extern fs_event_query *fs_query_parse(Jsonb *document, const char *argument);
extern bool fs_query_matches(const fs_event_query *query, text *event_type, Jsonb *payload);
extern bool fs_query_matches_row(const fs_event_query *query, TupleTableSlot *row);
extern bool fs_query_equal(const fs_event_query *a, const fs_event_query *b);
extern bool fs_query_predicate_is_indexable(fs_json predicate);

#endif							/* FACTSTR_READ_MATCHING_H */
