/*
 * access_path.c
 *		Where to look for the facts of a query.
 *
 * In the log itself (the primary key), in the index on event type and number, or in the payload
 * index.  The choice follows from counts that are exact at the moment, never from statistics,
 * which lag behind an append-only table: numbers are gap-free, so a range's length is a
 * subtraction, and the payload index says how many candidates it found before any is fetched.
 * So the cost follows the context or the range, whichever is shorter, and not the size of the log.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/relscan.h"
#include "catalog/pg_collation.h"
#include "common/hashfn.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"

#include "access_path.h"
#include "compat.h"

/* A filter with types and predicates goes by its types if they have no more facts than this ... */
#define FEW_FACTS_OF_TYPES 128

/* ... or than this part of the candidates that its predicates have: counting costs less than fetching. */
#define TYPES_TO_CANDIDATES 8

/*
 * With more sources than this, types give a list of candidates instead of a source each: an open
 * source keeps a page of the table pinned.
 */
#define MAX_SOURCES 64

/*
 * Keys for after < sequence_number <= upto; returns how many were needed.  A key costs a comparison
 * for each entry of a page, so there is none for an end that is open.
 */
static int
range_keys(ScanKey keys, AttrNumber column, int64 after, int64 upto)
{
	int			count = 0;

	if (after > 0)
		ScanKeyInit(&keys[count++], column, BTGreaterStrategyNumber, F_INT8GT,
					Int64GetDatum(after));
	if (upto < PG_INT64_MAX)
		ScanKeyInit(&keys[count++], column, BTLessEqualStrategyNumber, F_INT8LE,
					Int64GetDatum(upto));
	return count;
}

static int
event_type_keys(ScanKey keys, fs_text event_type, const FactRange *range)
{
	Datum		type = PointerGetDatum(cstring_to_text_with_len(event_type.data,
																(int) event_type.length));

	ScanKeyEntryInitialize(&keys[0], 0, 1, BTEqualStrategyNumber, InvalidOid, C_COLLATION_OID,
						   F_TEXTEQ, type);
	return 1 + range_keys(&keys[1], 2, range->after, range->upto);
}

/* The log itself, for the range. */
void
access_path_add_log(FactSources *sources, const FactRange *range)
{
	ScanKeyData keys[2];
	int			count = range_keys(keys, 1, range->after, range->upto);

	fact_sources_add_index(sources, range->store->by_sequence_number, keys, count);
}

/*
 * Types that were once seen to have many facts always will have, so the finding is kept for the
 * session: a hint only, one slot per hash, overwritten at will.
 */
static uint32 frequent_types[256];

static bool
is_known_as_frequent(fs_text event_type)
{
	uint32		hash = hash_bytes((const unsigned char *) event_type.data, (int) event_type.length);

	return frequent_types[hash % lengthof(frequent_types)] == hash;
}

static void
remember_as_frequent(fs_text event_type)
{
	uint32		hash = hash_bytes((const unsigned char *) event_type.data, (int) event_type.length);

	frequent_types[hash % lengthof(frequent_types)] = hash;
}

/* Counts index entries of one type in the range, but no further than the limit. */
static int64
count_facts_of_type(const FactRange *range, Relation index, fs_text event_type, int64 limit)
{
	ScanKeyData keys[3];
	int			key_count;
	IndexScanDesc index_scan;
	int64		count = 0;

	key_count = event_type_keys(keys, event_type, range);
	index_scan = factstr_index_beginscan(range->events, index, range->snapshot, key_count);
	index_rescan(index_scan, keys, key_count, NULL, 0);
	while (count <= limit && index_getnext_tid(index_scan, ForwardScanDirection) != NULL)
	{
		CHECK_FOR_INTERRUPTS();
		count++;
	}
	index_endscan(index_scan);
	return count;
}

static bool
types_have_at_most(const FactRange *range, const fs_filter *filter, int64 limit)
{
	Relation	index = index_open(range->store->by_event_type, AccessShareLock);
	int64		count = 0;

	for (size_t i = 0; i < filter->event_type_count && count <= limit; i++)
	{
		count += count_facts_of_type(range, index, filter->event_types[i], limit - count);
		if (count > limit)
			remember_as_frequent(filter->event_types[i]);
	}
	index_close(index, NoLock);
	return count <= limit;
}

static bool
types_are_rare(const FactRange *range, const fs_filter *filter)
{
	for (size_t i = 0; i < filter->event_type_count; i++)
	{
		if (is_known_as_frequent(filter->event_types[i]))
			return false;
	}
	return types_have_at_most(range, filter, FEW_FACTS_OF_TYPES);
}

static bool
filter_matches_nothing(const fs_filter *filter)
{
	return (filter->has_event_types && filter->event_type_count == 0) ||
		(filter->has_payload_predicates && filter->payload_predicate_count == 0);
}

static bool
predicates_are_indexable(const fs_filter *filter)
{
	if (!filter->has_payload_predicates)
		return false;
	for (size_t i = 0; i < filter->payload_predicate_count; i++)
	{
		if (!factstr_predicate_is_indexable(filter->payload_predicates[i]))
			return false;
	}
	return true;
}

/* Can the indexes find all candidates of every filter? */
bool
access_path_has_indexes(const fs_event_query *query)
{
	for (size_t i = 0; i < query->filter_count; i++)
	{
		const fs_filter *filter = &query->filters[i];

		if (!filter_matches_nothing(filter) && !filter->has_event_types &&
			!predicates_are_indexable(filter))
			return false;
	}
	return query->filter_count > 0;
}

static void
add_event_types(FactSources *sources, const FactRange *range, const fs_filter *filter)
{
	for (size_t i = 0; i < filter->event_type_count; i++)
	{
		ScanKeyData keys[3];
		int			count = event_type_keys(keys, filter->event_types[i], range);

		fact_sources_add_index(sources, range->store->by_event_type, keys, count);
	}
}

/* Asks the payload index for the candidates of a filter's predicates; returns their number. */
static int64
find_by_payload(const FactRange *range, CandidateBitmap *bitmap, const fs_filter *filter)
{
	int64		found = 0;

	for (size_t i = 0; i < filter->payload_predicate_count; i++)
	{
		ScanKeyData key;

		ScanKeyInit(&key, 1, JsonbContainsStrategyNumber, F_JSONB_CONTAINS,
					JsonbPGetDatum(factstr_jsonb_of(filter->payload_predicates[i])));
		found = candidate_bitmap_find(bitmap, range->store->by_payload, &key, 1);
	}
	return found;
}

/*
 * Takes the payload index's candidates for one filter, unless the filter's event types, should it
 * have any, lead to fewer facts.
 */
static bool
payload_index_serves(const FactRange *range, CandidateBitmap *bitmap, const fs_filter *filter)
{
	int64		found;

	if (!predicates_are_indexable(filter))
		return false;
	if (filter->has_event_types && types_are_rare(range, filter))
		return false;
	found = find_by_payload(range, bitmap, filter);
	if (filter->has_event_types && found > FEW_FACTS_OF_TYPES * TYPES_TO_CANDIDATES &&
		types_have_at_most(range, filter, found / TYPES_TO_CANDIDATES))
	{
		candidate_bitmap_reject(bitmap);
		return false;
	}
	candidate_bitmap_accept(bitmap);
	return true;
}

static void
find_by_event_types(const FactRange *range, CandidateBitmap *bitmap, const fs_filter *filter)
{
	for (size_t i = 0; i < filter->event_type_count; i++)
	{
		ScanKeyData keys[3];
		int			count = event_type_keys(keys, filter->event_types[i], range);

		(void) candidate_bitmap_find(bitmap, range->store->by_event_type, keys, count);
	}
	candidate_bitmap_accept(bitmap);
}

static void
add_filter(FactSources *sources, const FactRange *range, CandidateBitmap *bitmap,
		   const fs_filter *filter)
{
	if (filter_matches_nothing(filter) || payload_index_serves(range, bitmap, filter))
		return;
	if (fact_sources_count(sources) + filter->event_type_count <= MAX_SOURCES)
		add_event_types(sources, range, filter);
	else
		find_by_event_types(range, bitmap, filter);
}

/*
 * The indexes, for the range.  Adds nothing and returns false if the log itself is the shorter way
 * after all.  Only for queries with access_path_has_indexes.
 */
bool
access_path_add_indexes(FactSources *sources, const FactRange *range)
{
	CandidateBitmap *bitmap = candidate_bitmap_create(range->events, range->snapshot);
	int64		length = range->upto - range->after;
	int64		candidates;

	for (size_t i = 0; i < range->query->filter_count; i++)
		add_filter(sources, range, bitmap, &range->query->filters[i]);

	candidates = candidate_bitmap_count(bitmap);
	if (candidates > length)
		fact_sources_clear(sources);
	else if (candidates > 0)
		fact_sources_add_candidates(sources, candidate_bitmap_fetch(bitmap, range->after,
																	range->upto));
	candidate_bitmap_free(bitmap);
	return candidates <= length;
}
