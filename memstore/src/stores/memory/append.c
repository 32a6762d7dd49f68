/*
 * stores/memory/append.c
 *		Adds facts to the memory store: first everything that can fail, then the rest.
 *
 * A context is checked before the lock is taken, against the log at that time.  Facts do not disappear, so a
 * conflict found there is permanent; under the lock, only facts that were added meanwhile have to be examined.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/times.h"
#include "input/events.h"
#include "results/error.h"
#include "stores/hub.h"
#include "stores/local/search.h"
#include "stores/local/new_terms.h"
#include "stores/memory/backend.h"
#include "stores/memory/facts.h"
#include "stores/memory/keys.h"
#include "stores/memory/postings.h"

/* A batch that is to be added. */
typedef struct fs_new_batch
{
	const fs_append_event *events;
	size_t		count;
	const char *idempotency_key;	/* or NULL */
	const factstr_fact *imported;	/* where the times come from; NULL: it is now */
	size_t		size;			/* in memory */
} fs_new_batch;

/* The addition: consecutive batches, and the terms of their facts. */
typedef struct fs_new_facts
{
	size_t		batch_count;
	const fs_new_batch *batches;
	size_t		size;			/* of all batches, in memory */
	size_t		key_count;
	fs_new_terms terms;			/* of all facts */
} fs_new_facts;

/* Prepares everything that the batches need, except their numbers. */
static bool
fs_prepare_facts(fs_new_facts *facts, fs_new_batch *batches, size_t count)
{
	facts->batches = batches;
	facts->batch_count = count;
	for (size_t i = 0; i < count; i++)
	{
		fs_new_batch *batch = &batches[i];
		size_t		size = fs_memory_batch_size(batch->events, batch->count,
												batch->idempotency_key);

		/* Batches are adjacent in memory, each aligned. */
		if (size > SIZE_MAX / 4 - facts->size)
			return false;
		batch->size = (size + sizeof(uint64_t) - 1) & ~(sizeof(uint64_t) - 1);
		facts->size += batch->size;
		facts->key_count += batch->idempotency_key != NULL ? 1 : 0;
		for (size_t j = 0; j < batch->count; j++)
		{
			if (!fs_new_terms_add(&facts->terms, &batch->events[j]))
				return false;
		}
	}
	fs_new_terms_sort(&facts->terms);
	return true;
}

/*
 * With the lock: allocates all memory for the new facts.  NULL if there is not enough: the store is then unchanged,
 * except for unused room.
 */
static char *
fs_reserve(fs_backend *backend, const fs_new_facts *facts)
{
	uint64_t	head = fs_memory_log_head(&backend->log);

	if (!fs_memory_log_reserve(&backend->log, head + facts->terms.fact_count) ||
		!fs_postings_reserve(&backend->postings, &facts->terms) ||
		!fs_memory_keys_reserve(&backend->keys, facts->key_count))
		return NULL;

	/* Last, because it cannot be undone. */
	return fs_arena_allocate_words(&backend->pool, facts->size);
}

static void
fs_set_times(fs_memory_batch *batch, const factstr_fact *imported)
{
	int64_t		now = imported == NULL ? fs_now() : 0;

	for (size_t i = 0; i < batch->fact_count; i++)
		batch->facts[i].occurred_at = imported == NULL ? now : imported[i].occurred_at;
}

/* With the lock: adds the new facts in the prepared memory.  Nothing here can fail. */
static void
fs_fill(fs_backend *backend, const fs_new_facts *facts, char *memory)
{
	uint64_t	head = fs_memory_log_head(&backend->log);

	fs_postings_add(&backend->postings, &facts->terms, head + 1);
	for (size_t i = 0; i < facts->batch_count; i++)
	{
		const fs_new_batch *added = &facts->batches[i];
		fs_memory_batch *batch = fs_memory_batch_build(memory, added->events, added->count,
													   added->idempotency_key);

		memory += added->size;
		fs_set_times(batch, added->imported);
		batch->first_sequence_number = head + 1;
		fs_memory_log_add(&backend->log, batch);
		if (batch->idempotency_key != NULL)
			fs_memory_keys_add(&backend->keys, batch);
		head = fs_memory_batch_last(batch);
	}
	fs_memory_log_set_head(&backend->log, head);
}

/* With the lock: adds the new facts; *first is their first batch. */
static int
fs_add_facts(fs_backend *backend, const fs_new_facts *facts, fs_memory_batch **first,
			 factstr_error *error)
{
	char	   *memory = fs_reserve(backend, facts);

	if (memory == NULL)
		return fs_error_no_memory(error);
	fs_fill(backend, facts, memory);
	*first = (fs_memory_batch *) memory;
	return FACTSTR_OK;
}

/*
 * Idempotency keys
 */

static void
fs_tell_batch(const fs_memory_batch *batch, factstr_append_result *result)
{
	result->first_sequence_number = batch->first_sequence_number;
	result->last_sequence_number = fs_memory_batch_last(batch);
	result->committed_count = batch->fact_count;
}

/* Is the fact equal to the event?  The content of a redacted fact is unknown, so only its type is compared. */
static int
fs_is_same_event(const fs_backend *backend, const factstr_fact *fact, const fs_append_event *event,
				 bool *same, factstr_error *error)
{
	if (!fs_memory_redactions_has(&backend->redactions, fact->sequence_number))
		return fs_fact_is_event(fact, event, same, error);
	*same = fs_text_is(event->event_type, fact->event_type);
	return FACTSTR_OK;
}

/* The key of these events was used for this batch: their events must be equal. */
static int
fs_require_same_events(const fs_backend *backend, const fs_memory_batch *batch,
					   const fs_append_event *events, size_t count, factstr_error *error)
{
	bool		equal = batch->fact_count == count;

	for (size_t i = 0; equal && i < count; i++)
	{
		factstr_fact fact = fs_memory_batch_fact(batch, batch->first_sequence_number + i);
		int			code = fs_is_same_event(backend, &fact, &events[i], &equal, error);

		if (code != FACTSTR_OK)
			return code;
	}
	return equal ? FACTSTR_OK : fs_error_idempotency_key_reused(error);
}

/* The key was used for this batch: returns the same result again, if the events are equal. */
static int
fs_repeat_append(const fs_backend *backend, const fs_memory_batch *batch, const fs_append *append,
				 factstr_append_result *result, factstr_error *error)
{
	int			code = fs_require_same_events(backend, batch, append->events, append->event_count,
											  error);

	if (code == FACTSTR_OK)
		fs_tell_batch(batch, result);
	return code;
}

/* With the lock. */
static const fs_memory_batch *
fs_find_earlier(const fs_backend *backend, const fs_append *append)
{
	return append->idempotency_key == NULL ? NULL :
		fs_memory_keys_find(&backend->keys, append->idempotency_key);
}

static const fs_memory_batch *
fs_look_for_earlier(fs_backend *backend, const fs_append *append)
{
	const fs_memory_batch *earlier;

	if (append->idempotency_key == NULL)
		return NULL;
	(void) pthread_mutex_lock(&backend->appending);
	earlier = fs_find_earlier(backend, append);
	(void) pthread_mutex_unlock(&backend->appending);
	return earlier;
}

/*
 * Appending
 */

/* With the lock.  The condition held when the log had this head. */
static int
fs_append_locked(fs_backend *backend, const fs_append *append, uint64_t head,
				 const fs_new_facts *facts, factstr_append_result *result, factstr_error *error)
{
	fs_local_log log = fs_memory_local_log(backend);
	int			code = fs_local_check_since(&log, append, head, error);
	fs_memory_batch *batch = NULL;

	if (code == FACTSTR_OK)
		code = fs_add_facts(backend, facts, &batch, error);
	if (code == FACTSTR_OK)
		fs_tell_batch(batch, result);
	return code;
}

/* The key was not known in this state of the log. */
static int
fs_append_prepared(fs_backend *backend, const fs_append *append, const fs_local_log *log,
				   const fs_new_facts *facts, factstr_append_result *result,
				   factstr_error *error)
{
	const fs_memory_batch *earlier;
	int			code = FACTSTR_OK;

	if (append->context != NULL)
		code = fs_local_check_context(log, append, error);
	if (code != FACTSTR_OK)
		return code;
	(void) pthread_mutex_lock(&backend->appending);
	earlier = fs_find_earlier(backend, append);
	if (earlier == NULL)
		code = fs_append_locked(backend, append, log->head, facts, result, error);
	(void) pthread_mutex_unlock(&backend->appending);
	if (earlier != NULL)
		return fs_repeat_append(backend, earlier, append, result, error);
	if (code == FACTSTR_OK)
		fs_hub_wake(backend->hub);
	return code;
}

/* Within the gate. */
static int
fs_append_within(fs_backend *backend, const fs_append *append, factstr_append_result *result,
				 factstr_error *error)
{
	/* In this order: facts that were added with the key later do not count in the context, either. */
	fs_local_log log = fs_memory_local_log(backend);
	const fs_memory_batch *earlier = fs_look_for_earlier(backend, append);
	fs_new_batch batch = {
		.events = append->events,
		.count = append->event_count,
		.idempotency_key = append->idempotency_key
	};
	fs_new_facts facts = {0};
	int			code;

	if (earlier != NULL)
		return fs_repeat_append(backend, earlier, append, result, error);
	if (fs_prepare_facts(&facts, &batch, 1))
		code = fs_append_prepared(backend, append, &log, &facts, result, error);
	else
		code = fs_error_no_memory(error);
	fs_new_terms_release(&facts.terms);
	return code;
}

int
fs_memory_append(fs_backend *backend, const fs_append *append, factstr_append_result *result,
				 factstr_error *error)
{
	int			code;

	fs_gate_enter(&backend->gate);
	code = fs_append_within(backend, append, result, error);
	fs_gate_leave(&backend->gate);
	return code;
}

/*
 * Importing
 */

/* With the lock: is a key of the batches known? */
static bool
fs_has_known_key(const fs_backend *backend, const fs_new_facts *facts)
{
	for (size_t i = 0; i < facts->batch_count; i++)
	{
		const char *key = facts->batches[i].idempotency_key;

		if (key != NULL && fs_memory_keys_find(&backend->keys, key) != NULL)
			return true;
	}
	return false;
}

/* With the lock: adds them all. */
static int
fs_add_imported(fs_backend *backend, const fs_new_facts *facts, factstr_append_result *result,
				factstr_error *error)
{
	uint64_t	head = fs_memory_log_head(&backend->log);
	fs_memory_batch *first;
	int			code = fs_add_facts(backend, facts, &first, error);

	if (code != FACTSTR_OK)
		return code;
	result->first_sequence_number = head + 1;
	result->last_sequence_number = fs_memory_log_head(&backend->log);
	result->committed_count = result->last_sequence_number - head;
	return FACTSTR_OK;
}

/* With the lock: batches with numbers, which begin with this one. */
static int
fs_import_numbered(fs_backend *backend, uint64_t first, const fs_new_facts *facts,
				   factstr_append_result *result, factstr_error *error)
{
	uint64_t	head = fs_memory_log_head(&backend->log);

	if (first != head + 1)
		return fs_error(error, FACTSTR_MALFORMED,
						"invalid batches at $[0]: they begin with fact %" PRIu64
						", and the newest fact here is %" PRIu64, first, head);
	if (fs_has_known_key(backend, facts))
		return fs_error_idempotency_key_reused(error);
	return fs_add_imported(backend, facts, result, error);
}

/* Removes the batches without numbers that already exist. */
static int
fs_pass_by_known(fs_backend *backend, fs_new_batch *batches, size_t *count, factstr_error *error)
{
	size_t		kept = 0;

	for (size_t i = 0; i < *count; i++)
	{
		const fs_append append = {.idempotency_key = batches[i].idempotency_key};
		const fs_memory_batch *earlier = fs_look_for_earlier(backend, &append);
		int			code = FACTSTR_OK;

		if (earlier == NULL)
			batches[kept++] = batches[i];
		else
			code = fs_require_same_events(backend, earlier, batches[i].events, batches[i].count,
										  error);
		if (code != FACTSTR_OK)
			return code;
	}
	*count = kept;
	return FACTSTR_OK;
}

/* *again: another thread has used one of the keys meanwhile. */
static int
fs_import_prepared(fs_backend *backend, uint64_t first, const fs_new_facts *facts, bool *again,
				   factstr_append_result *result, factstr_error *error)
{
	int			code = FACTSTR_OK;

	(void) pthread_mutex_lock(&backend->appending);
	*again = first == 0 && fs_has_known_key(backend, facts);
	if (first != 0)
		code = fs_import_numbered(backend, first, facts, result, error);
	else if (!*again)
		code = fs_add_imported(backend, facts, result, error);
	(void) pthread_mutex_unlock(&backend->appending);
	if (code == FACTSTR_OK && !*again)
		fs_hub_wake(backend->hub);
	return code;
}

/* Imports the batches that are not stored yet; *again as above. */
static int
fs_import_new(fs_backend *backend, uint64_t first, fs_new_batch *batches, size_t *count, bool *again,
			  factstr_append_result *result, factstr_error *error)
{
	fs_new_facts facts = {0};
	int			code = first == 0 ? fs_pass_by_known(backend, batches, count, error) : FACTSTR_OK;

	*again = false;
	if (code != FACTSTR_OK || *count == 0)
		return code;
	if (!fs_prepare_facts(&facts, batches, *count))
		code = fs_error_no_memory(error);
	else
		code = fs_import_prepared(backend, first, &facts, again, result, error);
	fs_new_terms_release(&facts.terms);
	return code;
}

int
fs_memory_import_batches(fs_backend *backend, const factstr_batch *batches,
						 fs_append_event *const *events, size_t count,
						 factstr_append_result *result, factstr_error *error)
{
	fs_new_batch *added = calloc(count, sizeof(fs_new_batch));
	bool		again = true;
	int			code = added == NULL ? fs_error_no_memory(error) : FACTSTR_OK;

	for (size_t i = 0; added != NULL && i < count; i++)
	{
		added[i].events = events[i];
		added[i].count = batches[i].fact_count;
		added[i].idempotency_key = batches[i].idempotency_key;
		added[i].imported = batches[i].facts;
	}
	while (code == FACTSTR_OK && again)
		code = fs_import_new(backend, batches[0].first_sequence_number, added, &count, &again,
							 result, error);
	free(added);
	return code;
}
