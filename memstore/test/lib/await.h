/*
 * await.h
 *		Waiting for other threads and processes: until a condition holds, or for too long.
 */
#ifndef FACTSTR_TEST_AWAIT_H
#define FACTSTR_TEST_AWAIT_H

#include <unistd.h>

#include "tap.h"
#include "base/threads.h"

/* How long a condition may take to come true.  In ms; no test is slow when it passes. */
#define PATIENCE 20000

/* Polls until the condition holds; false if it takes too long. */
#define AWAIT(condition) \
	({ \
		int64_t		await_deadline = fs_deadline(PATIENCE); \
		bool		await_holds; \
		while (!(await_holds = (condition)) && fs_time_left(await_deadline) > 0) \
			(void) usleep(500); \
		await_holds; \
	})

/* Polls until the number is the expected one; the last that there was. */
#define AWAIT_INT(number, expected) \
	({ \
		int64_t		await_got; \
		(void) AWAIT((await_got = (number)) == (int64_t) (expected)); \
		await_got; \
	})

/* The results of tap.h, once they are good, or when it takes too long. */
#define ok_int_soon(got, expected, ...) \
	ok_int(AWAIT_INT(got, expected), expected, __VA_ARGS__)
#define ok_code_soon(got, expected, error, ...) \
	ok_code((int) AWAIT_INT(got, expected), expected, error, __VA_ARGS__)

#endif							/* FACTSTR_TEST_AWAIT_H */
