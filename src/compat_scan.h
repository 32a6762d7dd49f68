/*
 * compat_scan.h
 *		The differences between PostgreSQL 13 and 19 in scans of tables, indexes and bitmaps; see compat.h.
 */
#ifndef FACTSTR_COMPAT_SCAN_H
#define FACTSTR_COMPAT_SCAN_H

#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/tableam.h"
#include "nodes/tidbitmap.h"

/*
 * In 18, index scans can report to EXPLAIN; calls from here do not need that.  19 has flags for scans of all kinds.
 */
#if PG_VERSION_NUM >= 190000
#define compat_index_beginscan(heap, index, snapshot, nkeys) \
	index_beginscan(heap, index, snapshot, NULL, nkeys, 0, SO_NONE)
#elif PG_VERSION_NUM >= 180000
#define compat_index_beginscan(heap, index, snapshot, nkeys) \
	index_beginscan(heap, index, snapshot, NULL, nkeys, 0)
#else
#define compat_index_beginscan(heap, index, snapshot, nkeys) \
	index_beginscan(heap, index, snapshot, nkeys, 0)
#endif
#if PG_VERSION_NUM >= 180000
#define compat_index_beginscan_bitmap(index, snapshot, nkeys) \
	index_beginscan_bitmap(index, snapshot, NULL, nkeys)
#else
#define compat_index_beginscan_bitmap(index, snapshot, nkeys) \
	index_beginscan_bitmap(index, snapshot, nkeys)
#endif
#if PG_VERSION_NUM >= 190000
#define compat_table_beginscan(table, snapshot) table_beginscan(table, snapshot, 0, NULL, SO_NONE)
#define compat_table_index_fetch_begin(table) table_index_fetch_begin(table, SO_NONE)
#else
#define compat_table_beginscan(table, snapshot) table_beginscan(table, snapshot, 0, NULL)
#define compat_table_index_fetch_begin(table) table_index_fetch_begin(table)
#endif

/* 17 counts a bitmap's memory in size_t; a cast to long satisfied the versions before. */
#if PG_VERSION_NUM >= 170000
#define compat_tbm_create(bytes) tbm_create((Size) (bytes), NULL)
#else
#define compat_tbm_create(bytes) tbm_create((long) (bytes), NULL)
#endif

/* 17 no longer checks whether a snapshot is too old. */
#if PG_VERSION_NUM >= 170000
#define compat_gin_find_leaf_page(tree) ginFindLeafPage(tree, true, false)
#define compat_gin_begin_posting_tree(tree, index, root) ginScanBeginPostingTree(tree, index, root)
#else
#define compat_gin_find_leaf_page(tree) ginFindLeafPage(tree, true, false, NULL)
#define compat_gin_begin_posting_tree(tree, index, root) \
	ginScanBeginPostingTree(tree, index, root, NULL)
#endif

/*
 * One page of a bitmap: its block and the offsets in it; "lossy" means any tuple of the page.
 * 18 keeps the result in the caller's memory and extracts the offsets on demand.
 */
typedef struct CompatBitmapPage
{
	BlockNumber block;
	bool		lossy;
	int			offset_count;
	OffsetNumber offsets[MaxHeapTuplesPerPage];
} CompatBitmapPage;

#if PG_VERSION_NUM >= 180000

typedef TBMPrivateIterator CompatBitmapIterator;

#define compat_bitmap_begin(bitmap) tbm_begin_private_iterate(bitmap)
#define compat_bitmap_end(iterator) tbm_end_private_iterate(iterator)

static inline bool
compat_bitmap_next_page(CompatBitmapIterator *iterator, CompatBitmapPage *page)
{
	TBMIterateResult result;

	if (!tbm_private_iterate(iterator, &result))
		return false;
	page->block = result.blockno;
	page->lossy = result.lossy;
	page->offset_count = result.lossy ? 0 :
		tbm_extract_page_tuple(&result, page->offsets, MaxHeapTuplesPerPage);
	return true;
}

#else

typedef TBMIterator CompatBitmapIterator;

#define compat_bitmap_begin(bitmap) tbm_begin_iterate(bitmap)
#define compat_bitmap_end(iterator) tbm_end_iterate(iterator)

static inline bool
compat_bitmap_next_page(CompatBitmapIterator *iterator, CompatBitmapPage *page)
{
	TBMIterateResult *result = tbm_iterate(iterator);

	if (result == NULL)
		return false;
	page->block = result->blockno;
	page->lossy = result->ntuples < 0;
	page->offset_count = Max(result->ntuples, 0);
	memcpy(page->offsets, result->offsets, page->offset_count * sizeof(OffsetNumber));
	return true;
}

#endif

#endif							/* FACTSTR_COMPAT_SCAN_H */
