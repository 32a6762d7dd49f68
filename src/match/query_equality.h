/*
 * match/query_equality.h
 *		Do two event queries ask the same?  Rule 25 of the contract.
 *
 * Include a binding first (json_value.h defines bindings).
 *
 * Compared as queries, not as text: the order of a list and repetitions in it do not matter, numbers
 * are equal by value, and a query with an unconstrained filter is the query for every fact.
 *
 * Lists may be long, so predicates and filters are sorted by hashes that are the same for equal ones, and only
 * those with the same hash are compared.  An attacker can construct many different ones with the same hash; the
 * comparison then takes long, but can be interrupted.
 */
#ifndef FACTSTR_QUERY_EQUALITY_H
#define FACTSTR_QUERY_EQUALITY_H

#include <stdlib.h>

#include "match/event_query.h"
#include "match/matcher.h"
#include "match/partition.h"
#include "match/predicate_hash.h"

/* Structures that are sorted by their hash begin with it. */
typedef struct fs_hashed_predicate
{
	uint64_t	hash;
	fs_json		predicate;
} fs_hashed_predicate;

typedef struct fs_hashed_filter
{
	uint64_t	hash;
	const fs_filter *filter;
	const fs_hashed_predicate *predicates;	/* sorted */
} fs_hashed_filter;

typedef struct fs_hashed_query
{
	size_t		filter_count;
	fs_hashed_filter *filters;	/* sorted */
	fs_hashed_predicate *predicates;	/* of all filters */
} fs_hashed_query;

/* Puts the hashed predicates of a filter into the list, and returns the filter's own hash. */
static uint64_t
fs_hash_filter(const fs_filter *filter, fs_hashed_predicate *predicates, fs_leaves *leaves)
{
	uint64_t	hash = (filter->has_event_types ? 1 : 0) + (filter->has_payload_predicates ? 2 : 0);

	for (size_t i = 0; i < filter->event_type_count; i++)
	{
		fs_check_interrupts();
		hash += fs_hash_mix(fs_text_hash(filter->event_types[i]));
	}
	for (size_t i = 0; i < filter->payload_predicate_count; i++)
	{
		predicates[i].hash = fs_predicate_hash(filter->payload_predicates[i], leaves);
		predicates[i].predicate = filter->payload_predicates[i];
	}
	qsort(predicates, filter->payload_predicate_count, sizeof(fs_hashed_predicate),
		  fs_compare_hashes);
	for (size_t i = 0; i < filter->payload_predicate_count; i++)
	{
		fs_check_interrupts();
		if (i == 0 || predicates[i].hash != predicates[i - 1].hash)
			hash += fs_hash_mix(predicates[i].hash + FS_HASH_STEP);
	}
	return hash;
}

static void
fs_hashed_query_release(fs_hashed_query *hashed)
{
	fs_release(hashed->filters);
	fs_release(hashed->predicates);
}

/* False if there is no memory; the caller must release *hashed in any case. */
static bool
fs_hash_query(const fs_event_query *query, fs_hashed_query *hashed)
{
	size_t		predicate_count = 0;
	fs_leaves	leaves;

	for (size_t i = 0; i < query->filter_count; i++)
		predicate_count += query->filters[i].payload_predicate_count;
	hashed->filter_count = query->filter_count;
	hashed->filters = fs_allocate((query->filter_count + 1) * sizeof(fs_hashed_filter));
	hashed->predicates = fs_allocate((predicate_count + 1) * sizeof(fs_hashed_predicate));
	if (hashed->filters == NULL || hashed->predicates == NULL)
		return false;

	predicate_count = 0;
	fs_leaves_begin(&leaves);
	for (size_t i = 0; i < query->filter_count; i++)
	{
		fs_hashed_predicate *predicates = hashed->predicates + predicate_count;

		fs_check_interrupts();
		hashed->filters[i].filter = &query->filters[i];
		hashed->filters[i].predicates = predicates;
		hashed->filters[i].hash = fs_hash_filter(&query->filters[i], predicates, &leaves);
		predicate_count += query->filters[i].payload_predicate_count;
	}
	qsort(hashed->filters, hashed->filter_count, sizeof(fs_hashed_filter), fs_compare_hashes);
	fs_leaves_end(&leaves);
	return !leaves.no_memory;
}

/* The index in a sorted list of the first item whose hash is not smaller. */
static size_t
fs_find_hash(const void *list, size_t count, size_t item_size, uint64_t hash)
{
	size_t		low = 0;

	while (low < count)
	{
		size_t		middle = low + (count - low) / 2;

		if (*(const uint64_t *) ((const char *) list + middle * item_size) < hash)
			low = middle + 1;
		else
			count = middle;
	}
	return low;
}

/*
 * Equal as predicates: each matches the other.  Matching is transitive, so a payload that matches one
 * matches both.
 */
static bool
fs_predicate_equal(fs_matching *matching, fs_json a, fs_json b)
{
	return fs_payload_matches(matching, a, b) && fs_payload_matches(matching, b, a);
}

static bool
fs_predicate_is_among(fs_matching *matching, const fs_hashed_predicate *wanted,
					  const fs_hashed_predicate *list, size_t count)
{
	for (size_t i = fs_find_hash(list, count, sizeof(*list), wanted->hash);
		 i < count && list[i].hash == wanted->hash && fs_may_go_on(&matching->progress); i++)
	{
		if (fs_predicate_equal(matching, list[i].predicate, wanted->predicate))
			return true;
	}
	return false;
}

static bool
fs_predicates_within(fs_matching *matching, const fs_hashed_filter *a, const fs_hashed_filter *b)
{
	for (size_t i = 0; i < a->filter->payload_predicate_count; i++)
	{
		if (!fs_predicate_is_among(matching, &a->predicates[i], b->predicates,
								   b->filter->payload_predicate_count))
			return false;
	}
	return true;
}

/* The parser has sorted them, and each is there once. */
static bool
fs_event_types_equal(const fs_filter *a, const fs_filter *b)
{
	if (a->has_event_types != b->has_event_types || a->event_type_count != b->event_type_count)
		return false;
	for (size_t i = 0; i < a->event_type_count; i++)
	{
		fs_check_interrupts();
		if (fs_text_compare(a->event_types[i], b->event_types[i]) != 0)
			return false;
	}
	return true;
}

static bool
fs_filter_equal(fs_matching *matching, const fs_hashed_filter *a, const fs_hashed_filter *b)
{
	return a->filter->has_payload_predicates == b->filter->has_payload_predicates &&
		fs_event_types_equal(a->filter, b->filter) &&
		fs_predicates_within(matching, a, b) && fs_predicates_within(matching, b, a);
}

static bool
fs_filter_is_among(fs_matching *matching, const fs_hashed_filter *wanted,
				   const fs_hashed_query *query)
{
	for (size_t i = fs_find_hash(query->filters, query->filter_count, sizeof(fs_hashed_filter),
								 wanted->hash);
		 i < query->filter_count && query->filters[i].hash == wanted->hash &&
		 fs_may_go_on(&matching->progress); i++)
	{
		if (fs_filter_equal(matching, &query->filters[i], wanted))
			return true;
	}
	return false;
}

static bool
fs_filters_within(fs_matching *matching, const fs_hashed_query *a, const fs_hashed_query *b)
{
	for (size_t i = 0; i < a->filter_count; i++)
	{
		if (!fs_filter_is_among(matching, &a->filters[i], b))
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
		fs_check_interrupts();
		if (!query->filters[i].has_event_types && !query->filters[i].has_payload_predicates)
			return true;
	}
	return false;
}

static fs_completion
fs_hashed_query_equal(const fs_hashed_query *a, const fs_hashed_query *b, bool *equal)
{
	fs_matching matching;

	fs_matching_begin(&matching);
	*equal = fs_filters_within(&matching, a, b) && fs_filters_within(&matching, b, a);
	return fs_matching_end(&matching);
}

static fs_completion
fs_filters_equal(const fs_event_query *a, const fs_event_query *b, bool *equal)
{
	fs_hashed_query hashed_a = {0};
	fs_hashed_query hashed_b = {0};
	fs_completion completion = FS_NO_MEMORY;

	if (fs_hash_query(a, &hashed_a) && fs_hash_query(b, &hashed_b))
		completion = fs_hashed_query_equal(&hashed_a, &hashed_b, equal);
	fs_hashed_query_release(&hashed_a);
	fs_hashed_query_release(&hashed_b);
	return completion;
}

/*
 * The queries have no "after", so it is not compared.  *equal is valid only if this
 * was completed.
 */
static fs_completion
fs_event_query_equal(const fs_event_query *a, const fs_event_query *b, bool *equal)
{
	*equal = fs_asks_for_every_fact(a) && fs_asks_for_every_fact(b);
	if (!fs_partition_equal(&a->partition, &b->partition))
		*equal = false;
	else if (!fs_asks_for_every_fact(a) && !fs_asks_for_every_fact(b))
		return fs_filters_equal(a, b, equal);
	return FS_COMPLETED;
}

#endif							/* FACTSTR_QUERY_EQUALITY_H */
