/*
 * read/candidates.c
 *		The unordered candidates that an index finds for a query.
 *
 * "payload @> predicate" through the payload index finds every fact that matches the predicate, and some that do
 * not: the matcher decides later.  The index returns locations, not numbers, so the candidates' rows are visited
 * once, only for the number, and sorted by it.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/gin.h"
#include "access/relscan.h"
#include "access/tableam.h"
#include "miscadmin.h"
#include "utils/memutils.h"
#include "utils/rel.h"

#include "compat_scan.h"
#include "read/candidates.h"
#include "rows.h"

struct CandidateBitmap
{
	Relation	events;
	Snapshot	snapshot;
	TIDBitmap  *found;
	int64		count;
};

CandidateBitmap *
fs_candidate_bitmap_create(Relation events, Snapshot snapshot)
{
	CandidateBitmap *bitmap = palloc0(sizeof(CandidateBitmap));

	bitmap->events = events;
	bitmap->snapshot = snapshot;
	bitmap->found = compat_tbm_create(work_mem * (Size) 1024);
	return bitmap;
}

/*
 * A user can limit the answers of the payload index to a random part of about so many entries.  A context must be
 * complete, so the limit is lifted for our own searches.
 */
static int64
find_without_limit(IndexScanDesc scan, TIDBitmap *found)
{
	int			limit = GinFuzzySearchLimit;
	int64		count = 0;

	GinFuzzySearchLimit = 0;
	PG_TRY();
	{
		count = index_getbitmap(scan, found);
	}
	PG_FINALLY();
	{
		GinFuzzySearchLimit = limit;
	}
	PG_END_TRY();
	return count;
}

/* Asks an index for more candidates. */
void
fs_candidate_bitmap_find(CandidateBitmap *bitmap, Oid index, ScanKey keys, int key_count)
{
	Relation	relation = index_open(index, AccessShareLock);
	IndexScanDesc scan = compat_index_beginscan_bitmap(relation, bitmap->snapshot, key_count);

	index_rescan(scan, keys, key_count, NULL, 0);
	bitmap->count += find_without_limit(scan, bitmap->found);
	index_endscan(scan);
	index_close(relation, NoLock);
}

/* The number of candidates found; repeated ones count each time. */
int64
fs_candidate_bitmap_count(const CandidateBitmap *bitmap)
{
	return bitmap->count;
}

void
fs_candidate_bitmap_free(CandidateBitmap *bitmap)
{
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

	CHECK_FOR_INTERRUPTS();
	return (left > right) - (left < right);
}

#define ALL_PAGES InvalidBlockNumber

typedef struct CandidateFetch
{
	CandidateBitmap *bitmap;
	IndexFetchTableData *fetch;
	TupleTableSlot *row;
	int64		after;
	int64		up_to;
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
	sequence_number = fs_row_sequence_number(state->row);
	if (sequence_number > state->after && sequence_number <= state->up_to)
		append_candidate(state->list, sequence_number, &state->row->tts_tid);
}

static void
fetch_page(CandidateFetch *state, const CompatBitmapPage *page)
{
	if (page->lossy)
	{
		for (int offset = FirstOffsetNumber; offset <= MaxHeapTuplesPerPage; offset++)
			fetch_candidate(state, page->block, (OffsetNumber) offset);
	}
	else
	{
		for (int i = 0; i < page->offset_count; i++)
			fetch_candidate(state, page->block, page->offsets[i]);
	}
}

/* Those on one page of the table, or on all of them. */
static CandidateList *
fetch_pages(CandidateBitmap *bitmap, BlockNumber only, int64 after, int64 up_to)
{
	CandidateList *list = palloc(sizeof(CandidateList));
	CompatBitmapIterator *pages = compat_bitmap_begin(bitmap->found);
	CompatBitmapPage *page = palloc(sizeof(CompatBitmapPage));
	CandidateFetch state = {bitmap, compat_table_index_fetch_begin(bitmap->events),
	table_slot_create(bitmap->events, NULL), after, up_to, list};

	list->count = 0;
	list->capacity = 64;
	list->candidates = palloc(list->capacity * sizeof(Candidate));
	while (compat_bitmap_next_page(pages, page))
	{
		CHECK_FOR_INTERRUPTS();
		if (only == ALL_PAGES || page->block == only)
			fetch_page(&state, page);
	}

	ExecDropSingleTupleTableSlot(state.row);
	table_index_fetch_end(state.fetch);
	compat_bitmap_end(pages);
	pfree(page);
	return list;
}

/* The candidates that are visible and in the range, with their numbers, ascending. */
CandidateList *
fs_candidate_bitmap_fetch(CandidateBitmap *bitmap, int64 after, int64 up_to)
{
	CandidateList *list = fetch_pages(bitmap, ALL_PAGES, after, up_to);

	/* Facts are nearly in order in the table, which this sort detects in one pass. */
	qsort(list->candidates, list->count, sizeof(Candidate), compare_candidates);
	return list;
}

/*
 * Is the fact at this location among the candidates?  The index knows it by a location on the same page, if not by
 * this one: no other page is visited.
 */
bool
fs_candidate_bitmap_proposes(CandidateBitmap *bitmap, int64 sequence_number, ItemPointer tid)
{
	CandidateList *list = fetch_pages(bitmap, ItemPointerGetBlockNumber(tid), sequence_number - 1,
									  sequence_number);
	bool		is_among = list->count > 0;

	fs_candidate_list_free(list);
	return is_among;
}

void
fs_candidate_list_free(CandidateList *list)
{
	pfree(list->candidates);
	pfree(list);
}
