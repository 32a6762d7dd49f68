/*
 * context_version.c
 *		factstr context-version: the number of the newest fact that matches.
 */
#include <inttypes.h>
#include <stdio.h>

#include "messages.h"
#include "options.h"
#include "output.h"
#include "query_options.h"
#include "store.h"

static const char cli_usage[] =
	"usage: factstr context-version [OPTION]... [QUERY]\n"
	"\n"
	"Prints the number of the newest matching fact, or none, for append-if --expect.\n"
	"\n"
	CLI_COMMON_HELP
	"\n"
	CLI_QUERY_HELP
	"\n"
	CLI_QUERY_EXAMPLES("context-version");

static cli_status
cli_print_version(const char *event_query)
{
	factstr_store *store = cli_open_store(CLI_EXISTING_STORE);
	factstr_error error;
	uint64_t	version;
	char		text[24];
	cli_status	status = CLI_DONE;

	if (store == NULL)
		return CLI_FAILED;
	if (factstr_context_version(store, event_query, &version, &error) != FACTSTR_OK)
		status = cli_fail(&error);
	else if (version == 0)
		(void) cli_print_text("none");
	else
	{
		(void) snprintf(text, sizeof(text), "%" PRIu64, version);
		(void) cli_print_text(text);
	}
	factstr_close(store, FACTSTR_CLOSE_TIMEOUT_MS);
	return cli_output_end(status);
}

static cli_status
cli_run(int argc, char **argv)
{
	static const struct option options[] = {
		CLI_QUERY_OPTIONS,
		CLI_COMMON_OPTIONS
	};

	return cli_answer_with_query(argc, argv, options, cli_print_version);
}

const cli_command cli_context_version_command = {
	.name = "context-version",
	.summary = "print the number of the newest matching fact",
	.usage = cli_usage,
	.run = cli_run
};
