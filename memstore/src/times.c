/*
 * times.c
 *		Recorded times and their text: always UTC, always microseconds, whatever the locale.
 *
 * Days are counted from the first of March of the year 0, so that the day that some years lack is
 * the last of its year.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "factstr.h"
#include "times.h"

#define FS_MICROSECONDS INT64_C(1000000)
#define FS_MICROSECONDS_A_DAY (INT64_C(86400) * FS_MICROSECONDS)

/* 400 years, after which the calendar repeats itself. */
#define FS_DAYS_AN_ERA INT64_C(146097)

/* From 0000-03-01 to 1970-01-01. */
#define FS_DAYS_TO_1970 INT64_C(719468)

/* What 64 bits of microseconds reach. */
#define FS_LAST_YEAR 294247

int64_t
fs_now(void)
{
	struct timespec now;

	(void) clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t) now.tv_sec * FS_MICROSECONDS + now.tv_nsec / 1000;
}

/* Rounds down, also below zero. */
static int64_t
fs_floor_divide(int64_t number, int64_t divisor)
{
	return number / divisor - (number % divisor < 0 ? 1 : 0);
}

/* What rounding down leaves: never negative. */
static int64_t
fs_floor_rest(int64_t number, int64_t divisor)
{
	return number % divisor + (number % divisor < 0 ? divisor : 0);
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

static int64_t
fs_day_of_date(int64_t year, int month, int day)
{
	int64_t		year_from_march = month <= 2 ? year - 1 : year;
	int64_t		era = fs_floor_divide(year_from_march, 400);
	int64_t		year_of_era = fs_floor_rest(year_from_march, 400);
	int64_t		day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;

	return era * FS_DAYS_AN_ERA + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 +
		day_of_year - FS_DAYS_TO_1970;
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
factstr_format_time(int64_t occurred_at, char *text)
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

/* Reads a separator and exactly so many digits. */
static bool
fs_read_part(const char **text, char separator, int digits, int *number)
{
	if (**text != separator)
		return false;
	(*text)++;
	*number = 0;
	for (int i = 0; i < digits; i++)
	{
		if (**text < '0' || **text > '9')
			return false;
		*number = *number * 10 + (*(*text)++ - '0');
	}
	return true;
}

/* A sign, if any, and at least four digits. */
static bool
fs_read_year(const char **text, int64_t *year)
{
	bool		negative = **text == '-';
	int			digits = 0;

	if (negative)
		(*text)++;
	*year = 0;
	while (**text >= '0' && **text <= '9' && *year <= FS_LAST_YEAR)
	{
		*year = *year * 10 + (*(*text)++ - '0');
		digits++;
	}
	if (negative)
		*year = -*year;
	return digits >= 4;
}

bool
fs_parse_time(const char *text, int64_t *occurred_at)
{
	const char *rest = text;
	int64_t		year;
	int			month,
				day,
				hour,
				minute,
				second,
				microsecond;
	char		again[FACTSTR_TIME_SIZE];

	if (!fs_read_year(&rest, &year) || !fs_read_part(&rest, '-', 2, &month) ||
		!fs_read_part(&rest, '-', 2, &day) || !fs_read_part(&rest, 'T', 2, &hour) ||
		!fs_read_part(&rest, ':', 2, &minute) || !fs_read_part(&rest, ':', 2, &second) ||
		!fs_read_part(&rest, '.', 6, &microsecond) || strcmp(rest, "Z") != 0)
		return false;
	if (year < -FS_LAST_YEAR || year > FS_LAST_YEAR || month < 1 || month > 12)
		return false;
	if (__builtin_mul_overflow(fs_day_of_date(year, month, day), FS_MICROSECONDS_A_DAY,
							   occurred_at) ||
		__builtin_add_overflow(*occurred_at, ((hour * 60 + minute) * INT64_C(60) + second) *
							   FS_MICROSECONDS + microsecond, occurred_at))
		return false;

	/* February 30 is a day of March, 24:00 one of tomorrow: not what would be written. */
	return strcmp(factstr_format_time(*occurred_at, again), text) == 0;
}
