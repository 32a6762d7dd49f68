/*
 * rows.h
 *		Single rows of the extension's tables: found by a key, and changed with their index entries.
 */
#ifndef FACTSTR_ROWS_H
#define FACTSTR_ROWS_H

#include "access/htup.h"
#include "access/tableam.h"
#include "executor/tuptable.h"
#include "utils/relcache.h"
#include "utils/snapshot.h"

#include "definition.h"

/* The number of the fact in a row of the log. */
static inline int64
fs_row_sequence_number(TupleTableSlot *row)
{
	bool		isnull;

	return DatumGetInt64(slot_getattr(row, FACTSTR_SEQUENCE_NUMBER, &isnull));
}

/* The number of the first fact of its batch. */
static inline int64
fs_row_batch_first(TupleTableSlot *row)
{
	bool		isnull;

	return DatumGetInt64(slot_getattr(row, FACTSTR_BATCH_FIRST, &isnull));
}

/* Names a fact in the context of errors, between the two calls. */
typedef struct FactContext
{
	ErrorContextCallback callback;
	int64		sequence_number;
} FactContext;

extern void fs_row_add_context(void *context);

/* To be called before values of the fact, which may be damaged, are read. */
static inline void
fs_row_begin_values(FactContext *context, TupleTableSlot *row)
{
	context->sequence_number = fs_row_sequence_number(row);
	context->callback.callback = fs_row_add_context;
	context->callback.arg = context;
	context->callback.previous = error_context_stack;
	error_context_stack = &context->callback;
}

static inline void
fs_row_end_values(FactContext *context)
{
	error_context_stack = context->callback.previous;
}

extern bool fs_row_find_by_text(Relation table, Oid index, Snapshot snapshot, Datum key,
								TupleTableSlot *row);
extern bool fs_row_find_by_texts(Relation table, Oid index, Snapshot snapshot, Datum key,
								 Datum second_key, TupleTableSlot *row);
extern AttrNumber fs_row_log_column(TupleDesc streams);
extern bool fs_row_is_of_log(TupleTableSlot *row, const char *log);
extern bool fs_row_find_by_number(Relation table, Oid index, Snapshot snapshot, int64 key,
								  TupleTableSlot *row);
extern bool fs_row_fetch(Relation table, ItemPointer place, Snapshot snapshot, TupleTableSlot *row);
extern TM_Result fs_row_lock(Relation table, Snapshot snapshot, uint8 flags, TupleTableSlot *row);
extern bool fs_row_try_lock(Relation table, Snapshot snapshot, TupleTableSlot *row);
extern bool fs_row_any_since(Relation table, TransactionId oldest);
extern void fs_row_change(Relation table, HeapTuple old_tuple, HeapTuple new_tuple);
extern void fs_row_change_as_owner(Relation table, HeapTuple old_row, HeapTuple new_row);

#endif							/* FACTSTR_ROWS_H */
