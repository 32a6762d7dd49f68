/*
 * query.h
 *		An event query with the document it was parsed from.
 */
#ifndef FACTSTR_QUERY_H
#define FACTSTR_QUERY_H

#include "factstr.h"

#include "json_jansson.h"
#include "match/event_query.h"

typedef struct fs_query
{
	char	   *text;			/* as given */
	json_t	   *document;
	fs_event_query parsed;
} fs_query;

/* text may be NULL: every fact.  On success *query is to be released; on failure it is zeroed. */
int			fs_query_parse(const char *text, fs_query *query, factstr_error *error);

/* The same, with the argument's name for errors; it is "event_query" above. */
int			fs_query_parse_named(const char *text, const char *what, fs_query *query,
								 factstr_error *error);

/* The same for a stream, where min_sequence_number is not allowed. */
int			fs_query_parse_for_stream(const char *text, fs_query *query, factstr_error *error);
void		fs_query_release(fs_query *query);

bool		fs_query_matches(const fs_query *query, const char *event_type, json_t *payload);
bool		fs_query_equal(const fs_query *a, const fs_query *b);

#endif							/* FACTSTR_QUERY_H */
