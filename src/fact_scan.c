/*
 * fact_scan.c
 *		A walk over the facts that match a query, in log order or backwards.
 *
 * A walk merges ordered sources: the log itself (the primary key), the facts of one event type (the
 * index on type and number), or the sorted candidates that the payload index gave.  Whatever the
 * source, the matcher decides.
 *
 * Which sources are opened follows from counts that are exact at the moment, never from statistics,
 * which lag behind an append-only table: numbers are gap-free, so a range's length is a
 * subtraction, and the payload index says how many candidates it found before any is fetched.  So
 * the cost follows the context or the range, whichever is shorter, and not the size of the log.
 */
#include "postgres.h"

#include "access/relscan.h"
#include "access/table.h"
#include "access/tableam.h"
#include "catalog/pg_collation.h"
#include "common/hashfn.h"
#include "lib/binaryheap.h"
#include "miscadmin.h"
#include "utils/fmgroids.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "candidates.h"
#include "compat.h"
#include "durability.h"
#include "fact_scan.h"

/* Up to this many facts the log is walked: cheaper than any index descent with its fetches. */
#define SHORT_RANGE 256

/* A filter with types and predicates goes by its types if they have no more facts than this. */
#define FEW_FACTS_OF_TYPES 1024

typedef struct FactSource
{
	TupleTableSlot *row;
	int64		sequence_number;	/* of the fact the source stands at */

	/* Either an index that is read in order ... */
	Relation	index;
	IndexScanDesc index_scan;

	/* ... or a list of candidates. */
	CandidateList *candidates;
	size_t		next_candidate;
} FactSource;

struct FactScan
{
	FactstrStore store;
	const fs_event_query *query;
	Snapshot	snapshot;
	ScanDirection direction;
	int64		wanted;

	Relation	events;
	MemoryContext context;		/* the scan and its sources */
	MemoryContext row_context;	/* what matching one fact leaves behind */

	/* The range is walked in segments; what is left of it after the open one: (rest_after, rest_upto] */
	int64		rest_after;
	int64		rest_upto;
	int64		segment_length;
	int64		found_in_segment;

	FactSource **sources;
	int			source_count;
	int			source_capacity;
	binaryheap *order;			/* sources by the fact they stand at */
	FactSource *current;		/* the source of the fact returned last; to be advanced */
	int64		last_seen;		/* several sources may come up with the same fact */
};

int64
fact_sequence_number(TupleTableSlot *row)
{
	bool		isnull;

	return DatumGetInt64(slot_getattr(row, FACTSTR_SEQUENCE_NUMBER, &isnull));
}

/*
 * Sources
 */

/* Moves a source to its next fact; false at the end. */
static bool
advance_source(FactScan *scan, FactSource *source)
{
	bool		forward = ScanDirectionIsForward(scan->direction);

	if (source->index_scan != NULL)
	{
		if (!index_getnext_slot(source->index_scan, scan->direction, source->row))
			return false;
		source->sequence_number = fact_sequence_number(source->row);
		return true;
	}

	if (source->next_candidate >= source->candidates->count)
		return false;
	source->sequence_number = candidate_list_get(source->candidates, source->next_candidate++,
												 forward)->sequence_number;
	return true;
}

/* The row of the fact a source stands at.  A candidate's row is fetched when it is its turn. */
static TupleTableSlot *
source_row(FactScan *scan, FactSource *source)
{
	Candidate  *candidate;

	if (source->index_scan != NULL)
		return source->row;
	candidate = candidate_list_get(source->candidates, source->next_candidate - 1,
								   ScanDirectionIsForward(scan->direction));
	if (!table_tuple_fetch_row_version(scan->events, &candidate->tid, scan->snapshot, source->row))
		elog(ERROR, "fact " INT64_FORMAT " has vanished from its place",
			 candidate->sequence_number);
	return source->row;
}

static int
compare_sources(Datum a, Datum b, void *argument)
{
	FactScan   *scan = argument;
	int64		left = ((FactSource *) DatumGetPointer(a))->sequence_number;
	int64		right = ((FactSource *) DatumGetPointer(b))->sequence_number;
	int			order = (left > right) - (left < right);

	/* The heap keeps its greatest on top. */
	return ScanDirectionIsForward(scan->direction) ? -order : order;
}

static FactSource *
add_source(FactScan *scan)
{
	FactSource *source = palloc0(sizeof(FactSource));

	if (scan->source_count == scan->source_capacity)
	{
		scan->source_capacity = Max(8, scan->source_capacity * 2);
		scan->sources = scan->sources == NULL ?
			palloc(scan->source_capacity * sizeof(FactSource *)) :
			repalloc_huge(scan->sources, scan->source_capacity * sizeof(FactSource *));
	}
	scan->sources[scan->source_count++] = source;
	source->row = table_slot_create(scan->events, NULL);
	return source;
}

static void
add_index_source(FactScan *scan, Oid index, ScanKey keys, int key_count)
{
	FactSource *source = add_source(scan);

	source->index = index_open(index, AccessShareLock);
	source->index_scan = factstr_index_beginscan(scan->events, source->index, scan->snapshot,
												 key_count);
	index_rescan(source->index_scan, keys, key_count, NULL, 0);
}

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

static void
add_log_source(FactScan *scan, int64 after, int64 upto)
{
	ScanKeyData keys[2];
	int			count = range_keys(keys, 1, after, upto);

	add_index_source(scan, scan->store.by_sequence_number, keys, count);
}

static int
event_type_keys(ScanKey keys, fs_text event_type, int64 after, int64 upto)
{
	Datum		type = PointerGetDatum(cstring_to_text_with_len(event_type.data,
																(int) event_type.length));

	ScanKeyEntryInitialize(&keys[0], 0, 1, BTEqualStrategyNumber, InvalidOid, C_COLLATION_OID,
						   F_TEXTEQ, type);
	return 1 + range_keys(&keys[1], 2, after, upto);
}

static void
add_event_type_sources(FactScan *scan, const fs_filter *filter, int64 after, int64 upto)
{
	for (size_t i = 0; i < filter->event_type_count; i++)
	{
		ScanKeyData keys[3];
		int			count = event_type_keys(keys, filter->event_types[i], after, upto);

		add_index_source(scan, scan->store.by_event_type, keys, count);
	}
}

static void
add_candidate_source(FactScan *scan, CandidateList *candidates)
{
	add_source(scan)->candidates = candidates;
}

static void
close_sources(FactScan *scan)
{
	for (int i = 0; i < scan->source_count; i++)
	{
		FactSource *source = scan->sources[i];

		ExecDropSingleTupleTableSlot(source->row);
		if (source->index_scan != NULL)
		{
			index_endscan(source->index_scan);
			index_close(source->index, NoLock);
		}
		if (source->candidates != NULL)
			candidate_list_free(source->candidates);
		pfree(source);
	}
	scan->source_count = 0;
	scan->current = NULL;
	if (scan->order != NULL)
		binaryheap_free(scan->order);
	scan->order = NULL;
}

/*
 * The choice of sources
 */

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
count_facts_of_type(FactScan *scan, Relation index, fs_text event_type,
					int64 after, int64 upto, int64 limit)
{
	ScanKeyData keys[3];
	int			key_count;
	IndexScanDesc index_scan;
	int64		count = 0;

	key_count = event_type_keys(keys, event_type, after, upto);
	index_scan = factstr_index_beginscan(scan->events, index, scan->snapshot, key_count);
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
types_have_at_most(FactScan *scan, const fs_filter *filter, int64 after, int64 upto, int64 limit)
{
	Relation	index = index_open(scan->store.by_event_type, AccessShareLock);
	int64		count = 0;

	for (size_t i = 0; i < filter->event_type_count && count <= limit; i++)
	{
		count += count_facts_of_type(scan, index, filter->event_types[i], after, upto,
									 limit - count);
		if (count > limit)
			remember_as_frequent(filter->event_types[i]);
	}
	index_close(index, NoLock);
	return count <= limit;
}

static bool
types_are_rare(FactScan *scan, const fs_filter *filter, int64 after, int64 upto)
{
	for (size_t i = 0; i < filter->event_type_count; i++)
	{
		if (is_known_as_frequent(filter->event_types[i]))
			return false;
	}
	return types_have_at_most(scan, filter, after, upto, FEW_FACTS_OF_TYPES);
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
static bool
indexes_cover(const fs_event_query *query)
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

/*
 * Finds the payload index's candidates for one filter and decides whether to use them: false if
 * the filter's event types, should it have any, lead to fewer facts.
 */
static bool
payload_index_serves(FactScan *scan, CandidateBitmap *bitmap, const fs_filter *filter,
					 int64 after, int64 upto)
{
	int64		found;

	if (!predicates_are_indexable(filter))
		return false;
	if (filter->has_event_types && types_are_rare(scan, filter, after, upto))
		return false;
	found = candidate_bitmap_find(bitmap, filter);
	if (filter->has_event_types && found > FEW_FACTS_OF_TYPES * 8 &&
		types_have_at_most(scan, filter, after, upto, found / 8))
		return false;
	candidate_bitmap_accept(bitmap);
	return true;
}

/* Opens the index sources of a range; false if the log itself is the shorter way after all. */
static bool
open_index_sources(FactScan *scan, int64 after, int64 upto)
{
	CandidateBitmap *bitmap = candidate_bitmap_create(scan->events, scan->store.by_payload,
													  scan->snapshot);

	for (size_t i = 0; i < scan->query->filter_count; i++)
	{
		const fs_filter *filter = &scan->query->filters[i];

		if (!filter_matches_nothing(filter) &&
			!payload_index_serves(scan, bitmap, filter, after, upto))
			add_event_type_sources(scan, filter, after, upto);
	}
	if (candidate_bitmap_count(bitmap) > upto - after)
	{
		candidate_bitmap_free(bitmap);
		close_sources(scan);
		return false;
	}
	if (candidate_bitmap_count(bitmap) > 0)
		add_candidate_source(scan, candidate_bitmap_fetch(bitmap, after, upto));
	candidate_bitmap_free(bitmap);
	return true;
}

/*
 * Segments
 */

/*
 * Should the log be walked a little further before the indexes are asked for the rest?  Yes if a
 * few facts are wanted and the walk so far found them dense enough: the expected rest of the walk
 * is then shorter than the list of candidates would be.
 */
static bool
keep_walking_the_log(FactScan *scan, int64 rest)
{
	double		density;
	double		missing;

	if (scan->wanted == FACT_SCAN_ALL)
		return false;
	if (scan->segment_length == 0)
		return true;			/* the first steps are always on the log */
	if (scan->found_in_segment == 0)
		return false;
	density = (double) scan->found_in_segment / (double) scan->segment_length;
	missing = (double) Max(scan->wanted - scan->found_in_segment, 1);
	return missing / density < density * (double) rest;
}

/* Cuts the next segment off the rest of the range, from the end where the walk begins. */
static void
cut_segment(FactScan *scan, int64 length, int64 *after, int64 *upto)
{
	*after = scan->rest_after;
	*upto = scan->rest_upto;
	if (ScanDirectionIsForward(scan->direction))
		scan->rest_after = *upto = *after + length;
	else
		scan->rest_upto = *after = *upto - length;
	scan->segment_length = length;
	scan->found_in_segment = 0;
}

static void
open_segment_sources(FactScan *scan)
{
	int64		rest = scan->rest_upto - scan->rest_after;
	int64		after;
	int64		upto;

	if (rest <= SHORT_RANGE || !indexes_cover(scan->query))
	{
		cut_segment(scan, rest, &after, &upto);
		add_log_source(scan, after, upto);
	}
	else if (keep_walking_the_log(scan, rest))
	{
		cut_segment(scan, Min(rest, Max(SHORT_RANGE, scan->segment_length * 2)), &after, &upto);
		add_log_source(scan, after, upto);
	}
	else
	{
		cut_segment(scan, rest, &after, &upto);
		if (!open_index_sources(scan, after, upto))
			add_log_source(scan, after, upto);
	}
}

/* Opens the next part of the range; false if nothing is left of it. */
static bool
open_segment(FactScan *scan)
{
	MemoryContext caller;

	close_sources(scan);
	if (scan->rest_after >= scan->rest_upto)
		return false;

	caller = MemoryContextSwitchTo(scan->context);
	open_segment_sources(scan);
	scan->order = binaryheap_allocate(Max(scan->source_count, 1), compare_sources, scan);
	for (int i = 0; i < scan->source_count; i++)
	{
		if (advance_source(scan, scan->sources[i]))
			binaryheap_add_unordered(scan->order, PointerGetDatum(scan->sources[i]));
	}
	binaryheap_build(scan->order);
	MemoryContextSwitchTo(caller);
	return true;
}

/*
 * The scan
 */

/*
 * Begins a walk over the facts with after < sequence_number <= upto that match the query and are
 * visible to the snapshot.  upto must not be far beyond the head of the log: the range's length
 * counts as its cost.  wanted is how many facts the caller expects to read, or FACT_SCAN_ALL; it
 * is no limit.  query and snapshot must outlive the scan, which lives in the current memory context.
 */
FactScan *
fact_scan_begin(const FactstrStore *store, const fs_event_query *query, Snapshot snapshot,
				int64 after, int64 upto, ScanDirection direction, int64 wanted)
{
	FactScan   *scan = palloc0(sizeof(FactScan));

	scan->store = *store;
	scan->query = query;
	scan->snapshot = snapshot;
	scan->direction = direction;
	scan->wanted = wanted;
	scan->rest_after = Max(after, 0);
	scan->rest_upto = upto;
	scan->context = CurrentMemoryContext;
	scan->row_context = AllocSetContextCreate(CurrentMemoryContext, "factstr row",
											  ALLOCSET_DEFAULT_SIZES);
	scan->events = table_open(store->events, AccessShareLock);
	return scan;
}

/* The source that stands at the next fact, or NULL at the end of the range. */
static FactSource *
next_source(FactScan *scan)
{
	if (scan->current != NULL)
	{
		if (advance_source(scan, scan->current))
			binaryheap_replace_first(scan->order, PointerGetDatum(scan->current));
		else
			(void) binaryheap_remove_first(scan->order);
		scan->current = NULL;
	}
	while (scan->order == NULL || binaryheap_empty(scan->order))
	{
		if (!open_segment(scan))
			return NULL;
	}
	scan->current = (FactSource *) DatumGetPointer(binaryheap_first(scan->order));
	return scan->current;
}

static bool
row_matches(FactScan *scan, TupleTableSlot *row)
{
	MemoryContext caller;
	bool		matches;

	MemoryContextReset(scan->row_context);
	caller = MemoryContextSwitchTo(scan->row_context);
	matches = factstr_row_matches(scan->query, row);
	MemoryContextSwitchTo(caller);
	return matches;
}

/* The row of the next matching fact, valid until the next call, or NULL at the end. */
TupleTableSlot *
fact_scan_next(FactScan *scan)
{
	FactSource *source;

	while ((source = next_source(scan)) != NULL)
	{
		TupleTableSlot *row;

		CHECK_FOR_INTERRUPTS();
		if (source->sequence_number == scan->last_seen)
			continue;
		scan->last_seen = source->sequence_number;

		row = source_row(scan, source);
		if (row_matches(scan, row))
		{
			scan->found_in_segment++;
			return row;
		}
	}
	return NULL;
}

void
fact_scan_end(FactScan *scan)
{
	close_sources(scan);
	table_close(scan->events, NoLock);
	MemoryContextDelete(scan->row_context);
	pfree(scan);
}

/*
 * Single facts
 */

static FactPosition
first_of_scan(FactScan *scan)
{
	FactPosition position = {0, InvalidXLogRecPtr};
	TupleTableSlot *row = fact_scan_next(scan);

	if (row != NULL)
	{
		position.sequence_number = fact_sequence_number(row);
		position.commit_position = factstr_commit_position(row);
	}
	fact_scan_end(scan);
	return position;
}

/* The newest fact of the log. */
FactPosition
fact_head(const FactstrStore *store, Snapshot snapshot)
{
	static const fs_event_query every_fact = {0};

	return first_of_scan(fact_scan_begin(store, &every_fact, snapshot, 0, PG_INT64_MAX,
										 BackwardScanDirection, 1));
}

/* The newest fact with after < sequence_number <= upto that matches. */
FactPosition
fact_newest_match(const FactstrStore *store, const fs_event_query *query, Snapshot snapshot,
				  int64 after, int64 upto)
{
	return first_of_scan(fact_scan_begin(store, query, snapshot, after, upto,
										 BackwardScanDirection, 1));
}
