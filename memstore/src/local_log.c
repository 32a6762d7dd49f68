/*
 * local_log.c
 *		How the memory and the SQLite store find facts.
 */
#include <inttypes.h>
#include <string.h>

#include "candidates.h"
#include "error.h"
#include "local_log.h"
#include "match/query_matcher.h"

/* A walk over the facts that match a query, in one direction. */
typedef struct fs_search
{
	const fs_local_log *log;
	const fs_query *query;
	uint64_t	position;		/* where to go on */
	fs_candidates candidates;
} fs_search;

/* Facts with after < sequence number <= up_to.  To be ended whatever this returns. */
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

/* No fact after this one is wanted any more; the search goes forward. */
static void
fs_search_limit(fs_search *search, uint64_t last)
{
	if (last < search->candidates.limit)
		search->candidates.limit = last;
}

/* Stored payloads have been read once, when they were appended. */
static int
fs_refuse_payload(const factstr_fact *fact, const fs_input_error *input_error,
				  factstr_error *error)
{
	if (input_error->code == FS_INPUT_NO_MEMORY)
		return fs_error_no_memory(error);
	(void) fs_error(error, FACTSTR_STORAGE, "the payload of fact %" PRIu64 " cannot be read",
					fact->sequence_number);
	fs_error_detail(error, "At %s: %s.", input_error->path, input_error->message);
	return FACTSTR_STORAGE;
}

static int
fs_payload_decides(const fs_query *query, const factstr_fact *fact, fs_text event_type,
				   bool *matches, factstr_error *error)
{
	fs_input_error input_error;
	json_t	   *payload = fs_json_document_load(fact->payload, strlen(fact->payload),
												&input_error);

	if (payload == NULL)
		return fs_refuse_payload(fact, &input_error, error);
	*matches = fs_event_query_matches(&query->parsed, event_type, payload);
	json_decref(payload);
	return FACTSTR_OK;
}

static int
fs_fact_matches(const fs_query *query, const factstr_fact *fact, bool *matches,
				factstr_error *error)
{
	fs_text		event_type = {fact->event_type, strlen(fact->event_type)};
	fs_type_verdict verdict = fs_event_type_verdict(&query->parsed, event_type);

	if (verdict == FS_PAYLOAD_DECIDES)
		return fs_payload_decides(query, fact, event_type, matches, error);
	*matches = verdict == FS_MATCH;
	return FACTSTR_OK;
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

		code = fs_candidates_seek(candidates, search->position, &candidate, error);
		if (code != FACTSTR_OK || candidate == 0)
			return code;
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

int
fs_local_check_context(const fs_local_log *log, const fs_append *append, factstr_error *error)
{
	const fs_query *context = append->context;
	uint64_t	expected = append->expected_context_version;
	uint64_t	actual;
	bool		is_version = append->expects_empty;
	int			code = fs_local_newest_after(log, context, expected, &actual, error);

	if (code == FACTSTR_OK && actual == 0 && !append->expects_empty)
	{
		code = fs_is_in_context(log, context, expected, &is_version, error);
		if (code == FACTSTR_OK && !is_version && expected > 0)
			code = fs_newest_in(log, context, 0, expected - 1, &actual, error);
	}
	if (code != FACTSTR_OK || (actual == 0 && is_version))
		return code;
	return fs_error_conflict(error, expected, actual);
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
	fs_range	range = {.up_to = log->head, .max_count = SIZE_MAX};
	int			code;

	if (parsed->has_min_sequence_number && parsed->min_sequence_number > 0)
		range.after = (uint64_t) parsed->min_sequence_number;
	code = fs_local_read(log, query, &range, facts, error);
	if (code != FACTSTR_OK)
		return code;

	/* The newest row is the version; without rows it lies among those that were not wanted. */
	if (facts->count > 0)
	{
		*version = facts->facts[facts->count - 1].sequence_number;
		return FACTSTR_OK;
	}
	return fs_newest_in(log, query, 0, range.after < log->head ? range.after : log->head, version,
						error);
}

/* Begins a batch with its first match.  The fact is copied before the log is asked again. */
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

	/* The position lies inside a batch with a match behind it: the batch comes whole. */
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
