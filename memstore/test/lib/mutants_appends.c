/*
 * mutants_appends.c
 *		Faults of appends: their contexts, their idempotency keys, and the stored facts.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "results/error.h"

#include "mutants.h"

/* Without its context: succeeds always. */
static int
append_without_check(fs_backend *backend, const fs_append *append, factstr_append_result *result,
					 factstr_error *error)
{
	fs_append	copy = *append;

	copy.condition = FACTSTR_APPEND_ALWAYS;
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
	if (append->condition == FACTSTR_APPEND_IF &&
		append->context_number > mutant_version_of(backend, append->context))
		return append_without_check(backend, append, result, error);
	return GOOD->append(backend, append, result, error);
}

static int
accept_lower_version(fs_backend *backend, const fs_append *append,
					 factstr_append_result *result, factstr_error *error)
{
	if (append->condition == FACTSTR_APPEND_IF && append->context_number > 0)
		return append_without_check(backend, append, result, error);
	return GOOD->append(backend, append, result, error);
}

static int
accept_zero_as_any(fs_backend *backend, const fs_append *append, factstr_append_result *result,
				   factstr_error *error)
{
	if (append->condition == FACTSTR_APPEND_IF && append->context_number == 0)
		return append_without_check(backend, append, result, error);
	return GOOD->append(backend, append, result, error);
}

static int
accept_newer(fs_backend *backend, const fs_append *append, factstr_append_result *result,
			 factstr_error *error)
{
	if (append->condition == FACTSTR_APPEND_UNLESS && append->context_number > 0)
		return append_without_check(backend, append, result, error);
	return GOOD->append(backend, append, result, error);
}

/* The condition of append_if, for which a position is the version. */
static int
require_exact_position(fs_backend *backend, const fs_append *append, factstr_append_result *result,
					   factstr_error *error)
{
	fs_append	copy = *append;

	if (append->condition == FACTSTR_APPEND_UNLESS)
		copy.condition = FACTSTR_APPEND_IF;
	return GOOD->append(backend, &copy, result, error);
}

static int
accept_any_position(fs_backend *backend, const fs_append *append, factstr_append_result *result,
					factstr_error *error)
{
	int			code = GOOD->append(backend, append, result, error);

	if (append->condition == FACTSTR_APPEND_UNLESS && code == FACTSTR_MALFORMED)
		return append_without_check(backend, append, result, error);
	return code;
}

/* The version that the rows show, which "after" cuts. */
static int
narrow_context(fs_backend *backend, const fs_append *append, factstr_append_result *result,
			   factstr_error *error)
{
	fs_fact_list facts = {0};
	uint64_t	version = 0;

	if (append->condition != FACTSTR_APPEND_IF || !append->context->parsed.has_after)
		return GOOD->append(backend, append, result, error);
	(void) GOOD->query(backend, append->context, &facts, &version, error);
	version = facts.count == 0 ? 0 : facts.facts[facts.count - 1].sequence_number;
	fs_fact_list_release(&facts);
	if (version == append->context_number)
		return append_without_check(backend, append, result, error);
	return fs_error_conflict(error, version);
}

/* Looks first, and locks then. */
static int
check_before_lock(fs_backend *backend, const fs_append *append, factstr_append_result *result,
				  factstr_error *error)
{
	uint64_t	version;

	if (append->condition != FACTSTR_APPEND_IF)
		return GOOD->append(backend, append, result, error);
	version = mutant_version_of(backend, append->context);
	if (version != append->context_number)
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

/* Refuses a key that comes with other metadata than the last time; one event is enough to be noticed. */
static int
compare_metadata(fs_backend *backend, const fs_append *append, factstr_append_result *result,
				 factstr_error *error)
{
	static char key[100];
	static char last[100];
	fs_text		metadata = append->events[append->event_count - 1].metadata;

	if (append->idempotency_key == NULL)
		return GOOD->append(backend, append, result, error);
	if (strcmp(append->idempotency_key, key) == 0 &&
		(strlen(last) != metadata.length || strncmp(metadata.data, last, metadata.length) != 0))
		return fs_error_idempotency_key_reused(error);
	(void) snprintf(key, sizeof(key), "%s", append->idempotency_key);
	(void) snprintf(last, sizeof(last), "%.*s", (int) metadata.length, metadata.data);
	return GOOD->append(backend, append, result, error);
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
	if (append->condition == FACTSTR_APPEND_IF &&
		mutant_version_of(backend, append->context) != append->context_number)
		return fs_error_conflict(error, mutant_version_of(backend, append->context));
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
		events[i].metadata = (fs_text) {NULL, 0};
		events[i].metadata_document = NULL;
	}
	copy.events = events;
	code = GOOD->append(backend, &copy, result, error);
	free(events);
	return code;
}

const mutant mutants_of_appends[] = {
	MUTANT("a conflict stores the events all the same", "rule 15", append,
		   store_in_spite_of_conflict),
	MUTANT("contexts are not checked", "rule 14", append, append_without_check),
	MUTANT("an expected version that is too high is accepted", "rule 14", append,
		   accept_higher_version),
	MUTANT("any expected version is accepted, but for an empty context", "rule 14", append,
		   accept_lower_version),
	MUTANT("0 is accepted as any version", "rule 14", append, accept_zero_as_any),
	MUTANT("an append from a position is not checked", "rule 43", append, accept_newer),
	MUTANT("a position has to be the version of the context", "rule 43", append,
		   require_exact_position),
	MUTANT("a position beyond the end of the log is accepted", "rule 43", append,
		   accept_any_position),
	MUTANT("after narrows the context", "rule 11", append, narrow_context),
	MUTANT("the context is checked before the lock is taken", "rule 17", append, check_before_lock),
	MUTANT("a conflict does not know the actual version", "rule 15", append,
		   conflict_without_version),
	MUTANT("only the first event of an append is stored", "rule 6", append,
		   append_first_event_only),
	MUTANT("idempotency keys are ignored", "rule 33", append, ignore_key),
	MUTANT("an idempotency key is accepted with other events", "rule 33", append,
		   accept_other_events_with_key),
	MUTANT("metadata is compared when an append is repeated", "metadata is not compared", append,
		   compare_metadata),
	MUTANT("the idempotency key of a conflict is remembered", "rule 33", append,
		   remember_key_of_failure),
	MUTANT("the context is checked before the idempotency key", "rule 33", append,
		   check_context_before_key),
	MUTANT("metadata is not stored", "rule 32", append, drop_metadata),
	NO_MUTANT
};
