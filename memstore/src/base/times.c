/*
 * base/times.c
 *		Recorded times and their text: always UTC, always microseconds, in any locale.
 *
 * Days are counted from the first of March of the year 0, so that a leap day is the last day of
 * its year.
 */
#include <string.h>
#include <time.h>

#include "base/times.h"
#include "match/time_parser.h"

#define FS_MICROSECONDS_A_DAY (FS_SECONDS_A_DAY * FS_MICROSECONDS)

int64_t
fs_now(void)
{
	struct timespec now;

	(void) clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t) now.tv_sec * FS_MICROSECONDS + now.tv_nsec / 1000;
}

static void
fs_date_of_day(int64_t day_since_1970, int64_t *year, int *month, int *day)
{
	int64_t		days = day_since_1970 + FS_DAYS_TO_1970;
	int64_t		era = fs_floor_divide(days, FS_DAYS_AN_ERA);
	int64_t		day_of_era = fs_floor_rest(days, FS_DAYS_AN_ERA);
	int64_t		year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 -
							   day_of_era / (FS_DAYS_AN_ERA - 1)) / 365;
	int64_t		day_of_year = day_of_era - 365 * year_of_era - year_of_era / 4 +
		year_of_era / 100;

	/* Months of 31, 30, 31, 30 and 31 days, again and again. */
	int			month_from_march = (int) ((5 * day_of_year + 2) / 153);

	*day = (int) day_of_year - (153 * month_from_march + 2) / 5 + 1;
	*month = month_from_march < 10 ? month_from_march + 3 : month_from_march - 9;
	*year = year_of_era + era * 400 + (*month <= 2 ? 1 : 0);
}

/* Writes so many digits, or more if they are needed.  Returns where they end. */
static char *
fs_write_digits(char *text, int64_t number, int digits)
{
	char		reversed[20];
	int			count = 0;

	while (number > 0 || count < digits)
	{
		reversed[count++] = (char) ('0' + number % 10);
		number /= 10;
	}
	while (count > 0)
		*text++ = reversed[--count];
	return text;
}

static char *
fs_write_part(char *text, char separator, int64_t number, int digits)
{
	*text++ = separator;
	return fs_write_digits(text, number, digits);
}

char *
fs_format_time(int64_t occurred_at, char *text)
{
	int64_t		day_since_1970 = fs_floor_divide(occurred_at, FS_MICROSECONDS_A_DAY);
	int64_t		rest = fs_floor_rest(occurred_at, FS_MICROSECONDS_A_DAY);
	int64_t		seconds = rest / FS_MICROSECONDS;
	int64_t		year;
	int			month;
	int			day;
	char	   *end = text;

	fs_date_of_day(day_since_1970, &year, &month, &day);
	if (year < 0)
	{
		*end++ = '-';
		year = -year;
	}
	end = fs_write_digits(end, year, 4);
	end = fs_write_part(end, '-', month, 2);
	end = fs_write_part(end, '-', day, 2);
	end = fs_write_part(end, 'T', seconds / 3600, 2);
	end = fs_write_part(end, ':', seconds / 60 % 60, 2);
	end = fs_write_part(end, ':', seconds % 60, 2);
	end = fs_write_part(end, '.', rest % FS_MICROSECONDS, 6);
	*end++ = 'Z';
	*end = '\0';
	return text;
}

bool
fs_parse_time(const char *text, int64_t *occurred_at)
{
	return fs_time_parse(text, strlen(text), occurred_at);
}
