/*
 * mutants_logs.c
 *		Faults of stores that share something that belongs to one log.
 *
 * Each takes the store that was opened last, or before that, for its own.
 */
#include <string.h>

#include "results/error.h"

#include "mutants.h"

/* While they are open: each case opens two, before anything else. */
static fs_backend *latest;
static fs_backend *earlier;

static int
open_latest(const char *location, fs_hub *hub, fs_backend **backend, factstr_error *error)
{
	int			code = GOOD->open(location, hub, backend, error);

	earlier = latest;
	latest = *backend;
	return code;
}

static int
append_to_latest(fs_backend *backend, const fs_append *append, factstr_append_result *result, factstr_error *error)
{
	(void) backend;
	return GOOD->append(latest, append, result, error);
}

/* Conditions that compare versions with the context of another log. */
static int
append_if_latest(fs_backend *backend, const fs_append *append, factstr_append_result *result, factstr_error *error)
{
	fs_append	unconditional = *append;

	if (append->condition != FACTSTR_APPEND_IF)
		return GOOD->append(backend, append, result, error);
	if (mutant_version_of(latest, append->context) != append->context_number)
		return fs_error_conflict(error, mutant_version_of(latest, append->context));
	unconditional.condition = FACTSTR_APPEND_ALWAYS;
	unconditional.context = NULL;
	return GOOD->append(backend, &unconditional, result, error);
}

static int
append_unless_latest(fs_backend *backend, const fs_append *append, factstr_append_result *result,
					 factstr_error *error)
{
	fs_append	shifted = *append;

	/* The end that the number must not be beyond is that of the longer log. */
	if (append->condition == FACTSTR_APPEND_UNLESS && append->context_number > mutant_head_of(backend))
		shifted.context_number = mutant_head_of(backend);
	return GOOD->append(backend, &shifted, result, error);
}

/* One table of keys. */
static int
append_with_key_of_all(fs_backend *backend, const fs_append *append, factstr_append_result *result,
					   factstr_error *error)
{
	static fs_backend *first;
	static char key[100];

	if (append->idempotency_key == NULL)
		return GOOD->append(backend, append, result, error);
	if (strcmp(key, append->idempotency_key) == 0 && backend != first)
		return fs_error_idempotency_key_reused(error);
	first = backend;
	(void) snprintf(key, sizeof(key), "%s", append->idempotency_key);
	return GOOD->append(backend, append, result, error);
}

static int
query_latest(fs_backend *backend, const fs_query *query, fs_fact_list *facts, uint64_t *version, factstr_error *error)
{
	(void) backend;
	return GOOD->query(latest, query, facts, version, error);
}

static int
batches_of_latest(fs_backend *backend, const fs_query *query, uint64_t after, size_t max_batches,
				  fs_batch_list *batches, uint64_t *searched, factstr_error *error)
{
	(void) backend;
	return GOOD->batches(latest, query, after, max_batches, batches, searched, error);
}

static int
export_of_latest(fs_backend *backend, uint64_t after, size_t max_batches, fs_batch_list *batches,
				 factstr_error *error)
{
	(void) backend;
	return GOOD->export_batches(latest, after, max_batches, batches, error);
}

static int
claim_in_latest(fs_backend *backend, const fs_claim *claim, fs_lease **lease, uint64_t *cursor,
				factstr_error *error)
{
	(void) backend;
	return GOOD->stream_claim(latest, claim, lease, cursor, error);
}

/* As a view of all logs without a condition. */
static int
streams_of_all(fs_backend *backend, fs_stream_list *streams, factstr_error *error)
{
	int			code = GOOD->streams(backend, streams, error);

	if (code == FACTSTR_OK && backend != latest)
		code = GOOD->streams(latest, streams, error);
	return code;
}

static int
seek_in_earlier(fs_backend *backend, fs_lease *within, const char *name, uint64_t sequence_number,
				factstr_error *error)
{
	return GOOD->stream_seek(backend == latest ? earlier : backend, within, name, sequence_number, error);
}

static int
drop_in_latest(fs_backend *backend, fs_lease *within, const char *name, factstr_error *error)
{
	(void) backend;
	return GOOD->stream_drop(latest, within, name, error);
}

static int
redact_earlier(fs_backend *backend, const fs_redaction *redaction, bool *traces_remain, factstr_error *error)
{
	return GOOD->redact(backend == latest ? earlier : backend, redaction, traces_remain, error);
}

static int
redactions_of_latest(fs_backend *backend, uint64_t after, size_t max_count, fs_redaction_list *redactions,
					 factstr_error *error)
{
	(void) backend;
	return GOOD->redactions(latest, after, max_count, redactions, error);
}

#define LOG_MUTANT(fault, member, function) \
	{(fault), "rule 48", {.open = open_latest, .member = (function)}, {.append = NULL}}

const mutant mutants_of_logs[] = {
	LOG_MUTANT("appends go to another log", append, append_to_latest),
	LOG_MUTANT("append_if compares with the context of another log", append, append_if_latest),
	LOG_MUTANT("append_unless takes a number of another log", append, append_unless_latest),
	LOG_MUTANT("a key is used in all logs", append, append_with_key_of_all),
	LOG_MUTANT("a query finds the facts of another log", query, query_latest),
	LOG_MUTANT("an export has the batches of another log", export_batches, export_of_latest),
	LOG_MUTANT("streams deliver the facts of another log", batches, batches_of_latest),
	LOG_MUTANT("a name of a stream is taken in all logs", stream_claim, claim_in_latest),
	LOG_MUTANT("the streams of all logs are listed", streams, streams_of_all),
	LOG_MUTANT("a seek moves the stream of another log", stream_seek, seek_in_earlier),
	LOG_MUTANT("the stream of another log is dropped", stream_drop, drop_in_latest),
	LOG_MUTANT("the fact of another log is redacted", redact, redact_earlier),
	LOG_MUTANT("the redactions of another log are listed", redactions, redactions_of_latest),
	NO_MUTANT
};
