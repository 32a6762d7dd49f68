/*
 * check/payloads.c
 *		Does the payload index find facts by their own payloads?
 *
 * A lookup takes time proportional to the facts with the payload's rarest value, so facts with equal payloads share a
 * lookup.  The walk over the log adds the hash and the place of each payload to a sort, which may spill to disk.  In
 * its result, facts with equal payloads are adjacent and in page order, as are the pages of a bitmap.
 *
 * Facts with different payloads of the same hash share a lookup as well.  A fact that it does not find is therefore
 * looked up again by its own payload.
 *
 * If more facts are found than maintenance_work_mem has room for, the bitmap names only their pages, and the check
 * does not notice a fact that is missing on such a page.
 */
#include "postgres.h"

#include "access/tableam.h"
#include "catalog/pg_operator_d.h"
#include "catalog/pg_type_d.h"
#include "common/hashfn.h"
#include "miscadmin.h"
#include "utils/memutils.h"
#include "utils/tuplesort.h"

#include "check/payloads.h"
#include "compat.h"
#include "read/candidates.h"
#include "read/matching.h"
#include "rows.h"

/* The columns of the sort. */
#define ADDED_HASH 0
#define ADDED_PLACE 1
#define ADDED_NUMBER 2
#define ADDED_COLUMNS 3

struct PayloadChecks
{
	Tuplesortstate *sort;
	TupleTableSlot *in;
	TupleTableSlot *out;
	TupleTableSlot *row;		/* of the log */
	MemoryContext lookup_context;	/* reset before each lookup */
	int64		missing;
	int64		first_missing;
};

typedef struct AddedFact
{
	int64		hash;
	ItemPointerData place;
	int64		number;
} AddedFact;

/* What the index finds by one payload. */
typedef struct PayloadLookup
{
	Jsonb	   *payload;
	CandidateBitmap *bitmap;
	CandidatePages *pages;
} PayloadLookup;

/*
 * The sort
 */

static TupleDesc
added_descriptor(void)
{
	TupleDesc	descriptor = CreateTemplateTupleDesc(ADDED_COLUMNS);

	TupleDescInitEntry(descriptor, ADDED_HASH + 1, "hash", INT8OID, -1, 0);
	TupleDescInitEntry(descriptor, ADDED_PLACE + 1, "place", INT8OID, -1, 0);
	TupleDescInitEntry(descriptor, ADDED_NUMBER + 1, "number", INT8OID, -1, 0);
	compat_finish_descriptor(descriptor);
	return descriptor;
}

static Tuplesortstate *
begin_sort(TupleDesc descriptor)
{
	AttrNumber	columns[] = {ADDED_HASH + 1, ADDED_PLACE + 1};
	Oid			operators[] = {Int8LessOperator, Int8LessOperator};
	Oid			collations[] = {InvalidOid, InvalidOid};
	bool		nulls_first[] = {false, false};

	return tuplesort_begin_heap(descriptor, lengthof(columns), columns, operators, collations, nulls_first,
								maintenance_work_mem, NULL, 0);
}

void
fs_check_payloads_begin(Check *check)
{
	PayloadChecks *payloads = palloc0(sizeof(PayloadChecks));
	TupleDesc	descriptor = added_descriptor();

	payloads->sort = begin_sort(descriptor);
	payloads->in = MakeSingleTupleTableSlot(descriptor, &TTSOpsVirtual);
	payloads->out = MakeSingleTupleTableSlot(descriptor, &TTSOpsMinimalTuple);
	payloads->row = table_slot_create(check->events, NULL);
	payloads->lookup_context = AllocSetContextCreate(check->context, "factstr check of a payload",
													 ALLOCSET_DEFAULT_SIZES);
	check->payloads = payloads;
}

/* A place as a number, in the order of pages. */
static int64
place_number(ItemPointer place)
{
	return (int64) ItemPointerGetBlockNumber(place) << 16 | ItemPointerGetOffsetNumber(place);
}

static void
set_place(ItemPointer place, int64 number)
{
	ItemPointerSet(place, (BlockNumber) (number >> 16), (OffsetNumber) (number & 0xffff));
}

/* Skips a payload without scalars: the index has no entry for it. */
void
fs_check_payloads_add(Check *check, int64 number, ItemPointer place, Jsonb *payload)
{
	TupleTableSlot *added = ExecClearTuple(check->payloads->in);
	uint64		hash;

	if (!fs_query_predicate_is_indexable(fs_json_of_jsonb(payload)))
		return;
	/* The seed differs from call to call, so that nobody can choose payloads of the same hash. */
	hash = hash_bytes_extended((const unsigned char *) VARDATA_ANY(payload), VARSIZE_ANY_EXHDR(payload),
							   (uint64) check->now);
	added->tts_values[ADDED_HASH] = Int64GetDatum((int64) hash);
	added->tts_values[ADDED_PLACE] = Int64GetDatum(place_number(place));
	added->tts_values[ADDED_NUMBER] = Int64GetDatum(number);
	memset(added->tts_isnull, false, ADDED_COLUMNS * sizeof(bool));
	tuplesort_puttupleslot(check->payloads->sort, ExecStoreVirtualTuple(added));
	check->sampled++;
}

/* False at the end. */
static bool
next_added(PayloadChecks *payloads, AddedFact *fact)
{
	TupleTableSlot *added = payloads->out;

	if (!tuplesort_gettupleslot(payloads->sort, true, false, added, NULL))
		return false;
	slot_getallattrs(added);
	fact->hash = DatumGetInt64(added->tts_values[ADDED_HASH]);
	set_place(&fact->place, DatumGetInt64(added->tts_values[ADDED_PLACE]));
	fact->number = DatumGetInt64(added->tts_values[ADDED_NUMBER]);
	return true;
}

/*
 * Lookups
 */

/* The copy is in the current memory context. */
static Jsonb *
read_payload(Check *check, AddedFact *fact)
{
	TupleTableSlot *row = check->payloads->row;
	bool		isnull;
	Jsonb	   *payload;

	if (!fs_row_fetch(check->events, &fact->place, check->snapshot, row))
		elog(ERROR, "fact " INT64_FORMAT " is no longer in its place", fact->number);
	payload = DatumGetJsonbPCopy(slot_getattr(row, FACTSTR_PAYLOAD, &isnull));
	ExecClearTuple(row);
	return payload;
}

static void
begin_lookup(Check *check, PayloadLookup *lookup, Jsonb *payload)
{
	lookup->payload = payload;
	lookup->bitmap = fs_candidate_bitmap_create(check->events, check->snapshot, maintenance_work_mem);
	fs_candidate_bitmap_find_payload(lookup->bitmap, check->store.by_payload, payload);
	lookup->pages = fs_candidate_pages_begin(lookup->bitmap);
}

static void
end_lookup(PayloadLookup *lookup)
{
	fs_candidate_pages_end(lookup->pages);
	fs_candidate_bitmap_free(lookup->bitmap);
}

static bool
are_equal(Jsonb *a, Jsonb *b)
{
	return VARSIZE(a) == VARSIZE(b) && memcmp(a, b, VARSIZE(a)) == 0;
}

/*
 * The shared lookup has not found the fact.  If its payload was another one with the same hash, does the fact's own
 * payload find it?
 */
static bool
is_found_alone(Check *check, const PayloadLookup *shared, AddedFact *fact)
{
	MemoryContext caller = MemoryContextSwitchTo(check->row_context);
	Jsonb	   *payload = read_payload(check, fact);
	PayloadLookup own;
	bool		is_found = false;

	if (!are_equal(payload, shared->payload))
	{
		begin_lookup(check, &own, payload);
		is_found = fs_candidate_pages_have(own.pages, fact->number, &fact->place);
		end_lookup(&own);
	}
	MemoryContextSwitchTo(caller);
	return is_found;
}

static void
note_missing(PayloadChecks *payloads, int64 number)
{
	if (payloads->missing++ == 0 || number < payloads->first_missing)
		payloads->first_missing = number;
}

/* The finding names the first missing fact of the log: the order of hashes means nothing to a reader. */
static void
report_missing(Check *check)
{
	PayloadChecks *payloads = check->payloads;

	if (payloads->missing == 0)
		return;
	fs_check_found(check, CHECK_PAYLOADS, "the index does not find fact " INT64_FORMAT " by its payload",
				   payloads->first_missing);
	check->findings[CHECK_PAYLOADS].count = payloads->missing;
}

/* The lookup by the payload of this fact serves those that follow with the same hash. */
static void
next_lookup(Check *check, PayloadLookup *lookup, AddedFact *fact)
{
	MemoryContext caller = MemoryContextSwitchTo(check->payloads->lookup_context);

	/* A lookup can take long. */
	fs_check_report_progress(check);
	if (lookup->pages != NULL)
		end_lookup(lookup);
	MemoryContextReset(check->payloads->lookup_context);
	begin_lookup(check, lookup, read_payload(check, fact));
	MemoryContextSwitchTo(caller);
}

static void
look_up_all(Check *check)
{
	PayloadLookup lookup = {NULL, NULL, NULL};
	int64		hash = 0;
	AddedFact	fact;

	while (next_added(check->payloads, &fact))
	{
		fs_check_next(check, fact.number);
		if (lookup.pages == NULL || fact.hash != hash)
			next_lookup(check, &lookup, &fact);
		hash = fact.hash;
		if (!fs_candidate_pages_have(lookup.pages, fact.number, &fact.place) &&
			!is_found_alone(check, &lookup, &fact))
			note_missing(check->payloads, fact.number);
	}
	if (lookup.pages != NULL)
		end_lookup(&lookup);
}

void
fs_check_payloads(Check *check)
{
	PayloadChecks *payloads = check->payloads;

	fs_check_begin_part(check, "the payload index", check->sampled);
	tuplesort_performsort(payloads->sort);
	look_up_all(check);
	report_missing(check);
	ExecDropSingleTupleTableSlot(payloads->row);
	ExecDropSingleTupleTableSlot(payloads->out);
	ExecDropSingleTupleTableSlot(payloads->in);
	tuplesort_end(payloads->sort);
	MemoryContextDelete(payloads->lookup_context);
	pfree(payloads);
	check->payloads = NULL;
}
