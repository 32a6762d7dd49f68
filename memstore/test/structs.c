/*
 * structs.c
 *		The structs that a program passes to the library, built with an older or a newer header, or
 *		with invalid members: sizes, enums, flags, reserved members.
 */
#include <string.h>

#include "lib/stores.h"
#include "lib/tap.h"

/* The struct of a newer header: the same with more members at the end. */
typedef struct newer_stream_options
{
	factstr_stream_options known;
	int64_t		later[4];
} newer_stream_options;

typedef struct newer_append_options
{
	factstr_append_options known;
	int64_t		later[4];
} newer_append_options;

typedef struct newer_read_options
{
	factstr_read_options known;
	int64_t		later[4];
} newer_read_options;

static int
take(const factstr_batch *batch, void *context, factstr_error *error)
{
	(void) batch;
	(void) context;
	(void) error;
	return 0;
}

/* Opens a durable stream, and ends it if that has succeeded. */
static void
ok_stream(factstr_store *store, const factstr_stream_options *options, int expected,
		  const char *part, const char *name)
{
	factstr_stream *stream = (factstr_stream *) store;
	factstr_error error = {0};
	int			code = factstr_stream_open(store, "s", NULL, take, NULL, options, &stream, &error);

	ok_code(code, expected, &error, "%s", name);
	if (code != FACTSTR_OK)
	{
		ok_null(stream, "%s: there is no stream", name);
		ok_contains(error.message, part, "%s: the message says what", name);
	}
	(void) factstr_stream_close(stream, -1);
}

static void
ok_cursor(factstr_store *store, const factstr_read_options *options, int expected,
		  const char *part, const char *name)
{
	factstr_cursor *cursor = (factstr_cursor *) store;
	factstr_error error = {0};
	int			code = factstr_read_open(store, NULL, options, &cursor, &error);

	ok_code(code, expected, &error, "%s", name);
	if (code != FACTSTR_OK)
	{
		ok_null(cursor, "%s: there is no cursor", name);
		ok_contains(error.message, part, "%s: the message says what", name);
	}
	factstr_read_close(cursor);
}

/* part is of the message of an error. */
static void
ok_append(factstr_store *store, const factstr_append_options *options, int expected,
		  const char *part, const char *name)
{
	const factstr_event event = {.event_type = "a", .payload = "1"};
	factstr_append_result result = {9, 9, 9, {0}};
	factstr_error error = {0};
	int			code = factstr_append(store, &event, 1, options, &result, &error);

	ok_code(code, expected, &error, "%s", name);
	if (code == FACTSTR_OK)
		return;
	ok_int((int64_t) result.committed_count, 0, "%s: nothing was stored", name);
	ok_contains(error.message, part, "%s: the message says what", name);
}

static void
test_initializers(factstr_store *store)
{
	const factstr_stream_options stream = FACTSTR_STREAM_OPTIONS_INIT;
	const factstr_read_options read = FACTSTR_READ_OPTIONS_INIT;
	const factstr_append_options append = FACTSTR_APPEND_OPTIONS_INIT;

	ok_append(store, &append, FACTSTR_OK, NULL, "append options as initialized");
	ok_append(store, NULL, FACTSTR_OK, NULL, "no append options");
	ok_int((int64_t) append.size, sizeof(append), "the initializer of append options has the size");
	ok_int(append.condition, FACTSTR_APPEND_ALWAYS, "and no condition");
	ok_int((int64_t) stream.size, sizeof(stream), "the initializer of stream options has the size");
	ok_int(stream.start, FACTSTR_FROM_DEFAULT, "and the default start");
	ok_int((int64_t) read.size, sizeof(read), "that of read options, too");
	ok_stream(store, &stream, FACTSTR_OK, NULL, "stream options as initialized");
	ok_cursor(store, &read, FACTSTR_OK, NULL, "read options as initialized");
	ok_stream(store, NULL, FACTSTR_OK, NULL, "no stream options");
	ok_cursor(store, NULL, FACTSTR_OK, NULL, "no read options");
}

static void
test_stream_sizes(factstr_store *store)
{
	newer_stream_options newer = {.known.size = sizeof(newer)};
	factstr_stream_options options = {.size = 0};

	ok_stream(store, &options, FACTSTR_MISUSE, "size", "stream options without a size");
	options.size = sizeof(options) - 1;
	ok_stream(store, &options, FACTSTR_MISUSE, "size", "shorter ones than there ever were");
	options.size = SIZE_MAX / 2;
	ok_stream(store, &options, FACTSTR_MISUSE, "size", "ones that were not initialized");
	ok_stream(store, &newer.known, FACTSTR_OK, NULL, "those of a newer header, as this one's");
	newer.later[3] = 1;
	ok_stream(store, &newer.known, FACTSTR_MISUSE, "does not know", "with an option in use");
}

static void
test_read_sizes(factstr_store *store)
{
	newer_read_options newer = {.known.size = sizeof(newer)};
	factstr_read_options options = {.size = 0};

	ok_cursor(store, &options, FACTSTR_MISUSE, "size", "read options without a size");
	options.size = sizeof(options) + 100000;
	ok_cursor(store, &options, FACTSTR_MISUSE, "size", "ones that were not initialized");
	ok_cursor(store, &newer.known, FACTSTR_OK, NULL, "those of a newer header, as this one's");
	newer.later[0] = 1;
	ok_cursor(store, &newer.known, FACTSTR_MISUSE, "does not know", "with an option in use");
}

static void
test_append_sizes(factstr_store *store)
{
	newer_append_options newer = {.known.size = sizeof(newer)};
	factstr_append_options options = {.size = 0};

	ok_append(store, &options, FACTSTR_MISUSE, "size", "append options without a size");
	options.size = sizeof(options) - 1;
	ok_append(store, &options, FACTSTR_MISUSE, "size", "shorter ones than there ever were");
	ok_append(store, &newer.known, FACTSTR_OK, NULL, "those of a newer header, as this one's");
	newer.later[1] = 1;
	ok_append(store, &newer.known, FACTSTR_MISUSE, "does not know", "with an option in use");
}

/* Values that would be ignored are refused. */
static void
test_members_that_do_not_go_together(factstr_store *store)
{
	factstr_append_options append = FACTSTR_APPEND_OPTIONS_INIT;
	factstr_stream_options stream = FACTSTR_STREAM_OPTIONS_INIT;

	append.context_query = "{}";
	ok_append(store, &append, FACTSTR_MISUSE, "context_query", "a context without a condition");
	append.context_query = NULL;
	append.expected_context_version = 1;
	ok_append(store, &append, FACTSTR_MISUSE, "expected_context_version", "a version without a condition");
	append.condition = FACTSTR_APPEND_UNLESS;
	ok_append(store, &append, FACTSTR_MISUSE, "expected_context_version", "a version with another condition");
	append.expected_context_version = 0;
	append.after_sequence_number = 1;
	append.condition = FACTSTR_APPEND_IF;
	ok_append(store, &append, FACTSTR_MISUSE, "after_sequence_number", "a position with another condition");
	append.condition = (factstr_append_condition) 3;
	ok_append(store, &append, FACTSTR_MISUSE, "condition", "a condition that there is not");
	stream.after_sequence_number = 1;
	ok_stream(store, &stream, FACTSTR_MISUSE, "after_sequence_number", "a position with another start");
}

static void
test_enums_and_flags(factstr_store *store)
{
	const int	starts[] = {77, -1, FACTSTR_FROM_AFTER + 1};
	factstr_stream_options stream = FACTSTR_STREAM_OPTIONS_INIT;
	factstr_read_options read = FACTSTR_READ_OPTIONS_INIT;

	for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++)
	{
		stream.start = (factstr_stream_start) starts[i];
		ok_stream(store, &stream, FACTSTR_MISUSE, "start", "a start that there is not");
	}
	stream.start = FACTSTR_FROM_NOW;
	memset(&stream.transactional, 77, 1);
	ok_stream(store, &stream, FACTSTR_MISUSE, "transactional", "a flag that is neither");
	memset(&read.backwards, 2, 1);
	ok_cursor(store, &read, FACTSTR_MISUSE, "backwards", "the same of a cursor");
}

static void
test_reserved_members(factstr_store *store)
{
	factstr_event events[2] = {
		{.event_type = "a", .payload = "1"}, {.event_type = "b", .payload = "2"}
	};
	factstr_fact fact = {.event_type = "a", .payload = "1"};
	factstr_batch batch = {.fact_count = 1, .facts = &fact};
	factstr_error error;

	events[1].reserved[1] = 1;
	ok_code(factstr_append(store, events, 2, NULL, NULL, &error), FACTSTR_MISUSE, &error,
			"an event with a reserved member in use");
	ok_contains(error.message, "factstr_event", "the message names the struct");
	ok_code(factstr_append(store, events, 2, IF_VERSION(NULL, 0, NULL), NULL,
						   &error), FACTSTR_MISUSE, &error,
			"a conditional append of it");
	fact.reserved[0] = 1;
	ok_code(factstr_import(store, &batch, 1, NULL, &error), FACTSTR_MISUSE, &error,
			"a fact with one");
	ok_contains(error.message, "factstr_fact", "the message names the struct");
	fact.reserved[0] = 0;
	batch.reserved[1] = 1;
	ok_code(factstr_import(store, &batch, 1, NULL, &error), FACTSTR_MISUSE, &error,
			"a batch with one");
	ok_contains(error.message, "factstr_batch", "the message names the struct");
}

/* The structs that the library fills contain other values before. */
static void
test_filled_structs(factstr_store *store)
{
	factstr_event event = {.event_type = "a", .payload = "1"};
	factstr_append_result result;
	factstr_query_result *found;
	factstr_error error;

	memset(&result, 0xAA, sizeof(result));
	memset(&error, 0xAA, sizeof(error));
	ok_code(factstr_append(store, &event, 1, NULL, &result,
						   &error), FACTSTR_OK, &error, "an append");
	ok_int((int64_t) (result.reserved[0] | result.reserved[1]), 0, "its result has nothing reserved");
	ok_code(factstr_query(NULL, NULL, &found, &error), FACTSTR_MISUSE, &error, "an error");
	ok_int((int64_t) (error.reserved[0] | error.reserved[2]), 0, "nor has the error");
	ok_code(factstr_query(store, NULL, &found, &error), FACTSTR_OK, &error, "a query");
	ok_int((int64_t) (found->facts[0].reserved[0] | found->facts[0].reserved[1]), 0,
		   "nor have its facts");
	factstr_query_result_free(found);
}

int
main(void)
{
	factstr_store *store = store_open("memory:");

	test_initializers(store);
	test_stream_sizes(store);
	test_read_sizes(store);
	test_append_sizes(store);
	test_members_that_do_not_go_together(store);
	test_enums_and_flags(store);
	test_reserved_members(store);
	test_filled_structs(store);
	(void) factstr_close(store, FACTSTR_CLOSE_TIMEOUT_MS);
	return tap_finish();
}
