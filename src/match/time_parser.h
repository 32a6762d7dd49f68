/*
 * match/time_parser.h
 *		Times as text, in the forms of ISO 8601 that say which moment is meant.
 *
 * A date, T, a time of day and an offset from UTC, in the extended form 2018-02-07T01:45:21.5+01:00 or the
 * basic one, 20180207T014521.5+0100.  Seconds may be missing, and so may minutes of the offset; Z is the offset of
 * UTC; t and z may be small.  Digits of a second beyond the sixth are cut off: times are kept in microseconds.
 * Refused are dates without a time of day, times without an offset, weeks and days of the year, 24:00 and leap seconds,
 * which name a moment that has another name.
 */
#ifndef FACTSTR_TIME_PARSER_H
#define FACTSTR_TIME_PARSER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FS_MICROSECONDS INT64_C(1000000)
#define FS_SECONDS_A_DAY INT64_C(86400)

/* 400 years, after which the calendar repeats itself. */
#define FS_DAYS_AN_ERA INT64_C(146097)

/* From 0000-03-01 to 1970-01-01. */
#define FS_DAYS_TO_1970 INT64_C(719468)

/* The range of 64 bits of microseconds, from 1970 on. */
#define FS_LAST_YEAR 294247

/* Rounds down, also below zero. */
static inline int64_t
fs_floor_divide(int64_t number, int64_t divisor)
{
	return number / divisor - (number % divisor < 0 ? 1 : 0);
}

/* The remainder of rounding down: never negative. */
static inline int64_t
fs_floor_rest(int64_t number, int64_t divisor)
{
	return number % divisor + (number % divisor < 0 ? divisor : 0);
}

/* Days are counted from the first of March, so that a leap day is the last day of its year. */
static inline int64_t
fs_day_of_date(int64_t year, int month, int day)
{
	int64_t		year_from_march = month <= 2 ? year - 1 : year;
	int64_t		era = fs_floor_divide(year_from_march, 400);
	int64_t		year_of_era = fs_floor_rest(year_from_march, 400);
	int64_t		day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;

	return era * FS_DAYS_AN_ERA + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 +
		day_of_year - FS_DAYS_TO_1970;
}

static inline int
fs_days_of_month(int64_t year, int month)
{
	int			after = month == 12 ? 1 : month + 1;

	return (int) (fs_day_of_date(month == 12 ? year + 1 : year, after, 1) - fs_day_of_date(year, month, 1));
}

/* The rest of the text. */
typedef struct fs_time_text
{
	const char *next;
	const char *end;
} fs_time_text;

static inline bool
fs_time_at_digit(const fs_time_text *rest)
{
	return rest->next < rest->end && *rest->next >= '0' && *rest->next <= '9';
}

/* Reads one of two characters, if it is there. */
static inline bool
fs_time_skip(fs_time_text *rest, char one, char other)
{
	if (rest->next == rest->end || (*rest->next != one && *rest->next != other))
		return false;
	rest->next++;
	return true;
}

/* Reads exactly so many digits, a number of at most so much. */
static inline bool
fs_time_digits(fs_time_text *rest, int digits, int most, int *number)
{
	*number = 0;
	for (int i = 0; i < digits; i++)
	{
		if (!fs_time_at_digit(rest))
			return false;
		*number = *number * 10 + (*rest->next++ - '0');
	}
	return *number <= most;
}

/* A year of at least four digits, with more only as many as it needs; perhaps negative. */
static inline bool
fs_time_year(fs_time_text *rest, int64_t *year)
{
	bool		negative = fs_time_skip(rest, '-', '-');
	const char *first = rest->next;

	*year = 0;
	while (fs_time_at_digit(rest) && *year <= FS_LAST_YEAR)
		*year = *year * 10 + (*rest->next++ - '0');
	if (rest->next - first < 4 || (rest->next - first > 4 && *first == '0') || (negative && *year == 0))
		return false;
	if (negative)
		*year = -*year;
	return *year >= -FS_LAST_YEAR && *year <= FS_LAST_YEAR;
}

/* Reads a date as a day since 1970; the basic form has years of four digits. */
static inline bool
fs_time_date(fs_time_text *rest, bool extended, int64_t *day)
{
	int64_t		year;
	int			basic_year;
	int			month;
	int			day_of_month;

	if (extended)
	{
		if (!fs_time_year(rest, &year) || !fs_time_skip(rest, '-', '-') ||
			!fs_time_digits(rest, 2, 12, &month) || !fs_time_skip(rest, '-', '-'))
			return false;
	}
	else
	{
		if (!fs_time_digits(rest, 4, 9999, &basic_year) || !fs_time_digits(rest, 2, 12, &month))
			return false;
		year = basic_year;
	}
	if (!fs_time_digits(rest, 2, 31, &day_of_month) || month == 0 || day_of_month == 0 ||
		day_of_month > fs_days_of_month(year, month))
		return false;
	*day = fs_day_of_date(year, month, day_of_month);
	return true;
}

/* Reads a point and the digits after it, if there is one. */
static inline bool
fs_time_fraction(fs_time_text *rest, int64_t *microseconds)
{
	int64_t		unit = FS_MICROSECONDS;

	*microseconds = 0;
	if (!fs_time_skip(rest, '.', ','))
		return true;
	if (!fs_time_at_digit(rest))
		return false;
	while (fs_time_at_digit(rest))
	{
		unit /= 10;
		*microseconds += (*rest->next++ - '0') * unit;
	}
	return true;
}

/* Reads the time of day, in seconds and microseconds of it. */
static inline bool
fs_time_of_day(fs_time_text *rest, bool extended, int64_t *seconds, int64_t *microseconds)
{
	int			hour;
	int			minute;
	int			second = 0;
	bool		has_seconds;

	if (!fs_time_digits(rest, 2, 23, &hour) || (extended && !fs_time_skip(rest, ':', ':')) ||
		!fs_time_digits(rest, 2, 59, &minute))
		return false;
	has_seconds = extended ? fs_time_skip(rest, ':', ':') : fs_time_at_digit(rest);
	*microseconds = 0;
	if (has_seconds && (!fs_time_digits(rest, 2, 59, &second) || !fs_time_fraction(rest, microseconds)))
		return false;
	*seconds = (hour * 60 + minute) * 60 + second;
	return true;
}

/* Reads the offset, in seconds; with or without a colon, independently of the form of the rest. */
static inline bool
fs_time_offset(fs_time_text *rest, int64_t *seconds)
{
	int			sign;
	int			hours;
	int			minutes = 0;

	*seconds = 0;
	if (fs_time_skip(rest, 'Z', 'z'))
		return true;
	if (rest->next == rest->end || (*rest->next != '+' && *rest->next != '-'))
		return false;
	sign = *rest->next++ == '-' ? -1 : 1;
	if (!fs_time_digits(rest, 2, 23, &hours))
		return false;
	if ((fs_time_skip(rest, ':', ':') || fs_time_at_digit(rest)) && !fs_time_digits(rest, 2, 59, &minutes))
		return false;
	*seconds = sign * (hours * 60 + minutes) * 60;
	return true;
}

/* The time that a text says, in microseconds since 1970; false if it is none, or beyond 64 bits. */
static inline bool
fs_time_parse(const char *value, size_t length, int64_t *time)
{
	fs_time_text rest = {value, value + length};
	bool		extended = length > 4 && !(value[4] >= '0' && value[4] <= '9' &&
										   length > 8 && (value[8] == 'T' || value[8] == 't'));
	int64_t		day;
	int64_t		seconds;
	int64_t		microseconds;
	int64_t		offset;

	if (!fs_time_date(&rest, extended, &day) || !fs_time_skip(&rest, 'T', 't') ||
		!fs_time_of_day(&rest, extended, &seconds, &microseconds) ||
		!fs_time_offset(&rest, &offset) || rest.next != rest.end)
		return false;
	seconds += day * FS_SECONDS_A_DAY - offset;
	/* Below zero from the next second, so that the first moment of all can be told. */
	if (seconds < 0 && microseconds > 0)
	{
		seconds++;
		microseconds -= FS_MICROSECONDS;
	}
	if (seconds > INT64_MAX / FS_MICROSECONDS || seconds < INT64_MIN / FS_MICROSECONDS)
		return false;
	seconds *= FS_MICROSECONDS;
	if (microseconds > 0 ? seconds > INT64_MAX - microseconds : seconds < INT64_MIN - microseconds)
		return false;
	*time = seconds + microseconds;
	return true;
}

#endif							/* FACTSTR_TIME_PARSER_H */
