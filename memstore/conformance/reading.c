/*
 * reading.c
 *		Cursors over the log, and batches by position.
 */
#include "harness.h"

#define TEN "a b c d e f g h i j"

static void
close_cursor(void *cursor)
{
	factstr_read_close(cursor);
}

static factstr_cursor *
open_cursor(fc_test *test, const char *query, const factstr_read_options *options)
{
	factstr_cursor *cursor = NULL;
	factstr_error error;

	fc_expect_ok(test, "opening a cursor",
				 factstr_read_open(test->store, fc_quote(test, query), options, &cursor, &error),
				 &error);
	fc_own(test, close_cursor, cursor);
	return cursor;
}

/* The rest of a cursor as "1 2 5". */
static char *
read_rest(fc_test *test, factstr_cursor *cursor)
{
	char	   *text = fc_format(test, "%s", "");
	const factstr_fact *fact;
	factstr_error error;

	do
	{
		fc_expect_ok(test, "reading on", factstr_read_next(cursor, &fact, &error), &error);
		if (fact != NULL)
			text = fc_format(test, "%s%s%llu", text, *text == '\0' ? "" : " ",
							 (unsigned long long) fact->sequence_number);
	} while (fact != NULL);
	fc_expect_ok(test, "reading on at the end", factstr_read_next(cursor, &fact, &error), &error);
	fc_expect(test, fact == NULL, "a cursor continued after its end");
	return text;
}

static void
expect_read(fc_test *test, const char *query, uint64_t max_count, bool backwards,
			const char *numbers)
{
	factstr_read_options options = {.size = sizeof(options), .max_count = max_count, .backwards = backwards};

	fc_expect_text(test, fc_format(test, "facts read by %s", query == NULL ? "NULL" : query),
				   read_rest(test, open_cursor(test, query, &options)), numbers);
}

static void
reads_in_order(fc_test *test)
{
	(void) fc_append_types(test, "a b a c a b");
	fc_expect_text(test, "facts read", read_rest(test, open_cursor(test, NULL, NULL)),
				   "1 2 3 4 5 6");
	expect_read(test, FC_TYPE("a"), 0, false, "1 3 5");
	expect_read(test, FC_TYPE("a"), 2, false, "1 3");
	expect_read(test, FC_TYPE("a"), 9, false, "1 3 5");
	expect_read(test, FC_NOTHING, 0, false, "");
	expect_read(test, "{'after': 3}", 2, false, "4 5");
}

static void
reads_backwards(fc_test *test)
{
	(void) fc_append_types(test, "a b a c a b");
	expect_read(test, NULL, 0, true, "6 5 4 3 2 1");
	expect_read(test, FC_TYPE("a"), 2, true, "5 3");
	expect_read(test, "{'after': 3}", 0, true, "6 5 4");
	expect_read(test, FC_NOTHING, 0, true, "");
}

static void
reads_an_empty_log(fc_test *test)
{
	expect_read(test, NULL, 0, false, "");
	expect_read(test, NULL, 0, true, "");
}

static void
ends_where_it_was_opened(fc_test *test)
{
	factstr_cursor *forwards;
	factstr_cursor *backwards;
	const factstr_read_options options = {.size = sizeof(options), .backwards = true};

	(void) fc_append_types(test, "a b a");
	forwards = open_cursor(test, NULL, NULL);
	backwards = open_cursor(test, NULL, &options);
	(void) fc_append_types(test, "a b");
	fc_expect_text(test, "facts read", read_rest(test, forwards), "1 2 3");
	fc_expect_text(test, "facts read backwards", read_rest(test, backwards), "3 2 1");
}

static void
reads_many(fc_test *test)
{
	factstr_cursor *cursor;
	const factstr_fact *fact;
	factstr_error error;
	uint64_t	last = 0;

	for (int i = 0; i < 60; i++)
		(void) fc_append_types(test, TEN " " TEN " " TEN " " TEN);
	cursor = open_cursor(test, NULL, NULL);
	for (;;)
	{
		fc_expect_ok(test, "reading on", factstr_read_next(cursor, &fact, &error), &error);
		if (fact == NULL)
			break;
		fc_expect_number(test, "the next number", fact->sequence_number, ++last);
		fc_expect_number(test, "its type", (uint64_t) fact->event_type[0], 'a' + (last - 1) % 10);
	}
	fc_expect_number(test, "facts read", last, 2400);
}

static void
the_same_everywhere(fc_test *test)
{
	const factstr_query_result *queried;
	const factstr_batch_list *batches;
	const factstr_batch_list *exported;
	factstr_cursor *cursor;
	factstr_error error;

	(void) fc_append_events(test,
							"[{'event_type': 'a', 'payload': {'n': 1.0}, 'metadata': {'by': 'x'}},"
							" {'event_type': 'b', 'payload': 'text'}, {'event_type': 'a', "
							"'payload': [null]}]", NULL);
	queried = fc_query(test, test->store, NULL);
	batches = fc_batches(test, FC_ALL, 0, 10);
	exported = fc_export(test, test->store);
	cursor = open_cursor(test, NULL, NULL);
	fc_expect_number(test, "batches", batches->count, 1);
	fc_expect_number(test, "facts of the batch", batches->batches[0].fact_count, 3);
	fc_expect_number(test, "facts exported", exported->batches[0].fact_count, 3);
	for (size_t i = 0; i < 3; i++)
	{
		const factstr_fact *read;

		fc_expect_ok(test, "reading on", factstr_read_next(cursor, &read, &error), &error);
		fc_expect_same_fact(test, "a fact read", read, &queried->facts[i]);
		fc_expect_same_fact(test, "a fact of a batch", &batches->batches[0].facts[i],
							&queried->facts[i]);
		fc_expect_same_fact(test, "an exported fact", &exported->batches[0].facts[i],
							&queried->facts[i]);
	}
}

static void
expect_batches(fc_test *test, const char *query, uint64_t after, size_t max, const char *expected)
{
	fc_expect_text(test, fc_format(test, "batches of %s after %llu", query,
								   (unsigned long long) after),
				   fc_batches_text(test, fc_batches(test, query, after, max)), expected);
}

static void
batches_by_position(fc_test *test)
{
	(void) fc_append_types(test, "a b a");
	(void) fc_append_types(test, "b");
	(void) fc_append_types(test, "c a");
	(void) fc_append_types(test, "a");
	expect_batches(test, FC_ALL, 0, 100, "1-3: 1 2 3; 4-4: 4; 5-6: 5 6; 7-7: 7");
	expect_batches(test, FC_TYPE("a"), 0, 100, "1-3: 1 3; 5-6: 6; 7-7: 7");
	expect_batches(test, FC_TYPE("a"), 0, 2, "1-3: 1 3; 5-6: 6");
	expect_batches(test, FC_TYPE("a"), 6, 2, "7-7: 7");
	expect_batches(test, FC_TYPE("a"), 7, 2, "");
	expect_batches(test, FC_TYPE("b"), 3, 9, "4-4: 4");
	expect_batches(test, FC_TYPE("d"), 0, 9, "");
	expect_batches(test, FC_NOTHING, 0, 9, "");
}

static void
bad_queries(fc_test *test)
{
	factstr_cursor *cursor = NULL;
	factstr_batch_list *list = NULL;
	factstr_error error;

	fc_expect_code(test, "a cursor of a malformed query",
				   factstr_read_open(test->store, "{\"filter\": []}", NULL, &cursor, &error),
				   &error, FACTSTR_MALFORMED);
	fc_expect_code(test, "batches of a malformed query",
				   factstr_batches(test->store, "{\"filter\": []}", 0, 1, &list, &error), &error,
				   FACTSTR_MALFORMED);
	fc_expect(test, cursor == NULL, "a cursor came with the error");
	fc_expect(test, list == NULL, "a list of batches came with the error");
}

const fc_case fc_reading_cases[] = {
	{{"reading", "10, 11", "a cursor reads what matches, in order"}, 0, reads_in_order},
	{{"reading", "10, 11", "a cursor reads backwards"}, 0, reads_backwards},
	{{"reading", "13", "a cursor of an empty log is at its end"}, 0, reads_an_empty_log},
	{{"reading", "13", "a cursor ends with the facts from before it was opened"},
	0, ends_where_it_was_opened},
	{{"reading", "2", "a cursor reads many facts, each once"}, 0, reads_many},
	{{"reading", "3, 4, 32", "a fact is the same in query, cursor, batches and export"},
	0, the_same_everywhere},
	{{"reading", "5, 18", "batches come by position, whole and filtered"}, 0, batches_by_position},
	{{"reading", "9", "cursors and batches refuse malformed queries"}, 0, bad_queries},
	{{NULL, NULL, NULL}, 0, NULL}
};
