/*
 * match/event_query.h
 *		The parsed event query: rules 9 to 11 of the contract.
 *
 * Include a binding first (json_value.h defines bindings).  Texts and predicates borrow from the
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
	fs_text    *event_types;	/* in the order of fs_text_compare, each once */
	bool		has_payload_predicates;
	size_t		payload_predicate_count;
	fs_json    *payload_predicates;
} fs_filter;

#define FS_MOST_PARTITIONS 1024

/* A part of the facts: those whose value at the path falls to this one of so many. */
typedef struct fs_partition
{
	int64_t		count;			/* 0: all facts are one */
	int64_t		number;			/* from 0 */
	fs_text		key;			/* the path, which has been checked */
} fs_partition;

typedef struct fs_event_query
{
	/* Filters absent or []: every fact.  Otherwise a fact matches if one of the filters does. */
	size_t		filter_count;
	fs_filter  *filters;

	/* It must belong to the partition, too. */
	fs_partition partition;

	/*
	 * Only facts with a higher number are returned; nothing else depends on it.  0 if it is
	 * absent.
	 */
	bool		has_after;
	int64_t		after;
} fs_event_query;

/* Does nothing have to be looked at? */
static inline bool
fs_event_query_wants_all(const fs_event_query *query)
{
	return query->filter_count == 0 && query->partition.count == 0;
}

#endif							/* FACTSTR_EVENT_QUERY_H */
