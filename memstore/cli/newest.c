/*
 * newest.c
 *		factstr newest: the newest fact of each of several contexts, and their version together.
 */
#include <stdlib.h>

#include "base/json_text.h"
#include "batch_text.h"
#include "messages.h"
#include "options.h"
#include "output.h"
#include "query_options.h"
#include "store.h"
#include "view.h"

static const char cli_usage[] =
	"usage: factstr newest [OPTION]... [QUERY]...\n"
	"\n"
	"Prints the newest fact that matches each QUERY, or null, in their order, and the\n"
	"version of all their contexts together, from one snapshot, as one line of JSON.\n"
	"\n"
	"      --pretty           print JSON on several lines\n"
	CLI_COMMON_HELP
	"\n"
	CLI_QUERY_HELP
	"\n"
	"Example, the last invoice and the current price:\n"
	"  factstr newest '{\"filters\": [{\"event_types\": [\"invoiced\"]}]}' \\\n"
	"    '{\"filters\": [{\"event_types\": [\"priced\"],\n"
	"    \"payload_predicates\": [{\"product\": \"p1\"}]}]}'\n";

/* The queries of the arguments, or the one that options stand for. */
typedef struct cli_queries
{
	size_t		count;
	cli_query_options *options;
	const char **texts;
} cli_queries;

static void
cli_queries_release(cli_queries *queries)
{
	for (size_t i = 0; i < queries->count; i++)
		cli_query_release(&queries->options[i]);
	free(queries->options);
	free(queries->texts);
}

/* The first query is that of the options or else the first argument; each other argument is one more. */
static void
cli_take_queries(int argc, char **argv, const cli_query_options *first, cli_queries *queries)
{
	const char *argument = first->given != NULL ? NULL : cli_next_argument(argc, argv);

	queries->options = calloc((size_t) argc + 1, sizeof(cli_query_options));
	queries->texts = calloc((size_t) argc + 1, sizeof(char *));
	if (queries->options == NULL || queries->texts == NULL)
		exit(cli_fail_no_memory());
	queries->options[0] = *first;
	do
	{
		cli_query_options *query = &queries->options[queries->count];

		cli_take_query_argument(query, argument);
		queries->texts[queries->count++] = cli_query_text(query);
		argument = cli_next_argument(argc, argv);
	}
	while (argument != NULL);
}

static char *
cli_newest_document(const factstr_newest_result *newest)
{
	fs_buffer	out = {0};

	fs_buffer_append_text(&out, "{\"event_records\": [");
	for (size_t i = 0; i < newest->fact_count; i++)
	{
		fs_buffer_append_text(&out, i == 0 ? "" : ", ");
		if (newest->facts[i].sequence_number == 0)
			fs_buffer_append_text(&out, "null");
		else
			cli_write_record(&out, &newest->facts[i]);
	}
	fs_buffer_append_text(&out, "], \"current_context_version\": ");
	fs_write_integer_or_null(&out, newest->current_context_version);
	fs_buffer_append_text(&out, "}");
	return fs_finish_text(&out);
}

static cli_status
cli_print_newest(factstr_store *store, const cli_queries *queries)
{
	factstr_newest_result *newest;
	factstr_error error;
	char	   *document;

	if (factstr_newest(store, queries->texts, queries->count, &newest, &error) != FACTSTR_OK)
		return cli_fail(&error);
	document = cli_newest_document(newest);
	factstr_newest_result_free(newest);
	if (document == NULL)
		return cli_fail_no_memory();
	(void) cli_print_document(document);
	free(document);
	return CLI_DONE;
}

static cli_status
cli_run(int argc, char **argv)
{
	static const struct option options[] = {
		{"pretty", no_argument, NULL, CLI_OPTION_PRETTY},
		CLI_QUERY_OPTIONS,
		CLI_COMMON_OPTIONS
	};
	cli_query_options first = {0};
	cli_queries queries = {0};
	factstr_store *store;
	cli_status	status = CLI_FAILED;
	int			option;

	while ((option = cli_next_option(argc, argv, ":" CLI_QUERY_LETTERS CLI_COMMON_LETTERS,
									 options)) != -1)
	{
		if (!cli_take_view_option(option))
			cli_take_query_option(&first, option);
	}
	cli_take_queries(argc, argv, &first, &queries);
	store = cli_open_store(CLI_EXISTING_STORE);
	if (store != NULL)
	{
		status = cli_print_newest(store, &queries);
		factstr_close(store, FACTSTR_CLOSE_TIMEOUT_MS);
	}
	cli_queries_release(&queries);
	return cli_output_end(status);
}

const cli_command cli_newest_command = {
	.name = "newest",
	.summary = "print the newest fact that matches each of several queries",
	.usage = cli_usage,
	.run = cli_run
};
