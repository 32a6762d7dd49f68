/*
 * query_options.c
 *		The event query of a subcommand: as JSON, or in options for the most usual kind.
 */
#include <stdlib.h>
#include <string.h>

#include "input.h"
#include "json_document.h"
#include "json_text.h"
#include "messages.h"
#include "query_options.h"

static void
cli_add_comma(fs_buffer *list)
{
	if (list->length > 0)
		fs_buffer_append_text(list, ", ");
}

/* A predicate becomes part of a document: it has to be one value. */
static void
cli_add_predicate(cli_query_options *query, const char *predicate)
{
	fs_input_error error;
	json_t	   *document = fs_json_document_load(predicate, strlen(predicate), &error);

	if (document == NULL)
		cli_usage_error("--payload is not JSON at %s: %s", error.path, error.message);
	json_decref(document);
	cli_add_comma(&query->predicates);
	fs_buffer_append_text(&query->predicates, predicate);
}

void
cli_take_query_option(cli_query_options *query, int option)
{
	switch (option)
	{
		case 't':
			cli_add_comma(&query->types);
			fs_write_string(&query->types, optarg);
			break;
		case 'p':
			cli_add_predicate(query, optarg);
			break;
		case CLI_OPTION_AFTER:
			query->after = cli_number(optarg, "--after", 0, INT64_MAX);
			query->has_after = true;
			break;
	}
}

static void
cli_write_list(fs_buffer *out, const char *key, const fs_buffer *list, bool *first)
{
	if (list->length == 0)
		return;
	fs_buffer_append_text(out, *first ? "\"" : ", \"");
	*first = false;
	fs_buffer_append_text(out, key);
	fs_buffer_append_text(out, "\": [");
	fs_buffer_append(out, list->data, list->length);
	fs_buffer_append_text(out, "]");
}

/* One filter: any of the types and any of the predicates. */
static char *
cli_compose_query(const cli_query_options *query)
{
	fs_buffer	out = {0};
	bool		has_filter = query->types.length > 0 || query->predicates.length > 0;
	bool		first = true;

	fs_buffer_append_text(&out, "{");
	if (has_filter)
	{
		fs_buffer_append_text(&out, "\"filters\": [{");
		cli_write_list(&out, "event_types", &query->types, &first);
		cli_write_list(&out, "payload_predicates", &query->predicates, &first);
		fs_buffer_append_text(&out, "}]");
	}
	if (query->has_after)
	{
		fs_buffer_append_text(&out, has_filter ? ", \"min_sequence_number\": " :
							  "\"min_sequence_number\": ");
		fs_write_integer(&out, query->after);
	}
	fs_buffer_append_text(&out, "}");
	return fs_finish_text(&out);
}

const char *
cli_query_text(cli_query_options *query, const char *argument)
{
	bool		composed = query->types.length > 0 || query->predicates.length > 0 ||
		query->has_after;

	if (argument != NULL && composed)
		cli_usage_error("give either a QUERY or options that stand for one");
	if (argument == NULL)
		query->text = cli_compose_query(query);
	else if (argument[0] == '@')
	{
		query->text = cli_read_file(argument + 1);
		if (query->text == NULL)
			exit(CLI_FAILED);
	}
	else
		query->text = strdup(argument);
	if (query->text == NULL)
		exit(cli_fail_no_memory());
	return query->text;
}

void
cli_query_release(cli_query_options *query)
{
	free(query->types.data);
	free(query->predicates.data);
	free(query->text);
}

cli_status
cli_answer_with_query(int argc, char **argv, const struct option *options,
					  cli_status (*answer) (const char *event_query))
{
	cli_query_options query = {0};
	const char *argument;
	cli_status	status;
	int			option;

	while ((option = cli_next_option(argc, argv, ":" CLI_QUERY_LETTERS CLI_COMMON_LETTERS,
									 options)) != -1)
		cli_take_query_option(&query, option);
	argument = cli_next_argument(argc, argv);
	cli_no_more_arguments(argc, argv);
	status = answer(cli_query_text(&query, argument));
	cli_query_release(&query);
	return status;
}
