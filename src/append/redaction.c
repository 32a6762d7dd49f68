/*
 * append/redaction.c
 *		Erasure: replaces the payload of a fact and records the redaction.
 *
 * This is the only way to change a fact, and it changes only payload and metadata: number, type, time and batch
 * stay, so neither the order nor the batches of the log are affected.  It takes no lock except the one on the
 * row: appends continue, and an append_if in progress may be checked against the old payload.  In either order of
 * the two, the result is the same log.
 *
 * A reader of a redacted fact need not wait for the disk (commit/durability.c): the commit of the fact is flushed
 * before its row is replaced, and the commit of the redaction before anybody sees it.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/pg_collation.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "append/writer.h"
#include "append/pending_list.h"
#include "append/redaction.h"
#include "commit/durability.h"
#include "rows.h"

static void
raise_no_such_fact(int64 sequence_number)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("invalid sequence_number: there is no fact " INT64_FORMAT, sequence_number)));
}

/*
 * Locks the newest version of the row, until the end of the transaction.  A transaction with one snapshot must not
 * change a row that others have changed since.
 */
static void
lock_row(Relation events, Snapshot snapshot, int64 sequence_number, TupleTableSlot *row)
{
	uint8		flags = IsolationUsesXactSnapshot() ? 0 : TUPLE_LOCK_FLAG_FIND_LAST_VERSION;

	switch (fs_row_lock(events, snapshot, flags, row))
	{
		case TM_Ok:
			return;
		case TM_Updated:
			ereport(ERROR,
					(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
					 errmsg("could not serialize access due to concurrent redaction"),
					 errhint("The transaction might succeed if retried.")));
			break;
		case TM_Deleted:
			raise_no_such_fact(sequence_number);
			break;
		default:
			elog(ERROR, "could not lock fact " INT64_FORMAT, sequence_number);
	}
}

/* The current fact, locked against other redactions, and safe from a crash. */
static HeapTuple
lock_fact(const FactstrStore *store, Relation events, int64 sequence_number)
{
	TupleTableSlot *row = table_slot_create(events, NULL);
	Snapshot	snapshot = RegisterSnapshot(IsolationUsesXactSnapshot() ?
											GetTransactionSnapshot() : GetLatestSnapshot());
	HeapTuple	fact;

	if (!fs_row_find_by_number(events, store->by_sequence_number, snapshot, sequence_number, row))
		raise_no_such_fact(sequence_number);
	lock_row(events, snapshot, sequence_number, row);
	fs_durability_flush_before_answer(fs_durability_commit_position(row));
	fact = ExecCopySlotHeapTuple(row);
	UnregisterSnapshot(snapshot);
	ExecDropSingleTupleTableSlot(row);
	return fact;
}

static void
shorten_pending_list(const FactstrStore *store)
{
	Relation	by_payload = index_open(store->by_payload, RowExclusiveLock);

	fs_pending_list_shorten(by_payload, false);
	index_close(by_payload, NoLock);
}

/* The new content of the fact; NULL metadata: none. */
static void
replace_fact(const FactstrStore *store, int64 sequence_number, Jsonb *payload, Jsonb *metadata)
{
	Relation	events = table_open(store->events, RowExclusiveLock);
	HeapTuple	fact = lock_fact(store, events, sequence_number);
	int			columns[] = {FACTSTR_PAYLOAD, FACTSTR_METADATA};
	Datum		values[] = {JsonbPGetDatum(payload), PointerGetDatum(metadata)};
	bool		nulls[] = {false, metadata == NULL};

	shorten_pending_list(store);
	fs_row_change(events, fact,
				  heap_modify_tuple_by_cols(fact, RelationGetDescr(events), lengthof(columns),
											columns, values, nulls));
	table_close(events, NoLock);
}

static void
record_redaction(const FactstrStore *store, const Redaction * redaction)
{
	Relation	redactions = fs_store_open_redactions(store, RowExclusiveLock);
	int			columns = RelationGetNumberOfAttributes(redactions);
	Datum	   *values = palloc0(columns * sizeof(Datum));
	bool	   *nulls = palloc(columns * sizeof(bool));

	memset(nulls, true, columns * sizeof(bool));
	memset(nulls, false, FACTSTR_REDACTIONS_COLUMNS * sizeof(bool));
	values[FACTSTR_REDACTION_SEQUENCE_NUMBER - 1] = Int64GetDatum(redaction->sequence_number);
	values[FACTSTR_REDACTION_AT - 1] = TimestampTzGetDatum(redaction->redacted_at);
	values[FACTSTR_REDACTION_BY - 1] = NameGetDatum(&redaction->redacted_by);
	values[FACTSTR_REDACTION_REASON - 1] = PointerGetDatum(redaction->reason);
	fs_row_change(redactions, NULL, heap_form_tuple(RelationGetDescr(redactions), values, nulls));
	table_close(redactions, NoLock);
}

/* Replaces the content of a fact, and records the role that did it. */
void
fs_redaction_apply(const FactstrStore *store, int64 sequence_number, Jsonb *payload,
				   Jsonb *metadata, Oid by, text *reason)
{
	Redaction	redaction = {.sequence_number = sequence_number,.reason = reason};

	ForceSyncCommit();
	replace_fact(store, sequence_number, payload, metadata);
	redaction.redacted_at = GetCurrentTimestamp();
	namestrcpy(&redaction.redacted_by, GetUserNameFromId(by, false));
	record_redaction(store, &redaction);
}

/* Records the redactions of facts that were just imported. */
void
fs_redaction_record(const FactstrStore *store, const List *redactions)
{
	const ListCell *cell;

	foreach(cell, redactions)
	{
		record_redaction(store, lfirst(cell));
	}
}

/*
 * Redactions of a copied log, made since
 */

static bool
is_known(const Redaction * redaction, const List *known)
{
	const ListCell *cell;

	foreach(cell, known)
	{
		const		Redaction *other = lfirst(cell);

		if (other->redacted_at == redaction->redacted_at &&
			strcmp(NameStr(other->redacted_by), NameStr(redaction->redacted_by)) == 0 &&
			DatumGetBool(DirectFunctionCall2Coll(texteq, C_COLLATION_OID,
												 PointerGetDatum(other->reason),
												 PointerGetDatum(redaction->reason))))
			return true;
	}
	return false;
}

/* Locks the fact, which must be that of the batch: the same number, type and time. */
static void
require_same_fact(const FactstrStore *store, const ImportedBatch *batch, size_t n)
{
	Relation	events = table_open(store->events, RowExclusiveLock);
	int64		sequence_number = batch->first_sequence_number + (int64) n;
	HeapTuple	fact = lock_fact(store, events, sequence_number);
	bool		isnull;
	Datum		type = heap_getattr(fact, FACTSTR_EVENT_TYPE, RelationGetDescr(events), &isnull);
	Datum		time = heap_getattr(fact, FACTSTR_OCCURRED_AT, RelationGetDescr(events), &isnull);

	if (DatumGetTimestampTz(time) != batch->facts.occurred_at[n] ||
		!DatumGetBool(DirectFunctionCall2Coll(texteq, C_COLLATION_OID, type,
											  batch->facts.event_types[n])))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid batches: fact " INT64_FORMAT " is a different fact here", sequence_number),
				 errdetail("Its type or its time differs, so the batch belongs to another log.")));
	table_close(events, NoLock);
}

/* The redactions of a fact in a batch that are not recorded here. */
static List *
unknown_redactions(const ImportedBatch *batch, int64 sequence_number, const List *known)
{
	const ListCell *cell;
	List	   *unknown = NIL;

	foreach(cell, batch->redactions)
	{
		Redaction  *redaction = lfirst(cell);

		if (redaction->sequence_number == sequence_number && !is_known(redaction, known))
			unknown = lappend(unknown, redaction);
	}
	return unknown;
}

static TimestampTz
time_of_last(const List *redactions)
{
	return redactions == NIL ? DT_NOBEGIN : ((const Redaction *) llast(redactions))->redacted_at;
}

/* The newest redaction decides the content. */
static int64
import_redactions_of_fact(const FactstrStore *store, const ImportedBatch *batch, size_t n)
{
	int64		sequence_number = batch->first_sequence_number + (int64) n;
	Snapshot	snapshot;
	List	   *known;
	List	   *unknown;

	require_same_fact(store, batch, n);
	snapshot = RegisterSnapshot(GetLatestSnapshot());
	known = fs_redactions_of_fact(store, snapshot, sequence_number);
	UnregisterSnapshot(snapshot);
	unknown = unknown_redactions(batch, sequence_number, known);
	if (unknown != NIL && time_of_last(unknown) >= time_of_last(known))
		replace_fact(store, sequence_number, DatumGetJsonbP(batch->facts.payloads[n]),
					 batch->facts.metadata[n] == (Datum) 0 ? NULL :
					 DatumGetJsonbP(batch->facts.metadata[n]));
	fs_redaction_record(store, unknown);
	return list_length(unknown);
}

/*
 * Applies the redactions in a batch of another log that this log, which has the facts, does not know; returns their
 * number.
 */
int64
fs_redaction_import(const FactstrStore *store, const ImportedBatch *batch)
{
	const ListCell *cell;
	int64		sequence_number = 0;
	int64		imported = 0;

	ForceSyncCommit();
	foreach(cell, batch->redactions)
	{
		const		Redaction *redaction = lfirst(cell);

		CHECK_FOR_INTERRUPTS();
		if (redaction->sequence_number == sequence_number)
			continue;
		sequence_number = redaction->sequence_number;
		imported += import_redactions_of_fact(store, batch,
											  (size_t) (sequence_number - batch->first_sequence_number));
	}
	return imported;
}
