/*
 * failing_calls.h
 *		Calls of the library, repeated while each time another of their allocations fails.
 *
 * Each call is repeated until no allocation of it is left to fail, every time through a new handle.
 * It succeeds, or reports out of memory; and a new handle then finds all of the batch in the log, or
 * nothing.
 */
#ifndef FACTSTR_TEST_FAILING_CALLS_H
#define FACTSTR_TEST_FAILING_CALLS_H

/*
 * Every call, with our own allocations failing, then with those of the libraries too, which have
 * been prepared.  Those make many, of which one in so many is failed; all of them if
 * FACTSTR_EVERY_ALLOCATION is set.  With them, a failure that speaks of memory with one of these codes,
 * which end with FACTSTR_OK, is a clear answer as well.
 */
void		ok_failing_calls(const char *url, int step_in_libraries, const int *codes_of_libraries);

#endif							/* FACTSTR_TEST_FAILING_CALLS_H */
