/*
 * stores/local/search.c
 *		The search of the memory and the SQLite store.
 */
#include <inttypes.h>
#include <string.h>

#include "input/probe.h"
#include "results/error.h"
#include "results/lists.h"
#include "stores/calls.h"
#include "stores/local/candidates.h"
#include "stores/local/search.h"

/* A walk over the facts that match a query, in one direction. */
typedef struct fs_search
{
	const fs_local_log *log;
	const fs_query *query;
	uint64_t	position;		/* where to continue */
	fs_candidates candidates;
} fs_search;

/* Facts with after < sequence number <= up_to.  The caller ends the search, even after an error. */
static int
fs_search_begin(fs_search *search, const fs_local_log *log, const fs_query *query,
				const fs_range *range, factstr_error *error)
{
	uint64_t	up_to = range->up_to < log->head ? range->up_to : log->head;
	uint64_t	first = range->after < up_to ? range->after + 1 : up_to + 1;

	search->log = log;
	search->query = query;
	search->position = range->backwards ? up_to : first;
	return fs_candidates_begin(&search->candidates, log, query, range->backwards ? first : up_to,
							   range->backwards, error);
}

static void
fs_search_end(fs_search *search)
{
	fs_candidates_release(&search->candidates);
}

/* No fact after this one is wanted any more; the search runs forward. */
static void
fs_search_limit(fs_search *search, uint64_t last)
{
	if (last < search->candidates.limit)
		search->candidates.limit = last;
}

static int
fs_fact_matches(const fs_query *query, const factstr_fact *fact, bool *matches,
				factstr_error *error)
{
	fs_probe	probe;
	int			code;

	fs_probe_begin(&probe, fact);
	code = fs_probe_matches(&probe, query, matches, error);
	fs_probe_end(&probe);
	return code;
}

/* The next fact that matches; *found is false if there is none. */
static int
fs_search_next(fs_search *search, fs_stored_fact *fact, bool *found, factstr_error *error)
{
	const fs_local_log *log = search->log;
	fs_candidates *candidates = &search->candidates;
	int			code;

	for (*found = false; !*found; fs_candidates_verdict(candidates, *found))
	{
		uint64_t	candidate;

		code = fs_calls_check(error);
		if (code == FACTSTR_OK)
			code = fs_candidates_seek(candidates, search->position, &candidate, error);
		if (code != FACTSTR_OK)
			return code;
		if (candidate == 0)
			return FACTSTR_OK;
		search->position = candidates->backwards ? candidate - 1 : candidate + 1;
		code = log->fetch(log->store, candidate, fact, error);
		if (code == FACTSTR_OK)
			code = fs_fact_matches(search->query, &fact->fact, found, error);
		if (code != FACTSTR_OK)
			return code;
	}
	return FACTSTR_OK;
}

/* The newest match in a range, 0 if there is none. */
static int
fs_newest_in(const fs_local_log *log, const fs_query *query, uint64_t after, uint64_t up_to,
			 uint64_t *newest, factstr_error *error)
{
	fs_range	range = {.after = after, .up_to = up_to, .backwards = true};
	fs_search	search;
	fs_stored_fact fact;
	bool		found = false;
	int			code;

	*newest = 0;
	if (after >= up_to || after >= log->head)
		return FACTSTR_OK;
	code = fs_search_begin(&search, log, query, &range, error);
	if (code == FACTSTR_OK)
		code = fs_search_next(&search, &fact, &found, error);
	fs_search_end(&search);
	if (code == FACTSTR_OK && found)
		*newest = fact.fact.sequence_number;
	return code;
}

int
fs_local_newest_after(const fs_local_log *log, const fs_query *query, uint64_t after,
					  uint64_t *newest, factstr_error *error)
{
	return fs_newest_in(log, query, after, log->head, newest, error);
}

int
fs_local_context_version(const fs_local_log *log, const fs_query *query, uint64_t *version,
						 factstr_error *error)
{
	return fs_newest_in(log, query, 0, log->head, version, error);
}

/* Is the fact with this number, if there is one, in the context? */
static int
fs_is_in_context(const fs_local_log *log, const fs_query *query, uint64_t sequence_number,
				 bool *matches, factstr_error *error)
{
	fs_stored_fact fact;
	int			code;

	*matches = false;
	if (sequence_number == 0 || sequence_number > log->head)
		return FACTSTR_OK;
	code = log->fetch(log->store, sequence_number, &fact, error);
	if (code == FACTSTR_OK)
		code = fs_fact_matches(query, &fact.fact, matches, error);
	return code;
}

static int
fs_check_version(const fs_local_log *log, const fs_append *append, factstr_error *error)
{
	const fs_query *context = append->context;
	uint64_t	expected = append->context_number;
	uint64_t	actual;
	bool		is_version = expected == 0;
	int			code = fs_local_newest_after(log, context, expected, &actual, error);

	if (code == FACTSTR_OK && actual == 0 && expected > 0)
	{
		code = fs_is_in_context(log, context, expected, &is_version, error);
		if (code == FACTSTR_OK && !is_version)
			code = fs_newest_in(log, context, 0, expected - 1, &actual, error);
	}
	if (code != FACTSTR_OK || (actual == 0 && is_version))
		return code;
	return fs_error_conflict(error, actual);
}

/* A number beyond the end of the log comes from another log, and says nothing about this one. */
static int
fs_check_nothing_newer(const fs_local_log *log, const fs_append *append, factstr_error *error)
{
	uint64_t	newest;
	int			code;

	if (append->context_number > log->head)
	{
		(void) fs_error(error, FACTSTR_MALFORMED, "invalid after_sequence_number: %" PRIu64
						" is beyond the newest fact, %" PRIu64, append->context_number, log->head);
		fs_error_hint(error, "Pass a number that was read from this log.");
		return FACTSTR_MALFORMED;
	}
	code = fs_local_newest_after(log, append->context, append->context_number, &newest, error);
	return code == FACTSTR_OK && newest > 0 ? fs_error_conflict(error, newest) : code;
}

int
fs_local_check_context(const fs_local_log *log, const fs_append *append, factstr_error *error)
{
	return append->condition == FACTSTR_APPEND_IF ? fs_check_version(log, append, error) :
		fs_check_nothing_newer(log, append, error);
}

int
fs_local_check_since(const fs_local_log *log, const fs_append *append, uint64_t head,
					 factstr_error *error)
{
	uint64_t	newest;
	int			code;

	if (append->context == NULL || log->head == head)
		return FACTSTR_OK;
	code = fs_local_newest_after(log, append->context, head, &newest, error);
	if (code == FACTSTR_OK && newest > 0)
		code = fs_error_conflict(error, newest);
	return code;
}

int
fs_local_read(const fs_local_log *log, const fs_query *query, const fs_range *range,
			  fs_fact_list *facts, factstr_error *error)
{
	fs_search	search;
	fs_stored_fact fact;
	bool		found = range->max_count > 0;
	int			code = fs_search_begin(&search, log, query, range, error);

	for (size_t count = 0; code == FACTSTR_OK && found && count < range->max_count; count++)
	{
		code = fs_search_next(&search, &fact, &found, error);
		if (code == FACTSTR_OK && found && !fs_fact_list_add(facts, &fact.fact))
			code = fs_error_no_memory(error);
	}
	fs_search_end(&search);
	return code;
}

int
fs_local_query(const fs_local_log *log, const fs_query *query, fs_fact_list *facts,
			   uint64_t *version, factstr_error *error)
{
	const fs_event_query *parsed = &query->parsed;
	fs_range	range = {.after = (uint64_t) parsed->after, .up_to = log->head, .max_count = SIZE_MAX};
	int			code;

	code = fs_local_read(log, query, &range, facts, error);
	if (code != FACTSTR_OK)
		return code;

	/* The newest row is the version; without rows, it is among the facts that were not wanted. */
	if (facts->count > 0)
	{
		*version = facts->facts[facts->count - 1].sequence_number;
		return FACTSTR_OK;
	}
	return fs_newest_in(log, query, 0, range.after < log->head ? range.after : log->head, version,
						error);
}

/* Adds the newest match of one query, and raises the version to its number if that is higher. */
static int
fs_add_newest(const fs_local_log *log, const fs_query *query, fs_fact_list *facts,
			  uint64_t *version, factstr_error *error)
{
	const factstr_fact none = {.sequence_number = 0};
	fs_range	range = {.up_to = log->head, .backwards = true};
	fs_search	search;
	fs_stored_fact fact;
	bool		found = false;
	bool		wanted;
	int			code = fs_search_begin(&search, log, query, &range, error);

	if (code == FACTSTR_OK)
		code = fs_search_next(&search, &fact, &found, error);
	if (code == FACTSTR_OK)
	{
		wanted = found && fact.fact.sequence_number > (uint64_t) query->parsed.after;
		if (found && fact.fact.sequence_number > *version)
			*version = fact.fact.sequence_number;
		if (!fs_fact_list_add(facts, wanted ? &fact.fact : &none))
			code = fs_error_no_memory(error);
	}
	fs_search_end(&search);
	return code;
}

int
fs_local_newest(const fs_local_log *log, const fs_query *queries, size_t count,
				fs_fact_list *facts, uint64_t *version, factstr_error *error)
{
	int			code = FACTSTR_OK;

	*version = 0;
	for (size_t i = 0; i < count && code == FACTSTR_OK; i++)
		code = fs_add_newest(log, &queries[i], facts, version, error);
	return code;
}

/* Begins a batch with its first match.  The fact is copied before the next call of the log. */
static int
fs_begin_batch(const fs_local_log *log, fs_batch_list *batches, const fs_stored_fact *fact,
			   factstr_error *error)
{
	uint64_t	first = fact->batch_first;

	if (!fs_batch_list_begin(batches, first, first, NULL) ||
		!fs_batch_list_add(batches, &fact->fact))
		return fs_error_no_memory(error);
	return log->batch_last(log->store, first,
						   &batches->batches[batches->count - 1].last_sequence_number, error);
}

/* Collects matches into batches until there are enough of them, or no more matches. */
static int
fs_collect_batches(fs_search *search, fs_stored_fact *fact, size_t max_batches,
				   fs_batch_list *batches, factstr_error *error)
{
	uint64_t	last = 0;		/* of the current batch */
	bool		found = true;
	int			code = FACTSTR_OK;

	while (code == FACTSTR_OK && found)
	{
		if (fact->fact.sequence_number <= last)
		{
			if (!fs_batch_list_add(batches, &fact->fact))
				return fs_error_no_memory(error);
		}
		else
		{
			code = fs_begin_batch(search->log, batches, fact, error);
			if (code != FACTSTR_OK)
				return code;
			last = batches->batches[batches->count - 1].last_sequence_number;
			if (batches->count == max_batches)
				fs_search_limit(search, last);
		}
		code = fs_search_next(search, fact, &found, error);
	}
	return code;
}

/* Begins a search with its first match; *found is false if there is none. */
static int
fs_find_first(fs_search *search, const fs_local_log *log, const fs_query *query, uint64_t after,
			  fs_stored_fact *fact, bool *found, factstr_error *error)
{
	fs_range	range = {.after = after, .up_to = log->head};
	int			code = fs_search_begin(search, log, query, &range, error);

	*found = false;
	if (code == FACTSTR_OK)
		code = fs_search_next(search, fact, found, error);
	return code;
}

int
fs_local_batches(const fs_local_log *log, const fs_query *query, uint64_t after,
				 size_t max_batches, fs_batch_list *batches, uint64_t *searched,
				 factstr_error *error)
{
	fs_search	search;
	fs_stored_fact fact;
	bool		found;
	int			code = fs_find_first(&search, log, query, after, &fact, &found, error);

	/* If the position is inside a batch with a match after it, the batch is complete. */
	if (code == FACTSTR_OK && found && fact.batch_first <= after)
	{
		fs_search_end(&search);
		code = fs_find_first(&search, log, query, fact.batch_first - 1, &fact, &found, error);
	}
	if (code == FACTSTR_OK && found)
		code = fs_collect_batches(&search, &fact, max_batches, batches, error);
	fs_search_end(&search);
	if (code == FACTSTR_OK)
		*searched = batches->count > 0 && batches->count == max_batches ?
			batches->batches[batches->count - 1].last_sequence_number : log->head;
	return code;
}
