/*
 * query_options.c
 *		The event query of a subcommand: as JSON, or in options for the most usual kind.
 */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "factstr.h"

#include "base/json_text.h"
#include "input.h"
#include "messages.h"
#include "query_options.h"
#include "view.h"

static void
cli_add_comma(fs_buffer *list)
{
	if (list->length > 0)
		fs_buffer_append_text(list, ", ");
}

/* The library's error about the payload of an event, perhaps with its line and column. */
static void
cli_refuse_predicate(const char *message)
{
	const char *words = strstr(message, ".payload");

	words = words == NULL ? message : words + strlen(".payload");
	if (strncmp(words, ", line ", strlen(", line ")) == 0)
		cli_usage_error("--payload is not JSON at %s", words + strlen(", "));
	cli_usage_error("--payload is refused%s", words);
}

/*
 * A predicate becomes part of a document, so it must be one value.  A valid payload is one, so a
 * scratch store is asked to append it at a version that its empty context does not have.
 */
static void
cli_check_predicate(const char *predicate)
{
	const factstr_append_options options = {
		.size = sizeof(options),
		.condition = FACTSTR_APPEND_IF,
		.expected_context_version = 1
	};
	factstr_event event = {.event_type = "predicate", .payload = predicate};
	factstr_store *scratch = NULL;
	factstr_error error;
	int			code = factstr_open("memory:", &scratch, &error);

	if (code == FACTSTR_OK)
		code = factstr_append(scratch, &event, 1, &options, NULL, &error);
	factstr_close(scratch, FACTSTR_CLOSE_TIMEOUT_MS);
	if (code == FACTSTR_MALFORMED)
		cli_refuse_predicate(error.message);
}

static void
cli_add_predicate(cli_query_options *query, const char *predicate)
{
	cli_check_predicate(predicate);
	cli_add_comma(&query->predicates);
	fs_buffer_append_text(&query->predicates, predicate);
}

void
cli_take_query_argument(cli_query_options *query, const char *argument)
{
	if (argument != NULL && query->given != NULL)
		cli_usage_error("only one QUERY is allowed");
	if (argument != NULL)
		query->given = argument;
}

void
cli_take_query_option(cli_query_options *query, int option)
{
	switch (option)
	{
		case 'q':
			cli_take_query_argument(query, optarg);
			break;
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
	bool		first = true;

	if (query->types.length == 0 && query->predicates.length == 0)
		return strdup("{}");
	fs_buffer_append_text(&out, "{\"filters\": [{");
	cli_write_list(&out, "event_types", &query->types, &first);
	cli_write_list(&out, "payload_predicates", &query->predicates, &first);
	fs_buffer_append_text(&out, "}]}");
	return fs_finish_text(&out);
}

/* A copy of the QUERY, or the content of its file. */
static char *
cli_given_query(const char *given)
{
	char	   *text;

	if (given[0] != '@')
		return strdup(given);
	text = cli_read_file(given + 1);
	if (text == NULL)
		exit(CLI_FAILED);
	return text;
}

static size_t
cli_length_without_blanks(const char *text, size_t length)
{
	while (length > 0 && strchr(" \t\r\n", text[length - 1]) != NULL)
		length--;
	return length;
}

/*
 * Adds the lower bound as the last member, which counts if there are several of its key.  A text that
 * is no object stays as it is: the library reports its error.
 */
static char *
cli_query_after(char *text, uint64_t after)
{
	size_t		end = cli_length_without_blanks(text, strlen(text));
	size_t		inside = end > 1 ? cli_length_without_blanks(text, end - 1) : 0;
	fs_buffer	out = {0};

	if (inside == 0 || text[end - 1] != '}')
		return text;
	fs_buffer_append(&out, text, inside);
	fs_buffer_append_text(&out, text[inside - 1] == '{' ? "" : ", ");
	fs_buffer_append_text(&out, "\"after\": ");
	fs_write_integer(&out, after);
	fs_buffer_append_text(&out, "}");
	free(text);
	return fs_finish_text(&out);
}

const char *
cli_query_text(cli_query_options *query)
{
	if (query->given != NULL && (query->types.length > 0 || query->predicates.length > 0))
		cli_usage_error("give either a QUERY or the options that replace it");
	query->text = query->given != NULL ? cli_given_query(query->given) : cli_compose_query(query);
	if (query->text != NULL && query->has_after)
		query->text = cli_query_after(query->text, query->after);
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
	cli_status	status;
	int			option;

	while ((option = cli_next_option(argc, argv, ":" CLI_QUERY_LETTERS CLI_COMMON_LETTERS,
									 options)) != -1)
	{
		if (!cli_take_view_option(option))
			cli_take_query_option(&query, option);
	}
	cli_take_query_argument(&query, cli_next_argument(argc, argv));
	cli_no_more_arguments(argc, argv);
	status = answer(cli_query_text(&query));
	cli_query_release(&query);
	return status;
}
