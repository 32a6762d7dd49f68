/*
 * sql/seal_log.c
 *		The SQL function that seals a log.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "fmgr.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "append/lock.h"
#include "log_records.h"
#include "sql/call.h"
#include "sql/log_changes.h"

PG_FUNCTION_INFO_V1(factstr_seal_log);

/*
 * factstr_seal_log(log): nothing is appended to it any more.  Was it open before?
 *
 * Waits for appends in progress.  Appends that get the append lock after this find the log sealed.
 */
Datum
factstr_seal_log(PG_FUNCTION_ARGS)
{
	FactstrStore store;
	Relation	records;
	HeapTuple	record;

	fs_call_refuse_read_only("factstr_seal_log()");
	records = fs_log_changes_open(get_func_namespace(fcinfo->flinfo->fn_oid));
	store = fs_store_of_call(fcinfo, 0, RIGHT_TO_ADMINISTER);
	record = fs_log_record_get(records, store.log);
	if (record != NULL && !heap_attisnull(record, FACTSTR_RECORD_SEALED_AT, RelationGetDescr(records)))
	{
		table_close(records, NoLock);
		PG_RETURN_BOOL(false);
	}
	fs_append_lock_acquire(&store);
	if (record == NULL)
		fs_log_changes_add(records, store.log, FACTSTR_RECORD_SEALED_AT);
	else
		fs_log_changes_note(records, record, FACTSTR_RECORD_SEALED_AT, -1);
	CacheInvalidateRelcacheByRelid(store.events);
	/* Later calls in this statement find it sealed, too. */
	CommandCounterIncrement();
	table_close(records, NoLock);
	PG_RETURN_BOOL(true);
}
