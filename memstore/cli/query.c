/*
 * query.c
 *		factstr query: the facts that match, and the version of their context.
 */
#include "json_result.h"
#include "options.h"
#include "output.h"
#include "query_options.h"
#include "store.h"
#include "view.h"

static const char cli_usage[] =
	"usage: factstr query [OPTION]... [QUERY]\n"
	"\n"
	"Prints the matching facts and the version of their context, from one snapshot, as\n"
	"one line of JSON. For many facts use \"factstr read\", which needs constant memory.\n"
	"\n"
	"      --pretty           print JSON on several lines\n"
	CLI_AFTER_HELP
	CLI_COMMON_HELP
	"\n"
	CLI_QUERY_HELP
	"\n"
	CLI_QUERY_EXAMPLES("query");

static cli_status
cli_answer_query(const char *event_query)
{
	factstr_store *store = cli_open_store(CLI_EXISTING_STORE);
	char	   *result = NULL;
	cli_status	status;
	int			code;

	if (store == NULL)
		return CLI_FAILED;
	code = factstr_json_query(store, event_query, &result);
	if (code == FACTSTR_OK)
	{
		(void) cli_print_document(result);
		status = CLI_DONE;
	}
	else
		status = cli_print_result(code, result);
	factstr_json_free(result);
	factstr_close(store, FACTSTR_CLOSE_TIMEOUT_MS);
	return cli_output_end(status);
}

static cli_status
cli_run(int argc, char **argv)
{
	static const struct option options[] = {
		{"pretty", no_argument, NULL, CLI_OPTION_PRETTY},
		CLI_QUERY_OPTIONS,
		CLI_AFTER_OPTION,
		CLI_COMMON_OPTIONS
	};

	return cli_answer_with_query(argc, argv, options, cli_answer_query);
}

const cli_command cli_query_command = {
	.name = "query",
	.summary = "print matching facts and the version of their context",
	.usage = cli_usage,
	.run = cli_run
};
