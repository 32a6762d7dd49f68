/*
 * match/query_matcher.h
 *		Does a fact match an event query?  Rule 10 of the contract.
 *
 * Include a binding first (json_value.h defines bindings).
 */
#ifndef FACTSTR_QUERY_MATCHER_H
#define FACTSTR_QUERY_MATCHER_H

#include "match/event_query.h"
#include "match/matcher.h"
#include "match/partition.h"

static bool
fs_event_type_listed(const fs_filter *filter, fs_text event_type)
{
	size_t		low = 0;
	size_t		high = filter->event_type_count;

	if (!filter->has_event_types)
		return true;
	while (low < high)
	{
		size_t		middle = low + (high - low) / 2;
		int			order = fs_text_compare(event_type, filter->event_types[middle]);

		if (order == 0)
			return true;
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return false;
}

static bool
fs_some_predicate_matches(fs_matching *matching, const fs_filter *filter, fs_json payload)
{
	if (!filter->has_payload_predicates)
		return true;
	for (size_t i = 0; i < filter->payload_predicate_count; i++)
	{
		if (!fs_may_go_on(&matching->progress))
			return false;
		if (fs_payload_matches(matching, payload, filter->payload_predicates[i]))
			return true;
	}
	return false;
}

/* The result of a match as far as the event type alone decides it. */
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
		return query->partition.count == 0 ? FS_MATCH : FS_PAYLOAD_DECIDES;
	for (size_t i = 0; i < query->filter_count; i++)
	{
		const fs_filter *filter = &query->filters[i];

		fs_check_interrupts();
		if (!fs_event_type_listed(filter, event_type))
			continue;
		if (!filter->has_payload_predicates && query->partition.count == 0)
			return FS_MATCH;
		if (!filter->has_payload_predicates || filter->payload_predicate_count > 0)
			verdict = FS_PAYLOAD_DECIDES;
	}
	return verdict;
}

/* *matches is to be looked at only if this was completed. */
static inline fs_completion
fs_event_query_matches(const fs_event_query *query, fs_text event_type, fs_json payload,
					   bool *matches)
{
	fs_matching matching;

	*matches = fs_partition_has(&query->partition, payload);
	if (!*matches || query->filter_count == 0)
		return FS_COMPLETED;
	*matches = false;
	fs_matching_begin(&matching);
	for (size_t i = 0; i < query->filter_count && !*matches; i++)
	{
		const fs_filter *filter = &query->filters[i];

		if (!fs_may_go_on(&matching.progress))
			break;
		*matches = fs_event_type_listed(filter, event_type) &&
			fs_some_predicate_matches(&matching, filter, payload);
	}
	return fs_matching_end(&matching);
}

#endif							/* FACTSTR_QUERY_MATCHER_H */
