/*
 * main.c
 *		The command factstr: finds the subcommand and runs it.
 */
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "factstr.h"

#include "cli.h"
#include "options.h"

static const cli_command cli_help_command;

static const cli_command *const cli_commands[] = {
	&cli_append_command,
	&cli_append_if_command,
	&cli_append_unless_command,
	&cli_query_command,
	&cli_newest_command,
	&cli_read_command,
	&cli_context_version_command,
	&cli_tail_command,
	&cli_streams_command,
	&cli_status_command,
	&cli_export_command,
	&cli_import_command,
	&cli_copy_command,
	&cli_redact_command,
	&cli_redactions_command,
	&cli_logs_command,
	&cli_create_log_command,
	&cli_seal_log_command,
	&cli_drop_log_command,
	&cli_bench_command,
	&cli_conformance_command,
	&cli_help_command,
	NULL
};

static void
cli_print_help(FILE *out)
{
	fprintf(out, "usage: factstr [--store URL] [--log NAME] COMMAND [OPTION]... [ARGUMENT]...\n"
			"\n"
			"An event store in a SQLite file or a PostgreSQL database.\n"
			"\n");
	for (const cli_command *const *command = cli_commands; *command != NULL; command++)
		fprintf(out, "  %-17s %s\n", (*command)->name, (*command)->summary);
	fprintf(out, "\n"
			"  -s, --store URL   PATH of a SQLite file, or postgresql://...; default: FACTSTR_URL\n"
			"      --log NAME    a log of the PostgreSQL store other than main\n"
			"  -h, --help        print this help; \"factstr COMMAND --help\" for a command\n"
			"  -V, --version     print the version\n"
			"\n"
			"Examples:\n"
			"  echo '{\"event_type\": \"opened\", \"payload\": {\"account\": \"A-1\"}}' |\n"
			"    factstr -s bank.db append\n"
			"  factstr -s bank.db read -t opened -p '{\"account\": \"A-1\"}'\n"
			"  factstr -s bank.db tail --follow\n"
			"\n"
			"Exit status: 0 success, 1 error, 2 wrong usage, 3 conflict.\n");
}

static const cli_command *
cli_find_command(const char *name)
{
	cli_suggestion suggestion = {.word = name};

	for (const cli_command *const *command = cli_commands; *command != NULL; command++)
	{
		if (strcmp((*command)->name, name) == 0)
			return *command;
		cli_consider(&suggestion, (*command)->name);
	}
	cli_unknown_word(&suggestion, "unknown command \"%s\"", name);
}

/* Prints the help of a command, or without a name the general help. */
static cli_status
cli_help(const char *name)
{
	if (name == NULL)
		cli_print_help(stdout);
	else
		fputs(cli_find_command(name)->usage, stdout);
	return fflush(stdout) == 0 ? CLI_DONE : CLI_FAILED;
}

static cli_status
cli_run_help(int argc, char **argv)
{
	static const struct option options[] = {
		CLI_COMMON_OPTIONS
	};
	const char *name;

	(void) cli_next_option(argc, argv, ":" CLI_COMMON_LETTERS, options);
	name = cli_next_argument(argc, argv);
	cli_no_more_arguments(argc, argv);
	return cli_help(name);
}

static const cli_command cli_help_command = {
	.name = "help",
	.summary = "describe factstr or a command",
	.usage =
	"usage: factstr help [COMMAND]\n"
	"\n"
	"Prints the help of COMMAND, or without COMMAND the list of commands.\n",
	.run = cli_run_help
};

/* The options before the subcommand, for the suggestion of a misspelt one. */
static _Noreturn void
cli_refuse_global_option(const char *option)
{
	static const char *const known[] = {"--store", "--log", "--help", "--version"};
	char		name[32];
	cli_suggestion suggestion = {.word = name};

	(void) snprintf(name, sizeof(name), "%.*s", (int) strcspn(option, "="), option);
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		cli_consider(&suggestion, known[i]);
	cli_unknown_word(&suggestion, "unknown option %s, or an option of a command", option);
}

/* The options that may stand before the subcommand. */
typedef struct cli_global_options
{
	const char *url;
	const char *log;
} cli_global_options;

/* Returns the place for the value of such an option. */
static const char **
cli_global_value(const char *option, size_t length, cli_global_options *options)
{
	if ((length == 2 && strncmp(option, "-s", 2) == 0) || (length == 7 && strncmp(option, "--store", 7) == 0))
		return &options->url;
	if (length == 5 && strncmp(option, "--log", 5) == 0)
		return &options->log;
	cli_refuse_global_option(option);
}

static void
cli_take_global_options(int *argc, char ***argv, cli_global_options *options)
{
	while (*argc > 0 && (*argv)[0][0] == '-')
	{
		const char *option = (*argv)[0];
		bool		is_long = option[1] == '-';
		size_t		length = is_long ? strcspn(option, "=") : strnlen(option, 2);
		const char **value = cli_global_value(option, length, options);

		if (option[length] != '\0')
			*value = option + length + (is_long ? 1 : 0);
		else if (*argc < 2)
			cli_usage_error("option %s requires a value", option);
		else
		{
			*value = (*argv)[1];
			(*argc)--;
			(*argv)++;
		}
		(*argc)--;
		(*argv)++;
	}
}

int
main(int argc, char **argv)
{
	const cli_command *command;
	cli_global_options options = {0};

	(void) signal(SIGPIPE, SIG_IGN);
	argc--;
	argv++;
	if (argc > 0 && argc < 3 && (strcmp(argv[0], "--help") == 0 || strcmp(argv[0], "-h") == 0))
		return cli_help(argv[1]);
	if (argc == 1 && (strcmp(argv[0], "--version") == 0 || strcmp(argv[0], "-V") == 0))
	{
		printf("factstr %s\n", factstr_version());
		return fflush(stdout) == 0 ? CLI_DONE : CLI_FAILED;
	}
	cli_take_global_options(&argc, &argv, &options);
	if (argc == 0)
	{
		cli_print_help(stderr);
		return CLI_USAGE;
	}
	command = cli_find_command(argv[0]);
	cli_options_begin(command, options.url, options.log);
	return command->run(argc, argv);
}
