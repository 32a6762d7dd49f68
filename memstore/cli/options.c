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

#include "base/times.h"
#include "messages.h"
#include "options.h"

/* One process runs one subcommand. */
static const cli_command *cli_running;
static const char *cli_url;
static const char *cli_log;

static void
cli_say_usage(const char *suggested, const char *format, va_list arguments)
{
	const char *blank = cli_running != NULL ? " " : "";
	const char *name = cli_running != NULL ? cli_running->name : "";

	fprintf(stderr, "factstr%s%s: ", blank, name);
	cli_message_line("", format, arguments);
	if (suggested != NULL)
		cli_hint("Did you mean \"%s\"? Try \"factstr%s%s --help\".", suggested, blank, name);
	else
		cli_hint("Try \"factstr%s%s --help\".", blank, name);
}

void
cli_usage_error(const char *format,...)
{
	va_list		arguments;

	va_start(arguments, format);
	cli_say_usage(NULL, format, arguments);
	va_end(arguments);
	exit(CLI_USAGE);
}

void
cli_unknown_word(const cli_suggestion *suggestion, const char *format,...)
{
	va_list		arguments;

	va_start(arguments, format);
	cli_say_usage(suggestion->nearest, format, arguments);
	va_end(arguments);
	exit(CLI_USAGE);
}

/* The server's rule for one, reported here in words of the command. */
static void
cli_set_log(const char *name)
{
	size_t		length = strlen(name);

	if (length < 1 || length > 40 || strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_-") != length)
		cli_usage_error("--log must have 1 to 40 of the characters a to z, 0 to 9, \"_\" and \"-\"");
	cli_log = name;
}

void
cli_options_begin(const cli_command *command, const char *store_url, const char *log)
{
	cli_running = command;
	cli_url = store_url;
	opterr = 0;
	if (log != NULL)
		cli_set_log(log);
}

/* word begins with two minus signs, and may have a value. */
static _Noreturn void
cli_refuse_long_option(const char *word, const struct option *options)
{
	char		name[64];
	char		suggested[64];
	cli_suggestion suggestion = {.word = name};

	(void) snprintf(name, sizeof(name), "%.*s", (int) strcspn(word + 2, "="), word + 2);
	for (; options->name != NULL; options++)
		cli_consider(&suggestion, options->name);
	if (suggestion.nearest != NULL)
	{
		(void) snprintf(suggested, sizeof(suggested), "--%s", suggestion.nearest);
		suggestion.nearest = suggested;
	}
	cli_unknown_word(&suggestion, "unknown or ambiguous option %s", word);
}

/* The errors of getopt, in our words. */
static _Noreturn void
cli_refuse_option(char **argv, int option, const struct option *options)
{
	const char *word = argv[optind - 1];
	bool		is_long = word[0] == '-' && word[1] == '-';

	if (option == ':' && is_long)
		cli_usage_error("option %s requires a value", word);
	if (option == ':')
		cli_usage_error("option -%c requires a value", optopt);
	if (is_long && strchr(word, '=') != NULL && optopt != 0)
		cli_usage_error("option %.*s takes no value", (int) strcspn(word, "="), word);
	if (is_long)
		cli_refuse_long_option(word, options);
	cli_usage_error("unknown option -%c", optopt);
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
			case CLI_LOG_OPTION:
				cli_set_log(optarg);
				break;
			case 'h':
				fputs(cli_running->usage, stdout);
				exit(fflush(stdout) == 0 ? CLI_DONE : CLI_FAILED);
			case '?':
			case ':':
				cli_refuse_option(argv, option, options);
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
		cli_usage_error("too many arguments: \"%s\"", argv[optind]);
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

int64_t
cli_timeout(const char *text, const char *what)
{
	return strcmp(text, "-1") == 0 ? -1 : (int64_t) cli_number(text, what, 0, INT32_MAX);
}

/*
 * A day, or a time without its offset, is completed by the rest of midnight in UTC.  A blank may stand
 * between the day and the time.
 */
int64_t
cli_time(const char *text, const char *what)
{
	static const char midnight[] = "0000-00-00T00:00:00Z";
	const size_t day_length = strlen("2026-01-31");
	char		given[48];
	char		completed[sizeof(given) + sizeof(midnight)];
	size_t		length = strlen(text);
	int64_t		time;

	(void) snprintf(given, sizeof(given), "%s", text);
	if (length > day_length && given[day_length] == ' ')
		given[day_length] = 'T';
	(void) snprintf(completed, sizeof(completed), "%s%s", given,
					length < strlen(midnight) ? midnight + length : "Z");
	if (length >= day_length && length < sizeof(given) &&
		(fs_parse_time(given, &time) || fs_parse_time(completed, &time)))
		return time;
	cli_usage_error("%s must be a time like 2026-01-31 or 2026-01-31T08:15:30Z, not \"%s\"", what, text);
}

const char *
cli_running_name(void)
{
	return cli_running->name;
}

const char *
cli_given_url(void)
{
	return cli_url;
}

const char *
cli_given_log(void)
{
	return cli_log;
}
