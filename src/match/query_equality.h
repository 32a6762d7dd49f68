/*
 * query_equality.h
 *		Do two event queries ask the same?  Rule 25 of the contract.
 *
 * Include a binding first (json_value.h says what one is).
 *
 * Compared as queries, not as text: the order of a list and repetitions in it do not matter, numbers
 * are equal by value, and a query with an unconstrained filter is the query for every fact.
 * Queries are short, so lists are compared element by element.
 */
#ifndef FACTSTR_QUERY_EQUALITY_H
#define FACTSTR_QUERY_EQUALITY_H

#include "match/event_query.h"
#include "match/query_matcher.h"

/*
 * Equal as predicates: each matches the other.  Matching is transitive, so what matches one matches
 * both.
 */
static bool
fs_predicate_equal(fs_json a, fs_json b)
{
	return fs_payload_matches(a, b) && fs_payload_matches(b, a);
}

static bool
fs_event_types_within(const fs_filter *a, const fs_filter *b)
{
	for (size_t i = 0; i < a->event_type_count; i++)
	{
		if (!fs_event_type_listed(b, a->event_types[i]))
			return false;
	}
	return true;
}

static bool
fs_predicate_listed(const fs_filter *filter, fs_json predicate)
{
	for (size_t i = 0; i < filter->payload_predicate_count; i++)
	{
		if (fs_predicate_equal(filter->payload_predicates[i], predicate))
			return true;
	}
	return false;
}

static bool
fs_predicates_within(const fs_filter *a, const fs_filter *b)
{
	for (size_t i = 0; i < a->payload_predicate_count; i++)
	{
		if (!fs_predicate_listed(b, a->payload_predicates[i]))
			return false;
	}
	return true;
}

static bool
fs_filter_equal(const fs_filter *a, const fs_filter *b)
{
	return a->has_event_types == b->has_event_types &&
		a->has_payload_predicates == b->has_payload_predicates &&
		fs_event_types_within(a, b) && fs_event_types_within(b, a) &&
		fs_predicates_within(a, b) && fs_predicates_within(b, a);
}

static bool
fs_filters_within(const fs_event_query *a, const fs_event_query *b)
{
	for (size_t i = 0; i < a->filter_count; i++)
	{
		bool		found = false;

		for (size_t j = 0; j < b->filter_count && !found; j++)
			found = fs_filter_equal(&a->filters[i], &b->filters[j]);
		if (!found)
			return false;
	}
	return true;
}

static bool
fs_asks_for_every_fact(const fs_event_query *query)
{
	if (query->filter_count == 0)
		return true;
	for (size_t i = 0; i < query->filter_count; i++)
	{
		if (!query->filters[i].has_event_types && !query->filters[i].has_payload_predicates)
			return true;
	}
	return false;
}

/* min_sequence_number is no part of the comparison: what is compared has none. */
static bool
fs_event_query_equal(const fs_event_query *a, const fs_event_query *b)
{
	if (fs_asks_for_every_fact(a) || fs_asks_for_every_fact(b))
		return fs_asks_for_every_fact(a) && fs_asks_for_every_fact(b);
	return fs_filters_within(a, b) && fs_filters_within(b, a);
}

#endif							/* FACTSTR_QUERY_EQUALITY_H */
