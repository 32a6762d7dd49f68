/*
 * options.c
 *		The arguments of a subcommand.
 */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "messages.h"
#include "options.h"

#define CLI_URL_VARIABLE "FACTSTR_URL"

/* One process runs one subcommand. */
static const cli_command *cli_running;
static const char *cli_url;

void
cli_usage_error(const char *format,...)
{
	va_list		arguments;
	const char *blank = cli_running != NULL ? " " : "";
	const char *name = cli_running != NULL ? cli_running->name : "";

	fprintf(stderr, "factstr%s%s: ", blank, name);
	va_start(arguments, format);
	(void) vfprintf(stderr, format, arguments);
	va_end(arguments);
	fprintf(stderr, "\n  hint: Try \"factstr%s%s --help\".\n", blank, name);
	exit(CLI_USAGE);
}

void
cli_options_begin(const cli_command *command, const char *store_url)
{
	cli_running = command;
	cli_url = store_url;
	opterr = 0;
}

/* What getopt complains about, in our words. */
static _Noreturn void
cli_refuse_option(char **argv, int option)
{
	const char *word = argv[optind - 1];
	bool		is_long = word[0] == '-' && word[1] == '-';

	if (option == ':' && is_long)
		cli_usage_error("option %s needs a value", word);
	if (option == ':')
		cli_usage_error("option -%c needs a value", optopt);
	if (is_long && strchr(word, '=') != NULL && optopt != 0)
		cli_usage_error("option %.*s takes no value", (int) strcspn(word, "="), word);
	if (is_long)
		cli_usage_error("option %s is unknown, or short for several", word);
	cli_usage_error("option -%c is unknown", optopt);
}

int
cli_next_option(int argc, char **argv, const char *letters, const struct option *options)
{
	int			option;

	while ((option = getopt_long(argc, argv, letters, options, NULL)) != -1)
	{
		switch (option)
		{
			case 's':
				cli_url = optarg;
				break;
			case 'h':
				fputs(cli_running->usage, stdout);
				exit(fflush(stdout) == 0 ? CLI_DONE : CLI_FAILED);
			case '?':
			case ':':
				cli_refuse_option(argv, option);
			default:
				return option;
		}
	}
	return -1;
}

const char *
cli_next_argument(int argc, char **argv)
{
	return optind < argc ? argv[optind++] : NULL;
}

void
cli_no_more_arguments(int argc, char **argv)
{
	if (optind < argc)
		cli_usage_error("there is one argument too many: \"%s\"", argv[optind]);
}

uint64_t
cli_number(const char *text, const char *what, uint64_t least, uint64_t most)
{
	char	   *end;
	uint64_t	number;

	errno = 0;
	number = strtoumax(text, &end, 10);
	if (!isdigit((unsigned char) text[0]) || *end != '\0')
		cli_usage_error("%s must be a number, not \"%s\"", what, text);
	if (errno != 0 || number < least || number > most)
		cli_usage_error("%s must be between %" PRIu64 " and %" PRIu64, what, least, most);
	return number;
}

const char *
cli_given_url(void)
{
	return cli_url;
}

factstr_store *
cli_open_url(const char *url)
{
	factstr_store *store;
	factstr_error error;

	if (factstr_open(url, &store, &error) == FACTSTR_OK)
		return store;
	(void) cli_fail(&error);
	return NULL;
}

factstr_store *
cli_open_store(void)
{
	const char *url = cli_url != NULL ? cli_url : getenv(CLI_URL_VARIABLE);

	if (url == NULL || url[0] == '\0')
		cli_usage_error("which store? use --store URL, or set " CLI_URL_VARIABLE);
	return cli_open_url(url);
}
