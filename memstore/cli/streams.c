/*
 * streams.c
 *		factstr streams: durable streams, listed, moved and dropped.
 */
#include <stdio.h>
#include <string.h>

#include "json_result.h"
#include "messages.h"
#include "options.h"
#include "output.h"
#include "query_options.h"
#include "store.h"
#include "stream_table.h"

static const char cli_usage[] =
	"usage: factstr streams [list] [--json]\n"
	"       factstr streams seek NAME N\n"
	"       factstr streams drop NAME\n"
	"\n"
	"Lists the durable streams; or moves one to the position after fact N, 0 for the\n"
	"beginning; or deletes one. A stream with an active consumer cannot be moved or\n"
	"deleted.\n"
	"\n"
	"  -j, --json             one array of objects, with all details\n"
	CLI_COMMON_HELP;

/* Every action takes the store and its argument. */
typedef struct cli_streams_call
{
	cli_status	(*act) (factstr_store *store, const char *name, uint64_t position);
	const char *name;
	uint64_t	position;
} cli_streams_call;

static cli_status
cli_list_streams(factstr_store *store, const char *name, uint64_t position)
{
	factstr_stream_status_list *list;
	factstr_error error;
	bool		printed;

	(void) name;
	(void) position;
	if (factstr_streams(store, &list, &error) != FACTSTR_OK)
		return cli_fail(&error);
	printed = cli_print_streams(list);
	factstr_stream_status_list_free(list);
	return printed ? CLI_DONE : cli_fail_no_memory();
}

static cli_status
cli_list_streams_as_json(factstr_store *store, const char *name, uint64_t position)
{
	char	   *result = NULL;
	int			code = factstr_json_streams(store, &result);
	cli_status	status = cli_print_result(code, result);

	(void) name;
	(void) position;
	factstr_json_free(result);
	return status;
}

static cli_status
cli_seek_stream(factstr_store *store, const char *name, uint64_t position)
{
	factstr_error error;

	if (factstr_stream_seek(store, name, position, &error) != FACTSTR_OK)
		return cli_fail(&error);
	return CLI_DONE;
}

static cli_status
cli_drop_stream(factstr_store *store, const char *name, uint64_t position)
{
	factstr_error error;

	(void) position;
	if (factstr_stream_drop(store, name, &error) != FACTSTR_OK)
		return cli_fail(&error);
	return CLI_DONE;
}

static const char *
cli_required_argument(int argc, char **argv, const char *what)
{
	const char *argument = cli_next_argument(argc, argv);

	if (argument == NULL)
		cli_usage_error("%s is missing", what);
	return argument;
}

static _Noreturn void
cli_refuse_action(const char *action)
{
	cli_suggestion suggestion = {.word = action};

	cli_consider(&suggestion, "list");
	cli_consider(&suggestion, "seek");
	cli_consider(&suggestion, "drop");
	cli_unknown_word(&suggestion, "\"%s\" is not list, seek or drop", action);
}

static void
cli_take_action(int argc, char **argv, bool as_json, cli_streams_call *call)
{
	const char *action = cli_next_argument(argc, argv);

	if (action == NULL || strcmp(action, "list") == 0)
		call->act = as_json ? cli_list_streams_as_json : cli_list_streams;
	else if (as_json)
		cli_usage_error("--json requires list");
	else if (strcmp(action, "seek") == 0)
	{
		call->act = cli_seek_stream;
		call->name = cli_required_argument(argc, argv, "NAME");
		call->position = cli_number(cli_required_argument(argc, argv, "N"), "N", 0, INT64_MAX);
	}
	else if (strcmp(action, "drop") == 0)
	{
		call->act = cli_drop_stream;
		call->name = cli_required_argument(argc, argv, "NAME");
	}
	else
		cli_refuse_action(action);
	cli_no_more_arguments(argc, argv);
}

static cli_status
cli_run(int argc, char **argv)
{
	static const struct option options[] = {
		{"json", no_argument, NULL, 'j'},
		CLI_COMMON_OPTIONS
	};
	cli_streams_call call = {0};
	factstr_store *store;
	cli_status	status;
	bool		as_json = false;

	while (cli_next_option(argc, argv, ":j" CLI_COMMON_LETTERS, options) != -1)
		as_json = true;
	cli_take_action(argc, argv, as_json, &call);
	store = cli_open_store(CLI_EXISTING_STORE);
	if (store == NULL)
		return CLI_FAILED;
	status = call.act(store, call.name, call.position);
	factstr_close(store, FACTSTR_CLOSE_TIMEOUT_MS);
	return cli_output_end(status);
}

const cli_command cli_streams_command = {
	.name = "streams",
	.summary = "list, move or delete durable streams",
	.usage = cli_usage,
	.run = cli_run
};
