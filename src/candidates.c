/*
 * candidates.c
 *		The facts that the payload index proposes for the predicates of a query.
 *
 * "payload @> predicate" through the index proposes every fact that matches the predicate, and some
 * that do not: the matcher decides later.  The index answers with places, not with numbers, so
 * the candidates' rows are visited once, for the number alone, and sorted by it.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/relscan.h"
#include "access/tableam.h"
#include "miscadmin.h"
#include "utils/fmgroids.h"
#include "utils/memutils.h"
#include "utils/rel.h"

#include "candidates.h"
#include "compat.h"
#include "fact_scan.h"

struct CandidateBitmap
{
	Relation	events;
	Oid			by_payload;
	Snapshot	snapshot;
	TIDBitmap  *accepted;		/* NULL as long as nothing is */
	int64		accepted_count;
	TIDBitmap  *found;			/* of the filter asked about last */
	int64		found_count;
};

CandidateBitmap *
candidate_bitmap_create(Relation events, Oid by_payload, Snapshot snapshot)
{
	CandidateBitmap *bitmap = palloc0(sizeof(CandidateBitmap));

	bitmap->events = events;
	bitmap->by_payload = by_payload;
	bitmap->snapshot = snapshot;
	return bitmap;
}

static int64
add_candidates_of_predicate(CandidateBitmap *bitmap, Relation index, fs_json predicate)
{
	ScanKeyData key;
	IndexScanDesc scan;
	int64		count;

	ScanKeyInit(&key, 1, JsonbContainsStrategyNumber, F_JSONB_CONTAINS,
				JsonbPGetDatum(factstr_jsonb_of(predicate)));
	scan = factstr_index_beginscan_bitmap(index, bitmap->snapshot, 1);
	index_rescan(scan, &key, 1, NULL, 0);
	count = index_getbitmap(scan, bitmap->found);
	index_endscan(scan);
	return count;
}

/* Asks the index for the candidates of a filter's predicates; returns how many it found. */
int64
candidate_bitmap_find(CandidateBitmap *bitmap, const fs_filter *filter)
{
	Relation	index = index_open(bitmap->by_payload, AccessShareLock);

	if (bitmap->found != NULL)
		tbm_free(bitmap->found);
	bitmap->found = factstr_tbm_create(work_mem * (Size) 1024);
	bitmap->found_count = 0;
	for (size_t i = 0; i < filter->payload_predicate_count; i++)
		bitmap->found_count += add_candidates_of_predicate(bitmap, index,
														   filter->payload_predicates[i]);
	index_close(index, NoLock);
	return bitmap->found_count;
}

/* Takes in what was found last. */
void
candidate_bitmap_accept(CandidateBitmap *bitmap)
{
	bitmap->accepted_count += bitmap->found_count;
	if (bitmap->accepted == NULL)
		bitmap->accepted = bitmap->found;
	else
	{
		tbm_union(bitmap->accepted, bitmap->found);
		tbm_free(bitmap->found);
	}
	bitmap->found = NULL;
}

/* How many candidates were taken in; one that several predicates propose counts for each. */
int64
candidate_bitmap_count(const CandidateBitmap *bitmap)
{
	return bitmap->accepted_count;
}

void
candidate_bitmap_free(CandidateBitmap *bitmap)
{
	if (bitmap->accepted != NULL)
		tbm_free(bitmap->accepted);
	if (bitmap->found != NULL)
		tbm_free(bitmap->found);
	pfree(bitmap);
}

static void
append_candidate(CandidateList *list, int64 sequence_number, ItemPointer tid)
{
	if (list->count == list->capacity)
	{
		list->capacity *= 2;
		list->candidates = repalloc_huge(list->candidates, list->capacity * sizeof(Candidate));
	}
	list->candidates[list->count].sequence_number = sequence_number;
	list->candidates[list->count].tid = *tid;
	list->count++;
}

static int
compare_candidates(const void *a, const void *b)
{
	int64		left = ((const Candidate *) a)->sequence_number;
	int64		right = ((const Candidate *) b)->sequence_number;

	return (left > right) - (left < right);
}

typedef struct CandidateFetch
{
	CandidateBitmap *bitmap;
	IndexFetchTableData *fetch;
	TupleTableSlot *row;
	int64		after;
	int64		upto;
	CandidateList *list;
} CandidateFetch;

static void
fetch_candidate(CandidateFetch *state, BlockNumber block, OffsetNumber offset)
{
	ItemPointerData tid;
	bool		call_again = false;
	int64		sequence_number;

	ItemPointerSet(&tid, block, offset);
	if (!table_index_fetch_tuple(state->fetch, &tid, state->bitmap->snapshot, state->row,
								 &call_again, NULL))
		return;
	sequence_number = fact_sequence_number(state->row);
	if (sequence_number > state->after && sequence_number <= state->upto)
		append_candidate(state->list, sequence_number, &state->row->tts_tid);
}

static void
fetch_page(CandidateFetch *state, const FactstrBitmapPage *page)
{
	CHECK_FOR_INTERRUPTS();
	if (page->lossy)
	{
		for (OffsetNumber offset = FirstOffsetNumber; offset <= MaxHeapTuplesPerPage; offset++)
			fetch_candidate(state, page->block, offset);
	}
	else
	{
		for (int i = 0; i < page->offset_count; i++)
			fetch_candidate(state, page->block, page->offsets[i]);
	}
}

/* The accepted candidates that are visible and in the range, with their numbers, ascending. */
CandidateList *
candidate_bitmap_fetch(CandidateBitmap *bitmap, int64 after, int64 upto)
{
	CandidateList *list = palloc(sizeof(CandidateList));
	FactstrBitmapIterator *pages = factstr_bitmap_begin(bitmap->accepted);
	FactstrBitmapPage *page = palloc(sizeof(FactstrBitmapPage));
	CandidateFetch state = {bitmap, table_index_fetch_begin(bitmap->events),
	table_slot_create(bitmap->events, NULL), after, upto, list};

	list->count = 0;
	list->capacity = 64;
	list->candidates = palloc(list->capacity * sizeof(Candidate));
	while (factstr_bitmap_next_page(pages, page))
		fetch_page(&state, page);

	ExecDropSingleTupleTableSlot(state.row);
	table_index_fetch_end(state.fetch);
	factstr_bitmap_end(pages);
	pfree(page);

	/* Facts lie in the table nearly in order, which this sort finds out in one pass. */
	qsort(list->candidates, list->count, sizeof(Candidate), compare_candidates);
	return list;
}

void
candidate_list_free(CandidateList *list)
{
	pfree(list->candidates);
	pfree(list);
}
