/*
 * processes.h
 *		Processes beside the test's own.
 *
 * The library does not survive a fork, so children are made before a store is opened.
 */
#ifndef FACTSTR_TEST_PROCESSES_H
#define FACTSTR_TEST_PROCESSES_H

#include <sys/types.h>

/* Runs work in a child, which ends after it with status 0.  Its output is read from *input. */
pid_t		process_start(void (*work) (int output), int *input);

/* The exit status, or 128 and the number of the signal that ended it. */
int			process_await(pid_t child);

/* Returns when the child has written a byte, which it must do. */
void		process_await_byte(int input);

#endif							/* FACTSTR_TEST_PROCESSES_H */
