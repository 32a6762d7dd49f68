/*
 * simple_log.h
 *		A log for tests of the search that the memory and the SQLite store share: its index is as
 *		simple as can be.
 */
#ifndef FACTSTR_TEST_SIMPLE_LOG_H
#define FACTSTR_TEST_SIMPLE_LOG_H

#include "stores/local/search.h"

#define SIMPLE_MAX_FACTS 400
#define SIMPLE_MAX_TEXT 600

typedef struct simple_fact
{
	char		event_type[16];
	char		payload[SIMPLE_MAX_TEXT];
	fs_json		document;
	fs_term_list terms;
	uint64_t	batch_first;
	uint64_t	batch_last;
} simple_fact;

/* Facts are numbered from 1: facts[0] is number 1. */
typedef struct simple_log
{
	size_t		count;
	simple_fact	facts[SIMPLE_MAX_FACTS];
	uint64_t	seeks;
	uint64_t	fetches;
	int64_t		calls_left;		/* then they fail; negative: never */
} simple_log;

/* The one log, which begins empty. */
extern simple_log simple;

void		simple_clear(void);

/* Adds the fact whose type and payload are filled in, behind the others. */
void		simple_add(uint64_t batch_first, uint64_t batch_last);

/* The log for the search. */
fs_local_log simple_local_log(void);

/* A query that must be good; to be released. */
void		simple_parse(const char *text, fs_query *query);

#endif							/* FACTSTR_TEST_SIMPLE_LOG_H */
