/*
 * event_query.h
 *		The parsed event query: rules 9 to 11 of the contract.
 *
 * Include a binding first (json_value.h says what one is).  Texts and predicates borrow from the
 * document that was parsed, which must outlive the query.
 */
#ifndef FACTSTR_EVENT_QUERY_H
#define FACTSTR_EVENT_QUERY_H

#include "match/json_value.h"

/* A list that is absent does not constrain; one that is present and empty matches nothing. */
typedef struct fs_filter
{
	bool		has_event_types;
	size_t		event_type_count;
	fs_text    *event_types;
	bool		has_payload_predicates;
	size_t		payload_predicate_count;
	fs_json    *payload_predicates;
} fs_filter;

typedef struct fs_event_query
{
	/* Filters absent or []: every fact.  Otherwise a fact matches if one of the filters does. */
	size_t		filter_count;
	fs_filter  *filters;

	/* Exclusive, and for returned rows only. */
	bool		has_min_sequence_number;
	int64_t		min_sequence_number;
} fs_event_query;

#endif							/* FACTSTR_EVENT_QUERY_H */
