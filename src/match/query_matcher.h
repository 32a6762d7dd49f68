/*
 * query_matcher.h
 *		Does a fact match an event query?  Rule 10 of the contract.
 *
 * Include a binding first (json_value.h says what one is).
 */
#ifndef FACTSTR_QUERY_MATCHER_H
#define FACTSTR_QUERY_MATCHER_H

#include <string.h>

#include "match/event_query.h"
#include "match/matcher.h"

static bool
fs_event_type_listed(const fs_filter *filter, fs_text event_type)
{
	if (!filter->has_event_types)
		return true;
	for (size_t i = 0; i < filter->event_type_count; i++)
	{
		if (filter->event_types[i].length == event_type.length &&
			memcmp(filter->event_types[i].data, event_type.data, event_type.length) == 0)
			return true;
	}
	return false;
}

static bool
fs_some_predicate_matches(const fs_filter *filter, fs_json payload)
{
	if (!filter->has_payload_predicates)
		return true;
	for (size_t i = 0; i < filter->payload_predicate_count; i++)
	{
		if (fs_payload_matches(payload, filter->payload_predicates[i]))
			return true;
	}
	return false;
}

/* What the event type alone says of a match. */
typedef enum fs_type_verdict
{
	FS_NO_MATCH,
	FS_MATCH,
	FS_PAYLOAD_DECIDES
} fs_type_verdict;

/* Looked at first: it is the cheaper test, and a payload may have to be fetched and decompressed. */
static inline fs_type_verdict
fs_event_type_verdict(const fs_event_query *query, fs_text event_type)
{
	fs_type_verdict verdict = FS_NO_MATCH;

	if (query->filter_count == 0)
		return FS_MATCH;
	for (size_t i = 0; i < query->filter_count; i++)
	{
		const fs_filter *filter = &query->filters[i];

		if (!fs_event_type_listed(filter, event_type))
			continue;
		if (!filter->has_payload_predicates)
			return FS_MATCH;
		if (filter->payload_predicate_count > 0)
			verdict = FS_PAYLOAD_DECIDES;
	}
	return verdict;
}

static bool
fs_event_query_matches(const fs_event_query *query, fs_text event_type, fs_json payload)
{
	if (query->filter_count == 0)
		return true;
	for (size_t i = 0; i < query->filter_count; i++)
	{
		if (fs_event_type_listed(&query->filters[i], event_type) &&
			fs_some_predicate_matches(&query->filters[i], payload))
			return true;
	}
	return false;
}

#endif							/* FACTSTR_QUERY_MATCHER_H */
