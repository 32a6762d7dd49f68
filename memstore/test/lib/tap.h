/*
 * tap.h
 *		Results in the Test Anything Protocol.
 *
 * Every function that gives a result begins with ok_, here and in the tests.  It takes the actual value,
 * then the expected one, then the name of the result, and returns whether the two agree.  If they
 * do not, diagnostics show both.
 */
#ifndef FACTSTR_TEST_TAP_H
#define FACTSTR_TEST_TAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "factstr.h"

#define TAP_FORMAT(text, first) __attribute__((format(printf, text, first)))

bool		ok(bool passed, const char *name,...) TAP_FORMAT(2, 3);

/* Numbers of any kind: a sequence number beyond INT64_MAX is shown as a negative one. */
bool		ok_int(int64_t got, int64_t expected, const char *name,...) TAP_FORMAT(3, 4);

/* Does the number compare with a bound by "<", "<=", ">", ">=" or "!="? */
bool		ok_cmp(int64_t got, const char *comparison, int64_t bound, const char *name,...)
			TAP_FORMAT(4, 5);

/* Texts, either of which may be NULL. */
bool		ok_str(const char *got, const char *expected, const char *name,...) TAP_FORMAT(3, 4);
bool		ok_contains(const char *got, const char *part, const char *name,...) TAP_FORMAT(3, 4);
bool		ok_lacks(const char *got, const char *part, const char *name,...) TAP_FORMAT(3, 4);

bool		ok_null(const void *got, const char *name,...) TAP_FORMAT(2, 3);

/* The code that a function of the library returned, and its error, or NULL. */
bool		ok_code(int got, int expected, const factstr_error *error, const char *name,...)
			TAP_FORMAT(4, 5);

void		tap_diagnostic(const char *format,...) TAP_FORMAT(1, 2);

/* For conditions without which the tests cannot continue. */
_Noreturn void tap_bail_out(const char *format,...) TAP_FORMAT(1, 2);

/* The plan, last, and the program's exit status.  No tests at all is a failure too. */
int			tap_finish(void);

#endif							/* FACTSTR_TEST_TAP_H */
