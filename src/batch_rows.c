/*
 * batch_rows.c
 *		Batches as rows: what the functions that return batches have in common.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "funcapi.h"

#include "arguments.h"
#include "batch_rows.h"

/* Columns of the result; only an export has the last one. */
enum
{
	RESULT_FIRST,
	RESULT_LAST,
	RESULT_EVENT_RECORDS,
	RESULT_IDEMPOTENCY_KEY,
	RESULT_COLUMNS
};

int32
argument_max_batches(FunctionCallInfo fcinfo, int argument)
{
	argument_refuse_null(fcinfo, argument, "max_batches");
	if (PG_GETARG_INT32(argument) < 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid max_batches: it must be at least 1")));
	return PG_GETARG_INT32(argument);
}

TupleDesc
batch_descriptor(FunctionCallInfo fcinfo)
{
	TupleDesc	descriptor;

	if (get_call_result_type(fcinfo, NULL, &descriptor) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	return BlessTupleDesc(descriptor);
}

Datum
batch_row(TupleDesc descriptor, const FactBatch *batch)
{
	Datum		values[RESULT_COLUMNS];
	bool		nulls[RESULT_COLUMNS] = {false};

	values[RESULT_FIRST] = Int64GetDatum(batch->first_sequence_number);
	values[RESULT_LAST] = Int64GetDatum(batch->last_sequence_number);
	values[RESULT_EVENT_RECORDS] = JsonbPGetDatum(batch->event_records);
	values[RESULT_IDEMPOTENCY_KEY] = PointerGetDatum(batch->idempotency_key);
	nulls[RESULT_IDEMPOTENCY_KEY] = batch->idempotency_key == NULL;
	return HeapTupleGetDatum(heap_form_tuple(descriptor, values, nulls));
}
