/*
 * log_records.c
 *		The record of logs: which exist, and which are sealed.
 *
 * main has a record once it has been sealed.  All reads use a current snapshot, not the transaction's.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "executor/executor.h"
#include "storage/bufmgr.h"
#include "utils/builtins.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "errors.h"
#include "log_names.h"
#include "log_records.h"
#include "rows.h"

/* Has any log other than main ever been created, or any log sealed? */
bool
fs_log_records_exist(Oid schema)
{
	Oid			table = fs_log_find_table(TABLE_LOG_RECORDS, FACTSTR_MAIN_LOG, schema);
	Relation	records;
	bool		exist;

	if (!OidIsValid(table))
		return false;
	records = table_open(table, AccessShareLock);
	exist = RelationGetNumberOfBlocks(records) > 0;
	table_close(records, AccessShareLock);
	return exist;
}

/*
 * The record of a log that has not been dropped, NULL if there is none.  By a snapshot as for catalogs: the newest
 * state, also in parallel mode.
 */
HeapTuple
fs_log_record_get(Relation records, const char *log)
{
	Oid			index = fs_definition_require_index(INDEX_OF_LOG_RECORDS, log, records);
	TupleTableSlot *row = table_slot_create(records, NULL);
	Snapshot	snapshot = RegisterSnapshot(GetCatalogSnapshot(RelationGetRelid(records)));
	HeapTuple	record = NULL;

	if (fs_row_find_by_text(records, index, snapshot, CStringGetTextDatum(log), row))
		record = ExecCopySlotHeapTuple(row);
	UnregisterSnapshot(snapshot);
	ExecDropSingleTupleTableSlot(row);
	return record;
}

/* Has the log a record, and is it sealed? */
bool
fs_log_record_find(Oid schema, const char *log, bool *is_sealed)
{
	Oid			table = fs_log_find_table(TABLE_LOG_RECORDS, FACTSTR_MAIN_LOG, schema);
	Relation	records;
	HeapTuple	record;

	*is_sealed = false;
	if (!OidIsValid(table))
		return false;
	records = table_open(table, AccessShareLock);
	fs_definition_require_columns(TABLE_LOG_RECORDS, records);
	record = fs_log_record_get(records, log);
	if (record != NULL)
		*is_sealed = !heap_attisnull(record, FACTSTR_RECORD_SEALED_AT, RelationGetDescr(records));
	table_close(records, AccessShareLock);
	return record != NULL;
}

/* Does the log exist now?  main always does. */
bool
fs_log_exists(Oid schema, const char *log)
{
	bool		is_sealed;

	return strcmp(log, FACTSTR_MAIN_LOG) == 0 || fs_log_record_find(schema, log, &is_sealed);
}

void
fs_log_record_refuse_missing(const char *log)
{
	ereport(ERROR,
			(errcode(FACTSTR_ERRCODE_NO_SUCH_LOG),
			 errmsg("log \"%s\" does not exist", log),
			 errhint("The view factstr_logs shows which there are; factstr_create_log makes one.")));
}

void
fs_log_record_refuse_sealed(const char *log)
{
	ereport(ERROR,
			(errcode(FACTSTR_ERRCODE_LOG_SEALED),
			 errmsg("log \"%s\" is sealed", log),
			 errdetail("Its facts are read and consumed as before, but nothing is appended to it any more."),
			 errhint("Append to another log.")));
}
