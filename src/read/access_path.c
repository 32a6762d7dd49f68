/*
 * read/access_path.c
 *		Chooses the indexes that find the facts of a query.
 *
 * Facts are found in the log itself (the primary key), in the index on event type and number, or in the payload
 * index. The choice depends on the present state, never on statistics, which lag behind an append-only table:
 * numbers have no gaps, so the length of a range is a subtraction; the index on types is read within the range;
 * and the payload index, which is not, tells how many candidates it has before they are read.  So the cost
 * depends on the shorter of the context and the range, not on the size of the log or the history of a value.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/relscan.h"
#include "catalog/pg_collation.h"
#include "common/hashfn.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"

#include "compat_scan.h"
#include "read/access_path.h"
#include "read/index_estimate.h"

/* A filter with types and predicates uses its types if they have no more facts than this ... */
#define FEW_FACTS_OF_TYPES 128

/* ... or than this part of the candidates of its predicates, or of the range: counting costs less than fetching. */
#define TYPES_TO_CANDIDATES 8

/*
 * With more sources than this, types produce a list of candidates instead of one source each: an open source keeps
 * a page of the table pinned.
 */
#define MAX_SOURCES 64

/*
 * Keys for after < sequence_number <= up_to; returns their number.  A key costs a comparison for each entry of a
 * page, so an open end has none.
 */
static int
range_keys(ScanKey keys, AttrNumber column, int64 after, int64 up_to)
{
	int			count = 0;

	if (after > 0)
		ScanKeyInit(&keys[count++], column, BTGreaterStrategyNumber, F_INT8GT,
					Int64GetDatum(after));
	if (up_to < PG_INT64_MAX)
		ScanKeyInit(&keys[count++], column, BTLessEqualStrategyNumber, F_INT8LE,
					Int64GetDatum(up_to));
	return count;
}

static int
event_type_keys(ScanKey keys, fs_text event_type, const FactRange *range)
{
	Datum		type = PointerGetDatum(cstring_to_text_with_len(event_type.data,
																(int) event_type.length));

	ScanKeyEntryInitialize(&keys[0], 0, 1, BTEqualStrategyNumber, InvalidOid, C_COLLATION_OID,
						   F_TEXTEQ, type);
	return 1 + range_keys(&keys[1], 2, range->after, range->up_to);
}

/* The log itself, for the range. */
void
fs_access_path_add_log(FactMerge *merge, const FactRange *range)
{
	ScanKeyData keys[2];
	int			count = range_keys(keys, 1, range->after, range->up_to);

	fs_merge_add_index(merge, range->store->by_sequence_number, keys, count);
}

/*
 * A type with many facts will always have many, so the session remembers it: only a hint, one slot per hash,
 * overwritten at will.
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

/* Counts index entries of one type in the range, up to the limit. */
static int64
count_facts_of_type(const FactRange *range, Relation index, fs_text event_type, int64 limit)
{
	ScanKeyData keys[3];
	int			key_count;
	IndexScanDesc index_scan;
	int64		count = 0;

	key_count = event_type_keys(keys, event_type, range);
	index_scan = compat_index_beginscan(range->events, index, range->snapshot, key_count);
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
		CHECK_FOR_INTERRUPTS();
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
		CHECK_FOR_INTERRUPTS();
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
		CHECK_FOR_INTERRUPTS();
		if (!fs_query_predicate_is_indexable(filter->payload_predicates[i]))
			return false;
	}
	return true;
}

/* Can the indexes find all candidates of every filter? */
bool
fs_access_path_has_indexes(const fs_event_query *query)
{
	for (size_t i = 0; i < query->filter_count; i++)
	{
		const fs_filter *filter = &query->filters[i];

		CHECK_FOR_INTERRUPTS();
		if (!filter_matches_nothing(filter) && !filter->has_event_types &&
			!predicates_are_indexable(filter))
			return false;
	}
	return query->filter_count > 0;
}

static void
add_event_types(FactMerge *merge, const FactRange *range, const fs_filter *filter)
{
	for (size_t i = 0; i < filter->event_type_count; i++)
	{
		ScanKeyData keys[3];
		int			count = event_type_keys(keys, filter->event_types[i], range);

		fs_merge_add_index(merge, range->store->by_event_type, keys, count);
	}
}

static Jsonb *
predicate_of(const fs_filter *filter, size_t i)
{
	return fs_json_to_jsonb(filter->payload_predicates[i]);
}

static void
find_by_payload(const FactRange *range, CandidateBitmap *bitmap, const fs_filter *filter)
{
	for (size_t i = 0; i < filter->payload_predicate_count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		fs_candidate_bitmap_find_payload(bitmap, range->store->by_payload, predicate_of(filter, i));
	}
}

static void
find_by_event_types(const FactRange *range, CandidateBitmap *bitmap, const fs_filter *filter)
{
	for (size_t i = 0; i < filter->event_type_count; i++)
	{
		ScanKeyData keys[3];
		int			count = event_type_keys(keys, filter->event_types[i], range);

		CHECK_FOR_INTERRUPTS();
		fs_candidate_bitmap_find(bitmap, range->store->by_event_type, keys, count);
	}
}

/* The number of entries that the payload index would have to list for a filter. */
static int64
estimate_by_payload(const FactRange *range, const fs_filter *filter)
{
	Relation	index = index_open(range->store->by_payload, AccessShareLock);
	int64		candidates = 0;

	for (size_t i = 0; i < filter->payload_predicate_count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		candidates += fs_index_estimate_cost(index, predicate_of(filter, i));
	}
	index_close(index, NoLock);
	return candidates;
}

/*
 * Uses the payload index for one filter, unless the filter's event types lead to fewer facts; sets the number of
 * entries that it would have to list.
 */
static bool
payload_index_serves(const FactRange *range, const fs_filter *filter, int64 *candidates)
{
	int64		shorter;

	if (filter_matches_nothing(filter) || !predicates_are_indexable(filter))
		return false;
	if (filter->has_event_types && types_are_rare(range, filter))
		return false;
	*candidates = estimate_by_payload(range, filter);
	shorter = Min(*candidates, range->up_to - range->after);
	return !filter->has_event_types || shorter <= FEW_FACTS_OF_TYPES * TYPES_TO_CANDIDATES ||
		!types_have_at_most(range, filter, shorter / TYPES_TO_CANDIDATES);
}

/*
 * The index for each filter, for this range or a part of it, in the current memory context.  Only for queries with
 * fs_access_path_has_indexes.
 */
IndexPlan *
fs_access_path_plan(const FactRange *range)
{
	size_t		filters = range->query->filter_count;
	IndexPlan  *plan = palloc0(offsetof(IndexPlan, by_payload) + filters * sizeof(bool));

	for (size_t i = 0; i < filters; i++)
	{
		int64		candidates = 0;

		CHECK_FOR_INTERRUPTS();
		plan->by_payload[i] = payload_index_serves(range, &range->query->filters[i], &candidates);
		if (plan->by_payload[i])
			plan->candidates += candidates;
	}
	return plan;
}

static void
add_filter(FactMerge *merge, const FactRange *range, CandidateBitmap *bitmap,
		   const fs_filter *filter, bool by_payload)
{
	if (filter_matches_nothing(filter))
		return;
	if (by_payload)
		find_by_payload(range, bitmap, filter);
	else if (fs_merge_count(merge) + filter->event_type_count <= MAX_SOURCES)
		add_event_types(merge, range, filter);
	else
		find_by_event_types(range, bitmap, filter);
}

/*
 * Adds the indexes for the range.  Adds nothing and returns false if they turn out to have more candidates than
 * there are facts in the range.
 */
bool
fs_access_path_add_indexes(FactMerge *merge, const FactRange *range, const IndexPlan *plan)
{
	CandidateBitmap *bitmap = fs_candidate_bitmap_create(range->events, range->snapshot, work_mem);
	int64		length = range->up_to - range->after;
	int64		candidates;

	for (size_t i = 0; i < range->query->filter_count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		add_filter(merge, range, bitmap, &range->query->filters[i], plan->by_payload[i]);
	}

	candidates = fs_candidate_bitmap_count(bitmap);
	if (candidates > length)
		fs_merge_clear(merge);
	else if (candidates > 0)
		fs_merge_add_candidates(merge, fs_candidate_bitmap_fetch(bitmap, range->after,
																 range->up_to));
	fs_candidate_bitmap_free(bitmap);
	return candidates <= length;
}
