/*
 * processes.c
 *		Processes beside the test's own.
 */
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "processes.h"
#include "tap.h"

pid_t
process_start(void (*work) (int output), int *input)
{
	int			ends[2];
	pid_t		child;

	(void) fflush(stdout);
	if (pipe(ends) != 0)
		tap_bail_out("no pipe can be made");
	child = fork();
	if (child < 0)
		tap_bail_out("no process can be started");
	if (child == 0)
	{
		(void) close(ends[0]);
		work(ends[1]);
		_exit(0);
	}
	(void) close(ends[1]);
	*input = ends[0];
	return child;
}

int
process_await(pid_t child)
{
	int			status;

	if (waitpid(child, &status, 0) != child)
		tap_bail_out("a child is missing");
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

void
process_await_byte(int input)
{
	char		byte;

	if (read(input, &byte, 1) != 1)
		tap_bail_out("a child has not got as far as it should");
}
