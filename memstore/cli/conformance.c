/*
 * conformance.c
 *		factstr conformance: does a store keep the contract?
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "factstr_conformance.h"

#include "messages.h"
#include "options.h"
#include "output.h"
#include "store.h"

static const char cli_usage[] =
	"usage: factstr conformance [--list] [URL] [PATTERN]\n"
	"\n"
	"Runs the conformance suite, or the cases that match PATTERN, and prints TAP. Each\n"
	"case uses a separate store, which is removed afterwards; other data is untouched.\n"
	"\n"
	"  memory:                the memory store; the default\n"
	"  sqlite:DIRECTORY       files in DIRECTORY, which must be empty or not exist\n"
	"  postgresql://...       new databases; the role must be able to create them\n"
	"\n"
	"PATTERN is a subject such as streams, \"rule 12\", a part of a title, or a shell\n"
	"pattern for titles.\n"
	"\n"
	"  -l, --list             print the cases instead\n"
	"      --log NAME         the stores are logs of this name in the databases\n";

static cli_status
cli_list_cases(const char *pattern)
{
	const factstr_conformance_case *tested;

	for (size_t i = 0; (tested = factstr_conformance_case_at(i)) != NULL; i++)
	{
		if (factstr_conformance_selects(pattern, tested))
			printf("%-12s %-10s %s\n", tested->subject, tested->rules, tested->title);
	}
	return fflush(stdout) == 0 ? CLI_DONE : CLI_FAILED;
}

static cli_status
cli_run_cases(const char *url, const char *pattern)
{
	char		message[FACTSTR_CONFORMANCE_MESSAGE_SIZE];
	factstr_conformance_target *target;
	int			failures;

	target = factstr_conformance_target_for_url(url, message);
	if (target == NULL)
		return cli_fail_with("%s", message);
	failures = factstr_conformance_run(target, pattern, stdout);
	factstr_conformance_target_free(target);
	if (failures < 0)
		return cli_fail_with("no case matches \"%s\"", pattern);
	return failures == 0 && fflush(stdout) == 0 ? CLI_DONE : CLI_FAILED;
}

static bool
cli_is_url(const char *text)
{
	return strcmp(text, "memory:") == 0 || strncmp(text, "sqlite:", 7) == 0 ||
		strncmp(text, "postgres://", 11) == 0 || strncmp(text, "postgresql://", 13) == 0;
}

/* In a log of the databases that the suite makes. */
static cli_status
cli_run_cases_in_log(const char *url, const char *log, const char *pattern)
{
	char	   *complete;
	cli_status	status;

	if (strncmp(url, "postgres", 8) != 0)
		cli_usage_error("--log requires a URL that begins with postgresql://");
	complete = cli_make_url(url, log, CLI_NEW_STORE);
	status = complete == NULL ? cli_fail_no_memory() : cli_run_cases(complete, pattern);
	free(complete);
	return status;
}

static cli_status
cli_run(int argc, char **argv)
{
	static const struct option options[] = {
		{"list", no_argument, NULL, 'l'},
		CLI_COMMON_OPTIONS
	};
	const char *url;
	const char *pattern;
	bool		list = false;

	while (cli_next_option(argc, argv, ":l" CLI_COMMON_LETTERS, options) != -1)
		list = true;
	url = cli_given_url() != NULL ? cli_given_url() : "memory:";
	pattern = cli_next_argument(argc, argv);
	if (pattern != NULL && cli_is_url(pattern))
	{
		url = pattern;
		pattern = cli_next_argument(argc, argv);
	}
	cli_no_more_arguments(argc, argv);
	if (list)
		return cli_list_cases(pattern);
	if (cli_given_log() != NULL)
		return cli_run_cases_in_log(url, cli_given_log(), pattern);
	return cli_run_cases(url, pattern);
}

const cli_command cli_conformance_command = {
	.name = "conformance",
	.summary = "check whether a store keeps the contract",
	.usage = cli_usage,
	.run = cli_run
};
