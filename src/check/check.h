/*
 * check/check.h
 *		Shared by the checks of the log: their subject, and their findings.
 */
#ifndef FACTSTR_CHECK_CHECK_H
#define FACTSTR_CHECK_CHECK_H

#include "utils/rel.h"
#include "utils/snapshot.h"
#include "utils/timestamp.h"

#include "store.h"

/* The checks, in the order of the result. */
typedef enum CheckId
{
	CHECK_NUMBERS,
	CHECK_BATCHES,
	CHECK_TIMES,
	CHECK_VALUES,
	CHECK_KEYS,
	CHECK_TABLE,
	CHECK_EVENT_TYPES,
	CHECK_PAYLOADS,
	CHECK_STREAMS,
	CHECK_REDACTIONS,
	CHECK_GUARD,
	CHECKS
} CheckId;

/* The findings of a check: their number, and the first one in words. */
typedef struct Finding
{
	int64		count;
	char	   *first;
	char	   *summary;		/* the detail if nothing is wrong */
} Finding;

/* The facts to be looked up in the payload index. */
typedef struct PayloadChecks PayloadChecks;

typedef struct Check
{
	FactstrStore store;
	Snapshot	snapshot;
	Relation	events;
	int64		head;
	TimestampTz now;
	Finding		findings[CHECKS];
	int			next_result;
	TupleDesc	descriptor;
	MemoryContext context;		/* lasts to the end */
	MemoryContext row_context;	/* reset after each row */
	int64		report_at;		/* not before, on clock.h's clock; 0 at first */
	const char *what;			/* the part that is being checked, for progress and errors */
	int64		done;			/* its rows so far */
	int64		total;			/* of so many, or 0 if that is not known */
	int64		where;			/* the fact that is being checked, or 0 */

	/* The walk over the log: the fact before, and counts. */
	int64		facts;
	int64		batches;
	int64		keys;
	int64		previous_number;
	int64		previous_batch;
	TimestampTz previous_time;
	int64		steps_back;
	int64		sample_step;	/* the payload index is checked for one fact in this many; 0: none */
	int64		sample_rest;	/* selects these facts; differs from call to call */
	int64		sampled;
	PayloadChecks *payloads;	/* check/payloads.c */
} Check;

/* In words, of which only those of the first time are kept. */
extern void fs_check_found(Check *check, CheckId id, const char *format,...) pg_attribute_printf(3, 4);
extern void fs_check_begin_part(Check *check, const char *what, int64 total);
extern void fs_check_next(Check *check, int64 where);
extern void fs_check_report_progress(Check *check);

#endif							/* FACTSTR_CHECK_CHECK_H */
