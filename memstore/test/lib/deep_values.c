/*
 * deep_values.c
 *		Values nested as deep as they may be, and deeper, on a thread with a small stack.
 */
#include <limits.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "match/nesting.h"

#include "deep_values.h"
#include "stores.h"

/* Sanitizers need some for themselves. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define STACK_OF_SANITIZER (512 * 1024)
#else
#define STACK_OF_SANITIZER 0
#endif

/* The forms of nesting: arrays, objects, or one in the other. */
typedef struct nesting
{
	const char *name;
	const char *open;
	const char *close;
	size_t		levels;			/* of one open */
} nesting;

static const nesting shapes[] = {
	{"arrays", "[", "]", 1},
	{"objects", "{\"z\":0,\"a\":", "}", 1},
	{"arrays in objects", "{\"a\":[", "]}", 2}
};

/* The payload in the innermost one is at the same depth in each spelling. */
static char *
nest(const nesting *shape, size_t levels, const char *innermost)
{
	fs_buffer	text = {0};

	for (size_t i = 0; i < levels / shape->levels; i++)
		fs_buffer_append_text(&text, shape->open);
	fs_buffer_append_text(&text, innermost);
	for (size_t i = 0; i < levels / shape->levels; i++)
		fs_buffer_append_text(&text, shape->close);
	fs_buffer_append(&text, "", 1);
	if (text.no_memory)
		tap_bail_out("no memory");
	return text.data;
}

static char *
within(const char *before, const char *text, const char *after)
{
	fs_buffer	whole = {0};

	fs_buffer_append_text(&whole, before);
	fs_buffer_append_text(&whole, text);
	fs_buffer_append_text(&whole, after);
	fs_buffer_append(&whole, "", 1);
	if (whole.no_memory)
		tap_bail_out("no memory");
	return whole.data;
}

/* Every call gets the same payload, and a query that asks for it. */
static void
use_deepest(factstr_store *store, const nesting *shape)
{
	char	   *payload = nest(shape, FS_DEEPEST_NESTING, "1");
	char	   *again = nest(shape, FS_DEEPEST_NESTING, "1.0");
	char	   *other = nest(shape, FS_DEEPEST_NESTING, "2");
	char	   *events = within("[{\"event_type\":\"t\",\"payload\":", payload, "}]");
	char	   *query = within("{\"filters\":[{\"payload_predicates\":[", payload, "]}]}");
	uint64_t	head = store_head(store);
	uint64_t	version = head + 2;
	factstr_event event = {.event_type = "t", .payload = payload};
	factstr_query_result *result = NULL;
	factstr_error error;
	char	   *text = NULL;

	ok_code(store_append_with_key(store, "t", payload, shape->name, &error), FACTSTR_OK, &error,
			"%s: append", shape->name);
	ok_code(factstr_json_append(store, events, NULL, &text), FACTSTR_OK, NULL,
			"%s: append of a document", shape->name);
	factstr_json_free(text);
	ok_code(factstr_query(store, query, &result, &error), FACTSTR_OK, &error, "%s: query", shape->name);
	ok_int(result == NULL ? -1 : (int64_t) result->fact_count, 2, "%s: which finds both", shape->name);
	factstr_query_result_free(result);
	ok_code(factstr_append(store, &event, 1, IF_VERSION(query, version, NULL), NULL,
						   &error), FACTSTR_OK,
			&error, "%s: append_if", shape->name);
	ok_code(store_append_with_key(store, "t", again, shape->name, &error), FACTSTR_OK, &error,
			"%s: append with the key again, spelt otherwise", shape->name);
	ok_code(store_append_with_key(store, "t", other, shape->name, &error),
			FACTSTR_IDEMPOTENCY_KEY_REUSED, &error, "%s: with another payload", shape->name);
	ok_int((int64_t) (store_head(store) - head), 3, "%s: three of these are stored", shape->name);
	free(payload);
	free(again);
	free(other);
	free(events);
	free(query);
}

static void
ok_refused(int code, const char *message, const char *detail, const char *name)
{
	factstr_error error = {0};

	(void) snprintf(error.message, sizeof(error.message), "%s", message);
	ok_code(code, FACTSTR_MALFORMED, &error, "%s is refused", name);
	ok_contains(message, "nested deeper than 1000 levels", "%s: the message", name);
	ok_contains(detail, FS_NESTING_SHAPE, "%s: the detail", name);
}

static void
refuse_deeper(factstr_store *store, const nesting *shape, size_t levels)
{
	char	   *payload = nest(shape, levels, "1");
	char	   *metadata = within("{\"a\":", payload, "}");
	char	   *events = within("[{\"event_type\":\"t\",\"payload\":", payload, "}]");
	char	   *query = within("{\"filters\":[{\"payload_predicates\":[", payload, "]}]}");
	factstr_event event = {.event_type = "t", .payload = "1", .metadata = metadata};
	factstr_query_result *result;
	uint64_t	head = store_head(store);
	factstr_error error = {0};
	char	   *text = NULL;
	int			code = store_append(store, "t", payload, &error);

	ok_refused(code, error.message, error.detail, "a payload");
	code = factstr_append(store, &event, 1, NULL, NULL, &error);
	ok_refused(code, error.message, error.detail, "metadata");
	code = factstr_json_append(store, events, NULL, &text);
	ok_refused(code, text, text, "a payload in a document");
	factstr_json_free(text);
	code = factstr_query(store, query, &result, &error);
	ok_refused(code, error.message, error.detail, "a predicate");
	ok_int((int64_t) store_head(store), (int64_t) head, "nothing is stored of %zu %s", levels,
		   shape->name);
	free(payload);
	free(metadata);
	free(events);
	free(query);
}

static void
copy_to_another(factstr_store *store)
{
	factstr_store *copy = store_open("memory:");
	factstr_batch_list *batches;
	char	   *described[2];
	factstr_error error;

	if (ok_code(factstr_export(store, 0, 1000, &batches, &error), FACTSTR_OK, &error, "export"))
	{
		ok_code(factstr_import(copy, batches->batches, batches->count, NULL, &error), FACTSTR_OK,
				&error, "import");
		factstr_batch_list_free(batches);
	}
	described[0] = store_describe(store);
	described[1] = store_describe(copy);
	ok(strcmp(described[0], described[1]) == 0, "and the copy is the same");
	free(described[0]);
	free(described[1]);
	factstr_close(copy, FACTSTR_CLOSE_TIMEOUT_MS);
}

static void *
use_store(void *url)
{
	factstr_store *store = store_open(url);

	for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++)
	{
		use_deepest(store, &shapes[i]);
		refuse_deeper(store, &shapes[i], FS_DEEPEST_NESTING + 2);
		refuse_deeper(store, &shapes[i], 100000);
	}
	refuse_deeper(store, &shapes[0], FS_DEEPEST_NESTING + 1);
	copy_to_another(store);
	factstr_close(store, FACTSTR_CLOSE_TIMEOUT_MS);
	return NULL;
}

void
ok_deep_values(const char *url, size_t stack_bytes)
{
	pthread_attr_t attributes;
	pthread_t	thread;

	/* 128 kB on arm64. */
	if (stack_bytes < (size_t) PTHREAD_STACK_MIN)
		stack_bytes = (size_t) PTHREAD_STACK_MIN;
	if (pthread_attr_init(&attributes) != 0 ||
		pthread_attr_setstacksize(&attributes, stack_bytes + STACK_OF_SANITIZER) != 0 ||
		pthread_create(&thread, &attributes, use_store, (void *) url) != 0 ||
		pthread_join(thread, NULL) != 0)
		tap_bail_out("no thread with a stack of %zu bytes", stack_bytes);
	(void) pthread_attr_destroy(&attributes);
}
