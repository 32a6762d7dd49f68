/*
 * read/merge.c
 *		Ordered sources of facts, merged into one stream.
 *
 * A source is an index that is read in order of sequence numbers, or a sorted list of candidates. Several sources
 * may return the same fact; the stream returns it once.
 */
#include "postgres.h"

#include "access/relscan.h"
#include "access/tableam.h"
#include "lib/binaryheap.h"
#include "miscadmin.h"
#include "utils/memutils.h"
#include "utils/rel.h"

#include "compat_scan.h"
#include "read/merge.h"
#include "rows.h"

typedef struct MergeSource
{
	TupleTableSlot *row;
	int64		sequence_number;	/* of the fact the source stands at */

	/* Either an index that is read in order ... */
	Relation	index;
	IndexScanDesc index_scan;

	/* ... or a list of candidates. */
	CandidateList *candidates;
	size_t		next_candidate;
} MergeSource;

struct FactMerge
{
	Relation	events;
	Snapshot	snapshot;
	ScanDirection direction;
	MemoryContext context;		/* where the sources are kept */

	MergeSource **sources;
	int			count;
	int			capacity;
	binaryheap *order;			/* sources by the fact they stand at; NULL until started */
	MergeSource *current;		/* the source of the fact returned last; to be advanced */
	int64		last_returned;
};

/* An empty set of sources, in the current memory context.  The relation must stay open. */
FactMerge *
fs_merge_create(Relation events, Snapshot snapshot, ScanDirection direction)
{
	FactMerge  *merge = palloc0(sizeof(FactMerge));

	merge->events = events;
	merge->snapshot = snapshot;
	merge->direction = direction;
	merge->context = CurrentMemoryContext;
	return merge;
}

int
fs_merge_count(const FactMerge *merge)
{
	return merge->count;
}

static MergeSource *
add_source(FactMerge *merge)
{
	MergeSource *source = palloc0(sizeof(MergeSource));

	if (merge->count == merge->capacity)
	{
		merge->capacity = Max(8, merge->capacity * 2);
		merge->sources = merge->sources == NULL ?
			palloc(merge->capacity * sizeof(MergeSource *)) :
			repalloc(merge->sources, merge->capacity * sizeof(MergeSource *));
	}
	merge->sources[merge->count++] = source;
	source->row = table_slot_create(merge->events, NULL);
	return source;
}

/* Adds an index whose entries under these keys are in order of sequence numbers. */
void
fs_merge_add_index(FactMerge *merge, Oid index, ScanKey keys, int key_count)
{
	MemoryContext caller = MemoryContextSwitchTo(merge->context);
	MergeSource *source = add_source(merge);

	source->index = index_open(index, AccessShareLock);
	source->index_scan = compat_index_beginscan(merge->events, source->index,
												merge->snapshot, key_count);
	index_rescan(source->index_scan, keys, key_count, NULL, 0);
	MemoryContextSwitchTo(caller);
}

/* Adds a list, which from now on belongs to the sources. */
void
fs_merge_add_candidates(FactMerge *merge, CandidateList *candidates)
{
	MemoryContext caller = MemoryContextSwitchTo(merge->context);

	add_source(merge)->candidates = candidates;
	MemoryContextSwitchTo(caller);
}

/* Moves a source to its next fact; false at the end. */
static bool
advance_source(FactMerge *merge, MergeSource *source)
{
	bool		forward = ScanDirectionIsForward(merge->direction);

	if (source->index_scan != NULL)
	{
		if (!index_getnext_slot(source->index_scan, merge->direction, source->row))
			return false;
		source->sequence_number = fs_row_sequence_number(source->row);
		return true;
	}

	if (source->next_candidate >= source->candidates->count)
		return false;
	source->sequence_number = fs_candidate_list_get(source->candidates, source->next_candidate++,
													forward)->sequence_number;
	return true;
}

/* The current row of a source.  A candidate's row is fetched when it is its turn. */
static TupleTableSlot *
source_row(FactMerge *merge, MergeSource *source)
{
	Candidate  *candidate;

	if (source->index_scan != NULL)
		return source->row;
	candidate = fs_candidate_list_get(source->candidates, source->next_candidate - 1,
									  ScanDirectionIsForward(merge->direction));
	if (!table_tuple_fetch_row_version(merge->events, &candidate->tid, merge->snapshot, source->row))
		elog(ERROR, "fact " INT64_FORMAT " has vanished from its place",
			 candidate->sequence_number);
	return source->row;
}

static int
compare_sources(Datum a, Datum b, void *argument)
{
	FactMerge  *merge = argument;
	int64		left = ((MergeSource *) DatumGetPointer(a))->sequence_number;
	int64		right = ((MergeSource *) DatumGetPointer(b))->sequence_number;
	int			order = (left > right) - (left < right);

	/* The heap keeps its greatest on top. */
	return ScanDirectionIsForward(merge->direction) ? -order : order;
}

/* To be called once all sources are added: puts each at its first fact. */
void
fs_merge_start(FactMerge *merge)
{
	MemoryContext caller = MemoryContextSwitchTo(merge->context);

	merge->order = binaryheap_allocate(Max(merge->count, 1), compare_sources, merge);
	for (int i = 0; i < merge->count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (advance_source(merge, merge->sources[i]))
			binaryheap_add_unordered(merge->order, PointerGetDatum(merge->sources[i]));
	}
	binaryheap_build(merge->order);
	MemoryContextSwitchTo(caller);
}

/* The source that stands at the next fact, or NULL if there is none. */
static MergeSource *
next_source(FactMerge *merge)
{
	if (merge->current != NULL)
	{
		if (advance_source(merge, merge->current))
			binaryheap_replace_first(merge->order, PointerGetDatum(merge->current));
		else
			(void) binaryheap_remove_first(merge->order);
	}
	merge->current = binaryheap_empty(merge->order) ? NULL :
		(MergeSource *) DatumGetPointer(binaryheap_first(merge->order));
	return merge->current;
}

/*
 * The row of the next fact, valid until the next call, or NULL at the end.  The caller's memory may be shorter-
 * lived than the sources, and index scans keep data (such as dead entries to be marked) in the memory context in
 * which they are called.
 */
TupleTableSlot *
fs_merge_next(FactMerge *merge)
{
	MemoryContext caller = MemoryContextSwitchTo(merge->context);
	TupleTableSlot *row = NULL;
	MergeSource *source;

	while ((source = next_source(merge)) != NULL)
	{
		CHECK_FOR_INTERRUPTS();
		if (source->sequence_number != merge->last_returned)
		{
			merge->last_returned = source->sequence_number;
			row = source_row(merge, source);
			break;
		}
	}
	MemoryContextSwitchTo(caller);
	return row;
}

static void
close_source(MergeSource *source)
{
	ExecDropSingleTupleTableSlot(source->row);
	if (source->index_scan != NULL)
	{
		index_endscan(source->index_scan);
		index_close(source->index, NoLock);
	}
	if (source->candidates != NULL)
		fs_candidate_list_free(source->candidates);
	pfree(source);
}

/* Closes all sources, so that others can be added. */
void
fs_merge_clear(FactMerge *merge)
{
	for (int i = 0; i < merge->count; i++)
		close_source(merge->sources[i]);
	merge->count = 0;
	merge->current = NULL;
	if (merge->order != NULL)
		binaryheap_free(merge->order);
	merge->order = NULL;
}

void
fs_merge_free(FactMerge *merge)
{
	fs_merge_clear(merge);
	if (merge->sources != NULL)
		pfree(merge->sources);
	pfree(merge);
}
