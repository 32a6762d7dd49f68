/*
 * conformance_mutants.c
 *		The conformance suite notices faults.
 *
 * It is run against the memory store with one fault after the other, and for each at least one case
 * must fail; and without a fault.  Faults often show as a timeout, so the patience is small, and several
 * run at the same time, each in a separate process.
 *
 * MUTANT="cursor" in the environment: only the faults that are described with this text.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "factstr_conformance.h"
#include "api/store.h"

#include "lib/mutants.h"
#include "lib/processes.h"
#include "lib/tap.h"

/* So many processes at a time. */
#define PARALLEL 16
#define MOST_RUNS 200

/* The suite, or the part of it that a pattern selects, against one table of functions. */
typedef struct suite_run
{
	const char *fault;			/* NULL: there is none */
	const char *pattern;
	fs_methods	methods;
	const mutant_api *api;
	int			patience;
	pid_t		process;
	int			input;
} suite_run;

static suite_run runs[MOST_RUNS];
static size_t run_count;

/* The mutant of the next process. */
static suite_run *current;

static const char *
fresh(void *context, char *message)
{
	(void) context;
	(void) message;
	return "";
}

static int
open_mutant(void *context, const char *url, factstr_store **store, factstr_error *error)
{
	return fs_open_methods(context, url, store, error);
}

/* Writes the first selected case that fails, with its message; nothing if none does. */
static void
run_suite(int output)
{
	factstr_conformance_target target = {
		.name = "mutant",
		.context = &current->methods,
		.fresh = fresh,
		.open = open_mutant,
		.patience = current->patience
	};
	char		message[FACTSTR_CONFORMANCE_MESSAGE_SIZE];
	char		text[FACTSTR_CONFORMANCE_MESSAGE_SIZE + 200];
	const factstr_conformance_case *tested;

	mutant_of_api = current->api;
	mutant_process = getpid();
	for (size_t i = 0; (tested = factstr_conformance_case_at(i)) != NULL; i++)
	{
		if (factstr_conformance_selects(current->pattern, tested) &&
			factstr_conformance_run_case(&target, tested, message) == FACTSTR_CONFORMANCE_FAILED)
		{
			(void) snprintf(text, sizeof(text), "%s: %.250s", tested->title, message);
			(void) !write(output, text, strlen(text));
			return;
		}
	}
}

static void
start(suite_run *run)
{
	current = run;
	run->process = process_start(run_suite, &run->input);
}

/* The output of the process is the case that failed. */
static void
finish(const suite_run *run)
{
	char		failed[FACTSTR_CONFORMANCE_MESSAGE_SIZE + 200];
	ssize_t		length = read(run->input, failed, sizeof(failed) - 1);
	int			status = process_await(run->process);

	(void) close(run->input);
	failed[length > 0 ? length : 0] = '\0';
	if (run->fault == NULL)
	{
		ok_str(failed, "", "no case fails where there is no fault");
		ok_int(status, 0, "and the suite comes to its end");
		return;
	}
	if (ok_cmp((int64_t) strlen(failed), ">", 0, "noticed: %s", run->fault))
		tap_diagnostic("%s", failed);
	else
		tap_diagnostic("no case of \"%s\" has failed; exit status %d", run->pattern, status);
}

static void
collect_runs(const char *only)
{
	const mutant *one;

	runs[run_count++] = (suite_run) {.methods = fs_memory_store};
	for (size_t i = 0; (one = mutant_at(i)) != NULL; i++)
	{
		if (only != NULL && strstr(one->fault, only) == NULL)
			continue;
		if (run_count == MOST_RUNS)
			tap_bail_out("there are more than %d mutants", MOST_RUNS);
		runs[run_count++] = (suite_run) {
			.fault = one->fault,
			.pattern = one->pattern,
			.methods = mutant_methods(one),
			.api = &one->api,
			.patience = 1
		};
	}
}

int
main(void)
{
	collect_runs(getenv("MUTANT"));
	for (size_t i = 0; i < run_count + PARALLEL; i++)
	{
		if (i >= PARALLEL)
			finish(&runs[i - PARALLEL]);
		if (i < run_count)
			start(&runs[i]);
	}
	return tap_finish();
}
