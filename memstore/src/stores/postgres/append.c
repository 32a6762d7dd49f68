/*
 * stores/postgres/append.c
 *		Appends, which are calls of the extension's functions.
 */
#include <stdlib.h>

#include "base/buffer.h"
#include "base/json_text.h"
#include "results/error.h"
#include "stores/hub.h"
#include "stores/postgres/backend.h"

int
fs_take_append(const PGresult *rows, int row, void *target, factstr_error *error)
{
	factstr_append_result *result = target;

	(void) error;
	result->first_sequence_number = (uint64_t) fs_value_int8(rows, row, 0);
	result->last_sequence_number = (uint64_t) fs_value_int8(rows, row, 1);
	result->committed_count = (uint64_t) fs_value_int8(rows, row, 2);
	return FACTSTR_OK;
}

/* A conflict is a row too. */
typedef struct fs_conditional_answer
{
	factstr_append_result result;
	bool		conflict;
	uint64_t	actual_context_version;
} fs_conditional_answer;

static int
fs_take_conditional(const PGresult *rows, int row, void *target, factstr_error *error)
{
	fs_conditional_answer *answer = target;

	answer->conflict = fs_value_bool(rows, row, 3);
	answer->actual_context_version = (uint64_t) fs_value_int8(rows, row, 4);
	return fs_take_append(rows, row, &answer->result, error);
}

/* events: the events of the append as JSON. */
static int
fs_call_append(fs_backend *backend, const fs_append *append, const char *events,
			   fs_repetition repetition, factstr_append_result *result, factstr_error *error)
{
	fs_call		call = {FS_STATEMENT_APPEND, 2, {events, append->idempotency_key}};
	fs_answer	answer = {.take = fs_take_append, .target = result};

	return fs_call_server(backend, &call, &answer, repetition, error);
}

static int
fs_call_on_condition(fs_backend *backend, const fs_append *append, const char *events,
					 fs_repetition repetition, factstr_append_result *result, factstr_error *error)
{
	char		number[FS_INTEGER_SIZE];
	fs_call		call = {
		append->condition == FACTSTR_APPEND_IF ? FS_STATEMENT_APPEND_IF : FS_STATEMENT_APPEND_UNLESS, 4,
		{
			events, append->context->text, fs_integer_parameter(append->context_number, number),
			append->idempotency_key
		}
	};
	fs_conditional_answer outcome = {0};
	fs_answer	answer = {.take = fs_take_conditional, .target = &outcome};
	int			code = fs_call_server(backend, &call, &answer, repetition, error);

	if (code != FACTSTR_OK)
		return code;
	if (outcome.conflict)
		return fs_error_conflict(error, outcome.actual_context_version);
	*result = outcome.result;
	return FACTSTR_OK;
}

char *
fs_write_events(const fs_append *append)
{
	fs_buffer	out = {0};

	fs_write_append_events(&out, append->events, append->event_count);
	return fs_finish_text(&out);
}

/* With a key, a repeated append does no harm, and its answer shows the outcome of the first one. */
int
fs_postgres_append(fs_backend *backend, const fs_append *append, factstr_append_result *result,
				   factstr_error *error)
{
	fs_repetition repetition = append->idempotency_key != NULL ? FS_REPEAT_FOR_SECONDS :
		FS_NEVER_REPEAT;
	char	   *written = NULL;
	const char *events = append->events_text;
	int			code;

	if (events == NULL)
		events = written = fs_write_events(append);
	if (events == NULL)
		return fs_error_no_memory(error);
	if (append->context == NULL)
		code = fs_call_append(backend, append, events, repetition, result, error);
	else
		code = fs_call_on_condition(backend, append, events, repetition, result, error);
	free(written);
	if (code == FACTSTR_OK)
		fs_hub_wake(backend->hub);
	else if (code == FACTSTR_IDEMPOTENCY_KEY_REUSED)
		(void) fs_error_idempotency_key_reused(error);
	return code;
}
