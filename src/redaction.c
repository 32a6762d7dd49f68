/*
 * redaction.c
 *		Erasure: what a fact said is replaced, and that it was is recorded.
 *
 * It is the only way to change a fact, and changes no more than its payload and metadata: number,
 * type, time and batch stay, so neither the order nor the batches of the log are touched.  It
 * takes no lock but the one on the row: appends go on, and an append_if that is under way may be
 * judged by the payload from before.  In any order of the two the result is the same log.
 *
 * Whoever reads a redacted fact need not wait for the disk (durability.c): the commit of the fact
 * is flushed before its row is replaced, and the commit of the redaction before anybody sees it.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "arguments.h"
#include "compat.h"
#include "delivery.h"
#include "durability.h"
#include "pending_list.h"
#include "redaction.h"
#include "row_change.h"
#include "row_lookup.h"

PG_FUNCTION_INFO_V1(factstr_redact);

bool
fact_is_redacted(const FactstrStore *store, Snapshot snapshot, int64 sequence_number)
{
	Relation	redactions;
	TupleTableSlot *row;
	bool		found;

	if (!OidIsValid(store->redactions))
		return false;
	redactions = table_open(store->redactions, AccessShareLock);
	row = table_slot_create(redactions, NULL);
	found = find_row_by_number(redactions, store->redactions_by_number, snapshot, sequence_number,
							   row);
	ExecDropSingleTupleTableSlot(row);
	table_close(redactions, NoLock);
	return found;
}

static void
raise_no_such_fact(int64 sequence_number)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("invalid sequence_number: there is no fact " INT64_FORMAT, sequence_number)));
}

/*
 * Locks the newest version of the row that was found, until the end of the transaction.  In a
 * transaction with one snapshot, what others have changed since must not be changed again.
 */
static void
lock_row(Relation events, Snapshot snapshot, int64 sequence_number, TupleTableSlot *row)
{
	ItemPointerData place = row->tts_tid;
	uint8		flags = IsolationUsesXactSnapshot() ? 0 : TUPLE_LOCK_FLAG_FIND_LAST_VERSION;
	TM_FailureData failure;

	switch (table_tuple_lock(events, &place, snapshot, row, GetCurrentCommandId(false),
							 LockTupleNoKeyExclusive, LockWaitBlock, flags, &failure))
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

/* The fact as it is now, locked against other redactions, and safe from a crash. */
static HeapTuple
lock_fact(const FactstrStore *store, Relation events, int64 sequence_number)
{
	TupleTableSlot *row = table_slot_create(events, NULL);
	Snapshot	snapshot = RegisterSnapshot(IsolationUsesXactSnapshot() ?
											GetTransactionSnapshot() : GetLatestSnapshot());
	HeapTuple	fact;

	if (!find_row_by_number(events, store->by_sequence_number, snapshot, sequence_number, row))
		raise_no_such_fact(sequence_number);
	lock_row(events, snapshot, sequence_number, row);
	factstr_flush_before_answer(factstr_commit_position(row));
	fact = ExecCopySlotHeapTuple(row);
	UnregisterSnapshot(snapshot);
	ExecDropSingleTupleTableSlot(row);
	return fact;
}

static void
shorten_pending_list(const FactstrStore *store)
{
	Relation	by_payload = index_open(store->by_payload, RowExclusiveLock);

	pending_list_shorten(by_payload, PENDING_PAGES_ALLOWED);
	index_close(by_payload, NoLock);
}

/* What the fact says from now on; no metadata if that is NULL. */
static void
replace_fact(const FactstrStore *store, int64 sequence_number, Jsonb *payload, Jsonb *metadata)
{
	Relation	events = table_open(store->events, RowExclusiveLock);
	HeapTuple	fact = lock_fact(store, events, sequence_number);
	int			columns[] = {FACTSTR_PAYLOAD, FACTSTR_METADATA};
	Datum		values[] = {JsonbPGetDatum(payload), PointerGetDatum(metadata)};
	bool		nulls[] = {false, metadata == NULL};

	shorten_pending_list(store);
	change_row(events, fact,
			   heap_modify_tuple_by_cols(fact, RelationGetDescr(events), lengthof(columns),
										 columns, values, nulls));
	table_close(events, NoLock);
}

/* By the role that logged in, which SET ROLE does not change, or in a handler by its subscriber. */
static void
record_redaction(const FactstrStore *store, int64 sequence_number, text *reason)
{
	Relation	redactions = table_open(store->redactions, RowExclusiveLock);
	int			columns = RelationGetNumberOfAttributes(redactions);
	Datum	   *values = palloc0(columns * sizeof(Datum));
	bool	   *nulls = palloc(columns * sizeof(bool));
	NameData	role;

	memset(nulls, true, columns * sizeof(bool));
	memset(nulls, false, FACTSTR_REDACTIONS_COLUMNS * sizeof(bool));
	namestrcpy(&role, GetUserNameFromId(delivery_login_user(), false));
	values[FACTSTR_REDACTION_SEQUENCE_NUMBER - 1] = Int64GetDatum(sequence_number);
	values[FACTSTR_REDACTION_AT - 1] = TimestampTzGetDatum(GetCurrentTimestamp());
	values[FACTSTR_REDACTION_BY - 1] = NameGetDatum(&role);
	values[FACTSTR_REDACTION_REASON - 1] = PointerGetDatum(reason);
	change_row(redactions, NULL, heap_form_tuple(RelationGetDescr(redactions), values, nulls));
	table_close(redactions, NoLock);
}

/*
 * Arguments
 */

static text *
argument_reason(FunctionCallInfo fcinfo, int argument)
{
	argument_refuse_null(fcinfo, argument, "reason");
	if (VARSIZE_ANY_EXHDR(PG_GETARG_TEXT_PP(argument)) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid reason: it must not be empty"),
				 errhint("It is kept for good, so it should not repeat what is to be erased.")));
	return PG_GETARG_TEXT_PP(argument);
}

/* An object; null of either kind is none, as in the events of an append. */
static Jsonb *
argument_metadata(FunctionCallInfo fcinfo, int argument)
{
	Jsonb	   *metadata;
	JsonbValue	scalar;

	if (PG_ARGISNULL(argument))
		return NULL;
	metadata = PG_GETARG_JSONB_P(argument);
	if (JB_ROOT_IS_OBJECT(metadata))
		return metadata;
	if (JB_ROOT_IS_SCALAR(metadata) && JsonbExtractScalar(&metadata->root, &scalar) &&
		scalar.type == jbvNull)
		return NULL;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("invalid metadata: it must be an object")));
}

/* factstr_redact(sequence_number, payload, reason, metadata) */
Datum
factstr_redact(PG_FUNCTION_ARGS)
{
	int64		sequence_number;
	Jsonb	   *metadata;
	text	   *reason;
	FactstrStore store;

	factstr_refuse_read_only("factstr_redact()");
	argument_refuse_null(fcinfo, 0, "sequence_number");
	sequence_number = PG_GETARG_INT64(0);
	argument_refuse_null(fcinfo, 1, "payload");
	reason = argument_reason(fcinfo, 2);
	metadata = argument_metadata(fcinfo, 3);

	store = factstr_store(fcinfo);
	ForceSyncCommit();
	replace_fact(&store, sequence_number, PG_GETARG_JSONB_P(1), metadata);
	record_redaction(&store, sequence_number, reason);
	PG_RETURN_VOID();
}
