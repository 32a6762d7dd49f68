/*
 * times.h
 *		Recorded times: microseconds since 1970-01-01 UTC, and their text.
 */
#ifndef FACTSTR_TIMES_H
#define FACTSTR_TIMES_H

#include <stdbool.h>
#include <stdint.h>

/* The present. */
int64_t		fs_now(void);

/*
 * Reads what factstr_format_time writes, and nothing else: 2026-01-31T08:15:30.123456Z.
 */
bool		fs_parse_time(const char *text, int64_t *occurred_at);

#endif							/* FACTSTR_TIMES_H */
