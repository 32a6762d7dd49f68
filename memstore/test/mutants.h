/*
 * mutants.h
 *		The memory store with one fault each, to see whether the conformance suite notices.
 *
 * A mutant is the memory store's table of functions with one or two of them replaced by functions
 * that do almost the same.
 */
#ifndef FACTSTR_MUTANTS_H
#define FACTSTR_MUTANTS_H

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "error.h"
#include "hub.h"
#include "json_document.h"
#include "store.h"

#define GOOD (&fs_memory_store)

typedef struct mutant
{
	const char *fault;
	const char *pattern;		/* the cases that must notice */
	fs_methods	changed;		/* what is not NULL replaces the memory store's */
} mutant;

/* The query for every fact; to be released. */
static fs_query
every_fact(void)
{
	fs_query	query;
	factstr_error error;

	if (fs_query_parse(NULL, &query, &error) != FACTSTR_OK)
		abort();
	return query;
}

static uint64_t
version_of(fs_backend *backend, const fs_query *query)
{
	uint64_t	version = 0;
	factstr_error error;

	if (GOOD->context_version(backend, query, &version, &error) != FACTSTR_OK)
		abort();
	return version;
}

static uint64_t
head_of(fs_backend *backend)
{
	uint64_t	head = 0;
	factstr_error error;

	if (GOOD->head(backend, &head, &error) != FACTSTR_OK)
		abort();
	return head;
}

/* Without its context: succeeds always. */
static int
append_without_check(fs_backend *backend, const fs_append *append, factstr_append_result *result,
					 factstr_error *error)
{
	fs_append	copy = *append;

	copy.context = NULL;
	return GOOD->append(backend, &copy, result, error);
}

/*
 * Conditional appends
 */

static int
store_in_spite_of_conflict(fs_backend *backend, const fs_append *append,
						   factstr_append_result *result, factstr_error *error)
{
	int			code = GOOD->append(backend, append, result, error);
	factstr_error ignored;

	if (code == FACTSTR_CONFLICT)
	{
		(void) append_without_check(backend, append, result, &ignored);
		*result = (factstr_append_result) {0};
	}
	return code;
}

static int
accept_higher_version(fs_backend *backend, const fs_append *append,
					  factstr_append_result *result, factstr_error *error)
{
	if (append->context != NULL && !append->expects_empty &&
		append->expected_context_version > version_of(backend, append->context))
		return append_without_check(backend, append, result, error);
	return GOOD->append(backend, append, result, error);
}

static int
accept_lower_version(fs_backend *backend, const fs_append *append,
					 factstr_append_result *result, factstr_error *error)
{
	if (append->context != NULL && !append->expects_empty && append->expected_context_version > 0)
		return append_without_check(backend, append, result, error);
	return GOOD->append(backend, append, result, error);
}

static int
accept_zero_as_empty(fs_backend *backend, const fs_append *append, factstr_append_result *result,
					 factstr_error *error)
{
	fs_append	copy = *append;

	if (copy.context != NULL && copy.expected_context_version == 0)
		copy.expects_empty = true;
	return GOOD->append(backend, &copy, result, error);
}

/* The version that the rows show, which min_sequence_number cuts. */
static int
narrow_context(fs_backend *backend, const fs_append *append, factstr_append_result *result,
			   factstr_error *error)
{
	fs_fact_list facts = {0};
	uint64_t	version = 0;

	if (append->context == NULL || !append->context->parsed.has_min_sequence_number)
		return GOOD->append(backend, append, result, error);
	(void) GOOD->query(backend, append->context, &facts, &version, error);
	version = facts.count == 0 ? 0 : facts.facts[facts.count - 1].sequence_number;
	fs_fact_list_release(&facts);
	if (version == append->expected_context_version)
		return append_without_check(backend, append, result, error);
	return fs_error_conflict(error, append->expected_context_version, version);
}

/* Looks first, and locks then. */
static int
check_before_lock(fs_backend *backend, const fs_append *append, factstr_append_result *result,
				  factstr_error *error)
{
	uint64_t	version;

	if (append->context == NULL)
		return GOOD->append(backend, append, result, error);
	version = version_of(backend, append->context);
	if (version != append->expected_context_version || (version == 0) != append->expects_empty)
		return GOOD->append(backend, append, result, error);
	(void) usleep(2000);
	return append_without_check(backend, append, result, error);
}

static int
conflict_without_version(fs_backend *backend, const fs_append *append,
						 factstr_append_result *result, factstr_error *error)
{
	int			code = GOOD->append(backend, append, result, error);

	error->actual_context_version = code == FACTSTR_CONFLICT ? 0 : error->actual_context_version;
	return code;
}

static int
append_first_event_only(fs_backend *backend, const fs_append *append,
						factstr_append_result *result, factstr_error *error)
{
	fs_append	copy = *append;

	copy.event_count = 1;
	return GOOD->append(backend, &copy, result, error);
}

/*
 * Idempotency keys and metadata
 */

static int
ignore_key(fs_backend *backend, const fs_append *append, factstr_append_result *result,
		   factstr_error *error)
{
	fs_append	copy = *append;

	copy.idempotency_key = NULL;
	return GOOD->append(backend, &copy, result, error);
}

static int
accept_other_events_with_key(fs_backend *backend, const fs_append *append,
							 factstr_append_result *result, factstr_error *error)
{
	int			code = GOOD->append(backend, append, result, error);

	if (code != FACTSTR_IDEMPOTENCY_KEY_REUSED)
		return code;
	return ignore_key(backend, append, result, error);
}

static int
remember_key_of_failure(fs_backend *backend, const fs_append *append,
						factstr_append_result *result, factstr_error *error)
{
	static char burnt[100];
	int			code;

	if (append->idempotency_key != NULL && strcmp(burnt, append->idempotency_key) == 0)
		return fs_error_idempotency_key_reused(error);
	code = GOOD->append(backend, append, result, error);
	if (code == FACTSTR_CONFLICT && append->idempotency_key != NULL)
		(void) strncpy(burnt, append->idempotency_key, sizeof(burnt) - 1);
	return code;
}

static int
check_context_before_key(fs_backend *backend, const fs_append *append,
						 factstr_append_result *result, factstr_error *error)
{
	if (append->context != NULL &&
		version_of(backend, append->context) != append->expected_context_version)
		return fs_error_conflict(error, append->expected_context_version,
								 version_of(backend, append->context));
	return GOOD->append(backend, append, result, error);
}

static int
drop_metadata(fs_backend *backend, const fs_append *append, factstr_append_result *result,
			  factstr_error *error)
{
	fs_append_event *events = calloc(append->event_count, sizeof(fs_append_event));
	fs_append	copy = *append;
	int			code;

	if (events == NULL)
		abort();
	for (size_t i = 0; i < append->event_count; i++)
	{
		events[i] = append->events[i];
		events[i].metadata = NULL;
		events[i].metadata_document = NULL;
	}
	copy.events = events;
	code = GOOD->append(backend, &copy, result, error);
	free(events);
	return code;
}

/*
 * Queries by a matcher with a fault, fact by fact.
 */

typedef bool (*matcher) (const fs_query *query, const factstr_fact *fact, json_t *payload);

static json_t *
load(const char *text)
{
	fs_input_error error;
	json_t	   *document = fs_json_document_load(text, strlen(text), &error);

	if (document == NULL)
		abort();
	return document;
}

static int
query_by(matcher matches, fs_backend *backend, const fs_query *query, fs_fact_list *facts,
		 uint64_t *version, factstr_error *error)
{
	fs_query	all = every_fact();
	fs_fact_list stored = {0};
	int			code = GOOD->query(backend, &all, &stored, version, error);

	*version = 0;
	for (size_t i = 0; i < stored.count; i++)
	{
		const factstr_fact *fact = &stored.facts[i];
		json_t	   *payload = load(fact->payload);
		bool		found = matches(query, fact, payload);

		json_decref(payload);
		if (!found)
			continue;
		*version = fact->sequence_number;
		if (!query->parsed.has_min_sequence_number ||
			(int64_t) fact->sequence_number > query->parsed.min_sequence_number)
			(void) fs_fact_list_add(facts, fact);
	}
	fs_fact_list_release(&stored);
	fs_query_release(&all);
	return code;
}

/* Also with what is in an array at the root. */
static bool
matches_elements(const fs_query *query, const factstr_fact *fact, json_t *payload)
{
	if (fs_query_matches(query, fact->event_type, payload))
		return true;
	for (size_t i = 0; json_is_array(payload) && i < json_array_size(payload); i++)
	{
		if (fs_query_matches(query, fact->event_type, json_array_get(payload, i)))
			return true;
	}
	return false;
}

static int
query_elements(fs_backend *backend, const fs_query *query, fs_fact_list *facts, uint64_t *version,
			   factstr_error *error)
{
	return query_by(matches_elements, backend, query, facts, version, error);
}

static bool
matches_metadata(const fs_query *query, const factstr_fact *fact, json_t *payload)
{
	json_t	   *metadata = fact->metadata == NULL ? NULL : load(fact->metadata);
	bool		found = fs_query_matches(query, fact->event_type, payload) ||
		(metadata != NULL && fs_query_matches(query, fact->event_type, metadata));

	json_decref(metadata);
	return found;
}

static int
query_metadata(fs_backend *backend, const fs_query *query, fs_fact_list *facts, uint64_t *version,
			   factstr_error *error)
{
	return query_by(matches_metadata, backend, query, facts, version, error);
}

/* Matches texts that were changed before: the query's and the payload's. */
static bool
matches_changed(char *(*change) (const char *text), const fs_query *query,
				const factstr_fact *fact)
{
	char	   *query_text = change(query->text);
	char	   *payload_text = change(fact->payload);
	char	   *type = change(fact->event_type);
	json_t	   *payload = load(payload_text);
	fs_query	changed;
	factstr_error error;
	bool		found;

	if (fs_query_parse(query_text, &changed, &error) != FACTSTR_OK)
		abort();
	found = fs_query_matches(&changed, type, payload);
	fs_query_release(&changed);
	json_decref(payload);
	free(type);
	free(payload_text);
	free(query_text);
	return found;
}

static char *
lower_case(const char *text)
{
	char	   *changed = strdup(text);

	for (char *c = changed; *c != '\0'; c++)
		*c = (char) tolower((unsigned char) *c);
	return changed;
}

static bool
matches_any_case(const fs_query *query, const factstr_fact *fact, json_t *payload)
{
	(void) payload;
	return matches_changed(lower_case, query, fact);
}

static int
query_any_case(fs_backend *backend, const fs_query *query, fs_fact_list *facts, uint64_t *version,
			   factstr_error *error)
{
	return query_by(matches_any_case, backend, query, facts, version, error);
}

/* Every number that is not part of a string becomes the double nearest to it. */
static char *
doubles(const char *text)
{
	char	   *changed = calloc(strlen(text) + 1, 30);
	char	   *out = changed;
	bool		quoted = false;

	while (*text != '\0')
	{
		if (!quoted && (isdigit((unsigned char) *text) || *text == '-'))
		{
			char	   *end;

			out += sprintf(out, "%.17g", strtod(text, &end));
			text = end;
			continue;
		}
		if (*text == '\\' && text[1] != '\0')
			*out++ = *text++;
		else if (*text == '"')
			quoted = !quoted;
		*out++ = *text++;
	}
	return changed;
}

static bool
matches_doubles(const fs_query *query, const factstr_fact *fact, json_t *payload)
{
	(void) payload;
	return matches_changed(doubles, query, fact);
}

static int
query_doubles(fs_backend *backend, const fs_query *query, fs_fact_list *facts, uint64_t *version,
			  factstr_error *error)
{
	return query_by(matches_doubles, backend, query, facts, version, error);
}

static bool
matches_with_empty_as_absent(const fs_query *query, const factstr_fact *fact, json_t *payload)
{
	fs_query	copy = *query;
	bool		found;

	copy.parsed.filters = calloc(query->parsed.filter_count + 1, sizeof(fs_filter));
	for (size_t i = 0; i < query->parsed.filter_count; i++)
	{
		fs_filter  *filter = &copy.parsed.filters[i];

		*filter = query->parsed.filters[i];
		filter->has_event_types = filter->event_type_count > 0;
		filter->has_payload_predicates = filter->payload_predicate_count > 0;
	}
	found = fs_query_matches(&copy, fact->event_type, payload);
	free(copy.parsed.filters);
	return found;
}

static int
query_empty_as_absent(fs_backend *backend, const fs_query *query, fs_fact_list *facts,
					  uint64_t *version, factstr_error *error)
{
	return query_by(matches_with_empty_as_absent, backend, query, facts, version, error);
}

/*
 * Answers of queries
 */

static int
version_of_rows(fs_backend *backend, const fs_query *query, fs_fact_list *facts, uint64_t *version,
				factstr_error *error)
{
	int			code = GOOD->query(backend, query, facts, version, error);

	*version = facts->count == 0 ? 0 : facts->facts[facts->count - 1].sequence_number;
	return code;
}

static int
version_of_later_moment(fs_backend *backend, const fs_query *query, fs_fact_list *facts,
						uint64_t *version, factstr_error *error)
{
	int			code = GOOD->query(backend, query, facts, version, error);
	uint64_t	moment = *version;

	/* Gives a writer its chance, if there is one. */
	for (int i = 0; i < 100 && *version == moment; i++)
	{
		(void) usleep(200);
		*version = version_of(backend, query);
	}
	return code;
}

static int
swap_first_rows(fs_backend *backend, const fs_query *query, fs_fact_list *facts, uint64_t *version,
				factstr_error *error)
{
	int			code = GOOD->query(backend, query, facts, version, error);

	if (facts->count > 1)
	{
		factstr_fact first = facts->facts[0];

		facts->facts[0] = facts->facts[1];
		facts->facts[1] = first;
	}
	return code;
}

static int
inclusive_lower_bound(fs_backend *backend, const fs_query *query, fs_fact_list *facts,
					  uint64_t *version, factstr_error *error)
{
	fs_query	copy = *query;

	if (copy.parsed.has_min_sequence_number && copy.parsed.min_sequence_number > 0)
		copy.parsed.min_sequence_number--;
	return GOOD->query(backend, &copy, facts, version, error);
}

/*
 * What numbers given out before the commit do: a reader comes before a writer is done, and misses
 * the fact for good.
 */
static int
miss_a_fact(fs_backend *backend, const fs_query *query, fs_fact_list *facts, uint64_t *version,
			factstr_error *error)
{
	int			code = GOOD->query(backend, query, facts, version, error);

	if (facts->count > 1 && facts->facts[facts->count - 1].sequence_number > 100)
	{
		facts->facts[facts->count - 2] = facts->facts[facts->count - 1];
		facts->count--;
	}
	return code;
}

static int
alter_payload(fs_backend *backend, const fs_query *query, fs_fact_list *facts, uint64_t *version,
			  factstr_error *error)
{
	int			code = GOOD->query(backend, query, facts, version, error);

	for (size_t i = 0; i < facts->count; i++)
	{
		char	   *found = strstr(facts->facts[i].payload, "9007199254740993");

		if (found != NULL)
			found[15] = '2';
	}
	return code;
}

static int
read_forwards(fs_backend *backend, const fs_query *query, const fs_range *range,
			  fs_fact_list *facts, factstr_error *error)
{
	fs_range	copy = *range;

	copy.backwards = false;
	return GOOD->read(backend, query, &copy, facts, error);
}

static int
read_beyond_the_end(fs_backend *backend, const fs_query *query, const fs_range *range,
					fs_fact_list *facts, factstr_error *error)
{
	fs_range	copy = *range;

	copy.up_to = head_of(backend);
	return GOOD->read(backend, query, &copy, facts, error);
}

/*
 * Batches, and with them deliveries
 */

static int
lose_last_fact(fs_backend *backend, const fs_query *query, uint64_t after, size_t max_batches,
			   fs_batch_list *batches, uint64_t *searched, factstr_error *error)
{
	int			code = GOOD->batches(backend, query, after, max_batches, batches, searched, error);

	for (size_t i = 0; i < batches->count; i++)
		batches->batches[i].fact_count -= batches->batches[i].fact_count > 1 ? 1 : 0;
	return code;
}

/* The facts of the second batch go to the first. */
static int
merge_batches(fs_backend *backend, const fs_query *query, uint64_t after, size_t max_batches,
			  fs_batch_list *batches, uint64_t *searched, factstr_error *error)
{
	fs_batch_list found = {0};
	int			code = GOOD->batches(backend, query, after, max_batches + 1, &found, searched,
									 error);

	for (size_t i = 0; i < found.count; i++)
	{
		const factstr_batch *batch = &found.batches[i];

		if (i % 2 == 1)
			batches->batches[batches->count - 1].last_sequence_number = batch->last_sequence_number;
		else
			(void) fs_batch_list_begin(batches, batch->first_sequence_number,
									   batch->last_sequence_number, NULL);
		for (size_t j = 0; j < batch->fact_count; j++)
			(void) fs_batch_list_add(batches, &batch->facts[j]);
	}
	fs_batch_list_release(&found);
	return code;
}

static int
deliver_unfiltered(fs_backend *backend, const fs_query *query, uint64_t after, size_t max_batches,
				   fs_batch_list *batches, uint64_t *searched, factstr_error *error)
{
	fs_query	all = every_fact();
	int			code = GOOD->batches(backend, &all, after, max_batches, batches, searched, error);

	(void) query;
	fs_query_release(&all);
	return code;
}

static int
truncate_times(fs_backend *backend, const fs_query *query, uint64_t after, size_t max_batches,
			   fs_batch_list *batches, uint64_t *searched, factstr_error *error)
{
	int			code = GOOD->batches(backend, query, after, max_batches, batches, searched, error);

	for (size_t i = 0; i < batches->count; i++)
	{
		for (size_t j = 0; j < batches->batches[i].fact_count; j++)
		{
			factstr_fact *fact = (factstr_fact *) &batches->batches[i].facts[j];

			fact->occurred_at -= fact->occurred_at % 1000000;
		}
	}
	return code;
}

static int
skip_a_batch(fs_backend *backend, const fs_query *query, uint64_t after, size_t max_batches,
			 fs_batch_list *batches, uint64_t *searched, factstr_error *error)
{
	int			code = GOOD->batches(backend, query, after, max_batches, batches, searched, error);
	size_t		kept = 0;

	for (size_t i = 0; i < batches->count; i++)
	{
		if (batches->batches[i].first_sequence_number % 7 != 0)
			batches->batches[kept++] = batches->batches[i];
	}
	batches->count = kept;
	return code;
}

static int
begin_with_first_fact(fs_backend *backend, uint64_t *head, factstr_error *error)
{
	(void) backend;
	(void) error;
	*head = 0;
	return FACTSTR_OK;
}

/* Wakes nobody: its hub is one where nobody waits. */
static int
open_deaf(const char *location, fs_hub *hub, fs_backend **backend, factstr_error *error)
{
	static fs_hub *nobody;

	(void) hub;
	if (nobody == NULL)
		nobody = fs_hub_new();
	return GOOD->open(location, nobody, backend, error);
}

/*
 * Durable streams
 */

static int
replay_always(fs_backend *backend, const fs_claim *claim, fs_lease **lease, uint64_t *cursor,
			  factstr_error *error)
{
	int			code = GOOD->stream_claim(backend, claim, lease, cursor, error);

	*cursor = 0;
	return code;
}

static int
resume_at_cursor(fs_backend *backend, const fs_claim *claim, fs_lease **lease, uint64_t *cursor,
				 factstr_error *error)
{
	int			code = GOOD->stream_claim(backend, claim, lease, cursor, error);

	if (code == FACTSTR_OK && *cursor > 0)
		*cursor -= 1;
	return code;
}

static int
start_from_first(fs_backend *backend, const fs_claim *claim, fs_lease **lease, uint64_t *cursor,
				 factstr_error *error)
{
	fs_claim	copy = *claim;

	copy.start = FACTSTR_FROM_FIRST;
	return GOOD->stream_claim(backend, &copy, lease, cursor, error);
}

/* The second consumer gets a stream of another name. */
static int
never_active(fs_backend *backend, const fs_claim *claim, fs_lease **lease, uint64_t *cursor,
			 factstr_error *error)
{
	static int	count;
	char		name[100];
	fs_claim	copy = *claim;
	int			code = GOOD->stream_claim(backend, claim, lease, cursor, error);

	if (code != FACTSTR_STREAM_ACTIVE)
		return code;
	(void) snprintf(name, sizeof(name), "%.50s %d", claim->name, ++count);
	copy.name = name;
	return GOOD->stream_claim(backend, &copy, lease, cursor, error);
}

/* Claims with the query that the stream has. */
static int
accept_other_query(fs_backend *backend, const fs_claim *claim, fs_lease **lease, uint64_t *cursor,
				   factstr_error *error)
{
	int			code = GOOD->stream_claim(backend, claim, lease, cursor, error);
	fs_stream_list streams = {0};
	fs_claim	copy = *claim;
	fs_query	query;

	if (code != FACTSTR_STREAM_QUERY_DIFFERS)
		return code;
	if (GOOD->streams(backend, &streams, error) != FACTSTR_OK ||
		fs_query_parse(streams.streams[0].event_query, &query, error) != FACTSTR_OK)
		abort();
	copy.query = &query;
	code = GOOD->stream_claim(backend, &copy, lease, cursor, error);
	fs_query_release(&query);
	fs_stream_list_release(&streams);
	return code;
}

static int
forget_unmatched(fs_lease *lease, uint64_t cursor, bool delivered, factstr_error *error)
{
	return delivered ? GOOD->stream_move(lease, cursor, delivered, error) : FACTSTR_OK;
}

static int
forget_delivered(fs_lease *lease, uint64_t cursor, bool delivered, factstr_error *error)
{
	return delivered ? FACTSTR_OK : GOOD->stream_move(lease, cursor, delivered, error);
}

/* As if the batch that failed had been delivered. */
static int
skip_failed_batch(fs_lease *lease, uint64_t *cursor, factstr_error *error)
{
	int			code = GOOD->stream_resume(lease, cursor, error);

	if (code == FACTSTR_OK)
		code = GOOD->stream_move(lease, ++*cursor, true, error);
	return code;
}

static int
keep_name_while_pausing(fs_lease *lease, const char *words, int64_t retry_at, factstr_error *error)
{
	(void) lease;
	(void) words;
	(void) retry_at;
	(void) error;
	return FACTSTR_OK;
}

/* The consumer that was taken over goes on, from the beginning. */
static int
resume_after_takeover(fs_lease *lease, uint64_t *cursor, factstr_error *error)
{
	int			code;

	*cursor = 0;
	code = GOOD->stream_resume(lease, cursor, error);
	return code == FACTSTR_STREAM_ACTIVE ? FACTSTR_OK : code;
}

static int
list_without_errors(fs_backend *backend, fs_stream_list *streams, factstr_error *error)
{
	int			code = GOOD->streams(backend, streams, error);

	for (size_t i = 0; i < streams->count; i++)
		streams->streams[i].last_error = NULL;
	return code;
}

static int
list_with_wrong_lag(fs_backend *backend, fs_stream_list *streams, factstr_error *error)
{
	int			code = GOOD->streams(backend, streams, error);

	for (size_t i = 0; i < streams->count; i++)
		streams->streams[i].lag_facts /= 2;
	return code;
}

static int
list_as_inactive(fs_backend *backend, fs_stream_list *streams, factstr_error *error)
{
	int			code = GOOD->streams(backend, streams, error);

	for (size_t i = 0; i < streams->count; i++)
		streams->streams[i].active = false;
	return code;
}

static int
cursor_is_the_head(fs_backend *backend, const char *name, uint64_t *cursor, factstr_error *error)
{
	int			code = GOOD->stream_cursor(backend, name, cursor, error);

	*cursor = head_of(backend);
	return code;
}

static int
do_not_seek(fs_backend *backend, const char *name, uint64_t sequence_number, factstr_error *error)
{
	return GOOD->stream_seek(backend, name, sequence_number > 0 ? head_of(backend) : 0, error);
}

static int
do_not_drop(fs_backend *backend, const char *name, factstr_error *error)
{
	(void) backend;
	(void) name;
	(void) error;
	return FACTSTR_OK;
}

/*
 * Import and export
 */

static int
export_without_keys(fs_backend *backend, uint64_t after, size_t max_batches,
					fs_batch_list *batches, factstr_error *error)
{
	int			code = GOOD->export_batches(backend, after, max_batches, batches, error);

	for (size_t i = 0; i < batches->count; i++)
		batches->batches[i].idempotency_key = NULL;
	return code;
}

static int
import_past_gaps(fs_backend *backend, const factstr_batch *batches, fs_append_event *const *events,
				 size_t count, factstr_error *error)
{
	int			code = GOOD->import_batches(backend, batches, events, count, error);

	return code == FACTSTR_MALFORMED ? FACTSTR_OK : code;
}

static int
import_in_halves(fs_backend *backend, const factstr_batch *batches, fs_append_event *const *events,
				 size_t count, factstr_error *error)
{
	size_t		half = count / 2;
	int			code = half == 0 ? FACTSTR_OK :
		GOOD->import_batches(backend, batches, events, half, error);

	return code != FACTSTR_OK ? code :
		GOOD->import_batches(backend, batches + half, events + half,
							 count - half - (half > 0 ? 1 : 0), error);
}

#define MUTANT(fault, pattern, member, function) {fault, pattern, {.member = function}}

static const mutant mutants[] = {
	MUTANT("a conflict stores the events all the same", "rule 15", append,
		   store_in_spite_of_conflict),
	MUTANT("contexts are not checked", "rule 14", append, append_without_check),
	MUTANT("an expected version that is too high is accepted", "rule 14", append,
		   accept_higher_version),
	MUTANT("any expected version is accepted, but for an empty context", "rule 14", append,
		   accept_lower_version),
	MUTANT("0 is accepted as the version of an empty context", "rule 14", append,
		   accept_zero_as_empty),
	MUTANT("min_sequence_number narrows the context", "rule 11", append, narrow_context),
	MUTANT("the context is checked before the lock is taken", "rule 17", append, check_before_lock),
	MUTANT("a conflict does not know the actual version", "rule 15", append,
		   conflict_without_version),
	MUTANT("only the first event of an append is stored", "rule 6", append,
		   append_first_event_only),
	MUTANT("idempotency keys are ignored", "rule 33", append, ignore_key),
	MUTANT("an idempotency key is accepted with other events", "rule 33", append,
		   accept_other_events_with_key),
	MUTANT("the idempotency key of a conflict is remembered", "rule 33", append,
		   remember_key_of_failure),
	MUTANT("the context is checked before the idempotency key", "rule 33", append,
		   check_context_before_key),
	MUTANT("metadata is not stored", "rule 32", append, drop_metadata),
	MUTANT("metadata is matched", "rule 32", query, query_metadata),
	MUTANT("a predicate matches inside of an array at the root", "rule 12", query, query_elements),
	MUTANT("strings are compared without case", "rule 12", query, query_any_case),
	MUTANT("event types are compared without case", "rule 10", query, query_any_case),
	MUTANT("numbers are compared as doubles", "rule 12", query, query_doubles),
	MUTANT("an empty list inside a filter is taken for absent", "rule 10", query,
		   query_empty_as_absent),
	MUTANT("the version is that of the returned rows", "rule 11", query, version_of_rows),
	MUTANT("the version is of a later moment than the rows", "rule 13", query,
		   version_of_later_moment),
	MUTANT("rows are not in order", "rule 13", query, swap_first_rows),
	MUTANT("min_sequence_number is inclusive", "rule 11", query, inclusive_lower_bound),
	MUTANT("a reader misses a fact", "rule 2", query, miss_a_fact),
	MUTANT("a large integer comes back as its neighbour", "rule 4", query, alter_payload),
	MUTANT("a cursor cannot read backwards", "reading", read, read_forwards),
	MUTANT("a cursor sees facts that were appended after it was opened", "reading", read,
		   read_beyond_the_end),
	MUTANT("batches lose their last fact", "rule 18", batches, lose_last_fact),
	MUTANT("two batches are merged", "rule 18", batches, merge_batches),
	MUTANT("batches without a match are delivered", "rule 18", batches, deliver_unfiltered),
	MUTANT("times are truncated in deliveries", "rule 3", batches, truncate_times),
	MUTANT("a batch is skipped now and then", "rule 26", batches, skip_a_batch),
	MUTANT("a stream from now sees earlier facts", "rule 19", head, begin_with_first_fact),
	MUTANT("streams are not woken", "rule 18", open, open_deaf),
	MUTANT("a reopened durable stream begins again", "rule 24", stream_claim, replay_always),
	MUTANT("a reopened durable stream repeats its last batch", "rule 24", stream_claim,
		   resume_at_cursor),
	MUTANT("a durable stream from now begins with the first fact", "rule 24", stream_claim,
		   start_from_first),
	MUTANT("a name has two consumers", "rule 29", stream_claim, never_active),
	MUTANT("a durable stream is reopened with another query", "rule 25", stream_claim,
		   accept_other_query),
	MUTANT("batches without a match do not move the cursor", "rule 27", stream_move,
		   forget_unmatched),
	MUTANT("delivered batches do not move the cursor", "rule 27", stream_move, forget_delivered),
	MUTANT("the cursor passes a batch that failed", "rule 28", stream_resume, skip_failed_batch),
	MUTANT("a stream holds its name while it pauses", "rule 28", stream_fail,
		   keep_name_while_pausing),
	MUTANT("a consumer goes on after it was taken over", "rule 28", stream_resume,
		   resume_after_takeover),
	MUTANT("the words of a failure are lost", "rule 28", streams, list_without_errors),
	MUTANT("the lag is wrong", "rule 30", streams, list_with_wrong_lag),
	MUTANT("an active stream is listed as free", "rule 30", streams, list_as_inactive),
	MUTANT("waiting for a cursor does not wait", "status", stream_cursor, cursor_is_the_head),
	MUTANT("a stream cannot be reset", "rule 30", stream_seek, do_not_seek),
	MUTANT("a stream cannot be dropped", "rule 30", stream_drop, do_not_drop),
	MUTANT("an export has no idempotency keys", "import and export", export_batches,
		   export_without_keys),
	MUTANT("an import with a gap succeeds", "import and export", import_batches, import_past_gaps),
	MUTANT("an import loses its last batch", "import and export", import_batches, import_in_halves),
};

#endif							/* FACTSTR_MUTANTS_H */
