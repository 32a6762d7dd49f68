/*
 * read/redactions.c
 *		The record of redactions, by fact.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/table.h"
#include "access/tableam.h"
#include "storage/bufmgr.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/rel.h"
#include "utils/timestamp.h"

#include "compat.h"
#include "compat_scan.h"
#include "read/event_records.h"
#include "read/redactions.h"
#include "rows.h"

/* Can there be any?  Most logs have none, and need no look for each fact. */
bool
fs_redactions_exist(const FactstrStore *store)
{
	Relation	table;
	bool		exist;

	if (!OidIsValid(store->redactions))
		return false;
	table = fs_store_open_redactions(store, AccessShareLock);
	exist = RelationGetNumberOfBlocks(table) > 0;
	table_close(table, NoLock);
	return exist;
}

/* How many there are.  They are few. */
int64
fs_redactions_count(const FactstrStore *store, Snapshot snapshot)
{
	Relation	redactions = table_open(store->redactions, AccessShareLock);
	TupleTableSlot *row = table_slot_create(redactions, NULL);
	TableScanDesc scan = compat_table_beginscan(redactions, snapshot);
	int64		count = 0;

	fs_definition_require_columns(TABLE_REDACTIONS, redactions);
	while (table_scan_getnextslot(scan, ForwardScanDirection, row))
		count++;
	table_endscan(scan);
	ExecDropSingleTupleTableSlot(row);
	table_close(redactions, NoLock);
	return count;
}

bool
fs_redaction_exists(const FactstrStore *store, Snapshot snapshot, int64 sequence_number)
{
	Relation	redactions;
	TupleTableSlot *row;
	bool		found;

	if (!OidIsValid(store->redactions))
		return false;
	redactions = fs_store_open_redactions(store, AccessShareLock);
	row = table_slot_create(redactions, NULL);
	found = fs_row_find_by_number(redactions, fs_store_index_of_redactions(store, redactions), snapshot,
								  sequence_number, row);
	ExecDropSingleTupleTableSlot(row);
	table_close(redactions, NoLock);
	return found;
}

static Redaction *
redaction_of_row(TupleTableSlot *row)
{
	Redaction  *redaction = palloc(sizeof(Redaction));
	bool		isnull;

	slot_getallattrs(row);
	redaction->sequence_number =
		DatumGetInt64(slot_getattr(row, FACTSTR_REDACTION_SEQUENCE_NUMBER, &isnull));
	redaction->redacted_at =
		DatumGetTimestampTz(slot_getattr(row, FACTSTR_REDACTION_AT, &isnull));
	redaction->redacted_by = *DatumGetName(slot_getattr(row, FACTSTR_REDACTION_BY, &isnull));
	redaction->reason = DatumGetTextPCopy(slot_getattr(row, FACTSTR_REDACTION_REASON, &isnull));
	return redaction;
}

static int
compare_times(const ListCell *a, const ListCell *b)
{
	TimestampTz left = ((const Redaction *) lfirst(a))->redacted_at;
	TimestampTz right = ((const Redaction *) lfirst(b))->redacted_at;

	return (left > right) - (left < right);
}

/* Those of a fact by time, in the current memory context. */
List *
fs_redactions_of_fact(const FactstrStore *store, Snapshot snapshot, int64 sequence_number)
{
	Relation	table = fs_store_open_redactions(store, AccessShareLock);
	Relation	index = index_open(fs_store_index_of_redactions(store, table), AccessShareLock);
	TupleTableSlot *row = table_slot_create(table, NULL);
	IndexScanDesc scan = compat_index_beginscan(table, index, snapshot, 1);
	ScanKeyData key;
	List	   *redactions = NIL;

	ScanKeyInit(&key, 1, BTEqualStrategyNumber, F_INT8EQ, Int64GetDatum(sequence_number));
	index_rescan(scan, &key, 1, NULL, 0);
	while (index_getnext_slot(scan, ForwardScanDirection, row))
		redactions = lappend(redactions, redaction_of_row(row));
	index_endscan(scan);
	ExecDropSingleTupleTableSlot(row);
	index_close(index, NoLock);
	table_close(table, NoLock);
	list_sort(redactions, compare_times);
	return redactions;
}

static void
push_member(CompatJsonbState * state, const char *key, const char *value)
{
	JsonbValue	pushed = {.type = jbvString};

	pushed.val.string.val = unconstify(char *, key);
	pushed.val.string.len = (int) strlen(key);
	compat_push_jsonb(state, WJB_KEY, &pushed);
	pushed.val.string.val = unconstify(char *, value);
	pushed.val.string.len = (int) strlen(value);
	compat_push_jsonb(state, WJB_VALUE, &pushed);
}

/* The member "redactions" of an exported event record. */
Jsonb *
fs_redactions_as_json(const List *redactions)
{
	CompatJsonbState state = {0};
	const ListCell *cell;

	compat_push_jsonb(&state, WJB_BEGIN_ARRAY, NULL);
	foreach(cell, redactions)
	{
		const		Redaction *redaction = lfirst(cell);
		char	   *time = palloc(OCCURRED_AT_SIZE);	/* until all of it is written */

		compat_push_jsonb(&state, WJB_BEGIN_OBJECT, NULL);
		push_member(&state, "redacted_at", fs_event_records_time(redaction->redacted_at, time));
		push_member(&state, "redacted_by", NameStr(redaction->redacted_by));
		push_member(&state, "reason", text_to_cstring(redaction->reason));
		compat_push_jsonb(&state, WJB_END_OBJECT, NULL);
	}
	compat_push_jsonb(&state, WJB_END_ARRAY, NULL);
	return JsonbValueToJsonb(state.result);
}
