/*
 * input/query.h
 *		An event query with the document it was parsed from.
 */
#ifndef FACTSTR_INPUT_QUERY_H
#define FACTSTR_INPUT_QUERY_H

#include "factstr.h"

#include "json/binding.h"
#include "match/event_query.h"

typedef struct fs_query
{
	char	   *text;			/* as given */
	fs_json		document;
	fs_event_query parsed;
} fs_query;

/* text may be NULL: every fact.  On success the caller releases *query; on failure it is zeroed. */
int			fs_query_parse(const char *text, fs_query *query, factstr_error *error);

/* The same, with the argument's name for errors; it is "event_query" above. */
int			fs_query_parse_named(const char *text, const char *what, fs_query *query,
								 factstr_error *error);

/* The same for a stream, which does not allow "after". */
int			fs_query_parse_for_stream(const char *text, fs_query *query, factstr_error *error);
void		fs_query_release(fs_query *query);

/* Are the queries equal?  FACTSTR_NO_MEMORY, or the code of an ended call, if that cannot be decided. */
int			fs_query_equal(const fs_query *a, const fs_query *b, bool *equal, factstr_error *error);

#endif							/* FACTSTR_INPUT_QUERY_H */
