/*
 * append/writer.c
 *		Writes the rows of a batch into the log and its indexes.
 *
 * It writes to the table and its indexes directly: no statement is planned or executed while the append lock is
 * held.  fs_writer_open and fs_writer_prepare do everything that does not need the numbers before that.  The
 * values come from checked input.  CHECK and NOT NULL constraints that a user has added to the table are
 * enforced; features that direct writes would bypass are refused.
 */
#include "postgres.h"

#include "access/heaptoast.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/pg_trigger.h"
#include "commands/trigger.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "rewrite/prs2lock.h"
#include "rewrite/rewriteDefine.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/timestamp.h"

#include "append/pending_list.h"
#include "append/writer.h"
#include "compat.h"

/* Rows that go into the table together. */
#define ROWS_AT_ONCE 1000

struct FactWriter
{
	Relation	events;
	ResultRelInfo *result_relation;
	EState	   *estate;
	const FactstrStore *store;	/* the caller's */
	Relation	by_payload;		/* one of the result relation's indexes */
	TupleTableSlot **rows;		/* up to ROWS_AT_ONCE */
	int			row_count;
	bool		has_added_constraints;
};

/*
 * Objects that the writer would bypass, and therefore refuses
 */

/* Rows bypass the executor, so a trigger or a rule for them would be ignored silently. */
static void
refuse_insert_triggers(Relation events)
{
	TriggerDesc *triggers = events->trigdesc;

	for (int i = 0; triggers != NULL && i < triggers->numtriggers; i++)
	{
		Trigger    *trigger = &triggers->triggers[i];

		if (TRIGGER_FOR_INSERT(trigger->tgtype) &&
			(trigger->tgenabled == TRIGGER_FIRES_ON_ORIGIN ||
			 trigger->tgenabled == TRIGGER_FIRES_ALWAYS))
			ereport(ERROR,
					(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					 errmsg("table \"%s\" has a trigger for INSERT, \"%s\", which an append would not fire",
							RelationGetRelationName(events), trigger->tgname),
					 errhint("Drop or disable the trigger and read the committed batches instead.")));
	}
}

static void
refuse_insert_rules(Relation events)
{
	RuleLock   *rules = events->rd_rules;

	for (int i = 0; rules != NULL && i < rules->numLocks; i++)
	{
		if (rules->rules[i]->event == CMD_INSERT && rules->rules[i]->enabled != RULE_DISABLED)
			ereport(ERROR,
					(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					 errmsg("table \"%s\" has a rule for INSERT, which an append would not follow",
							RelationGetRelationName(events)),
					 errhint("Drop the rule and read the committed batches instead.")));
	}
}

/* Columns that a user has added have no value here, neither given nor by default. */
static void
refuse_added_columns(Relation events)
{
	TupleDesc	columns = RelationGetDescr(events);

	for (int i = FACTSTR_EVENTS_COLUMNS; i < columns->natts; i++)
	{
		if (!TupleDescAttr(columns, i)->attisdropped)
			ereport(ERROR,
					(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					 errmsg("table \"%s\" has an added column, \"%s\", which an append would not fill",
							RelationGetRelationName(events),
							NameStr(TupleDescAttr(columns, i)->attname)),
					 errhint("Drop the column; store additional data in the metadata of facts, or in another table.")));
	}
}

/* The values satisfy the constraints of the table's definition, but perhaps not others. */
static bool
has_added_constraints(TupleDesc columns)
{
	return (columns->constr != NULL && columns->constr->num_check > 0) ||
		TupleDescAttr(columns, FACTSTR_METADATA - 1)->attnotnull ||
		TupleDescAttr(columns, FACTSTR_IDEMPOTENCY_KEY - 1)->attnotnull;
}

/*
 * The writer
 */

/*
 * Compiles the predicates of partial indexes here, not at the first row.  That of the idempotency keys is ours:
 * without a key, it has no entry.
 */
static void
prepare_indexes(FactWriter *writer, const FactstrStore *store, bool has_keys)
{
	ResultRelInfo *result_relation = writer->result_relation;

	ExecOpenIndices(result_relation, false);
	for (int i = 0; i < result_relation->ri_NumIndices; i++)
	{
		IndexInfo  *index = result_relation->ri_IndexRelationInfo[i];
		Oid			index_id = RelationGetRelid(result_relation->ri_IndexRelationDescs[i]);

		if (index_id == store->by_idempotency_key && !has_keys)
			index->ii_ReadyForInserts = false;
		else if (index->ii_Predicate != NIL)
			index->ii_PredicateState = ExecPrepareQual(index->ii_Predicate, writer->estate);
		if (index_id == store->by_payload)
			writer->by_payload = result_relation->ri_IndexRelationDescs[i];
	}
}

/*
 * Opens the log for writing, and shortens the pending list, before the append lock is taken, unless the transaction
 * already has it.  Without keys, batches cannot have any.
 */
FactWriter *
fs_writer_open(const FactstrStore *store, bool under_lock, bool has_keys)
{
	FactWriter *writer = palloc0(sizeof(FactWriter));

	writer->store = store;
	writer->events = table_open(store->events, RowExclusiveLock);
	refuse_insert_triggers(writer->events);
	refuse_insert_rules(writer->events);
	refuse_added_columns(writer->events);
	writer->has_added_constraints = has_added_constraints(RelationGetDescr(writer->events));

	writer->estate = CreateExecutorState();
	writer->result_relation = makeNode(ResultRelInfo);
	InitResultRelInfo(writer->result_relation, writer->events, 0, NULL, 0);
	prepare_indexes(writer, store, has_keys);
	fs_pending_list_shorten(writer->by_payload, under_lock);
	return writer;
}

/* Compresses values that are too large for a row.  The table would do so as well, but under the append lock. */
static void
compress_large_values(FactWriter *writer, AttrNumber column, Datum *values, size_t count)
{
	Form_pg_attribute attribute = TupleDescAttr(RelationGetDescr(writer->events), column - 1);

	if (attribute->attstorage != TYPSTORAGE_EXTENDED)
		return;
	for (size_t i = 0; i < count; i++)
	{
		Datum		compressed;

		CHECK_FOR_INTERRUPTS();
		if (values[i] == (Datum) 0 || VARSIZE(DatumGetPointer(values[i])) < TOAST_TUPLE_THRESHOLD)
			continue;
		compressed = compat_compress_datum(values[i], attribute);
		if (DatumGetPointer(compressed) != NULL)
			values[i] = compressed;
	}
}

/* Makes the rows that go into the table together. */
static void
make_rows(FactWriter *writer, int count)
{
	if (count <= writer->row_count)
		return;
	writer->rows = writer->rows == NULL ? palloc(count * sizeof(TupleTableSlot *)) :
		repalloc(writer->rows, count * sizeof(TupleTableSlot *));
	while (writer->row_count < count)
		writer->rows[writer->row_count++] = MakeSingleTupleTableSlot(RelationGetDescr(writer->events), &TTSOpsVirtual);
}

/* Prepares facts as far as possible before the append lock is taken.  All facts that will be written need it. */
void
fs_writer_prepare(FactWriter *writer, NewFacts *facts)
{
	compress_large_values(writer, FACTSTR_PAYLOAD, facts->payloads, facts->count);
	compress_large_values(writer, FACTSTR_METADATA, facts->metadata, facts->count);
	make_rows(writer, (int) Min(facts->count, ROWS_AT_ONCE));
}

static void
fill_row(TupleTableSlot *row, const NewFacts *facts, size_t index, int64 first_sequence_number,
		 TimestampTz now)
{
	Datum	   *values = row->tts_values;
	bool		has_key = index == 0 && facts->idempotency_key != (Datum) 0;

	/* Columns beyond ours are dropped ones. */
	memset(row->tts_isnull, true, row->tts_tupleDescriptor->natts * sizeof(bool));
	memset(row->tts_isnull, false, FACTSTR_EVENTS_COLUMNS * sizeof(bool));
	values[FACTSTR_SEQUENCE_NUMBER - 1] = Int64GetDatum(first_sequence_number + (int64) index);
	values[FACTSTR_BATCH_FIRST - 1] = Int64GetDatum(first_sequence_number);
	values[FACTSTR_OCCURRED_AT - 1] = TimestampTzGetDatum(facts->occurred_at == NULL ? now :
														  facts->occurred_at[index]);
	values[FACTSTR_EVENT_TYPE - 1] = facts->event_types[index];
	values[FACTSTR_PAYLOAD - 1] = facts->payloads[index];
	values[FACTSTR_METADATA - 1] = facts->metadata[index];
	row->tts_isnull[FACTSTR_METADATA - 1] = facts->metadata[index] == (Datum) 0;
	values[FACTSTR_IDEMPOTENCY_KEY - 1] = has_key ? facts->idempotency_key : (Datum) 0;
	row->tts_isnull[FACTSTR_IDEMPOTENCY_KEY - 1] = !has_key;
	ExecStoreVirtualTuple(row);
}

/* The rows own their values, so all other memory is free again after each row. */
static void
insert_rows(FactWriter *writer, int count)
{
	CommandId	command = GetCurrentCommandId(true);
	ExprContext *expression = GetPerTupleExprContext(writer->estate);
	MemoryContext caller = MemoryContextSwitchTo(expression->ecxt_per_tuple_memory);

	if (count == 1)
		table_tuple_insert(writer->events, writer->rows[0], command, 0, NULL);
	else
		table_multi_insert(writer->events, writer->rows, count, command, 0, NULL);

	for (int i = 0; i < count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		expression->ecxt_scantuple = writer->rows[i];
		(void) compat_insert_index_tuples(writer->result_relation, writer->rows[i],
										  writer->estate);
		ResetPerTupleExprContext(writer->estate);
	}
	MemoryContextSwitchTo(caller);
}

/* Writes the facts with consecutive numbers from first_sequence_number, as one batch. */
void
fs_writer_write(FactWriter *writer, const NewFacts *facts, int64 first_sequence_number)
{
	TimestampTz now = GetCurrentTimestamp();
	size_t		done = 0;

	while (done < facts->count)
	{
		int			count = (int) Min(facts->count - done, ROWS_AT_ONCE);

		for (int i = 0; i < count; i++)
		{
			TupleTableSlot *row = ExecClearTuple(writer->rows[i]);

			fill_row(row, facts, done + i, first_sequence_number, now);
			if (writer->has_added_constraints)
				ExecConstraints(writer->result_relation, row, writer->estate);
		}
		insert_rows(writer, count);
		done += count;
		if (done < facts->count)
			fs_pending_list_shorten(writer->by_payload, true);
	}
}

/* Between two batches, under the lock. */
void
fs_writer_tidy(FactWriter *writer)
{
	fs_pending_list_shorten(writer->by_payload, true);
}

void
fs_writer_close(FactWriter *writer)
{
	for (int i = 0; i < writer->row_count; i++)
		ExecDropSingleTupleTableSlot(writer->rows[i]);
	ExecCloseIndices(writer->result_relation);
	FreeExecutorState(writer->estate);
	table_close(writer->events, NoLock);
}
