/*
 * event_records.h
 *		Facts as JSON: the array of event records that queries and batches return.
 */
#ifndef FACTSTR_EVENT_RECORDS_H
#define FACTSTR_EVENT_RECORDS_H

#include "executor/tuptable.h"
#include "lib/stringinfo.h"
#include "utils/jsonb.h"

typedef struct EventRecords
{
	StringInfoData data;		/* the records one after another, as jsonb stores them */
	uint32	   *ends;			/* where in data each record ends */
	uint32		count;
	uint32		capacity;
} EventRecords;

extern void event_records_begin(EventRecords *records);
extern void event_records_add(EventRecords *records, TupleTableSlot *row);
extern Jsonb *event_records_end(EventRecords *records);

#endif							/* FACTSTR_EVENT_RECORDS_H */
