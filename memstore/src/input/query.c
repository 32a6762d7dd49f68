/*
 * input/query.c
 *		An event query with the document it was parsed from.
 */
#include <stdlib.h>
#include <string.h>

#include "input/query.h"
#include "json/document.h"
#include "results/error.h"
#include "match/event_query_parser.h"
#include "match/query_equality.h"

static bool
fs_parse(const char *text, fs_query *query, fs_input_error *input_error)
{
	query->text = strdup(text);
	if (query->text == NULL)
		return fs_out_of_memory(input_error);
	query->document = fs_json_document_load(text, strlen(text), input_error);
	return query->document != NULL &&
		fs_event_query_parse(query->document, &query->parsed, input_error);
}

int
fs_query_parse_named(const char *text, const char *what, fs_query *query, factstr_error *error)
{
	fs_input_error input_error;

	memset(query, 0, sizeof(*query));
	if (fs_parse(text == NULL ? "{}" : text, query, &input_error))
		return FACTSTR_OK;
	fs_query_release(query);
	return fs_error_of_input(error, what, &input_error);
}

int
fs_query_parse(const char *text, fs_query *query, factstr_error *error)
{
	return fs_query_parse_named(text, "event_query", query, error);
}

int
fs_query_parse_for_stream(const char *text, fs_query *query, factstr_error *error)
{
	int			code = fs_query_parse(text, query, error);

	if (code != FACTSTR_OK || !query->parsed.has_after)
		return code;
	fs_query_release(query);
	(void) fs_error(error, FACTSTR_MALFORMED, "invalid event_query at $: the query of a stream has no \"after\"");
	fs_error_detail(error, "The cursor sets the starting position.");
	return FACTSTR_MALFORMED;
}

void
fs_query_release(fs_query *query)
{
	fs_event_query_release(&query->parsed);
	fs_json_document_release(query->document);
	free(query->text);
	memset(query, 0, sizeof(*query));
}

int
fs_query_equal(const fs_query *a, const fs_query *b, bool *equal, factstr_error *error)
{
	return fs_error_of_completion(error, fs_event_query_equal(&a->parsed, &b->parsed, equal));
}
