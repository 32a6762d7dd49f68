/*
 * compat.h
 *		The differences between PostgreSQL 13 and 18 that factstr meets, each made to look like one form.
 *
 * Function bodies carry no version tests: what differs is named here, with the version and reason.
 * Built and tested on 15; the other branches follow the release notes and headers of their versions.
 */
#ifndef FACTSTR_COMPAT_H
#define FACTSTR_COMPAT_H

#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/toast_internals.h"
#include "commands/async.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "nodes/tidbitmap.h"
#include "storage/ipc.h"
#include "storage/lock.h"
#include "utils/guc.h"

/* 15 turned the warning about unknown settings of a prefix into a reservation of the prefix. */
#if PG_VERSION_NUM < 150000
#define MarkGUCPrefixReserved(prefix) EmitWarningsOnPlaceholders(prefix)
#endif

/* 14 passes the result relation itself; 16 can insert into summarizing indexes alone. */
#if PG_VERSION_NUM >= 160000
#define factstr_insert_index_tuples(relinfo, slot, estate) \
	ExecInsertIndexTuples(relinfo, slot, estate, false, false, NULL, NIL, false)
#elif PG_VERSION_NUM >= 140000
#define factstr_insert_index_tuples(relinfo, slot, estate) \
	ExecInsertIndexTuples(relinfo, slot, estate, false, false, NULL, NIL)
#else
#define factstr_insert_index_tuples(relinfo, slot, estate) \
	((estate)->es_result_relation_info = (relinfo), \
	 ExecInsertIndexTuples(slot, estate, false, NULL, NIL))
#endif

/* 14 passes the result relation itself. */
#if PG_VERSION_NUM >= 140000
#define factstr_simple_insert(relinfo, estate, row) \
	ExecSimpleRelationInsert(relinfo, estate, row)
#define factstr_simple_update(relinfo, estate, epq, old_row, row) \
	ExecSimpleRelationUpdate(relinfo, estate, epq, old_row, row)
#define factstr_simple_delete(relinfo, estate, epq, old_row) \
	ExecSimpleRelationDelete(relinfo, estate, epq, old_row)
#else
#define factstr_simple_insert(relinfo, estate, row) \
	((estate)->es_result_relation_info = (relinfo), ExecSimpleRelationInsert(estate, row))
#define factstr_simple_update(relinfo, estate, epq, old_row, row) \
	((estate)->es_result_relation_info = (relinfo), \
	 ExecSimpleRelationUpdate(estate, epq, old_row, row))
#define factstr_simple_delete(relinfo, estate, epq, old_row) \
	((estate)->es_result_relation_info = (relinfo), \
	 ExecSimpleRelationDelete(estate, epq, old_row))
#endif

/*
 * Triggers that fire at the end look for the result relation here, and would otherwise open it once more.
 * 14 keeps a list.
 */
#if PG_VERSION_NUM >= 140000
#define factstr_register_result_relation(estate, relinfo) \
	((estate)->es_opened_result_relations = lappend((estate)->es_opened_result_relations, relinfo))
#else
#define factstr_register_result_relation(estate, relinfo) \
	((estate)->es_result_relations = (relinfo), (estate)->es_num_result_relations = 1)
#endif

/* 16 tells of the result relations, for triggers of foreign keys between partitions. */
#if PG_VERSION_NUM >= 160000
#define factstr_eval_plan_qual_init(epq, estate) EvalPlanQualInit(epq, estate, NULL, NIL, -1, NIL)
#else
#define factstr_eval_plan_qual_init(epq, estate) EvalPlanQualInit(epq, estate, NULL, NIL, -1)
#endif

/* 18 can be asked to pass over a deferrable primary key. */
#if PG_VERSION_NUM >= 180000
#define factstr_primary_key(relation) RelationGetPrimaryKeyIndex(relation, false)
#else
#define factstr_primary_key(relation) RelationGetPrimaryKeyIndex(relation)
#endif

/* 18 lets index scans report on themselves to EXPLAIN, which calls from here have no use for. */
#if PG_VERSION_NUM >= 180000
#define factstr_index_beginscan(heap, index, snapshot, nkeys) \
	index_beginscan(heap, index, snapshot, NULL, nkeys, 0)
#define factstr_index_beginscan_bitmap(index, snapshot, nkeys) \
	index_beginscan_bitmap(index, snapshot, NULL, nkeys)
#else
#define factstr_index_beginscan(heap, index, snapshot, nkeys) \
	index_beginscan(heap, index, snapshot, nkeys, 0)
#define factstr_index_beginscan_bitmap(index, snapshot, nkeys) \
	index_beginscan_bitmap(index, snapshot, nkeys)
#endif

/* 17 counts a bitmap's memory in size_t; a cast to long satisfied the versions before. */
#if PG_VERSION_NUM >= 170000
#define factstr_tbm_create(bytes) tbm_create((Size) (bytes), NULL)
#else
#define factstr_tbm_create(bytes) tbm_create((long) (bytes), NULL)
#endif

/* 14 brought a choice of compression methods, per column. */
#if PG_VERSION_NUM >= 140000
#define factstr_compress_datum(value, attribute) \
	toast_compress_datum(value, (attribute)->attcompression)
#else
#define factstr_compress_datum(value, attribute) toast_compress_datum(value)
#endif

/* 17 asks whether a stronger lock would do as well. */
#if PG_VERSION_NUM >= 170000
#define factstr_lock_held_by_me(tag, mode) LockHeldByMe(tag, mode, false)
#else
#define factstr_lock_held_by_me(tag, mode) LockHeldByMe(tag, mode)
#endif

/* 14 moved what other backends look at often into one place. */
#if PG_VERSION_NUM >= 140000
#define factstr_my_xmin() (MyProc->xmin)
#else
#define factstr_my_xmin() (MyPgXact->xmin)
#endif

/* 16 has one check for the rights on objects of all kinds. */
#if PG_VERSION_NUM >= 160000
#define factstr_function_aclcheck(function, role) \
	object_aclcheck(ProcedureRelationId, function, role, ACL_EXECUTE)
#else
#define factstr_function_aclcheck(function, role) pg_proc_aclcheck(function, role, ACL_EXECUTE)
#endif

/* 15 asks for requests of shared memory at a time of its own; before, loading was that time. */
#if PG_VERSION_NUM >= 150000
static shmem_request_hook_type factstr_previous_request_hook = NULL;
static void (*factstr_request_memory) (void) = NULL;

static inline void
factstr_request_hook(void)
{
	if (factstr_previous_request_hook)
		factstr_previous_request_hook();
	factstr_request_memory();
}

#define factstr_on_shared_memory_request(function) \
	(factstr_previous_request_hook = shmem_request_hook, \
	 factstr_request_memory = (function), \
	 shmem_request_hook = factstr_request_hook)
#else
#define factstr_on_shared_memory_request(function) function()
#endif

/* 17 made the size of the notification queue a setting, before it was half of the page numbers. */
#if PG_VERSION_NUM >= 170000
#define factstr_notify_queue_pages max_notify_queue_pages
#else
#define factstr_notify_queue_pages 0x100000
#endif

/*
 * One page of a bitmap: its block and the offsets in it; "lossy" means any tuple of the page.
 * 18 keeps the result in the caller's memory and extracts the offsets on demand.
 */
typedef struct FactstrBitmapPage
{
	BlockNumber block;
	bool		lossy;
	int			offset_count;
	OffsetNumber offsets[MaxHeapTuplesPerPage];
} FactstrBitmapPage;

#if PG_VERSION_NUM >= 180000

typedef TBMPrivateIterator FactstrBitmapIterator;

#define factstr_bitmap_begin(bitmap) tbm_begin_private_iterate(bitmap)
#define factstr_bitmap_end(iterator) tbm_end_private_iterate(iterator)

static inline bool
factstr_bitmap_next_page(FactstrBitmapIterator *iterator, FactstrBitmapPage *page)
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

typedef TBMIterator FactstrBitmapIterator;

#define factstr_bitmap_begin(bitmap) tbm_begin_iterate(bitmap)
#define factstr_bitmap_end(iterator) tbm_end_iterate(iterator)

static inline bool
factstr_bitmap_next_page(FactstrBitmapIterator *iterator, FactstrBitmapPage *page)
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

#endif							/* FACTSTR_COMPAT_H */
