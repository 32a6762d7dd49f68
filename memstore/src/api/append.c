/*
 * api/append.c
 *		factstr_append, and the appends that depend on a context.
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

/* No fact has this number or a higher one, so a context is never at it, and no log ends behind it. */
#define FS_IMPOSSIBLE_NUMBER ((uint64_t) INT64_MAX)

static const char *
fs_version_words(uint64_t version, char *words, size_t size)
{
	if (version == 0)
		return "empty";
	(void) snprintf(words, size, "at version %" PRIu64, version);
	return words;
}

/* Says what the caller asked for, of which the store may have been given another number. */
static void
fs_explain_conflict(const fs_append_terms *terms, factstr_error *error)
{
	char		words[2][40];

	if (terms->condition == FS_UNLESS_NEWER)
	{
		error->after_sequence_number = terms->context_number;
		fs_error_detail(error, "The context has fact %" PRIu64 ", after %" PRIu64 ".",
						error->actual_context_version, terms->context_number);
		fs_error_hint(error, "Query the context again, decide again, and append after the newest "
					  "fact that was read.");
		return;
	}
	error->expected_context_version = terms->context_number;
	fs_error_detail(error, "The context was expected to be %s, and is %s.",
					fs_version_words(terms->context_number, words[0], sizeof(words[0])),
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
fs_append_checked(factstr_store *store, fs_append *append, const fs_append_terms *terms,
				  factstr_append_result *result, factstr_error *error)
{
	int			code;

	if (terms->idempotency_key != NULL)
	{
		code = fs_check_text(terms->idempotency_key, "idempotency_key", error);
		if (code != FACTSTR_OK)
			return code;
	}
	append->idempotency_key = terms->idempotency_key;
	code = terms->connection == NULL ? fs_append_now(store, append, result, error) :
		store->methods->append_at_commit(store->backend, terms->connection, append, result, error);
	if (code == FACTSTR_CONFLICT)
		fs_explain_conflict(terms, error);
	return code;
}

static int
fs_append_entered(factstr_store *store, const fs_events *events, const fs_append_terms *terms,
				  factstr_append_result *result, factstr_error *error)
{
	fs_append	append = {
		.event_count = events->count,
		.events = events->items,
		.events_text = events->text
	};
	fs_query	context;
	int			code;

	if (terms->condition == FS_UNCONDITIONALLY)
		return fs_append_checked(store, &append, terms, result, error);
	code = fs_query_parse_named(terms->context_query, "context_query", &context, error);
	if (code != FACTSTR_OK)
		return code;
	append.condition = terms->condition;
	append.context = &context;
	append.context_number = terms->context_number < FS_IMPOSSIBLE_NUMBER ? terms->context_number :
		FS_IMPOSSIBLE_NUMBER;
	code = fs_append_checked(store, &append, terms, result, error);
	fs_query_release(&context);
	return code;
}

int
fs_append_events(factstr_store *store, const fs_events *events, const fs_append_terms *terms,
				 factstr_append_result *result, factstr_error *error)
{
	fs_entered	entered;
	int			code = fs_enter(store, &entered, error);

	if (code != FACTSTR_OK)
		return code;
	code = fs_append_entered(store, events, terms, result, error);
	fs_leave(&entered);
	return code;
}

int
fs_append_structs(factstr_store *store, const factstr_event *events, size_t count,
				  const fs_append_terms *terms, factstr_append_result *result,
				  factstr_error *error)
{
	factstr_append_result appended = {0};
	fs_events	checked;
	factstr_error found;
	int			code;

	if (result != NULL)
		*result = appended;
	if (store == NULL)
		return fs_error_misuse_null(error, "store");
	code = fs_check_reserved_of_events(events, count, &found);
	if (code == FACTSTR_OK)
		code = fs_events_of_structs(events, count, &checked, &found);
	if (code == FACTSTR_OK)
	{
		code = fs_append_events(store, &checked, terms, &appended, &found);
		fs_events_release(&checked);
	}
	if (code == FACTSTR_OK && result != NULL)
		*result = appended;
	return fs_report(code, &found, error);
}

int
factstr_append(factstr_store *store, const factstr_event *events, size_t count,
			   const char *idempotency_key, factstr_append_result *result, factstr_error *error)
{
	fs_append_terms terms = {.idempotency_key = idempotency_key};

	return fs_append_structs(store, events, count, &terms, result, error);
}

int
factstr_append_if(factstr_store *store, const factstr_event *events, size_t count,
				  const char *context_query, uint64_t expected_context_version,
				  const char *idempotency_key, factstr_append_result *result,
				  factstr_error *error)
{
	fs_append_terms terms = {
		.condition = FS_IF_VERSION,
		.context_query = context_query,
		.context_number = expected_context_version,
		.idempotency_key = idempotency_key
	};

	return fs_append_structs(store, events, count, &terms, result, error);
}

int
factstr_append_unless(factstr_store *store, const factstr_event *events, size_t count,
					  const char *context_query, uint64_t after_sequence_number,
					  const char *idempotency_key, factstr_append_result *result,
					  factstr_error *error)
{
	fs_append_terms terms = {
		.condition = FS_UNLESS_NEWER,
		.context_query = context_query,
		.context_number = after_sequence_number,
		.idempotency_key = idempotency_key
	};

	return fs_append_structs(store, events, count, &terms, result, error);
}
