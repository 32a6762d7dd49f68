/*
 * check/check.c
 *		Shared by the checks of the log: they note findings, and report progress.
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/memutils.h"

#include "check/check.h"
#include "clock.h"

/* Milliseconds between two reports of progress, and rows between two looks at the clock. */
#define PROGRESS_INTERVAL 10000
#define ROWS_BETWEEN_LOOKS 1024

void
fs_check_found(Check *check, CheckId id, const char *format,...)
{
	Finding    *finding = &check->findings[id];
	MemoryContext caller;
	StringInfoData words;

	if (finding->count++ > 0)
		return;
	caller = MemoryContextSwitchTo(check->context);
	initStringInfo(&words);
	for (;;)
	{
		va_list		arguments;
		int			needed;

		va_start(arguments, format);
		needed = appendStringInfoVA(&words, format, arguments);
		va_end(arguments);
		if (needed == 0)
			break;
		enlargeStringInfo(&words, needed);
	}
	finding->first = words.data;
	MemoryContextSwitchTo(caller);
}

void
fs_check_begin_part(Check *check, const char *what, int64 total)
{
	check->what = what;
	check->done = 0;
	check->total = total;
	check->where = 0;
}

/* Tells the client how far the check is, from time to time. */
void
fs_check_report_progress(Check *check)
{
	if (check->report_at == 0)
		check->report_at = fs_clock_after(PROGRESS_INTERVAL);
	if (fs_clock_until(check->report_at) > 0)
		return;
	check->report_at = fs_clock_after(PROGRESS_INTERVAL);
	if (check->total > 0)
		ereport(NOTICE,
				(errmsg("factstr_check: %s: " INT64_FORMAT " of " INT64_FORMAT " facts",
						check->what, check->done, check->total)));
	else
		ereport(NOTICE, (errmsg("factstr_check: %s: " INT64_FORMAT, check->what, check->done)));
}

/* To be called for each row, with the number of its fact, or 0 if that is not known. */
void
fs_check_next(Check *check, int64 where)
{
	CHECK_FOR_INTERRUPTS();
	check->where = where;
	MemoryContextReset(check->row_context);
	if (++check->done % ROWS_BETWEEN_LOOKS == 0)
		fs_check_report_progress(check);
}
