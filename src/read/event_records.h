/*
 * read/event_records.h
 *		Facts as JSON: the array of event records that queries and batches return.
 */
#ifndef FACTSTR_READ_EVENT_RECORDS_H
#define FACTSTR_READ_EVENT_RECORDS_H

#include "datatype/timestamp.h"
#include "executor/tuptable.h"
#include "lib/stringinfo.h"
#include "utils/jsonb.h"

/* "2026-01-31T08:15:30.123456Z", and some room for years beyond 9999. */
#define OCCURRED_AT_SIZE 40

typedef struct EventRecords
{
	StringInfoData data;		/* the records one after another, as jsonb stores them */
	JEntry	   *ends;			/* the type of each element, and where in data it ends */
	uint32		count;
	uint32		capacity;
} EventRecords;

extern void fs_event_records_begin(EventRecords *records);
extern void fs_event_records_add(EventRecords *records, TupleTableSlot *row, Jsonb *redactions);
extern void fs_event_records_add_null(EventRecords *records);
extern char *fs_event_records_time(TimestampTz time, char *buffer);
extern Jsonb *fs_event_records_end(EventRecords *records);

#endif							/* FACTSTR_READ_EVENT_RECORDS_H */
