/*
 * idempotency.c
 *		Appends that were made before: rule 33 of the contract.
 *
 * The key stands on the first fact of its batch, so it is committed with the batch, kept as long as
 * the batch, and free again if the append fails.
 */
#include "postgres.h"

#include "access/table.h"
#include "access/tableam.h"
#include "catalog/pg_collation.h"
#include "utils/fmgrprotos.h"
#include "utils/rel.h"

#include "durability.h"
#include "errors.h"
#include "fact_scan.h"
#include "idempotency.h"
#include "redaction.h"
#include "row_lookup.h"

/* The key is kept in an index, whose entries are limited to a third of a page.  In bytes. */
#define MAX_KEY_BYTES 2000

void
idempotency_check_key(text *idempotency_key)
{
	Size		length = VARSIZE_ANY_EXHDR(idempotency_key);

	if (length == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid idempotency_key: it must not be empty"),
				 errhint("Pass null, or nothing, for an append without a key.")));
	if (length > MAX_KEY_BYTES)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid idempotency_key: it is %zu bytes long", length),
				 errhint("An idempotency key is at most %d bytes long.", MAX_KEY_BYTES)));
}

/* Finds the first fact of the batch that carries the key. */
static bool
find_key(const FactstrStore *store, Snapshot snapshot, Datum idempotency_key, EarlierBatch *batch)
{
	Relation	events = table_open(store->events, AccessShareLock);
	TupleTableSlot *row = table_slot_create(events, NULL);
	bool		found = find_row_by_text(events, store->by_idempotency_key, snapshot,
										 idempotency_key, row);

	if (found)
	{
		batch->first_sequence_number = fact_sequence_number(row);
		batch->commit_position = factstr_commit_position(row);
	}
	ExecDropSingleTupleTableSlot(row);
	table_close(events, NoLock);
	return found;
}

static bool
jsonb_equals(Datum a, Datum b)
{
	return compareJsonbContainers(&DatumGetJsonbP(a)->root, &DatumGetJsonbP(b)->root) == 0;
}

/* Does the fact in this row say what the nth of the new ones would?  JSON is compared as values. */
static bool
says_the_same(TupleTableSlot *row, const NewFacts *facts, size_t n)
{
	bool		isnull;
	Datum		payload = slot_getattr(row, FACTSTR_PAYLOAD, &isnull);
	Datum		metadata = slot_getattr(row, FACTSTR_METADATA, &isnull);

	if (isnull != (facts->metadata[n] == (Datum) 0))
		return false;
	return jsonb_equals(payload, facts->payloads[n]) &&
		(isnull || jsonb_equals(metadata, facts->metadata[n]));
}

/*
 * Is the fact in this row what the nth of the new ones would be?  Of a redacted fact nobody knows
 * what it said: its type has to do.
 */
static bool
is_same_fact(const FactstrStore *store, Snapshot snapshot, TupleTableSlot *row,
			 const NewFacts *facts, size_t n)
{
	bool		isnull;
	Datum		event_type = slot_getattr(row, FACTSTR_EVENT_TYPE, &isnull);

	return DatumGetBool(DirectFunctionCall2Coll(texteq, C_COLLATION_OID, event_type,
												facts->event_types[n])) &&
		(says_the_same(row, facts, n) ||
		 fact_is_redacted(store, snapshot, fact_sequence_number(row)));
}

/* Walks the batch to its end; false if it does not consist of the same facts. */
static bool
compare_batch(const FactstrStore *store, Snapshot snapshot, const NewFacts *facts,
			  EarlierBatch *batch)
{
	FactScan   *scan = fact_scan_begin(store, &factstr_every_fact, snapshot,
									   batch->first_sequence_number - 1, PG_INT64_MAX,
									   ForwardScanDirection, FACT_SCAN_ALL);
	TupleTableSlot *row;
	size_t		compared = 0;
	bool		same = true;

	while (same && (row = fact_scan_next(scan)) != NULL &&
		   fact_batch_first(row) == batch->first_sequence_number)
	{
		same = compared < facts->count && is_same_fact(store, snapshot, row, facts, compared);
		compared++;
		batch->last_sequence_number = fact_sequence_number(row);
	}
	fact_scan_end(scan);
	return same && compared == facts->count;
}

/*
 * Finds the batch that was committed with the facts' idempotency key, if they have one.  Raises
 * "idempotency key reused" if it holds other facts.
 */
bool
idempotency_find_batch(const FactstrStore *store, Snapshot snapshot, const NewFacts *facts,
					   EarlierBatch *batch)
{
	if (facts->idempotency_key == (Datum) 0 ||
		!find_key(store, snapshot, facts->idempotency_key, batch))
		return false;
	if (!compare_batch(store, snapshot, facts, batch))
	{
		/* The error tells of the batch, and that its key is taken. */
		factstr_flush_before_answer(batch->commit_position);
		ereport(ERROR,
				(errcode(FACTSTR_ERRCODE_IDEMPOTENCY_KEY_REUSED),
				 errmsg("idempotency key reused"),
				 errdetail("The key belongs to the batch that begins with fact " INT64_FORMAT ", whose events differ.",
						   batch->first_sequence_number),
				 errhint("Repeat a call with its own events, and give each new append a key of its own.")));
	}
	return true;
}

/* The key of a batch of another log must not be one of this log's. */
void
idempotency_refuse_known_key(const FactstrStore *store, Snapshot snapshot, const NewFacts *facts)
{
	EarlierBatch batch;

	if (facts->idempotency_key == (Datum) 0 ||
		!find_key(store, snapshot, facts->idempotency_key, &batch))
		return;
	factstr_flush_before_answer(batch.commit_position);
	ereport(ERROR,
			(errcode(FACTSTR_ERRCODE_IDEMPOTENCY_KEY_REUSED),
			 errmsg("idempotency key reused"),
			 errdetail("The key belongs to the batch that begins with fact " INT64_FORMAT ".",
					   batch.first_sequence_number)));
}
