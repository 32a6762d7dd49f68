/*
 * commit/lock_times.c
 *		How long appends hold their lock, by step: what factstr.log_lock_times logs when a session ends.
 *
 * The session adds up the steps of its transactions that appended and committed.  Measuring is optional because each
 * moment reads a clock.
 */
#include "postgres.h"

#include "access/xact.h"
#include "portability/instr_time.h"
#include "storage/ipc.h"

#include "commit/lock_times.h"

/* The moments of the current transaction; zero if it has not reached a moment. */
static instr_time moments[LOCK_MOMENTS];

/* For each moment, the time that the session's transactions spent in the step that ends there. */
static instr_time sums[LOCK_MOMENTS];
static int64 transactions = 0;

static double
microseconds_of_step(LockMoment end)
{
	return INSTR_TIME_GET_DOUBLE(sums[end]) * 1e6 / transactions;
}

static void
log_times(int code, Datum argument)
{
	ereport(LOG,
			(errmsg("append lock of " INT64_FORMAT " transactions", transactions),
			 errdetail("Microseconds each: %.2f waiting, %.2f checking, %.2f writing rows, %.2f until the commit, "
					   "%.2f committing, %.2f releasing.",
					   microseconds_of_step(LOCK_TAKEN), microseconds_of_step(LOCK_CONTEXT_CHECKED),
					   microseconds_of_step(LOCK_ROWS_WRITTEN), microseconds_of_step(LOCK_COMMIT_BEGUN),
					   microseconds_of_step(LOCK_COMMIT_VISIBLE), microseconds_of_step(LOCK_RELEASED))));
}

static void
forget_moments(void)
{
	memset(moments, 0, sizeof(moments));
}

/* False if the setting was turned on during the transaction, or nothing was written. */
static bool
has_all_moments(void)
{
	for (int i = 0; i < LOCK_MOMENTS; i++)
	{
		if (INSTR_TIME_IS_ZERO(moments[i]))
			return false;
	}
	return true;
}

static void
add_up(void)
{
	if (transactions++ == 0)
		before_shmem_exit(log_times, (Datum) 0);
	for (int i = 1; i < LOCK_MOMENTS; i++)
		INSTR_TIME_ACCUM_DIFF(sums[i], moments[i], moments[i - 1]);
}

/* Called through fs_lock_times_note. */
void
fs_lock_times_measure(LockMoment moment)
{
	if (moment != LOCK_ASKED_FOR && INSTR_TIME_IS_ZERO(moments[LOCK_ASKED_FOR]))
		return;
	if (INSTR_TIME_IS_ZERO(moments[moment]))
		INSTR_TIME_SET_CURRENT(moments[moment]);
	if (moment != LOCK_RELEASED)
		return;
	if (has_all_moments())
		add_up();
	forget_moments();
}

static void
on_transaction_event(XactEvent event, void *argument)
{
	switch (event)
	{
		case XACT_EVENT_PRE_COMMIT:
			fs_lock_times_note(LOCK_COMMIT_BEGUN);
			break;
		case XACT_EVENT_COMMIT:
			fs_lock_times_note(LOCK_COMMIT_VISIBLE);
			break;
		case XACT_EVENT_ABORT:
		case XACT_EVENT_PREPARE:
			forget_moments();
			break;
		default:
			break;
	}
}

/* The appends may have been rolled back, so the measurement starts again. */
static void
on_subtransaction_event(SubXactEvent event, SubTransactionId subtransaction,
						SubTransactionId parent, void *argument)
{
	if (event == SUBXACT_EVENT_ABORT_SUB)
		forget_moments();
}

/*
 * Call before fs_pre_commit_init, so that this callback runs after its callback: appends at commit are then done.
 */
void
fs_lock_times_init(void)
{
	RegisterXactCallback(on_transaction_event, NULL);
	RegisterSubXactCallback(on_subtransaction_event, NULL);
}
