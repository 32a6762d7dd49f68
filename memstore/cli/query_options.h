/*
 * query_options.h
 *		The event query of a subcommand: as JSON, or in options for the most usual kind.
 */
#ifndef FACTSTR_CLI_QUERY_OPTIONS_H
#define FACTSTR_CLI_QUERY_OPTIONS_H

#include <stdbool.h>

#include "base/buffer.h"
#include "options.h"

#define CLI_QUERY_LETTERS "q:t:p:"
#define CLI_QUERY_OPTIONS \
	{"query", required_argument, NULL, 'q'}, \
	{"type", required_argument, NULL, 't'}, \
	{"payload", required_argument, NULL, 'p'}

/* Only where the query is for reading: streams and contexts know no lower bound. */
#define CLI_OPTION_AFTER (CLI_FIRST_LONG_ONLY + 100)
#define CLI_AFTER_OPTION \
	{"after", required_argument, NULL, CLI_OPTION_AFTER}

/* Their part of a subcommand's help. */
#define CLI_QUERY_HELP \
	"  -q, --query QUERY      an event query as JSON, or @FILE to read it from a file;\n" \
	"                         by default every fact matches. Or use:\n" \
	"  -t, --type TYPE        facts of this type; may be repeated\n" \
	"  -p, --payload JSON     facts whose payload contains this; may be repeated\n"
#define CLI_QUERY_EXAMPLES(command) \
	"Examples; the last one finds facts of one type about c1 or ada:\n" \
	"  factstr " command " -t course-defined -t student-subscribed\n" \
	"  factstr " command " -p '{\"course\": \"c1\"}'\n" \
	"  factstr " command " '{\"filters\": [{\"event_types\": [\"student-subscribed\"],\n" \
	"    \"payload_predicates\": [{\"course\": \"c1\"}, {\"student\": \"ada\"}]}]}'\n"
#define CLI_AFTER_HELP \
	"      --after N          only facts after this sequence number\n"
#define CLI_COMMON_HELP \
	"  -s, --store URL        the store, default FACTSTR_URL; --log NAME: another log\n"

/* Begins zeroed. */
typedef struct cli_query_options
{
	const char *given;			/* a QUERY, or NULL */
	fs_buffer	types;			/* as JSON, with commas between them */
	fs_buffer	predicates;
	uint64_t	after;
	bool		has_after;
	char	   *text;			/* the query */
} cli_query_options;

/* Takes an option that cli_next_option returned. */
void		cli_take_query_option(cli_query_options *query, int option);

/* Takes the argument QUERY, or NULL. */
void		cli_take_query_argument(cli_query_options *query, const char *argument);

/*
 * The query's text, which belongs to *query.  Ends the program if a file cannot be read, or on a
 * usage error.
 */
const char *cli_query_text(cli_query_options *query);
void		cli_query_release(cli_query_options *query);

/*
 * A subcommand whose only argument is a query: reads the options, which hold CLI_QUERY_OPTIONS and
 * CLI_COMMON_OPTIONS, and leaves the rest to answer.
 */
cli_status	cli_answer_with_query(int argc, char **argv, const struct option *options,
								  cli_status (*answer) (const char *event_query));

#endif							/* FACTSTR_CLI_QUERY_OPTIONS_H */
