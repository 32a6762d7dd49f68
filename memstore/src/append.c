/*
 * append.c
 *		factstr_append and factstr_append_if.
 */
#include "append.h"
#include "stream.h"

/* No fact has this number or a higher one, so a context is never at it. */
#define FS_IMPOSSIBLE_VERSION ((uint64_t) INT64_MAX)

static void
fs_set_expected_version(fs_append *append, const uint64_t *expected_context_version)
{
	append->expects_empty = expected_context_version == NULL;
	if (append->expects_empty)
		append->expected_context_version = 0;
	else if (*expected_context_version > FS_IMPOSSIBLE_VERSION)
		append->expected_context_version = FS_IMPOSSIBLE_VERSION;
	else
		append->expected_context_version = *expected_context_version;
}

/*
 * The store may have been given another version than the caller's, and the hint may be a better
 * one.
 */
static void
fs_explain_conflict(const uint64_t *expected_context_version, factstr_error *error)
{
	if (expected_context_version == NULL)
		return;
	(void) fs_error_conflict(error, *expected_context_version, error->actual_context_version);
	if (*expected_context_version == 0)
	{
		fs_error_detail(error, "The context was expected to be at version 0.");
		fs_error_hint(error, "Facts are numbered from 1; pass NULL to expect an empty context.");
	}
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
	if (fs_within_transaction(store))
		return fs_error(error, FACTSTR_MISUSE,
						"a handler must not append while it has a transaction");

	append->idempotency_key = terms->idempotency_key;
	code = store->methods->append(store->backend, append, result, error);
	if (code == FACTSTR_CONFLICT)
		fs_explain_conflict(terms->expected_context_version, error);
	return code;
}

int
fs_append_events(factstr_store *store, const fs_events *events, const fs_append_terms *terms,
				 factstr_append_result *result, factstr_error *error)
{
	fs_append	append = {
		.event_count = events->count,
		.events = events->items,
		.events_text = events->text
	};
	fs_query	context;
	int			code;

	if (!terms->is_conditional)
		return fs_append_checked(store, &append, terms, result, error);
	code = fs_query_parse_named(terms->context_query, "context_query", &context, error);
	if (code != FACTSTR_OK)
		return code;
	append.context = &context;
	fs_set_expected_version(&append, terms->expected_context_version);
	code = fs_append_checked(store, &append, terms, result, error);
	fs_query_release(&context);
	return code;
}

static int
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
				  const char *context_query, const uint64_t *expected_context_version,
				  const char *idempotency_key, factstr_append_result *result,
				  factstr_error *error)
{
	fs_append_terms terms = {
		.is_conditional = true,
		.context_query = context_query,
		.expected_context_version = expected_context_version,
		.idempotency_key = idempotency_key
	};

	return fs_append_structs(store, events, count, &terms, result, error);
}
