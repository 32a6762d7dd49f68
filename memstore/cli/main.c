/*
 * main.c
 *		The command factstr: finds the subcommand and runs it.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "cli.h"
#include "factstr.h"
#include "options.h"

static const cli_command *const cli_commands[] = {
	&cli_append_command,
	&cli_append_if_command,
	&cli_query_command,
	&cli_read_command,
	&cli_context_version_command,
	&cli_tail_command,
	&cli_streams_command,
	&cli_export_command,
	&cli_import_command,
	&cli_copy_command,
	&cli_bench_command,
	&cli_conformance_command,
	NULL
};

static void
cli_print_help(FILE *out)
{
	fprintf(out, "usage: factstr [--store URL] COMMAND [OPTION]... [ARGUMENT]...\n"
		   "\n"
		   "An event store for facts, in a SQLite file or a PostgreSQL database.\n"
		   "\n");
	for (const cli_command *const *command = cli_commands; *command != NULL; command++)
		fprintf(out, "  %-17s %s\n", (*command)->name, (*command)->summary);
	fprintf(out, "\n"
			"  -s, --store URL   sqlite:PATH or postgresql://...; otherwise it is FACTSTR_URL\n"
			"  -h, --help        this; \"factstr COMMAND --help\" for a command\n"
			"  -V, --version     the version\n"
			"\n"
			"Exit status: 0 done, 1 an error, 2 wrong usage, 3 a conflict.\n");
}

static const cli_command *
cli_find_command(const char *name)
{
	for (const cli_command *const *command = cli_commands; *command != NULL; command++)
	{
		if (strcmp((*command)->name, name) == 0)
			return *command;
	}
	return NULL;
}

/* A value of --store before the subcommand, and what else may stand there. */
static const char *
cli_take_global_options(int *argc, char ***argv)
{
	const char *url = NULL;

	while (*argc > 0 && (*argv)[0][0] == '-')
	{
		const char *option = (*argv)[0];

		if (strncmp(option, "--store=", 8) == 0)
			url = option + 8;
		else if (strcmp(option, "-s") == 0 || strcmp(option, "--store") == 0)
		{
			if (*argc < 2)
				cli_usage_error("option %s needs a value", option);
			url = (*argv)[1];
			(*argc)--;
			(*argv)++;
		}
		else if (strncmp(option, "-s", 2) == 0)
			url = option + 2;
		else
			cli_usage_error("option %s is unknown, or belongs behind a command", option);
		(*argc)--;
		(*argv)++;
	}
	return url;
}

int
main(int argc, char **argv)
{
	const cli_command *command;
	const char *url;

	(void) signal(SIGPIPE, SIG_IGN);
	argc--;
	argv++;
	if (argc == 1 && (strcmp(argv[0], "--help") == 0 || strcmp(argv[0], "-h") == 0))
	{
		cli_print_help(stdout);
		return fflush(stdout) == 0 ? CLI_DONE : CLI_FAILED;
	}
	if (argc == 1 && (strcmp(argv[0], "--version") == 0 || strcmp(argv[0], "-V") == 0))
	{
		printf("factstr %s\n", factstr_version());
		return fflush(stdout) == 0 ? CLI_DONE : CLI_FAILED;
	}
	url = cli_take_global_options(&argc, &argv);
	if (argc == 0)
	{
		cli_print_help(stderr);
		return CLI_USAGE;
	}
	command = cli_find_command(argv[0]);
	if (command == NULL)
		cli_usage_error("there is no command \"%s\"", argv[0]);
	cli_options_begin(command, url);
	/* cppcheck-suppress nullPointerRedundantCheck ; the usage error has ended the program */
	return command->run(argc, argv);
}
