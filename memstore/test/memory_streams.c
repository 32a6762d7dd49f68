/*
 * memory_streams.c
 *		Tests of the durable streams of the memory store, as the library sees them.
 */
#include "stores/handle.h"

#include "lib/stores.h"

static const fs_methods *const methods = &fs_memory_store;

static factstr_store *store;
static fs_query all_facts;
static fs_query other_facts;

static int
claim(const char *name, const fs_query *query, factstr_stream_start start, fs_lease **lease,
	  uint64_t *cursor, factstr_error *error)
{
	fs_claim	wanted = {.name = name, .query = query, .start = start};

	*lease = NULL;
	return methods->stream_claim(store->backend, &wanted, lease, cursor, error);
}

/* A claim of the stream "s" that must succeed. */
static fs_lease *
claim_s(void)
{
	fs_lease   *lease;
	uint64_t	cursor;
	factstr_error error;

	if (claim("s", &all_facts, FACTSTR_FROM_FIRST, &lease, &cursor, &error) != FACTSTR_OK)
		tap_bail_out("%s", error.message);
	return lease;
}

static void
fail(fs_lease *lease)
{
	factstr_error error;

	if (methods->stream_fail(lease, "broken", 123, &error) != FACTSTR_OK)
		tap_bail_out("%s", error.message);
}

/* The claim succeeds, and this is where the stream begins. */
static void
ok_claimed(const char *name, factstr_stream_start start, fs_lease **lease, uint64_t expected,
		   const char *what)
{
	uint64_t	cursor = UINT64_MAX;
	factstr_error error;

	ok_code(claim(name, &all_facts, start, lease, &cursor, &error), FACTSTR_OK, &error, "%s", what);
	ok_int((int64_t) cursor, (int64_t) expected, "%s: at its cursor", what);
}

static void
ok_resumed(fs_lease *lease, uint64_t expected, const char *what)
{
	uint64_t	cursor = UINT64_MAX;
	factstr_error error;

	ok_code(methods->stream_resume(lease, &cursor, &error), FACTSTR_OK, &error, "%s", what);
	ok_int((int64_t) cursor, (int64_t) expected, "%s: at its cursor", what);
}

static void
ok_not_resumed(fs_lease *lease, int expected, const char *what)
{
	uint64_t	cursor;
	factstr_error error;

	ok_code(methods->stream_resume(lease, &cursor, &error), expected, &error, "%s", what);
}

static void
test_claims(void)
{
	fs_lease   *first;
	fs_lease   *second;
	uint64_t	cursor;
	fs_claim	transactional = {.name = "s", .query = &all_facts, .transactional = true};
	factstr_error error;

	ok_code(methods->stream_claim(store->backend, &transactional, &first, &cursor, &error),
			FACTSTR_UNSUPPORTED, &error, "no transactional streams");
	for (int i = 0; i < 3; i++)
		(void) store_append(store, "t", "1", NULL);
	ok_claimed("s", FACTSTR_FROM_FIRST, &first, 0, "a new stream begins at the beginning");
	ok_claimed("n", FACTSTR_FROM_NOW, &second, 3, "or now");
	methods->stream_release(second);
	ok_code(claim("s", &all_facts, FACTSTR_FROM_FIRST, &second, &cursor, &error),
			FACTSTR_STREAM_ACTIVE, &error, "a second consumer is refused");
	ok_code(claim("n", &other_facts, FACTSTR_FROM_FIRST, &second, &cursor, &error),
			FACTSTR_STREAM_QUERY_DIFFERS, &error, "another query is refused");
	ok_int((int64_t) store_cursor(store, "n"), 3, "and leaves the cursor alone");
	ok_code(methods->stream_move(first, 2, true, &error), FACTSTR_OK, &error, "a cursor is moved");
	ok_code(methods->stream_move(first, 1, true, &error), FACTSTR_OK, &error, "and then to before");
	ok_int((int64_t) store_cursor(store, "s"), 2, "but never moves backwards");
	methods->stream_release(first);
}

static void
test_seeking(void)
{
	fs_lease   *lease = claim_s();
	factstr_error error;

	ok_code(methods->stream_seek(store->backend, NULL, "s", 0, &error), FACTSTR_STREAM_ACTIVE, &error,
			"no seek under a consumer");
	ok_code(methods->stream_drop(store->backend, NULL, "s", &error), FACTSTR_STREAM_ACTIVE, &error,
			"and no drop");
	methods->stream_release(lease);
	ok_code(methods->stream_seek(store->backend, NULL, "s", 4, &error), FACTSTR_MALFORMED, &error,
			"no seek beyond the newest fact");
	ok_code(methods->stream_seek(store->backend, NULL, "s", 1, &error), FACTSTR_OK, &error, "a seek");
	ok_int((int64_t) store_cursor(store, "s"), 1, "moves the cursor");
	ok_claimed("s", FACTSTR_FROM_NOW, &lease, 1, "the stream continues from there");
	methods->stream_release(lease);
}

static void
test_pauses(void)
{
	fs_lease   *first = claim_s();
	fs_lease   *second;
	factstr_error error;

	fail(first);
	ok_resumed(first, 1, "after a failure the same consumer continues");
	ok_code(methods->stream_move(first, 2, true, &error), FACTSTR_OK, &error,
			"and can move the cursor");
	fail(first);
	ok_code(methods->stream_seek(store->backend, NULL, "s", 0, &error), FACTSTR_OK, &error,
			"the cursor of a stream that pauses is moved");
	ok_resumed(first, 0, "it continues from there");
	fail(first);
	second = claim_s();
	methods->stream_release(second);
	ok_not_resumed(first, FACTSTR_STREAM_ACTIVE, "a consumer that was replaced never returns");
	ok_cmp(methods->stream_move(first, 3, true, &error), "!=", FACTSTR_OK,
		   "it cannot move the cursor");
	ok_int((int64_t) store_cursor(store, "s"), 0, "which stays");
	methods->stream_release(first);
}

static void
test_drop_while_pausing(void)
{
	fs_lease   *first = claim_s();
	fs_lease   *second;
	factstr_error error;

	fail(first);
	(void) methods->stream_drop(store->backend, NULL, "s", &error);
	ok_not_resumed(first, FACTSTR_NO_SUCH_STREAM, "a dropped stream is noticed");
	second = claim_s();
	ok_not_resumed(first, FACTSTR_STREAM_ACTIVE, "and so is another one of its name");
	methods->stream_release(first);
	ok_code(methods->stream_move(second, 1, false, &error), FACTSTR_OK, &error,
			"which the old lease does not touch");
	methods->stream_release(second);
}

/* The streams "a", "n" and "s" by now; to be released. */
static fs_stream_list
list_streams(void)
{
	fs_stream_list list = {0};
	factstr_error error;

	if (methods->streams(store->backend, &list, &error) != FACTSTR_OK || list.count != 3)
		tap_bail_out("there are not three streams");
	return list;
}

static void
test_status(void)
{
	fs_stream_list list;
	fs_lease   *lease;
	uint64_t	cursor;
	const factstr_stream_status *status;
	factstr_error error;

	(void) claim("a", &all_facts, FACTSTR_FROM_FIRST, &lease, &cursor, &error);
	(void) methods->stream_move(lease, 1, true, &error);
	fail(lease);
	list = list_streams();
	ok_str(list.streams[0].name, "a", "streams are listed by name");
	ok_str(list.streams[1].name, "n", "the second");
	ok_str(list.streams[2].name, "s", "the third");
	status = &list.streams[0];
	ok_int((int64_t) status->cursor_sequence_number, 1, "with the cursor");
	ok_int((int64_t) status->head_sequence_number, 3, "the newest fact");
	ok_int((int64_t) status->lag_facts, 2, "the lag in facts");
	ok_cmp(status->lag_us, ">=", 0, "and in time");
	ok_cmp(status->last_success_at, ">", 0, "the last success");
	ok(!status->active, "while it pauses it is not active");
	ok_int(status->failure_count, 1, "it has failed once");
	ok_str(status->last_error, "broken", "with these words");
	ok_cmp(status->last_failed_at, ">", 0, "at some time");
	ok_int(status->retry_at, 123, "and will be tried again at this one");
	fs_stream_list_release(&list);

	(void) methods->stream_resume(lease, &cursor, &error);
	(void) methods->stream_move(lease, 3, true, &error);
	list = list_streams();
	status = &list.streams[0];
	ok_int(status->failure_count, 0, "a success ends the failures");
	ok_int(status->retry_at, 0, "nothing is to be tried again");
	ok_str(status->last_error, "broken", "the words are left");
	ok(status->active, "it is active");
	ok_int((int64_t) status->lag_facts, 0, "without a lag in facts");
	ok_int(status->lag_us, 0, "or in time");
	fs_stream_list_release(&list);
	methods->stream_release(lease);
}

int
main(void)
{
	factstr_error error;

	store = store_open("memory:");
	if (fs_query_parse(NULL, &all_facts, &error) != FACTSTR_OK ||
		fs_query_parse("{\"filters\": [{\"event_types\": [\"x\"]}]}", &other_facts, &error) !=
		FACTSTR_OK)
		tap_bail_out("%s", error.message);
	test_claims();
	test_seeking();
	test_pauses();
	test_drop_while_pausing();
	test_status();
	fs_query_release(&all_facts);
	fs_query_release(&other_facts);
	(void) factstr_close(store, FACTSTR_CLOSE_TIMEOUT_MS);
	return tap_finish();
}
