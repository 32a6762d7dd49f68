/*
 * append/idempotency.c
 *		Repeated appends: rule 33 of the contract.
 *
 * The key is stored in the first fact of its batch, so it is committed with the batch, kept as long as the batch,
 * and free again if the append fails.
 */
#include "postgres.h"

#include "access/table.h"
#include "access/tableam.h"
#include "catalog/pg_collation.h"
#include "mb/pg_wchar.h"
#include "utils/fmgrprotos.h"
#include "utils/rel.h"

#include "append/idempotency.h"
#include "commit/durability.h"
#include "encoding.h"
#include "errors.h"
#include "read/redactions.h"
#include "read/scan.h"
#include "rows.h"

/* An index contains the key, and limits its entries to a third of a page.  In bytes. */
#define MAX_KEY_BYTES 2000

void
fs_idempotency_check_key(text *idempotency_key)
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
	if (GetDatabaseEncoding() == PG_SQL_ASCII &&
		!fs_encoding_is_valid_text(VARDATA_ANY(idempotency_key), (int) length))
		ereport(ERROR,
				(errcode(ERRCODE_CHARACTER_NOT_IN_REPERTOIRE),
				 errmsg("invalid idempotency_key: it has bytes that are not valid in encoding UTF8")));
}

/* Finds the first fact of the batch that carries the key. */
static bool
find_key(const FactstrStore *store, Snapshot snapshot, Datum idempotency_key, EarlierBatch *batch)
{
	Relation	events = table_open(store->events, AccessShareLock);
	TupleTableSlot *row = table_slot_create(events, NULL);
	bool		found = fs_row_find_by_text(events, store->by_idempotency_key, snapshot,
											idempotency_key, row);

	if (found)
	{
		batch->first_sequence_number = fs_row_sequence_number(row);
		batch->commit_position = fs_durability_commit_position(row);
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

/* Does the fact in this row have the same content as the nth of the new ones?  JSON is compared as values. */
static bool
says_the_same(TupleTableSlot *row, const NewFacts *facts, size_t n)
{
	bool		isnull;

	return jsonb_equals(slot_getattr(row, FACTSTR_PAYLOAD, &isnull), facts->payloads[n]);
}

/*
 * Is the fact in this row equal to the nth of the new ones?  Metadata is not compared: a repeated call may have
 * another trace.  The content of a redacted fact is unknown, so only its type is compared.
 */
static bool
is_same_fact(const FactstrStore *store, Snapshot snapshot, TupleTableSlot *row,
			 const NewFacts *facts, size_t n)
{
	FactContext context;
	bool		isnull;
	Datum		event_type = slot_getattr(row, FACTSTR_EVENT_TYPE, &isnull);
	bool		is_same;

	fs_row_begin_values(&context, row);
	is_same = DatumGetBool(DirectFunctionCall2Coll(texteq, C_COLLATION_OID, event_type,
												   facts->event_types[n])) &&
		(says_the_same(row, facts, n) ||
		 fs_redaction_exists(store, snapshot, fs_row_sequence_number(row)));
	fs_row_end_values(&context);
	return is_same;
}

/*
 * Walks the batch to its end, or to one fact beyond its expected end; false if it does not consist of the same
 * facts.
 */
static bool
compare_batch(const FactstrStore *store, Snapshot snapshot, const NewFacts *facts,
			  EarlierBatch *batch)
{
	int64		up_to = facts->count < (size_t) (PG_INT64_MAX - batch->first_sequence_number) ?
	batch->first_sequence_number + (int64) facts->count : PG_INT64_MAX;
	FactScan   *scan = fs_scan_begin(store, &fs_query_every_fact, snapshot,
									 batch->first_sequence_number - 1, up_to,
									 ForwardScanDirection, FACT_SCAN_ALL);
	TupleTableSlot *row;
	size_t		compared = 0;
	bool		same = true;

	while (same && (row = fs_scan_next(scan)) != NULL &&
		   fs_row_batch_first(row) == batch->first_sequence_number)
	{
		same = compared < facts->count && is_same_fact(store, snapshot, row, facts, compared);
		compared++;
		batch->last_sequence_number = fs_row_sequence_number(row);
	}
	fs_scan_end(scan);
	return same && compared == facts->count;
}

/*
 * Finds the batch that was committed with the facts' idempotency key.  Raises "idempotency key reused" if it has
 * other facts.
 */
bool
fs_idempotency_find_batch(const FactstrStore *store, Snapshot snapshot, const NewFacts *facts,
						  EarlierBatch *batch)
{
	if (!find_key(store, snapshot, facts->idempotency_key, batch))
		return false;
	if (!compare_batch(store, snapshot, facts, batch))
	{
		/* The error reveals the batch, and that its key is taken. */
		fs_durability_flush_before_answer(batch->commit_position);
		ereport(ERROR,
				(errcode(FACTSTR_ERRCODE_IDEMPOTENCY_KEY_REUSED),
				 errmsg("idempotency key reused"),
				 errdetail("The key belongs to the batch that begins with fact " INT64_FORMAT ", whose events differ.",
						   batch->first_sequence_number),
				 errhint("Repeat a call with its own events, and give each new append a new key.")));
	}
	return true;
}

/* The key of an imported batch must not exist in this log. */
void
fs_idempotency_refuse_known_key(const FactstrStore *store, Snapshot snapshot, const NewFacts *facts)
{
	EarlierBatch batch;

	if (facts->idempotency_key == (Datum) 0 ||
		!find_key(store, snapshot, facts->idempotency_key, &batch))
		return;
	fs_durability_flush_before_answer(batch.commit_position);
	ereport(ERROR,
			(errcode(FACTSTR_ERRCODE_IDEMPOTENCY_KEY_REUSED),
			 errmsg("idempotency key reused"),
			 errdetail("The key belongs to the batch that begins with fact " INT64_FORMAT ".",
					   batch.first_sequence_number)));
}
