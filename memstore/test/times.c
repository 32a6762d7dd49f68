/*
 * times.c
 *		Tests of recorded times and their text.
 */
#include <string.h>
#include <time.h>

#include "factstr.h"
#include "times.h"

#include "tap.h"

static void
is_written(int64_t time, const char *expected)
{
	char		text[FACTSTR_TIME_SIZE];
	int64_t		read = 0;

	(void) tap_ok(strcmp(factstr_format_time(time, text), expected) == 0, "%s is %s", text,
				  expected);
	(void) tap_ok(fs_parse_time(expected, &read) && read == time, "and is read again");
}

/* Every day of so many years, against the C library. */
static void
agrees_with_library(void)
{
	bool		same = true;

	for (int64_t day = -800000; day < 800000; day++)
	{
		time_t		seconds = (time_t) (day * 86400 + 86399);
		struct tm	parts;
		char		expected[64];
		char		text[FACTSTR_TIME_SIZE];
		int64_t		read = 0;

		(void) gmtime_r(&seconds, &parts);
		(void) snprintf(expected, sizeof(expected), "%04d-%02d-%02dT23:59:59.000001Z",
						parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday);
		(void) factstr_format_time((int64_t) seconds * 1000000 + 1, text);
		if (parts.tm_year + 1900 < 0)
			continue;
		same = same && strcmp(text, expected) == 0 && fs_parse_time(text, &read) &&
			read == (int64_t) seconds * 1000000 + 1;
	}
	(void) tap_ok(same, "4,000 years agree with gmtime");
}

static void
is_refused(const char *text)
{
	int64_t		time;

	(void) tap_ok(!fs_parse_time(text, &time), "not a time: %s", text);
}

int
main(void)
{
	char		text[FACTSTR_TIME_SIZE];
	int64_t		now;

	is_written(0, "1970-01-01T00:00:00.000000Z");
	is_written(-1, "1969-12-31T23:59:59.999999Z");
	is_written(INT64_C(1769847330123456), "2026-01-31T08:15:30.123456Z");
	is_written(INT64_C(951782400000000), "2000-02-29T00:00:00.000000Z");
	is_written(INT64_C(253402300800000000), "10000-01-01T00:00:00.000000Z");
	is_written(INT64_MAX, "294247-01-10T04:00:54.775807Z");
	(void) tap_ok(strlen(factstr_format_time(INT64_MIN, text)) < FACTSTR_TIME_SIZE,
				  "the earliest time of all has room: %s", text);
	agrees_with_library();
	is_refused("");
	is_refused("2026-01-31");
	is_refused("2026-01-31T08:15:30Z");
	is_refused("2026-01-31T08:15:30.123Z");
	is_refused("2026-01-31T08:15:30.123456");
	is_refused("2026-01-31T08:15:30.123456+00:00");
	is_refused("2026-01-31T08:15:30.123456ZZ");
	is_refused("2026-02-29T08:15:30.123456Z");
	is_refused("2026-13-01T08:15:30.123456Z");
	is_refused("2026-00-01T08:15:30.123456Z");
	is_refused("2026-01-31T24:00:00.000000Z");
	is_refused("2026-01-31T08:60:00.000000Z");
	is_refused("02026-01-31T08:15:30.123456Z");
	is_refused("26-01-31T08:15:30.123456Z");
	is_refused("294247-01-10T04:00:54.775808Z");
	is_refused("99999999999999999999-01-01T00:00:00.000000Z");
	now = fs_now();
	(void) tap_ok(now > INT64_C(1700000000000000) && fs_now() >= now, "the present");
	return tap_finish();
}
