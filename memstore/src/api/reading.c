/*
 * api/reading.c
 *		Queries, context versions, batches and exports: answers that are completely in memory.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "api/answers.h"
#include "api/store.h"
#include "input/query.h"
#include "results/error.h"
#include "results/lists.h"
#include "stores/handle.h"

/* As those of answers.h. */
typedef struct fs_query_answer
{
	factstr_query_result result;
	fs_fact_list facts;
} fs_query_answer;

static int
fs_find_facts(factstr_store *store, const fs_query *query, fs_query_answer *answer,
			  factstr_error *error)
{
	fs_entered	entered;
	int			code = fs_enter(store, &entered, error);

	if (code != FACTSTR_OK)
		return code;
	code = store->methods->query(store->backend, query, &answer->facts,
								 &answer->result.current_context_version, error);
	fs_leave(&entered);
	return code;
}

static int
fs_query_facts(factstr_store *store, const fs_query *query, factstr_query_result **result,
			   factstr_error *error)
{
	fs_query_answer *answer = calloc(1, sizeof(fs_query_answer));
	fs_fact_list *facts;
	int			code;

	if (answer == NULL)
		return fs_error_no_memory(error);
	facts = &answer->facts;
	code = fs_find_facts(store, query, answer, error);
	answer->result.fact_count = facts->count;
	answer->result.facts = facts->facts;
	if (facts->count > 0)
		answer->result.last_returned_sequence_number =
			facts->facts[facts->count - 1].sequence_number;
	if (code == FACTSTR_OK)
		*result = &answer->result;
	else
		factstr_query_result_free(&answer->result);
	return code;
}

int
factstr_query(factstr_store *store, const char *event_query, factstr_query_result **result,
			  factstr_error *error)
{
	factstr_error found;
	fs_query	query;
	int			code;

	if (result == NULL)
		return fs_error_misuse_null(error, "result");
	*result = NULL;
	if (store == NULL)
		return fs_error_misuse_null(error, "store");
	code = fs_query_parse(event_query, &query, &found);
	if (code == FACTSTR_OK)
	{
		code = fs_query_facts(store, &query, result, &found);
		fs_query_release(&query);
	}
	return fs_report(code, &found, error);
}

void
factstr_query_result_free(factstr_query_result *result)
{
	fs_query_answer *answer = (fs_query_answer *) result;

	if (answer == NULL)
		return;
	fs_fact_list_release(&answer->facts);
	free(answer);
}

/*
 * The newest of each
 */

/* As those of answers.h. */
typedef struct fs_newest_answer
{
	factstr_newest_result result;
	fs_fact_list facts;
} fs_newest_answer;

static void
fs_release_queries(fs_query *queries, size_t count)
{
	for (size_t i = 0; i < count; i++)
		fs_query_release(&queries[i]);
	free(queries);
}

/* On success the caller releases *queries, even if there are none. */
static int
fs_parse_queries(const char *const *texts, size_t count, fs_query **queries, factstr_error *error)
{
	fs_query   *parsed = count < SIZE_MAX ? calloc(count + 1, sizeof(fs_query)) : NULL;
	char		name[48];
	int			code = parsed == NULL ? fs_error_no_memory(error) : FACTSTR_OK;

	for (size_t i = 0; code == FACTSTR_OK && i < count; i++)
	{
		(void) snprintf(name, sizeof(name), "event_queries[%zu]", i);
		code = fs_query_parse_named(texts[i], name, &parsed[i], error);
	}
	if (code == FACTSTR_OK)
		*queries = parsed;
	else if (parsed != NULL)
		fs_release_queries(parsed, count);
	return code;
}

static int
fs_find_newest(factstr_store *store, const fs_query *queries, size_t count,
			   fs_newest_answer *answer, factstr_error *error)
{
	fs_entered	entered;
	int			code = fs_enter(store, &entered, error);

	if (code != FACTSTR_OK)
		return code;
	code = store->methods->newest(store->backend, queries, count, &answer->facts,
								  &answer->result.current_context_version, error);
	fs_leave(&entered);
	return code;
}

static int
fs_list_newest(factstr_store *store, const fs_query *queries, size_t count,
			   factstr_newest_result **result, factstr_error *error)
{
	fs_newest_answer *answer = calloc(1, sizeof(fs_newest_answer));
	int			code;

	if (answer == NULL)
		return fs_error_no_memory(error);
	code = fs_find_newest(store, queries, count, answer, error);
	answer->result.fact_count = answer->facts.count;
	answer->result.facts = answer->facts.facts;
	if (code == FACTSTR_OK)
		*result = &answer->result;
	else
		factstr_newest_result_free(&answer->result);
	return code;
}

int
factstr_newest(factstr_store *store, const char *const *event_queries, size_t count,
			   factstr_newest_result **result, factstr_error *error)
{
	factstr_error found;
	fs_query   *queries;
	int			code;

	if (result == NULL)
		return fs_error_misuse_null(error, "result");
	*result = NULL;
	if (store == NULL)
		return fs_error_misuse_null(error, "store");
	if (event_queries == NULL && count > 0)
		return fs_error_misuse_null(error, "event_queries");
	code = fs_parse_queries(event_queries, count, &queries, &found);
	if (code == FACTSTR_OK)
	{
		code = fs_list_newest(store, queries, count, result, &found);
		fs_release_queries(queries, count);
	}
	return fs_report(code, &found, error);
}

void
factstr_newest_result_free(factstr_newest_result *result)
{
	fs_newest_answer *answer = (fs_newest_answer *) result;

	if (answer == NULL)
		return;
	fs_fact_list_release(&answer->facts);
	free(answer);
}

static int
fs_find_version(factstr_store *store, const fs_query *query, uint64_t *version,
				factstr_error *error)
{
	fs_entered	entered;
	int			code = fs_enter(store, &entered, error);

	if (code != FACTSTR_OK)
		return code;
	code = store->methods->context_version(store->backend, query, version, error);
	fs_leave(&entered);
	return code;
}

int
factstr_context_version(factstr_store *store, const char *event_query, uint64_t *version,
						factstr_error *error)
{
	factstr_error found;
	fs_query	query;
	uint64_t	current = 0;
	int			code;

	if (version == NULL)
		return fs_error_misuse_null(error, "version");
	*version = 0;
	if (store == NULL)
		return fs_error_misuse_null(error, "store");
	code = fs_query_parse(event_query, &query, &found);
	if (code == FACTSTR_OK)
	{
		code = fs_find_version(store, &query, &current, &found);
		fs_query_release(&query);
	}
	if (code == FACTSTR_OK)
		*version = current;
	return fs_report(code, &found, error);
}

/* query may be NULL: an export. */
static int
fs_find_batches(factstr_store *store, const fs_query *query, uint64_t after, size_t max_batches,
				fs_batch_list *batches, factstr_error *error)
{
	fs_entered	entered;
	uint64_t	searched;
	int			code = fs_enter(store, &entered, error);

	if (code != FACTSTR_OK)
		return code;
	if (query == NULL)
		code = store->methods->export_batches(store->backend, after, max_batches, batches, error);
	else
		code = store->methods->batches(store->backend, query, after, max_batches, batches,
									   &searched, error);
	fs_leave(&entered);
	return code;
}

static int
fs_read_batches(factstr_store *store, const fs_query *query, uint64_t after, size_t max_batches,
				factstr_batch_list **list, factstr_error *error)
{
	fs_batch_answer *answer = calloc(1, sizeof(fs_batch_answer));
	int			code;

	if (answer == NULL)
		return fs_error_no_memory(error);
	code = fs_find_batches(store, query, after, max_batches, &answer->batches, error);
	answer->list.count = answer->batches.count;
	answer->list.batches = answer->batches.batches;
	if (code == FACTSTR_OK)
		*list = &answer->list;
	else
		factstr_batch_list_free(&answer->list);
	return code;
}

static int
fs_check_batches_call(factstr_store *store, uint64_t after, size_t max_batches,
					  factstr_error *error)
{
	if (store == NULL)
		return fs_error_misuse_null(error, "store");
	if (max_batches == 0)
		return fs_error(error, FACTSTR_MALFORMED, "invalid max_batches: it must be at least 1");
	return fs_check_position(after, "after_sequence_number", error);
}

int
factstr_batches(factstr_store *store, const char *event_query, uint64_t after_sequence_number,
				size_t max_batches, factstr_batch_list **list, factstr_error *error)
{
	factstr_error found;
	fs_query	query;
	int			code;

	if (list == NULL)
		return fs_error_misuse_null(error, "list");
	*list = NULL;
	code = fs_check_batches_call(store, after_sequence_number, max_batches, &found);
	if (code == FACTSTR_OK)
		code = fs_query_parse(event_query, &query, &found);
	if (code == FACTSTR_OK)
	{
		code = fs_read_batches(store, &query, after_sequence_number, max_batches, list, &found);
		fs_query_release(&query);
	}
	return fs_report(code, &found, error);
}

int
factstr_export(factstr_store *store, uint64_t after_sequence_number, size_t max_batches,
			   factstr_batch_list **list, factstr_error *error)
{
	factstr_error found;
	int			code;

	if (list == NULL)
		return fs_error_misuse_null(error, "list");
	*list = NULL;
	code = fs_check_batches_call(store, after_sequence_number, max_batches, &found);
	if (code == FACTSTR_OK)
		code = fs_read_batches(store, NULL, after_sequence_number, max_batches, list, &found);
	return fs_report(code, &found, error);
}

void
factstr_batch_list_free(factstr_batch_list *list)
{
	fs_batch_answer *answer = (fs_batch_answer *) list;

	if (answer == NULL)
		return;
	fs_batch_list_release(&answer->batches);
	free(answer);
}
