/*
 * process.c
 *		Other processes of a test.
 */
#include "process.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void
end_process(void *object)
{
	fc_process *process = object;

	fc_kill(process);
	(void) fclose(process->from);
	(void) fclose(process->to);
	free(process);
}

/* One line without its end, NULL at the end of input. */
static char *
read_line(FILE *from, char *line, int size)
{
	if (fgets(line, size, from) == NULL)
		return NULL;
	line[strcspn(line, "\n")] = '\0';
	return line;
}

static void
say(FILE *to, const char *line)
{
	(void) fprintf(to, "%s\n", line);
	(void) fflush(to);
}

void
fc_child_say(fc_child *child, const char *line)
{
	say(child->to, line);
}

void
fc_child_expect_line(fc_child *child, const char *expected)
{
	char		line[200];

	if (read_line(child->from, line, sizeof(line)) == NULL || strcmp(line, expected) != 0)
		_exit(1);				/* the test is over */
}

void
fc_child_expect_ok(fc_child *child, const char *what, int code, const factstr_error *error)
{
	char		line[700];

	if (code == FACTSTR_OK)
		return;
	(void) snprintf(line, sizeof(line), "failed: %s: %s: %s", what, factstr_code_name(code),
					error == NULL ? "" : error->message);
	fc_child_say(child, line);
	_exit(1);
}

static void
run_child(fc_test *test, int from, int to, void (*run) (fc_child *child))
{
	const factstr_conformance_target *target = test->target;
	fc_child	child = {test, NULL, fdopen(from, "r"), fdopen(to, "w")};
	factstr_error error;
	int			code;

	(void) signal(SIGPIPE, SIG_DFL);
	fc_child_expect_line(&child, "open");
	code = target->open == NULL ? factstr_open(test->url, &child.store, &error) :
		target->open(target->context, test->url, &child.store, &error);
	fc_child_expect_ok(&child, "opening the store in another process", code, &error);
	fc_child_say(&child, "open");
	run(&child);
	(void) factstr_close(child.store, FACTSTR_CLOSE_TIMEOUT_MS);
	_exit(0);
}

fc_process *
fc_start(fc_test *test, void (*run) (fc_child *child))
{
	fc_process *process = calloc(1, sizeof(fc_process));
	int			down[2];
	int			up[2];

	if (process == NULL || pipe(down) != 0 || pipe(up) != 0)
		abort();
	process->pid = fork();
	if (process->pid < 0)
		abort();
	if (process->pid == 0)
	{
		(void) close(down[1]);
		(void) close(up[0]);
		run_child(test, down[0], up[1], run);
	}
	(void) close(down[0]);
	(void) close(up[1]);
	process->from = fdopen(up[0], "r");
	process->to = fdopen(down[1], "w");
	if (process->from == NULL || process->to == NULL)
		abort();
	(void) setvbuf(process->from, NULL, _IONBF, 0);	/* poll does not see buffered bytes */
	fc_own(test, end_process, process);
	return process;
}

void
fc_tell(fc_process *process, const char *line)
{
	void		(*before) (int) = signal(SIGPIPE, SIG_IGN);

	say(process->to, line);
	(void) signal(SIGPIPE, before);
}

void
fc_expect_line(fc_test *test, fc_process *process, const char *expected)
{
	struct pollfd ready = {.fd = fileno(process->from), .events = POLLIN};
	char		line[800];

	fc_expect(test, poll(&ready, 1, test->patience * 1000) == 1,
			  "expected another process to say \"%s\", but it said nothing", expected);
	if (read_line(process->from, line, sizeof(line)) == NULL)
		fc_fail(test, "expected another process to say \"%s\", but it ended", expected);
	fc_expect_text(test, "a line of another process", line, expected);
}

void
fc_let_open(fc_test *test, fc_process *process)
{
	fc_tell(process, "open");
	fc_expect_line(test, process, "open");
}

/* Returns its status, or -1 if it had ended before. */
static int
wait_for(fc_process *process)
{
	int			status = -1;

	if (process->pid == 0)
		return -1;
	while (waitpid(process->pid, &status, 0) < 0 && errno == EINTR)
		;
	process->pid = 0;
	return status;
}

void
fc_kill(fc_process *process)
{
	if (process->pid != 0)
		(void) kill(process->pid, SIGKILL);
	(void) wait_for(process);
}

void
fc_expect_exit(fc_test *test, fc_process *process)
{
	int			status = wait_for(process);

	fc_expect(test, WIFEXITED(status) && WEXITSTATUS(status) == 0,
			  "expected another process to end with 0, found wait status %d", status);
}
