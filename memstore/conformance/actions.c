/*
 * actions.c
 *		Actions of cases on stores: open and close, append, query, read batches.
 */
#include "harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* An open store of a test. */
typedef struct handle
{
	factstr_store *store;		/* NULL once it is closed */
} handle;

/* A store that fresh made. */
typedef struct place
{
	const factstr_conformance_target *target;
	char		url[];
} place;

static void
discard_place(void *object)
{
	place	   *made = object;

	if (made->target->discard != NULL)
		made->target->discard(made->target->context, made->url);
	free(made);
}

const char *
fc_fresh(fc_test *test)
{
	const factstr_conformance_target *target = test->target;
	char		message[FACTSTR_CONFORMANCE_MESSAGE_SIZE] = "";
	const char *url = target->fresh(target->context, message);
	place	   *made;

	if (url == NULL)
	{
		fc_fail(test, "no empty store can be made: %s", message);
		return NULL;
	}
	made = calloc(1, sizeof(place) + strlen(url) + 1);
	if (made == NULL)
		abort();
	made->target = target;
	(void) strcpy(made->url, url);
	fc_own(test, discard_place, made);
	return made->url;
}

const char *
fc_beside(fc_test *test)
{
	const factstr_conformance_target *target = test->target;
	char		message[FACTSTR_CONFORMANCE_MESSAGE_SIZE] = "";
	const char *url;

	if (target->beside == NULL)
		return fc_fresh(test);
	url = target->beside(target->context, test->url, message);
	if (url == NULL)
		fc_fail(test, "no store can be made beside another: %s", message);
	return url;
}

static void
close_handle(void *object)
{
	handle	   *opened = object;

	(void) factstr_close(opened->store, FACTSTR_CLOSE_TIMEOUT_MS);
	free(opened);
}

static handle *
handle_new(fc_test *test, const char *url)
{
	const factstr_conformance_target *target = test->target;
	handle	   *opened = calloc(1, sizeof(handle));
	factstr_error error;
	int			code;

	if (opened == NULL)
		abort();
	fc_own(test, close_handle, opened);
	code = target->open == NULL ? factstr_open(url, &opened->store, &error) :
		target->open(target->context, url, &opened->store, &error);
	fc_expect_ok(test, "opening a store", code, &error);
	return opened;
}

factstr_store *
fc_open(fc_test *test, const char *url)
{
	return handle_new(test, url)->store;
}

void
fc_open_store(fc_test *test)
{
	test->store = fc_open(test, test->url);
}

/* From now on the store is not the test's to close. */
static void
disown(fc_test *test, const factstr_store *store)
{
	for (fc_owned *owned = test->owned; owned != NULL; owned = owned->next)
	{
		handle	   *opened = owned->object;

		if (owned->release == close_handle && opened->store == store)
			opened->store = NULL;
	}
}

void
fc_close(fc_test *test, factstr_store *store)
{
	disown(test, store);
	fc_expect_ok(test, "closing the store", factstr_close(store, FACTSTR_CLOSE_TIMEOUT_MS), NULL);
}

int
fc_close_within(fc_test *test, int64_t timeout_ms)
{
	disown(test, test->store);
	return factstr_close(test->store, timeout_ms);
}

void
fc_restart(fc_test *test)
{
	fc_close(test, test->store);
	fc_open_store(test);
}

uint64_t
fc_append_to(fc_test *test, factstr_store *store, const char *event_type, const char *payload)
{
	factstr_event event = {.event_type = event_type, .payload = fc_quote(test, payload)};
	factstr_append_result result = {0};
	factstr_error error;

	fc_expect_ok(test, "an append", factstr_append(store, &event, 1, NULL, &result, &error),
				 &error);
	return result.last_sequence_number;
}

uint64_t
fc_append(fc_test *test, const char *event_type, const char *payload)
{
	return fc_append_to(test, test->store, event_type, payload);
}

uint64_t
fc_append_types(fc_test *test, const char *types)
{
	factstr_event events[64];
	size_t		count = 0;
	char	   *rest = NULL;
	factstr_append_result result = {0};
	factstr_error error;

	for (char *word = strtok_r(fc_format(test, "%s", types), " ", &rest); word != NULL;
		 word = strtok_r(NULL, " ", &rest))
		events[count++] = (factstr_event) {.event_type = word, .payload = "{}"};
	fc_expect_ok(test, "an append",
				 factstr_append(test->store, events, count, NULL, &result, &error), &error);
	return result.last_sequence_number;
}

void
fc_append_batches(fc_worker *worker)
{
	static const factstr_event events[3] = {{.event_type = "x", .payload = "1"}, {.event_type = "y", .payload = "2"}, {.event_type = "x", .payload = "3"}};

	for (int i = 0; i < FC_APPENDED_BATCHES; i++)
	{
		factstr_append_result result;
		factstr_error error;

		fc_expect_ok(worker->test, "a concurrent append",
					 factstr_append(worker->store, events, 1 + (size_t) (i + worker->index) % 3,
									NULL, &result, &error), &error);
	}
}

/* A member's value as it is spelt, NULL if there is none. */
static const char *
source_of(fc_test *test, const fc_json *event, const char *key)
{
	const fc_json *value = fc_json_get(event, key);

	return value == NULL ? NULL :
		fc_format(test, "%.*s", (int) value->source_length, value->source);
}

static void
release_json(void *document)
{
	fc_json_free(document);
}

fc_events
fc_make_events(fc_test *test, const char *events)
{
	const char *text = fc_quote(test, events);
	fc_json    *document = fc_json_parse(text);
	fc_events	made = {NULL, 0};

	if (document == NULL)
	{
		fc_fail(test, "a mistake in the case: not JSON: %s", text);
		return made;
	}
	fc_own(test, release_json, document);
	made.events = fc_allocate(test, fc_json_count(document) * sizeof(factstr_event));
	for (fc_json *event = document->first; event != NULL; event = event->next)
	{
		const fc_json *type = fc_json_get(event, "event_type");

		made.events[made.count++] = (factstr_event) {
			.event_type = type == NULL ? NULL : type->text,
			.payload = source_of(test, event, "payload"),
			.metadata = source_of(test, event, "metadata"),
		};
	}
	return made;
}

int
fc_try_append(fc_test *test, const char *events, const char *key, factstr_append_result *result,
			  factstr_error *error)
{
	fc_events	made = fc_make_events(test, events);

	return factstr_append(test->store, made.events, made.count, FC_KEY(key), result, error);
}

int
fc_try_append_if(fc_test *test, const char *events, const char *context, uint64_t expected,
				 const char *key, factstr_append_result *result, factstr_error *error)
{
	fc_events	made = fc_make_events(test, events);

	return factstr_append(test->store, made.events, made.count,
						  FC_IF(fc_quote(test, context), expected, key), result, error);
}

int
fc_try_append_unless(fc_test *test, const char *events, const char *context, uint64_t after,
					 const char *key, factstr_append_result *result, factstr_error *error)
{
	fc_events	made = fc_make_events(test, events);

	return factstr_append(test->store, made.events, made.count,
						  FC_UNLESS(fc_quote(test, context), after, key), result, error);
}

factstr_append_result
fc_append_events(fc_test *test, const char *events, const char *key)
{
	factstr_append_result result = {0};
	factstr_error error;

	fc_expect_ok(test, "an append", fc_try_append(test, events, key, &result, &error), &error);
	return result;
}

char *
fc_result_text(fc_test *test, const factstr_append_result *result)
{
	return fc_format(test, "%llu-%llu, %llu facts",
					 (unsigned long long) result->first_sequence_number,
					 (unsigned long long) result->last_sequence_number,
					 (unsigned long long) result->committed_count);
}

static void
release_query_result(void *result)
{
	factstr_query_result_free(result);
}

const factstr_query_result *
fc_query(fc_test *test, factstr_store *store, const char *query)
{
	static const factstr_query_result nothing;
	factstr_query_result *result = NULL;
	factstr_error error;
	int			code = factstr_query(store, fc_quote(test, query), &result, &error);

	fc_expect_ok(test, fc_format(test, "query %s", query == NULL ? "NULL" : query), code, &error);
	if (result == NULL)
		return &nothing;
	fc_own(test, release_query_result, result);
	return result;
}

char *
fc_numbers(fc_test *test, const factstr_fact *facts, size_t count)
{
	char	   *text = fc_allocate(test, count * 21 + 1);
	char	   *end = text;

	for (size_t i = 0; i < count; i++)
		end += sprintf(end, "%s%llu", i == 0 ? "" : " ",
					   (unsigned long long) facts[i].sequence_number);
	return text;
}

void
fc_expect_query(fc_test *test, const char *query, const char *numbers, uint64_t version)
{
	const factstr_query_result *result = fc_query(test, test->store, query);
	const char *found = fc_numbers(test, result->facts, result->fact_count);
	uint64_t	last = result->fact_count == 0 ? 0 :
		result->facts[result->fact_count - 1].sequence_number;
	uint64_t	context_version = 0;
	factstr_error error;
	int			code;

	fc_expect_text(test, fc_format(test, "facts found by %s", query), found, numbers);
	fc_expect_number(test, fc_format(test, "last_returned_sequence_number of %s", query),
					 result->last_returned_sequence_number, last);
	fc_expect_number(test, fc_format(test, "current_context_version of %s", query),
					 result->current_context_version, version);
	code = factstr_context_version(test->store, fc_quote(test, query), &context_version, &error);
	fc_expect_ok(test, "factstr_context_version", code, &error);
	fc_expect_number(test, fc_format(test, "factstr_context_version of %s", query),
					 context_version, version);
}

void
fc_expect_log_ends_at(fc_test *test, uint64_t last)
{
	const factstr_query_result *result = fc_query(test, test->store, NULL);

	fc_expect_number(test, "facts in the log", result->fact_count, last);
	fc_expect_number(test, "the log's last number", result->current_context_version, last);
}

void
fc_expect_same_fact(fc_test *test, const char *what, const factstr_fact *found,
					const factstr_fact *expected)
{
	fc_expect_number(test, fc_format(test, "number of %s", what), found->sequence_number,
					 expected->sequence_number);
	fc_expect_number(test, fc_format(test, "time of %s, in microseconds", what),
					 (uint64_t) found->occurred_at, (uint64_t) expected->occurred_at);
	fc_expect_text(test, fc_format(test, "event type of %s", what), found->event_type,
				   expected->event_type);
	fc_expect(test, fc_json_same(found->payload, expected->payload),
			  "payload of %s: expected %s, found %s", what, expected->payload, found->payload);
	if (expected->metadata == NULL)
		fc_expect(test, found->metadata == NULL, "metadata of %s: expected none, found %s", what,
				  found->metadata);
	else
		fc_expect(test, fc_json_same(found->metadata, expected->metadata),
				  "metadata of %s: expected %s, found %s", what, expected->metadata,
				  found->metadata == NULL ? "none" : found->metadata);
}

char *
fc_batches_text(fc_test *test, const factstr_batch_list *list)
{
	char	   *text = fc_format(test, "%s", "");

	for (size_t i = 0; i < list->count; i++)
	{
		const factstr_batch *batch = &list->batches[i];

		text = fc_format(test, "%s%s%llu-%llu: %s", text, i == 0 ? "" : "; ",
						 (unsigned long long) batch->first_sequence_number,
						 (unsigned long long) batch->last_sequence_number,
						 fc_numbers(test, batch->facts, batch->fact_count));
	}
	return text;
}

static void
release_batch_list(void *list)
{
	factstr_batch_list_free(list);
}

static const factstr_batch_list *
own_batches(fc_test *test, const char *what, int code, factstr_batch_list *list,
			const factstr_error *error)
{
	static const factstr_batch_list nothing;

	fc_expect_ok(test, what, code, error);
	if (list == NULL)
		return &nothing;
	fc_own(test, release_batch_list, list);
	return list;
}

const factstr_batch_list *
fc_batches(fc_test *test, const char *query, uint64_t after, size_t max)
{
	factstr_batch_list *list = NULL;
	factstr_error error;
	int			code = factstr_batches(test->store, fc_quote(test, query), after, max, &list,
									   &error);

	return own_batches(test, "factstr_batches", code, list, &error);
}

const factstr_batch_list *
fc_export(fc_test *test, factstr_store *store)
{
	factstr_batch_list *list = NULL;
	factstr_error error;
	int			code = factstr_export(store, 0, 1000, &list, &error);

	return own_batches(test, "factstr_export", code, list, &error);
}
