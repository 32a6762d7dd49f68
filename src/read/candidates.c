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
#include "utils/fmgroids.h"
#include "utils/memutils.h"
#include "utils/rel.h"

#include "compat_scan.h"
#include "read/candidates.h"
#include "rows.h"
#include "workers/pending_lists.h"

struct CandidateBitmap
{
	Relation	events;
	Snapshot	snapshot;
	TIDBitmap  *found;
	int64		count;
};

/*
 * The bitmap may use this many kilobytes.  Beyond that, it keeps whole pages, and each fact on such a page is a
 * candidate.
 */
CandidateBitmap *
fs_candidate_bitmap_create(Relation events, Snapshot snapshot, int kilobytes)
{
	CandidateBitmap *bitmap = palloc0(sizeof(CandidateBitmap));

	bitmap->events = events;
	bitmap->snapshot = snapshot;
	bitmap->found = compat_tbm_create(kilobytes * (Size) 1024);
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

/* Asks the payload index for the facts whose payloads may contain this value. */
void
fs_candidate_bitmap_find_payload(CandidateBitmap *bitmap, Oid index, Jsonb *value)
{
	ScanKeyData key;

	fs_pending_lists_before_lookup(index);
	ScanKeyInit(&key, 1, JsonbContainsStrategyNumber, F_JSONB_CONTAINS, JsonbPGetDatum(value));
	fs_candidate_bitmap_find(bitmap, index, &key, 1);
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

/* A walk over the found pages, in their order. */
struct CandidatePages
{
	CandidateBitmap *bitmap;
	CompatBitmapIterator *iterator;
	CompatBitmapPage page;
	bool		at_end;
	BlockNumber listed;			/* fs_candidate_pages_have: the page whose candidates are in the
								 * list */
	IndexFetchTableData *fetch;
	TupleTableSlot *row;
	CandidateList *list;
};

CandidatePages *
fs_candidate_pages_begin(CandidateBitmap *bitmap)
{
	CandidatePages *pages = palloc0(sizeof(CandidatePages));

	pages->bitmap = bitmap;
	pages->iterator = compat_bitmap_begin(bitmap->found);
	pages->page.block = pages->listed = InvalidBlockNumber;
	pages->fetch = compat_table_index_fetch_begin(bitmap->events);
	pages->row = table_slot_create(bitmap->events, NULL);
	pages->list = palloc0(sizeof(CandidateList));
	pages->list->capacity = 64;
	pages->list->candidates = palloc(pages->list->capacity * sizeof(Candidate));
	return pages;
}

void
fs_candidate_pages_end(CandidatePages *pages)
{
	if (pages->list != NULL)
		fs_candidate_list_free(pages->list);
	ExecDropSingleTupleTableSlot(pages->row);
	table_index_fetch_end(pages->fetch);
	compat_bitmap_end(pages->iterator);
	pfree(pages);
}

static bool
next_page(CandidatePages *pages)
{
	CHECK_FOR_INTERRUPTS();
	pages->at_end = pages->at_end || !compat_bitmap_next_page(pages->iterator, &pages->page);
	return !pages->at_end;
}

/* Adds the candidate at this place, if it is visible and in the range. */
static void
fetch_candidate(CandidatePages *pages, OffsetNumber offset, int64 after, int64 up_to)
{
	ItemPointerData tid;
	bool		call_again = false;
	int64		sequence_number;

	ItemPointerSet(&tid, pages->page.block, offset);
	if (!table_index_fetch_tuple(pages->fetch, &tid, pages->bitmap->snapshot, pages->row, &call_again,
								 NULL))
		return;
	sequence_number = fs_row_sequence_number(pages->row);
	if (sequence_number > after && sequence_number <= up_to)
		append_candidate(pages->list, sequence_number, &pages->row->tts_tid);
}

static void
fetch_page(CandidatePages *pages, int64 after, int64 up_to)
{
	const CompatBitmapPage *page = &pages->page;

	if (page->lossy)
	{
		for (int offset = FirstOffsetNumber; offset <= MaxHeapTuplesPerPage; offset++)
			fetch_candidate(pages, (OffsetNumber) offset, after, up_to);
	}
	else
	{
		for (int i = 0; i < page->offset_count; i++)
			fetch_candidate(pages, page->offsets[i], after, up_to);
	}
}

/* The candidates that are visible and in the range, with their numbers, ascending. */
CandidateList *
fs_candidate_bitmap_fetch(CandidateBitmap *bitmap, int64 after, int64 up_to)
{
	CandidatePages *pages = fs_candidate_pages_begin(bitmap);
	CandidateList *list;

	while (next_page(pages))
		fetch_page(pages, after, up_to);
	list = pages->list;
	pages->list = NULL;
	fs_candidate_pages_end(pages);

	/* Facts are nearly in order in the table, which this sort detects in one pass. */
	qsort(list->candidates, list->count, sizeof(Candidate), compare_candidates);
	return list;
}

/* Walks to this page, and lists its candidates, if there are any. */
static void
list_page(CandidatePages *pages, BlockNumber block)
{
	pages->list->count = 0;
	pages->listed = block;
	while (!pages->at_end && (pages->page.block == InvalidBlockNumber || pages->page.block < block))
		(void) next_page(pages);
	if (!pages->at_end && pages->page.block == block)
		fetch_page(pages, PG_INT64_MIN, PG_INT64_MAX);
}

/*
 * Is the fact at this location among the candidates?  The index knows it by a location on the same page, if not by
 * this one: no other page is visited.  Calls must come in ascending order of pages.
 */
bool
fs_candidate_pages_have(CandidatePages *pages, int64 sequence_number, ItemPointer tid)
{
	BlockNumber block = ItemPointerGetBlockNumber(tid);

	Assert(pages->listed == InvalidBlockNumber || pages->listed <= block);
	if (pages->listed != block)
		list_page(pages, block);
	for (size_t i = 0; i < pages->list->count; i++)
	{
		if (pages->list->candidates[i].sequence_number == sequence_number)
			return true;
	}
	return false;
}

void
fs_candidate_list_free(CandidateList *list)
{
	pfree(list->candidates);
	pfree(list);
}
