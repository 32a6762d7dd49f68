/*
 * logs.c
 *		factstr logs, create-log, seal-log and drop-log: the logs of a database.
 */
#include <stdio.h>
#include <string.h>

#include "json_result.h"
#include "messages.h"
#include "options.h"
#include "output.h"
#include "store.h"
#include "text.h"

#define CLI_DATABASE_HELP \
	"  -s, --store URL        the database, postgresql://...; default FACTSTR_URL\n"

static const char cli_logs_usage[] =
	"usage: factstr logs [--json]\n"
	"\n"
	"Lists the logs of a PostgreSQL database on which the role has a right, with the time\n"
	"and the role of their creation and sealing.\n"
	"\n"
	"  -j, --json             one array of objects\n"
	CLI_DATABASE_HELP;

static const char cli_create_log_usage[] =
	"usage: factstr create-log NAME\n"
	"\n"
	"Creates a log in a PostgreSQL database. Its name has 1 to 40 of the characters\n"
	"a to z, 0 to 9, \"_\" and \"-\".\n"
	"\n"
	CLI_DATABASE_HELP;

static const char cli_seal_log_usage[] =
	"usage: factstr seal-log NAME\n"
	"\n"
	"Seals a log of a PostgreSQL database: nothing can be appended to it any more, but\n"
	"it can still be read, consumed and redacted. Waits for appends in progress. Prints\n"
	"whether the log was open before: {\"was_open\": true}.\n"
	"\n"
	CLI_DATABASE_HELP;

static const char cli_drop_log_usage[] =
	"usage: factstr drop-log NAME NAME\n"
	"\n"
	"Deletes a log of a PostgreSQL database with its facts, streams and cursors, if its\n"
	"name is given twice. Interrupts the handlers that the database runs for it, and\n"
	"waits for all other transactions that use the log. Prints the number of its\n"
	"facts: {\"dropped_facts\": 5}.\n"
	"\n"
	CLI_DATABASE_HELP;

/* Adds the cells of a creation or sealing: its time, 0 for none, and its role. */
static void
cli_add_deed(cli_table *table, int64_t time, const char *role)
{
	char		text[FACTSTR_TIME_SIZE];

	cli_table_add(table, time == 0 ? "" : factstr_format_time(time, text));
	cli_table_add(table, role == NULL ? "" : role);
}

static bool
cli_print_logs(const factstr_log_status_list *list)
{
	static const char *const head[] = {"NAME", "CREATED AT", "BY", "SEALED AT", "BY"};
	cli_table	table = {.alignment = "lllll"};

	for (size_t i = 0; i < sizeof(head) / sizeof(head[0]); i++)
		cli_table_add(&table, head[i]);
	for (size_t i = 0; i < list->count; i++)
	{
		cli_table_add(&table, list->logs[i].log);
		cli_add_deed(&table, list->logs[i].created_at, list->logs[i].created_by);
		cli_add_deed(&table, list->logs[i].sealed_at, list->logs[i].sealed_by);
	}
	return cli_table_print(&table);
}

static cli_status
cli_list_logs(factstr_store *store)
{
	factstr_log_status_list *list;
	factstr_error error;
	bool		printed;

	if (factstr_logs(store, &list, &error) != FACTSTR_OK)
		return cli_fail(&error);
	printed = cli_print_logs(list);
	factstr_log_status_list_free(list);
	return printed ? CLI_DONE : cli_fail_no_memory();
}

static cli_status
cli_list_logs_as_json(factstr_store *store)
{
	char	   *result = NULL;
	int			code = factstr_json_logs(store, &result);
	cli_status	status = cli_print_result(code, result);

	factstr_json_free(result);
	return status;
}

static cli_status
cli_run_logs(int argc, char **argv)
{
	static const struct option options[] = {
		{"json", no_argument, NULL, 'j'},
		CLI_COMMON_OPTIONS
	};
	factstr_store *store;
	cli_status	status;
	bool		as_json = false;

	while (cli_next_option(argc, argv, ":j" CLI_COMMON_LETTERS, options) != -1)
		as_json = true;
	cli_no_more_arguments(argc, argv);
	store = cli_open_database();
	if (store == NULL)
		return CLI_FAILED;
	status = as_json ? cli_list_logs_as_json(store) : cli_list_logs(store);
	factstr_close(store, FACTSTR_CLOSE_TIMEOUT_MS);
	return cli_output_end(status);
}

/*
 * Changes, each of one log
 */

typedef struct cli_log_names
{
	const char *log;
	const char *confirmation;
} cli_log_names;

static cli_status
cli_create_log(factstr_store *store, const cli_log_names *names)
{
	factstr_error error;

	return factstr_create_log(store, names->log, &error) == FACTSTR_OK ? CLI_DONE : cli_fail(&error);
}

static cli_status
cli_seal_log(factstr_store *store, const cli_log_names *names)
{
	char	   *result = NULL;
	int			code = factstr_json_seal_log(store, names->log, &result);
	cli_status	status = cli_print_result(code, result);

	factstr_json_free(result);
	return status;
}

static cli_status
cli_drop_log(factstr_store *store, const cli_log_names *names)
{
	char	   *result = NULL;
	int			code = factstr_json_drop_log(store, names->log, names->confirmation, &result);
	cli_status	status = cli_print_result(code, result);

	factstr_json_free(result);
	return status;
}

static cli_status
cli_change_log(int argc, char **argv, bool is_confirmed,
			   cli_status (*change) (factstr_store *store, const cli_log_names *names))
{
	static const struct option options[] = {
		CLI_COMMON_OPTIONS
	};
	cli_log_names names = {0};
	factstr_store *store;
	cli_status	status;

	(void) cli_next_option(argc, argv, ":" CLI_COMMON_LETTERS, options);
	names.log = cli_next_argument(argc, argv);
	if (names.log == NULL)
		cli_usage_error("NAME, the name of the log, is missing");
	if (is_confirmed)
	{
		names.confirmation = cli_next_argument(argc, argv);
		if (names.confirmation == NULL)
			cli_usage_error("NAME must be given twice: the facts of the log are deleted permanently");
	}
	cli_no_more_arguments(argc, argv);
	store = cli_open_database();
	if (store == NULL)
		return CLI_FAILED;
	status = change(store, &names);
	factstr_close(store, FACTSTR_CLOSE_TIMEOUT_MS);
	return cli_output_end(status);
}

static cli_status
cli_run_create_log(int argc, char **argv)
{
	return cli_change_log(argc, argv, false, cli_create_log);
}

static cli_status
cli_run_seal_log(int argc, char **argv)
{
	return cli_change_log(argc, argv, false, cli_seal_log);
}

static cli_status
cli_run_drop_log(int argc, char **argv)
{
	return cli_change_log(argc, argv, true, cli_drop_log);
}

const cli_command cli_logs_command = {
	.name = "logs",
	.summary = "list the logs of a database",
	.usage = cli_logs_usage,
	.run = cli_run_logs
};

const cli_command cli_create_log_command = {
	.name = "create-log",
	.summary = "create a log in a database",
	.usage = cli_create_log_usage,
	.run = cli_run_create_log
};

const cli_command cli_seal_log_command = {
	.name = "seal-log",
	.summary = "seal a log against appends",
	.usage = cli_seal_log_usage,
	.run = cli_run_seal_log
};

const cli_command cli_drop_log_command = {
	.name = "drop-log",
	.summary = "delete a log with its facts",
	.usage = cli_drop_log_usage,
	.run = cli_run_drop_log
};
