/*
 * times.c
 *		Tests of recorded times and their text.
 */
#include <string.h>
#include <time.h>

#include "factstr.h"
#include "base/times.h"

#include "lib/tap.h"

static void
ok_written(int64_t time, const char *expected)
{
	char		text[FACTSTR_TIME_SIZE];
	int64_t		read = 0;

	ok_str(factstr_format_time(time, text), expected, "%s", expected);
	ok(fs_parse_time(expected, &read), "%s is read", expected);
	ok_int(read, time, "%s is read as the same time", expected);
}

/* Every day of so many years, against the C library. */
static void
test_against_library(void)
{
	int			different = 0;

	for (int64_t day = -800000; day < 800000; day++)
	{
		time_t		seconds = (time_t) (day * 86400 + 86399);
		int64_t		time = (int64_t) seconds * 1000000 + 1;
		struct tm	parts;
		char		expected[64];
		char		text[FACTSTR_TIME_SIZE];
		int64_t		read = 0;

		(void) gmtime_r(&seconds, &parts);
		if (parts.tm_year + 1900 < 0)
			continue;
		(void) snprintf(expected, sizeof(expected), "%04d-%02d-%02dT23:59:59.000001Z",
						parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday);
		(void) factstr_format_time(time, text);
		if (strcmp(text, expected) == 0 && fs_parse_time(text, &read) && read == time)
			continue;
		if (different++ == 0)
			tap_diagnostic("%s is written %s", expected, text);
	}
	ok_int(different, 0, "4,000 years agree with gmtime");
}

static void
ok_refused(const char *text)
{
	int64_t		time;

	ok(!fs_parse_time(text, &time), "not a time: %s", text);
}

/* A time in another form than it is written in. */
static void
ok_read(const char *text, const char *expected)
{
	char		written[FACTSTR_TIME_SIZE];
	int64_t		time = 0;

	ok(fs_parse_time(text, &time), "%s is read", text);
	ok_str(factstr_format_time(time, written), expected, "%s is %s", text, expected);
}

static void
test_forms(void)
{
	ok_read("2018-02-07T01:45:21Z", "2018-02-07T01:45:21.000000Z");
	ok_read("2018-02-07t01:45:21z", "2018-02-07T01:45:21.000000Z");
	ok_read("2018-02-07T01:45Z", "2018-02-07T01:45:00.000000Z");
	ok_read("20180207T014521Z", "2018-02-07T01:45:21.000000Z");
	ok_read("20180207T0145+0530", "2018-02-06T20:15:00.000000Z");
	ok_read("2018-02-07T01:45:21.5-09:30", "2018-02-07T11:15:21.500000Z");
	ok_read("2018-02-07T01:45:21,25+01", "2018-02-07T00:45:21.250000Z");
	ok_read("2018-02-07T01:45:21.1234569-00:00", "2018-02-07T01:45:21.123456Z");
	ok_read("1969-12-31T23:59:59.9999999Z", "1969-12-31T23:59:59.999999Z");
	ok_read("2016-12-31T23:00:00-05:00", "2017-01-01T04:00:00.000000Z");
	ok_refused("2018-02-07 01:45:21Z");
	ok_refused("2018-02-07T01:45:21");
	ok_refused("2018-02-07T01:45:21.Z");
	ok_refused("2018-02-07T014521Z");
	ok_refused("20180207T01:45:21Z");
	ok_refused("2018-W06-3T01:45:21Z");
	ok_refused("2018-038T01:45:21Z");
	ok_refused("2018-02-07T01:45:60Z");
	ok_refused("2018-02-07T01:45:21+24:00");
	ok_refused("2018-02-07T01:45:21+01:60");
	ok_refused("2018-02-07T01:45:21+1");
	ok_refused("-0000-02-07T01:45:21Z");
}

int
main(void)
{
	char		text[FACTSTR_TIME_SIZE];
	int64_t		now;

	ok_written(0, "1970-01-01T00:00:00.000000Z");
	ok_written(-1, "1969-12-31T23:59:59.999999Z");
	ok_written(INT64_C(1769847330123456), "2026-01-31T08:15:30.123456Z");
	ok_written(INT64_C(951782400000000), "2000-02-29T00:00:00.000000Z");
	ok_written(INT64_C(253402300800000000), "10000-01-01T00:00:00.000000Z");
	ok_written(INT64_MAX, "294247-01-10T04:00:54.775807Z");
	ok_cmp((int64_t) strlen(factstr_format_time(INT64_MIN, text)), "<", FACTSTR_TIME_SIZE,
		   "the earliest time of all has room: %s", text);
	test_against_library();
	test_forms();
	ok_refused("");
	ok_refused("2026-01-31");
	ok_refused("2026-01-31T08:15:30.123456");
	ok_refused("2026-01-31T08:15:30.123456ZZ");
	ok_refused("2026-02-29T08:15:30.123456Z");
	ok_refused("2026-13-01T08:15:30.123456Z");
	ok_refused("2026-00-01T08:15:30.123456Z");
	ok_refused("2026-01-31T24:00:00.000000Z");
	ok_refused("2026-01-31T08:60:00.000000Z");
	ok_refused("02026-01-31T08:15:30.123456Z");
	ok_refused("26-01-31T08:15:30.123456Z");
	ok_refused("294247-01-10T04:00:54.775808Z");
	ok_refused("99999999999999999999-01-01T00:00:00.000000Z");
	now = fs_now();
	ok_cmp(now, ">", INT64_C(1700000000000000), "the present");
	ok_cmp(fs_now(), ">=", now, "and a little later");
	return tap_finish();
}
