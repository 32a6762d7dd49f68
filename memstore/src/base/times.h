/*
 * base/times.h
 *		Recorded times: microseconds since 1970-01-01 UTC, and their text.
 */
#ifndef FACTSTR_BASE_TIMES_H
#define FACTSTR_BASE_TIMES_H

#include <stdbool.h>
#include <stdint.h>

/* The present. */
int64_t		fs_now(void);

/* The size of a time as text, including its NUL. */
#define FS_TIME_SIZE 32

/* Writes 2026-01-31T08:15:30.123456Z into text, and returns it. */
char	   *fs_format_time(int64_t occurred_at, char *text);

/* Reads a time in any form of ISO 8601 that match/time_parser.h knows, including that of fs_format_time. */
bool		fs_parse_time(const char *text, int64_t *occurred_at);

#endif							/* FACTSTR_BASE_TIMES_H */
