/*
 * sql/status.c
 *		Functions that the views factstr_status and factstr_stream_status call.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/resowner.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "append/pending_list.h"
#include "commit/durability.h"
#include "log_names.h"
#include "read/facts.h"
#include "read/redactions.h"
#include "relations.h"
#include "rights.h"
#include "sql/call.h"
#include "sql/sizes.h"

PG_FUNCTION_INFO_V1(factstr_flushed);
PG_FUNCTION_INFO_V1(factstr_position_at);
PG_FUNCTION_INFO_V1(factstr_pending_pages);
PG_FUNCTION_INFO_V1(factstr_log_head);
PG_FUNCTION_INFO_V1(factstr_log_time_after);
PG_FUNCTION_INFO_V1(factstr_log_state);

/*
 * factstr_position_at(occurred_at): where the log stood at a time, for streams and readers that
 * are to begin there.  The fact at the position is on disk: after a crash another one might have
 * its number.
 */
Datum
factstr_position_at(PG_FUNCTION_ARGS)
{
	FactstrStore store;
	Snapshot	snapshot;
	FactHeading fact;

	fs_argument_refuse_null(fcinfo, 0, "occurred_at");
	store = fs_store_of_call(fcinfo, 1, RIGHT_TO_READ);
	snapshot = RegisterSnapshot(GetActiveSnapshot());
	fact = fs_fact_newest_before(&store, snapshot, PG_GETARG_TIMESTAMPTZ(0));
	UnregisterSnapshot(snapshot);
	fs_durability_flush_before_answer(fact.commit_position);
	PG_RETURN_INT64(fact.sequence_number);
}

/*
 * factstr_flushed(sequence_number): the same number, once every fact that the statement sees is on disk. For
 * the views, which find numbers in the table: so their readers need no right to ask for the head, and learn
 * nothing here.
 */
Datum
factstr_flushed(PG_FUNCTION_ARGS)
{
	FactstrStore store = fs_store_of_name(get_func_namespace(fcinfo->flinfo->fn_oid), FACTSTR_MAIN_LOG);

	fs_argument_refuse_null(fcinfo, 0, "sequence_number");
	(void) fs_fact_head_to_tell(&store, GetActiveSnapshot());
	PG_RETURN_INT64(PG_GETARG_INT64(0));
}

static int64
pending_pages(Oid payload_index)
{
	Relation	by_payload = index_open(payload_index, AccessShareLock);
	BlockNumber pages = fs_pending_list_pages(by_payload);

	index_close(by_payload, NoLock);
	return (int64) pages;
}

/* factstr_pending_pages(log): how long the payload index's pending list is. */
Datum
factstr_pending_pages(PG_FUNCTION_ARGS)
{
	FactstrStore store = fs_store_of_call(fcinfo, 0, RIGHT_TO_READ);

	PG_RETURN_INT64(pending_pages(store.by_payload));
}

/*
 * Other logs than main, for views of many logs
 */

/*
 * Tables are locked only while they are read, so that a statement on thousands of logs does not need as many locks.
 * After an error, the owner's own owner gives them back.
 */
static ResourceOwner
begin_look(void)
{
	ResourceOwner caller = CurrentResourceOwner;

	CurrentResourceOwner = ResourceOwnerCreate(caller, "factstr looks at a log");
	return caller;
}

static void
end_look(ResourceOwner caller)
{
	ResourceOwner owner = CurrentResourceOwner;

	ResourceOwnerRelease(owner, RESOURCE_RELEASE_BEFORE_LOCKS, false, false);
	ResourceOwnerRelease(owner, RESOURCE_RELEASE_LOCKS, false, false);
	ResourceOwnerRelease(owner, RESOURCE_RELEASE_AFTER_LOCKS, false, false);
	CurrentResourceOwner = caller;
	ResourceOwnerDelete(owner);
}

/*
 * Everybody may execute the functions, with the views or without.  The views themselves look at main, so the
 * functions tell nothing of it.  False if the log is not there any more, as when it was dropped after the statement
 * began.
 */
static bool
find_other_log(FunctionCallInfo fcinfo, int log_argument, bool for_consumers, FactstrStore *store)
{
	char		log[FACTSTR_LOG_NAME_LENGTH + 1];

	fs_store_argument_log(fcinfo, log_argument, log);
	if (strcmp(log, FACTSTR_MAIN_LOG) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied for log \"%s\"", log),
				 errhint("Read the view factstr_status.")));
	if (!fs_store_glance(get_func_namespace(fcinfo->flinfo->fn_oid), log, store))
		return false;
	if (!for_consumers || !fs_right_has(store->rights, GetUserId(), RIGHT_TO_CONSUME))
		fs_right_require(store->log, store->rights, GetUserId(), RIGHT_TO_READ);
	return true;
}

/* factstr_log_head(log): the newest fact, which is on disk. */
Datum
factstr_log_head(PG_FUNCTION_ARGS)
{
	ResourceOwner caller = begin_look();
	FactstrStore store;
	int64		head = -1;

	if (find_other_log(fcinfo, 0, true, &store))
		head = fs_fact_head_to_tell(&store, GetActiveSnapshot());
	end_look(caller);
	if (head < 0)
		PG_RETURN_NULL();
	PG_RETURN_INT64(head);
}

/* The first fact after the position, which is on disk; number 0 if there is none. */
static FactHeading
fact_after(const FactstrStore *store, int64 position)
{
	FactHeading fact = fs_fact_first_after(store, GetActiveSnapshot(), position, PG_INT64_MAX);

	fs_durability_flush_before_answer(fact.commit_position);
	return fact;
}

/* factstr_log_time_after(sequence_number, log): when the first fact after the position was appended, or null. */
Datum
factstr_log_time_after(PG_FUNCTION_ARGS)
{
	int64		position = fs_argument_position(fcinfo, 0, "sequence_number");
	ResourceOwner caller = begin_look();
	FactstrStore store;
	FactHeading fact = {0};

	if (find_other_log(fcinfo, 1, true, &store))
		fact = fact_after(&store, position);
	end_look(caller);
	if (fact.sequence_number == 0)
		PG_RETURN_NULL();
	PG_RETURN_TIMESTAMPTZ(fact.occurred_at);
}

/* Columns of factstr_log_state. */
enum
{
	STATE_HEAD,
	STATE_LAST_APPENDED_AT,
	STATE_FACTS_LAST_MINUTE,
	STATE_FACTS_LAST_HOUR,
	STATE_REDACTIONS,
	STATE_PENDING_PAGES,
	STATE_TABLE_BYTES,
	STATE_TOAST_BYTES,
	STATE_INDEX_BYTES,
	STATE_COLUMNS
};

/* The number of facts of the last seconds before the statement. */
static int64
facts_since(const FactstrStore *store, int64 head, int seconds)
{
	TimestampTz time = GetCurrentStatementStartTimestamp() - seconds * USECS_PER_SEC;

	return head == 0 ? 0 : head - fs_fact_newest_before(store, GetActiveSnapshot(), time).sequence_number;
}

/* Most logs have none. */
static int64
count_redactions(const FactstrStore *store)
{
	return fs_size_of_table(store->redactions) == 0 ? 0 : fs_redactions_count(store, GetActiveSnapshot());
}

/* An index with a wrong definition is opened, which reports the error. */
static int64
pending_pages_of(const FactstrStore *store, List *indexes)
{
	int64		pages = fs_size_of_pending_list(indexes, fs_log_index_name(INDEX_OF_PAYLOADS, store->log));

	return pages >= 0 ? pages : pending_pages(fs_store_glance_payloads(store));
}

static void
fill_sizes(const FactstrStore *store, Datum *values)
{
	Relation	events = table_open(store->events, NoLock);
	List	   *indexes = fs_relation_indexes(store->events);

	values[STATE_TABLE_BYTES] = Int64GetDatum(fs_size_of_table(store->events));
	values[STATE_TOAST_BYTES] = Int64GetDatum(fs_size_of_toast(events->rd_rel->reltoastrelid));
	values[STATE_INDEX_BYTES] = JsonbPGetDatum(fs_size_of_indexes(indexes));
	values[STATE_PENDING_PAGES] = Int64GetDatum(pending_pages_of(store, indexes));
	table_close(events, NoLock);
}

static void
fill_state(const FactstrStore *store, Datum *values, bool *nulls)
{
	int64		head = fs_fact_head_to_tell(store, GetActiveSnapshot());

	memset(nulls, false, STATE_COLUMNS * sizeof(bool));
	values[STATE_HEAD] = Int64GetDatum(head);
	nulls[STATE_LAST_APPENDED_AT] = head == 0;
	values[STATE_LAST_APPENDED_AT] = TimestampTzGetDatum(head == 0 ? 0 : fact_after(store, head - 1).occurred_at);
	values[STATE_FACTS_LAST_MINUTE] = Int64GetDatum(facts_since(store, head, SECS_PER_MINUTE));
	values[STATE_FACTS_LAST_HOUR] = Int64GetDatum(facts_since(store, head, SECS_PER_HOUR));
	values[STATE_REDACTIONS] = Int64GetDatum(count_redactions(store));
	fill_sizes(store, values);
}

/* factstr_log_state(log) */
Datum
factstr_log_state(PG_FUNCTION_ARGS)
{
	TupleDesc	descriptor = fs_call_result_descriptor(fcinfo);
	ResourceOwner caller = begin_look();
	Datum		values[STATE_COLUMNS] = {0};
	bool		nulls[STATE_COLUMNS];
	FactstrStore store;

	memset(nulls, true, sizeof(nulls));
	if (find_other_log(fcinfo, 0, false, &store))
		fill_state(&store, values, nulls);
	end_look(caller);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(descriptor, values, nulls)));
}
