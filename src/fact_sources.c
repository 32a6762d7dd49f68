/*
 * fact_sources.c
 *		Ordered sources of facts, merged into one stream.
 *
 * A source is an index that is read in order of sequence numbers, or a sorted list of candidates.
 * Several sources may come up with the same fact; it is returned once.
 */
#include "postgres.h"

#include "access/relscan.h"
#include "access/tableam.h"
#include "lib/binaryheap.h"
#include "miscadmin.h"
#include "utils/memutils.h"
#include "utils/rel.h"

#include "compat.h"
#include "fact_sources.h"
#include "store.h"

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

struct FactSources
{
	Relation	events;
	Snapshot	snapshot;
	ScanDirection direction;
	MemoryContext context;		/* where the sources are kept */

	FactSource **sources;
	int			count;
	int			capacity;
	binaryheap *order;			/* sources by the fact they stand at; NULL until started */
	FactSource *current;		/* the source of the fact returned last; to be advanced */
	int64		last_returned;
};

int64
fact_sequence_number(TupleTableSlot *row)
{
	bool		isnull;

	return DatumGetInt64(slot_getattr(row, FACTSTR_SEQUENCE_NUMBER, &isnull));
}

/* The number of the first fact of its batch. */
int64
fact_batch_first(TupleTableSlot *row)
{
	bool		isnull;

	return DatumGetInt64(slot_getattr(row, FACTSTR_BATCH_FIRST, &isnull));
}

/* An empty set of sources, in the current memory context.  The relation must stay open. */
FactSources *
fact_sources_create(Relation events, Snapshot snapshot, ScanDirection direction)
{
	FactSources *sources = palloc0(sizeof(FactSources));

	sources->events = events;
	sources->snapshot = snapshot;
	sources->direction = direction;
	sources->context = CurrentMemoryContext;
	return sources;
}

int
fact_sources_count(const FactSources *sources)
{
	return sources->count;
}

static FactSource *
add_source(FactSources *sources)
{
	FactSource *source = palloc0(sizeof(FactSource));

	if (sources->count == sources->capacity)
	{
		sources->capacity = Max(8, sources->capacity * 2);
		sources->sources = sources->sources == NULL ?
			palloc(sources->capacity * sizeof(FactSource *)) :
			repalloc(sources->sources, sources->capacity * sizeof(FactSource *));
	}
	sources->sources[sources->count++] = source;
	source->row = table_slot_create(sources->events, NULL);
	return source;
}

/* Adds an index whose entries under these keys are in order of sequence numbers. */
void
fact_sources_add_index(FactSources *sources, Oid index, ScanKey keys, int key_count)
{
	MemoryContext caller = MemoryContextSwitchTo(sources->context);
	FactSource *source = add_source(sources);

	source->index = index_open(index, AccessShareLock);
	source->index_scan = factstr_index_beginscan(sources->events, source->index,
												 sources->snapshot, key_count);
	index_rescan(source->index_scan, keys, key_count, NULL, 0);
	MemoryContextSwitchTo(caller);
}

/* Adds a list, which from now on belongs to the sources. */
void
fact_sources_add_candidates(FactSources *sources, CandidateList *candidates)
{
	MemoryContext caller = MemoryContextSwitchTo(sources->context);

	add_source(sources)->candidates = candidates;
	MemoryContextSwitchTo(caller);
}

/* Moves a source to its next fact; false at the end. */
static bool
advance_source(FactSources *sources, FactSource *source)
{
	bool		forward = ScanDirectionIsForward(sources->direction);

	if (source->index_scan != NULL)
	{
		if (!index_getnext_slot(source->index_scan, sources->direction, source->row))
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
source_row(FactSources *sources, FactSource *source)
{
	Candidate  *candidate;

	if (source->index_scan != NULL)
		return source->row;
	candidate = candidate_list_get(source->candidates, source->next_candidate - 1,
								   ScanDirectionIsForward(sources->direction));
	if (!table_tuple_fetch_row_version(sources->events, &candidate->tid, sources->snapshot, source->row))
		elog(ERROR, "fact " INT64_FORMAT " has vanished from its place",
			 candidate->sequence_number);
	return source->row;
}

static int
compare_sources(Datum a, Datum b, void *argument)
{
	FactSources *sources = argument;
	int64		left = ((FactSource *) DatumGetPointer(a))->sequence_number;
	int64		right = ((FactSource *) DatumGetPointer(b))->sequence_number;
	int			order = (left > right) - (left < right);

	/* The heap keeps its greatest on top. */
	return ScanDirectionIsForward(sources->direction) ? -order : order;
}

/* To be called once all sources are added: puts each at its first fact. */
void
fact_sources_start(FactSources *sources)
{
	MemoryContext caller = MemoryContextSwitchTo(sources->context);

	sources->order = binaryheap_allocate(Max(sources->count, 1), compare_sources, sources);
	for (int i = 0; i < sources->count; i++)
	{
		if (advance_source(sources, sources->sources[i]))
			binaryheap_add_unordered(sources->order, PointerGetDatum(sources->sources[i]));
	}
	binaryheap_build(sources->order);
	MemoryContextSwitchTo(caller);
}

/* The source that stands at the next fact, or NULL if there is none. */
static FactSource *
next_source(FactSources *sources)
{
	if (sources->current != NULL)
	{
		if (advance_source(sources, sources->current))
			binaryheap_replace_first(sources->order, PointerGetDatum(sources->current));
		else
			(void) binaryheap_remove_first(sources->order);
	}
	sources->current = binaryheap_empty(sources->order) ? NULL :
		(FactSource *) DatumGetPointer(binaryheap_first(sources->order));
	return sources->current;
}

/*
 * The row of the next fact, valid until the next call, or NULL at the end.  The caller's memory may
 * be shorter-lived than the sources, and index scans keep things of their own (such as dead entries
 * to be marked) where they are called.
 */
TupleTableSlot *
fact_sources_next(FactSources *sources)
{
	MemoryContext caller = MemoryContextSwitchTo(sources->context);
	TupleTableSlot *row = NULL;
	FactSource *source;

	while ((source = next_source(sources)) != NULL)
	{
		CHECK_FOR_INTERRUPTS();
		if (source->sequence_number != sources->last_returned)
		{
			sources->last_returned = source->sequence_number;
			row = source_row(sources, source);
			break;
		}
	}
	MemoryContextSwitchTo(caller);
	return row;
}

static void
close_source(FactSource *source)
{
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

/* Closes all sources, so that others can be added. */
void
fact_sources_clear(FactSources *sources)
{
	for (int i = 0; i < sources->count; i++)
		close_source(sources->sources[i]);
	sources->count = 0;
	sources->current = NULL;
	if (sources->order != NULL)
		binaryheap_free(sources->order);
	sources->order = NULL;
}
