/*
 * api/append.c
 *		factstr_append: its options say whether, and when, events are appended.
 */
#include <inttypes.h>
#include <stdio.h>

#include "api/append.h"
#include "api/store.h"
#include "api/structs.h"
#include "input/events.h"
#include "input/query.h"
#include "results/error.h"
#include "streams/stream.h"

/* No fact has this number or a higher one, so no context has this version, and no log ends after it. */
#define FS_IMPOSSIBLE_NUMBER ((uint64_t) INT64_MAX)

static const char *
fs_version_words(uint64_t version, char *words, size_t size)
{
	if (version == 0)
		return "empty";
	(void) snprintf(words, size, "at version %" PRIu64, version);
	return words;
}

/* Reports the number from the caller, because the store may have been given another one. */
static void
fs_explain_conflict(const factstr_append_options *options, factstr_error *error)
{
	char		words[2][40];

	if (options->condition == FACTSTR_APPEND_UNLESS)
	{
		error->after_sequence_number = options->after_sequence_number;
		fs_error_detail(error, "The context has fact %" PRIu64 ", after %" PRIu64 ".",
						error->actual_context_version, options->after_sequence_number);
		fs_error_hint(error, "Query the context again, decide again, and append after the newest "
					  "fact that was read.");
		return;
	}
	error->expected_context_version = options->expected_context_version;
	fs_error_detail(error, "The context was expected to be %s, and is %s.",
					fs_version_words(options->expected_context_version, words[0], sizeof(words[0])),
					fs_version_words(error->actual_context_version, words[1], sizeof(words[1])));
	fs_error_hint(error,
				  "Query the context again, decide again, and append with its current version.");
}

static int
fs_append_now(factstr_store *store, const fs_append *append, factstr_append_result *result,
			  factstr_error *error)
{
	int			code = fs_check_no_transaction(store, "append", error);

	if (code == FACTSTR_OK)
		code = store->methods->append(store->backend, append, result, error);
	if (code == FACTSTR_OK)
		fs_note_commit(store, result->last_sequence_number);
	return code;
}

static int
fs_append_checked(factstr_store *store, fs_append *append, const factstr_append_options *options,
				  factstr_append_result *result, factstr_error *error)
{
	int			code;

	if (options->idempotency_key != NULL)
	{
		code = fs_check_text(options->idempotency_key, "idempotency_key", error);
		if (code != FACTSTR_OK)
			return code;
	}
	append->idempotency_key = options->idempotency_key;
	code = options->connection == NULL ? fs_append_now(store, append, result, error) :
		store->methods->append_at_commit(store->backend, options->connection, append, result, error);
	if (code == FACTSTR_CONFLICT)
		fs_explain_conflict(options, error);
	return code;
}

/* The number in the condition. */
static uint64_t
fs_context_number(const factstr_append_options *options)
{
	uint64_t	number = options->condition == FACTSTR_APPEND_IF ?
		options->expected_context_version : options->after_sequence_number;

	return number < FS_IMPOSSIBLE_NUMBER ? number : FS_IMPOSSIBLE_NUMBER;
}

static int
fs_append_entered(factstr_store *store, const fs_events *events,
				  const factstr_append_options *options, factstr_append_result *result,
				  factstr_error *error)
{
	fs_append	append = {
		.event_count = events->count,
		.events = events->items,
		.events_text = events->text
	};
	fs_query	context;
	int			code;

	if (options->condition == FACTSTR_APPEND_ALWAYS)
		return fs_append_checked(store, &append, options, result, error);
	code = fs_query_parse_named(options->context_query, "context_query", &context, error);
	if (code != FACTSTR_OK)
		return code;
	append.condition = options->condition;
	append.context = &context;
	append.context_number = fs_context_number(options);
	code = fs_append_checked(store, &append, options, result, error);
	fs_query_release(&context);
	return code;
}

int
fs_append_events(factstr_store *store, const fs_events *events,
				 const factstr_append_options *options, factstr_append_result *result,
				 factstr_error *error)
{
	fs_entered	entered;
	int			code = fs_enter(store, &entered, error);

	if (code != FACTSTR_OK)
		return code;
	code = fs_append_entered(store, events, options, result, error);
	fs_leave(&entered);
	return code;
}

static int
fs_append_structs(factstr_store *store, const factstr_event *events, size_t count,
				  const factstr_append_options *options, factstr_append_result *result,
				  factstr_error *error)
{
	fs_events	checked;
	int			code = fs_check_reserved_of_events(events, count, error);

	if (code == FACTSTR_OK)
		code = fs_events_of_structs(events, count, &checked, error);
	if (code != FACTSTR_OK)
		return code;
	code = fs_append_events(store, &checked, options, result, error);
	fs_events_release(&checked);
	return code;
}

int
factstr_append(factstr_store *store, const factstr_event *events, size_t count,
			   const factstr_append_options *options, factstr_append_result *result,
			   factstr_error *error)
{
	factstr_append_result appended = {0};
	factstr_append_options taken;
	factstr_error found;
	int			code;

	if (result != NULL)
		*result = appended;
	if (store == NULL)
		return fs_error_misuse_null(error, "store");
	code = fs_take_append_options(options, &taken, &found);
	if (code == FACTSTR_OK && taken.connection != NULL)
		code = fs_check_connection(store, taken.connection, &found);
	if (code == FACTSTR_OK)
		code = fs_append_structs(store, events, count, &taken, &appended, &found);
	if (code == FACTSTR_OK && result != NULL)
		*result = appended;
	return fs_report(code, &found, error);
}
