/*
 * process.h
 *		Other processes of a test.
 *
 * A process is forked before the test opens its store, so that it has nothing of it, and talks with
 * the test in lines.
 */
#ifndef FACTSTR_CONFORMANCE_PROCESS_H
#define FACTSTR_CONFORMANCE_PROCESS_H

#include <stdio.h>
#include <sys/types.h>

#include "harness.h"

typedef struct fc_process
{
	pid_t		pid;			/* 0 when it has ended */
	FILE	   *from;
	FILE	   *to;
} fc_process;

/* The other side of it. */
typedef struct fc_child
{
	fc_test    *test;			/* only for target and url */
	factstr_store *store;		/* opened before run is called */
	FILE	   *from;
	FILE	   *to;
} fc_child;

/*
 * Forks.  The child first waits for a line of the test, then opens the store and says "open", then
 * calls run; it ends when run returns.
 */
fc_process *fc_start(fc_test *test, void (*run) (fc_child *child));

/* Lets the child open the store, and waits until it has. */
void		fc_let_open(fc_test *test, fc_process *process);
void		fc_tell(fc_process *process, const char *line);
void		fc_expect_line(fc_test *test, fc_process *process, const char *expected);

/* As SIGKILL does it: without a chance to tidy up. */
void		fc_kill(fc_process *process);

/* Waits for its end, and expects that all went well. */
void		fc_expect_exit(fc_test *test, fc_process *process);

/* In the child.  A failed expectation there is a line "failed: ..." and its end. */
void		fc_child_say(fc_child *child, const char *line);
void		fc_child_expect_line(fc_child *child, const char *expected);
void		fc_child_expect_ok(fc_child *child, const char *what, int code,
							   const factstr_error *error);

#endif							/* FACTSTR_CONFORMANCE_PROCESS_H */
