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

/* Milliseconds between two reports of progress, and facts between two looks at the clock. */
#define PROGRESS_INTERVAL 10000
#define FACTS_BETWEEN_LOOKS 1024

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
fs_check_begin_part(Check *check, const char *what)
{
	check->what = what;
	check->where = 0;
}

/* To be called for each row. */
void
fs_check_progress(Check *check, int64 where)
{
	CHECK_FOR_INTERRUPTS();
	check->where = where;
	MemoryContextReset(check->row_context);
	if (where % FACTS_BETWEEN_LOOKS == 0)
	{
		if (check->report_at == 0)
			check->report_at = fs_clock_after(PROGRESS_INTERVAL);
		if (fs_clock_until(check->report_at) > 0)
			return;
		check->report_at = fs_clock_after(PROGRESS_INTERVAL);
		ereport(NOTICE,
				(errmsg("factstr_check: %s: " INT64_FORMAT " of " INT64_FORMAT " facts",
						check->what, where, check->head)));
	}
}
