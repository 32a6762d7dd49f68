/*
 * compat.h
 *		The differences between PostgreSQL 13 and 19 that affect factstr, each hidden behind one form.
 *
 * Function bodies contain no version tests: each difference is named here, with its version and reason. README.md
 * lists the tested versions.  For 14 and 16, the code follows their headers.
 */
#ifndef FACTSTR_COMPAT_H
#define FACTSTR_COMPAT_H

#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/tableam.h"
#include "access/toast_internals.h"
#include "commands/async.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "nodes/plannodes.h"
#include "replication/walsender_private.h"
#include "storage/ipc.h"
#include "storage/lock.h"
#include "utils/guc.h"
#include "utils/jsonb.h"
/* 19 moved the classes of wait events out of the statistics header; 14 had moved them there. */
#if PG_VERSION_NUM >= 190000
#include "utils/wait_classes.h"
#include "utils/wait_event.h"
#include "utils/backend_status.h"
#else
#include "pgstat.h"
#endif

/* 15 turned the warning about unknown settings of a prefix into a reservation of the prefix. */
#if PG_VERSION_NUM < 150000
#define MarkGUCPrefixReserved(prefix) EmitWarningsOnPlaceholders(prefix)
#endif

/* 14 requires it by name if keys are strings; before, that was the default. */
#if PG_VERSION_NUM < 140000
#define HASH_STRINGS 0
#endif

/* 14 passes the result relation itself; 16 can insert into summarizing indexes alone; 19 has flags. */
#if PG_VERSION_NUM >= 190000
#define compat_insert_index_tuples(relinfo, slot, estate) \
	ExecInsertIndexTuples(relinfo, estate, 0, slot, NIL, NULL)
#elif PG_VERSION_NUM >= 160000
#define compat_insert_index_tuples(relinfo, slot, estate) \
	ExecInsertIndexTuples(relinfo, slot, estate, false, false, NULL, NIL, false)
#elif PG_VERSION_NUM >= 140000
#define compat_insert_index_tuples(relinfo, slot, estate) \
	ExecInsertIndexTuples(relinfo, slot, estate, false, false, NULL, NIL)
#else
#define compat_insert_index_tuples(relinfo, slot, estate) \
	((estate)->es_result_relation_info = (relinfo), ExecInsertIndexTuples(slot, estate, false, NULL, NIL))
#endif

/* 14 passes the result relation itself. */
#if PG_VERSION_NUM >= 140000
#define compat_simple_insert(relinfo, estate, row) ExecSimpleRelationInsert(relinfo, estate, row)
#define compat_simple_update(relinfo, estate, epq, old_row, row) \
	ExecSimpleRelationUpdate(relinfo, estate, epq, old_row, row)
#define compat_simple_delete(relinfo, estate, epq, old_row) ExecSimpleRelationDelete(relinfo, estate, epq, old_row)
#else
#define compat_simple_insert(relinfo, estate, row) \
	((estate)->es_result_relation_info = (relinfo), ExecSimpleRelationInsert(estate, row))
#define compat_simple_update(relinfo, estate, epq, old_row, row) \
	((estate)->es_result_relation_info = (relinfo), ExecSimpleRelationUpdate(estate, epq, old_row, row))
#define compat_simple_delete(relinfo, estate, epq, old_row) \
	((estate)->es_result_relation_info = (relinfo), ExecSimpleRelationDelete(estate, epq, old_row))
#endif

/*
 * Triggers that fire at the end look for the result relation here, and would otherwise open it again.  14 keeps a
 * list.
 */
#if PG_VERSION_NUM >= 140000
#define compat_register_result_relation(estate, relinfo) \
	((estate)->es_opened_result_relations = lappend((estate)->es_opened_result_relations, relinfo))
#else
#define compat_register_result_relation(estate, relinfo) \
	((estate)->es_result_relations = (relinfo), (estate)->es_num_result_relations = 1)
#endif

/* 16 passes the result relations, for triggers of foreign keys between partitions. */
#if PG_VERSION_NUM >= 160000
#define compat_eval_plan_qual_init(epq, estate) EvalPlanQualInit(epq, estate, NULL, NIL, -1, NIL)
#else
#define compat_eval_plan_qual_init(epq, estate) EvalPlanQualInit(epq, estate, NULL, NIL, -1)
#endif

/*
 * Copies a row into a slot of its table's kind, with its location.  Minor releases before late 2026 (15.19 and
 * older, 18.6, all of 13) leave the location of the slot unset, so a change of the row would not find it.
 */
#define compat_force_store_heap_tuple(tuple, slot) \
	(ExecForceStoreHeapTuple(tuple, slot, false), (slot)->tts_tid = (tuple)->t_self)

/* 18 can be asked to ignore a deferrable primary key. */
#if PG_VERSION_NUM >= 180000
#define compat_primary_key(relation) RelationGetPrimaryKeyIndex(relation, false)
#else
#define compat_primary_key(relation) RelationGetPrimaryKeyIndex(relation)
#endif

/* 14 brought a choice of compression methods, per column. */
#if PG_VERSION_NUM >= 140000
#define compat_compress_datum(value, attribute) toast_compress_datum(value, (attribute)->attcompression)
#else
#define compat_compress_datum(value, attribute) toast_compress_datum(value)
#endif

/* 17 asks whether a stronger lock would be acceptable, too. */
#if PG_VERSION_NUM >= 170000
#define compat_lock_held_by_me(tag, mode) LockHeldByMe(tag, mode, false)
#else
#define compat_lock_held_by_me(tag, mode) LockHeldByMe(tag, mode)
#endif

/* In 16 and earlier, each commit that fills a page of the write-ahead log without flushing it wakes the WAL writer. */
#define compat_unflushed_commit_wakes_wal_writer (PG_VERSION_NUM < 170000)

/* 14 moved the fields that other backends read often to one place. */
#if PG_VERSION_NUM >= 140000
#define compat_my_xmin() (MyProc->xmin)
#else
#define compat_my_xmin() (MyPgXact->xmin)
#endif

/*
 * Shows the session's user to other sessions, as in pg_stat_activity.  18 divides the reports of a new session into
 * steps.
 */
#if PG_VERSION_NUM >= 180000
#define compat_report_session_user() pgstat_bestart_final()
#else
#define compat_report_session_user() pgstat_bestart()
#endif

/*
 * May a commit have to wait for standbys?  The minor releases of May 2025 replaced a boolean by two flags: bit 0
 * says that the setting has been read since the start, bit 1 that it names standbys.  Before, 1 said that it names
 * standbys. The headers of the build may be of another minor release than the server, so the server's version
 * decides.
 */
#ifdef SYNC_STANDBY_INIT
#define COMPAT_SYNC_STANDBYS (&WalSndCtl->sync_standbys_status)
#else
#define COMPAT_SYNC_STANDBYS (&WalSndCtl->sync_standbys_defined)
#endif

static inline bool
compat_sync_standbys_have_two_flags(void)
{
	/* The first minor release of each major version with the flags, from 13 to 17. */
	static const int first[] = {130021, 140018, 150013, 160009, 170005};
	static int	version = 0;

	if (version == 0)
		version = atoi(GetConfigOption("server_version_num", false, false));
	return version >= 180000 || version >= first[version / 10000 - 13];
}

static inline bool
compat_sync_standbys_defined(void)
{
	uint8		flags = *(const volatile uint8 *) COMPAT_SYNC_STANDBYS;

	return compat_sync_standbys_have_two_flags() ? flags != 1 : flags != 0;
}

/* 16 has one check of rights for objects of all kinds. */
#if PG_VERSION_NUM >= 160000
#define compat_function_aclcheck(function, role) \
	object_aclcheck(ProcedureRelationId, function, role, ACL_EXECUTE)
#define compat_is_owner_of_relation(relation, role) \
	object_ownercheck(RelationRelationId, relation, role)
#else
#define compat_is_owner_of_relation(relation, role) pg_class_ownercheck(relation, role)
#define compat_function_aclcheck(function, role) pg_proc_aclcheck(function, role, ACL_EXECUTE)
#endif

/*
 * 15 has a separate hook for requests of shared memory; before, they were made when the library was loaded.  It can
 * also return the timeline of the flushed position.
 */
#if PG_VERSION_NUM >= 150000
#define compat_flushed_position() GetFlushRecPtr(NULL)
static shmem_request_hook_type compat_previous_request_hook = NULL;
static void (*compat_request_memory) (void) = NULL;

static inline void
compat_request_hook(void)
{
	if (compat_previous_request_hook)
		compat_previous_request_hook();
	compat_request_memory();
}

#define compat_on_shared_memory_request(function) \
	(compat_previous_request_hook = shmem_request_hook, \
	 compat_request_memory = (function), \
	 shmem_request_hook = compat_request_hook)
#else
#define compat_flushed_position() GetFlushRecPtr()
#define compat_on_shared_memory_request(function) function()
#endif

/* 19 takes the name of a tranche when it is created, for all processes. */
#if PG_VERSION_NUM >= 190000
#define compat_new_tranche(name) LWLockNewTrancheId(name)
#define compat_register_tranche(tranche, name) ((void) 0)
#else
#define compat_new_tranche(name) LWLockNewTrancheId()
#define compat_register_tranche(tranche, name) LWLockRegisterTranche(tranche, name)
#endif

/* 18 has a word before the declaration of a function that does not return; before, it was an attribute. */
#if PG_VERSION_NUM < 180000
#define pg_noreturn pg_attribute_noreturn()
#endif

/* 19 passes the sender of a signal to its handler, and has its own constant for no handler. */
#ifndef PG_SIG_IGN
#define PG_SIG_IGN SIG_IGN
#endif

/* 17 made the size of the notification queue a setting; before, it was half of the page numbers. */
#if PG_VERSION_NUM >= 170000
#define compat_notify_queue_pages max_notify_queue_pages
#else
#define compat_notify_queue_pages 0x100000
#endif

/* 18 no longer tells ExecutorRun that it is called only once. */
#if PG_VERSION_NUM >= 180000
#define COMPAT_EXECUTE_ONCE
#define COMPAT_PASS_EXECUTE_ONCE
#else
#define COMPAT_EXECUTE_ONCE , bool execute_once
#define COMPAT_PASS_EXECUTE_ONCE , execute_once
#endif

/* The range table indexes of the relations that a statement writes; 19 has a set of them. */
#if PG_VERSION_NUM >= 190000
static inline List *
compat_result_relations(const PlannedStmt *statement)
{
	List	   *numbers = NIL;
	int			number = -1;

	while ((number = bms_next_member(statement->resultRelationRelids, number)) >= 0)
		numbers = lappend_int(numbers, number);
	return numbers;
}
#else
#define compat_result_relations(statement) ((statement)->resultRelations)
#endif

/* 14 passes whether the tree of a command must stay unchanged. */
#if PG_VERSION_NUM >= 140000
#define COMPAT_READ_ONLY_TREE , bool readOnlyTree
#define COMPAT_PASS_READ_ONLY_TREE , readOnlyTree
#else
#define COMPAT_READ_ONLY_TREE
#define COMPAT_PASS_READ_ONLY_TREE
#endif

/*
 * The relation locks that a process stores itself: three bits per slot, from ACCESS SHARE to ROW EXCLUSIVE.  18 has
 * as many groups of slots as max_locks_per_transaction requires.
 */
#if PG_VERSION_NUM >= 180000
#define compat_fast_path_slots FastPathLockSlotsPerBackend()
#define compat_fast_path_bits(process, slot) \
	((process)->fpLockBits[(slot) / FP_LOCK_SLOTS_PER_GROUP] >> (3 * ((slot) % FP_LOCK_SLOTS_PER_GROUP)))
#else
#define compat_fast_path_slots FP_LOCK_SLOTS_PER_BACKEND
#define compat_fast_path_bits(process, slot) ((process)->fpLockBits >> (3 * (slot)))
#endif
#define compat_fast_path_has_mode(process, slot, mode) \
	((compat_fast_path_bits(process, slot) & (UINT64CONST(1) << ((mode) - 1))) != 0)

/* All other locks of a process, by partition; 16 has other lists. */
#if PG_VERSION_NUM >= 160000
#define compat_proclocks_are_empty(process, partition) \
	dlist_is_empty(&(process)->myProcLocks[partition])
#define compat_foreach_proclock(proclock, process, partition) \
	for (dlist_node *node_ = (process)->myProcLocks[partition].head.next; \
		 node_ != &(process)->myProcLocks[partition].head && \
		 ((proclock) = dlist_container(PROCLOCK, procLink, node_), true); \
		 node_ = node_->next)
#else
#define compat_proclocks_are_empty(process, partition) \
	SHMQueueEmpty(&(process)->myProcLocks[partition])
#define compat_foreach_proclock(proclock, process, partition) \
	for ((proclock) = (PROCLOCK *) SHMQueueNext(&(process)->myProcLocks[partition], \
												&(process)->myProcLocks[partition], \
												offsetof(PROCLOCK, procLink)); \
		 (proclock) != NULL; \
		 (proclock) = (PROCLOCK *) SHMQueueNext(&(process)->myProcLocks[partition], \
												&(proclock)->procLink, \
												offsetof(PROCLOCK, procLink)))
#endif

/* 19 requires a call when a new descriptor has all of its columns: it notes which of them have fixed offsets. */
#if PG_VERSION_NUM >= 190000
#define compat_finish_descriptor(descriptor) TupleDescFinalize(descriptor)
#else
#define compat_finish_descriptor(descriptor) ((void) 0)
#endif

/* 18 returns the path in a struct, which lasts as long as the block that the call is in. */
#if PG_VERSION_NUM >= 180000
#define compat_relation_path(database, tablespace, number, fork) \
	(GetRelationPath(database, tablespace, number, INVALID_PROC_NUMBER, fork).str)
#elif PG_VERSION_NUM >= 170000
#define compat_relation_path(database, tablespace, number, fork) \
	GetRelationPath(database, tablespace, number, INVALID_PROC_NUMBER, fork)
#else
#define compat_relation_path(database, tablespace, number, fork) \
	GetRelationPath(database, tablespace, number, InvalidBackendId, fork)
#endif

/* Before 15, a page of a relation that is not open could only be read in recovery; 16 renamed the struct. */
#if PG_VERSION_NUM < 150000
#define compat_read_page(database, tablespace, file, page) InvalidBuffer
#else
#if PG_VERSION_NUM < 160000
#define RelFileLocator RelFileNode
#endif
#define compat_read_page(database, tablespace, file, page) \
	ReadBufferWithoutRelcache((RelFileLocator) {tablespace, database, file}, MAIN_FORKNUM, page, RBM_NORMAL, NULL, true)
#endif

/* 19 stores the parsed value in the state; earlier versions returned it. */
#if PG_VERSION_NUM >= 190000
typedef JsonbInState CompatJsonbState;
#define compat_push_jsonb(state, token, value) pushJsonbValue(state, token, value)
#else
typedef struct CompatJsonbState
{
	JsonbParseState *parse_state;
	JsonbValue *result;
} CompatJsonbState;

#define compat_push_jsonb(state, token, value) \
	((state)->result = pushJsonbValue(&(state)->parse_state, token, value))
#endif

#endif							/* FACTSTR_COMPAT_H */
