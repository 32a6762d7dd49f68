/*
 * json_streams.c
 *		Streams across the JSON boundary: their options and deliveries.
 */
#include "deliveries.h"

#include <string.h>

static void
free_json(void *result)
{
	factstr_json_free(result);
}

/* The event records of all facts from a number on, as an answer of a query has them. */
static char *
records_from(fc_test *test, uint64_t first)
{
	static const char begin[] = "{\"event_records\": ";
	char	   *result = NULL;
	const char *end;

	fc_expect_code(test, "factstr_json_query",
				   factstr_json_query(test->store, fc_format(test, "{\"after\": %llu}",
															 (unsigned long long) first - 1),
									  &result), NULL, FACTSTR_OK);
	fc_own(test, free_json, result);
	end = strstr(result, ", \"last_returned_sequence_number\"");
	return fc_format(test, "%.*s", (int) (end - result - (int) strlen(begin)), result + strlen(begin));
}

/* The delivery of a batch, of which the facts from a number on match. */
static char *
delivery_of(fc_test *test, unsigned int first, unsigned int last, uint64_t first_match)
{
	return fc_format(test, "{\"first_sequence_number\": %u, \"last_sequence_number\": %u, "
					 "\"event_records\": %s}", first, last, records_from(test, first_match));
}

/* Takes documents, in the order in which they come. */
typedef struct documents
{
	fc_test    *test;
	factstr_stream *stream;
	size_t		count;
	const char *texts[8];		/* the test's */
	size_t		fails_at;		/* this call fails, counted from 1 */
} documents;

static int
take_document(const char *delivery, void *context, factstr_error *error)
{
	documents  *taken = context;
	fc_test    *test = taken->test;
	const char *copy = fc_format(test, "%s", delivery);
	size_t		count;

	(void) pthread_mutex_lock(&test->lock);
	if (taken->count < 8)
		taken->texts[taken->count] = copy;
	count = ++taken->count;
	(void) pthread_mutex_unlock(&test->lock);
	return count == taken->fails_at ?
		factstr_error_set(error, 1, fc_format(test, "call %zu is to fail", count)) : 0;
}

static void
free_stream(void *context)
{
	documents  *taken = context;

	(void) factstr_stream_close(taken->stream, -1);
}

static documents *
documents_new(fc_test *test)
{
	documents  *taken = fc_allocate(test, sizeof(documents));

	taken->test = test;
	fc_own(test, free_stream, taken);
	return taken;
}

/* Opens a stream; in the query and the options, which may be NULL, ' stands for ". */
static const char *
open_documents(documents *taken, const char *name, const char *query, const char *options,
			   int expected)
{
	fc_test    *test = taken->test;
	char	   *result = NULL;
	int			code = factstr_json_stream_open(test->store, name, query == NULL ? NULL : fc_quote(test, query),
												take_document, NULL, NULL, taken, options == NULL ? NULL :
												fc_quote(test, options), &taken->stream, &result);

	fc_expect_code(test, "factstr_json_stream_open", code, NULL, expected);
	fc_own(test, free_json, result);
	return result;
}

typedef struct document_goal
{
	documents  *taken;
	size_t		count;
} document_goal;

static bool
has_documents(fc_test *test, void *context)
{
	document_goal *goal = context;
	bool		reached;

	(void) pthread_mutex_lock(&test->lock);
	reached = goal->taken->count >= goal->count;
	(void) pthread_mutex_unlock(&test->lock);
	return reached;
}

static void
await_documents(documents *taken, size_t count)
{
	document_goal *goal = fc_allocate(taken->test, sizeof(document_goal));

	*goal = (document_goal) {taken, count};
	fc_expect(taken->test, fc_comes_true(taken->test, has_documents, goal),
			  "expected %zu deliveries, found fewer", count);
}

static void
stream_documents(fc_test *test)
{
	documents  *all = documents_new(test);
	documents  *some = documents_new(test);

	(void) fc_append_types(test, "a b");
	(void) open_documents(all, NULL, NULL, NULL, FACTSTR_OK);
	(void) open_documents(some, NULL, FC_TYPE("b"), NULL, FACTSTR_OK);
	(void) fc_append_events(test, "[{'event_type': 'a', 'payload': {'n': 1.50}, 'metadata': {'by': 'x'}},"
							" {'event_type': 'b', 'payload': null}]", NULL);
	await_documents(all, 1);
	await_documents(some, 1);
	fc_expect_json(test, "a batch", all->texts[0], delivery_of(test, 3, 4, 3));
	fc_expect_json(test, "a filtered batch", some->texts[0], delivery_of(test, 3, 4, 4));
	(void) fc_append_events(test, "[{'event_type': 'b', 'payload': '\\u0001'}]", NULL);
	await_documents(all, 2);
	await_documents(some, 2);
	fc_expect_json(test, "the next batch", all->texts[1], delivery_of(test, 5, 5, 5));
	fc_expect_json(test, "the same for a filter", some->texts[1], all->texts[1]);
}

static void
durable_stream_documents(fc_test *test)
{
	documents  *all = documents_new(test);
	documents  *some = documents_new(test);
	documents  *failing = documents_new(test);

	(void) fc_append_types(test, "a b");
	(void) open_documents(all, "all", NULL, NULL, FACTSTR_OK);
	fc_expect_json(test, "a replayed batch", all->texts[0], delivery_of(test, 1, 2, 1));
	(void) open_documents(some, "some", FC_TYPE("b"), "{}", FACTSTR_OK);
	fc_expect_json(test, "a replayed, filtered batch", some->texts[0], delivery_of(test, 1, 2, 2));
	failing->fails_at = 1;
	fc_expect(test, strstr(open_documents(failing, "failing", NULL, NULL, FACTSTR_HANDLER_FAILED),
						   "call 1 is to fail") != NULL, "expected the words of the handler");
	fc_expect_cursor(test, "failing", 0);
	(void) open_documents(failing, "all", NULL, NULL, FACTSTR_STREAM_ACTIVE);
	(void) fc_append_types(test, "b");
	await_documents(all, 2);
	fc_expect_json(test, "a live batch", all->texts[1], delivery_of(test, 3, 3, 3));
	fc_await_cursor(test, "some", 3);
}

static void
stream_options_are_checked(fc_test *test)
{
	static const char *const malformed[] = {
		"[]", "{'name': 's'}", "{'start': 'end'}", "{'start': 1}", "{'timeout_ms': 1.5}",
		"{'transactional': 1}", "{'after_sequence_number': -1}", "{'ack_batches': -1}", "{",
		"{'start': 'now', 'after_sequence_number': 1}"
	};
	documents  *taken = documents_new(test);

	for (size_t i = 0; i < sizeof(malformed) / sizeof(malformed[0]); i++)
		(void) open_documents(taken, NULL, NULL, malformed[i], FACTSTR_MALFORMED);
	(void) open_documents(taken, "", NULL, NULL, FACTSTR_MALFORMED);
	(void) open_documents(taken, NULL, "[]", NULL, FACTSTR_MALFORMED);
	(void) open_documents(taken, NULL, "{'filter': []}", NULL, FACTSTR_MALFORMED);
	(void) open_documents(taken, NULL, NULL, "{'transactional': true}", FACTSTR_MISUSE);
	(void) open_documents(taken, "s", NULL, "{'after_sequence_number': 0}", FACTSTR_MISUSE);
	(void) fc_append_types(test, "a b");
	(void) open_documents(taken, NULL, FC_TYPES("a", "c"), "{'after_sequence_number': 1, 'start': null}",
						  FACTSTR_OK);
	(void) fc_append_types(test, "b");
	(void) fc_append_types(test, "c");
	await_documents(taken, 1);
	fc_expect_json(test, "the first match after the start", taken->texts[0],
				   delivery_of(test, 4, 4, 4));
}

const fc_case fc_json_stream_cases[] = {
	{{"JSON boundary", "3, 18", "a delivery is a batch with its event records"}, 0, stream_documents},
	{{"JSON boundary", "3, 24, 28", "durable streams replay and deliver such batches"},
	0, durable_stream_documents},
	{{"JSON boundary", "8, 19, 24", "options of a stream are checked, and take effect"},
	0, stream_options_are_checked},
	{{NULL, NULL, NULL}, 0, NULL}
};
