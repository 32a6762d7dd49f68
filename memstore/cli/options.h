/*
 * options.h
 *		The arguments of a subcommand.
 *
 * An error in the arguments ends the program immediately, with status 2: nothing has begun yet.
 */
#ifndef FACTSTR_CLI_OPTIONS_H
#define FACTSTR_CLI_OPTIONS_H

#include <getopt.h>
#include <stdbool.h>
#include <stdint.h>

#include "cli.h"
#include "suggestion.h"

/* The number of a common option; the options of commands begin at CLI_FIRST_LONG_ONLY. */
#define CLI_LOG_OPTION 255

/* Options of every subcommand, after its own.  Letters: "s:h" */
#define CLI_COMMON_LETTERS "s:h"
#define CLI_COMMON_OPTIONS \
	{"store", required_argument, NULL, 's'}, \
	{"log", required_argument, NULL, CLI_LOG_OPTION}, \
	{"help", no_argument, NULL, 'h'}, \
	{NULL, 0, NULL, 0}

/* Options of those that print their progress or result.  Letters: "q" */
#define CLI_QUIET_LETTERS "q"
#define CLI_QUIET_OPTION {"quiet", no_argument, NULL, 'q'}
#define CLI_QUIET_HELP "  -q, --quiet            print only errors\n"

/* Options without a letter begin here. */
#define CLI_FIRST_LONG_ONLY 256

/* Prints the error on stderr, and how to get help; ends with status 2. */
_Noreturn void cli_usage_error(const char *format,...) __attribute__((format(printf, 1, 2)));

/* The same for a word that is not known; *suggestion has been shown those that are. */
_Noreturn void cli_unknown_word(const cli_suggestion *suggestion, const char *format,...)
			__attribute__((format(printf, 2, 3)));

/* Begins with a subcommand; the store and the log are from the options before it, or NULL. */
void		cli_options_begin(const cli_command *command, const char *store_url, const char *log);

/* The next option, -1 after the last.  Common ones are dealt with here, and never returned. */
int			cli_next_option(int argc, char **argv, const char *letters,
							const struct option *options);

/* The next of the arguments that are no options, or NULL. */
const char *cli_next_argument(int argc, char **argv);

/* There must be no more arguments. */
void		cli_no_more_arguments(int argc, char **argv);

/* A number between two limits; "what" is the option's or argument's name. */
uint64_t	cli_number(const char *text, const char *what, uint64_t least, uint64_t most);

/* How long to wait, in milliseconds; -1: as long as it takes. */
int64_t		cli_timeout(const char *text, const char *what);

/* A time: a day, or a second with or without its fraction, in UTC. */
int64_t		cli_time(const char *text, const char *what);

/* The name of the subcommand. */
const char *cli_running_name(void);

/* The value of --store, or NULL; and that of --log. */
const char *cli_given_url(void);
const char *cli_given_log(void);

#endif							/* FACTSTR_CLI_OPTIONS_H */
