/*
 * deliveries.c
 *		Streams of a test, and their deliveries.
 */
#include "deliveries.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static void
end_owned_stream(void *collector)
{
	fc_end_stream(collector);
}

/* All streams have ended and all stores are closed. */
static void
free_collector(void *object)
{
	fc_collector *collector = object;

	for (size_t i = 0; i < collector->count; i++)
	{
		fc_delivery *delivery = &collector->deliveries[i];

		for (size_t j = 0; j < delivery->fact_count; j++)
		{
			free((char *) delivery->facts[j].event_type);
			free((char *) delivery->facts[j].payload);
			free((char *) delivery->facts[j].metadata);
		}
		free(delivery->facts);
	}
	free(collector->deliveries);
	free(collector);
}

fc_collector *
fc_collector_new(fc_test *test)
{
	fc_collector *collector = calloc(1, sizeof(fc_collector));

	if (collector == NULL)
		abort();
	collector->test = test;
	fc_own_to_the_end(test, free_collector, collector);
	fc_own(test, end_owned_stream, collector);
	return collector;
}

static char *
copy_text(const char *text)
{
	char	   *copy = text == NULL ? NULL : strdup(text);

	if (text != NULL && copy == NULL)
		abort();
	return copy;
}

/* A new delivery at the end of the list, with copies of the facts.  With the lock held. */
static void
note_delivery(fc_collector *collector, const factstr_batch *batch)
{
	fc_delivery delivery = {
		.first_sequence_number = batch->first_sequence_number,
		.last_sequence_number = batch->last_sequence_number,
		.fact_count = batch->fact_count,
	};
	struct timespec now;

	(void) clock_gettime(CLOCK_MONOTONIC, &now);
	delivery.began_at = (int64_t) now.tv_sec * 1000000 + now.tv_nsec / 1000;
	delivery.in_main_thread = pthread_equal(pthread_self(), collector->test->main);
	delivery.facts = calloc(batch->fact_count + 1, sizeof(factstr_fact));
	collector->deliveries = realloc(collector->deliveries,
									(collector->count + 1) * sizeof(fc_delivery));
	if (collector->deliveries == NULL || delivery.facts == NULL)
		abort();
	for (size_t i = 0; i < batch->fact_count; i++)
	{
		delivery.facts[i] = batch->facts[i];
		delivery.facts[i].event_type = copy_text(batch->facts[i].event_type);
		delivery.facts[i].payload = copy_text(batch->facts[i].payload);
		delivery.facts[i].metadata = copy_text(batch->facts[i].metadata);
	}
	collector->deliveries[collector->count++] = delivery;
}

/* A moment from now, on the clock of the test's condition. */
static struct timespec
deadline_from_now(const fc_test *test)
{
	struct timespec deadline;

	(void) clock_gettime(CLOCK_MONOTONIC, &deadline);
	deadline.tv_sec += test->patience;
	return deadline;
}

int
fc_collect(const factstr_batch *batch, void *context, factstr_error *error)
{
	fc_collector *collector = context;
	fc_test    *test = collector->test;
	struct timespec deadline = deadline_from_now(test);
	bool		fails;

	(void) error;
	(void) pthread_mutex_lock(&test->lock);
	collector->running++;
	(void) pthread_cond_broadcast(&test->changed);
	while (collector->holds && !test->over &&
		   pthread_cond_timedwait(&test->changed, &test->lock, &deadline) != ETIMEDOUT)
		;
	fails = batch->last_sequence_number == collector->fails_at && collector->failures > 0;
	if (fails)
		collector->failures--;
	(void) pthread_mutex_unlock(&test->lock);

	if (collector->then != NULL && !fails)
		fails = collector->then(collector, batch) != 0;

	(void) pthread_mutex_lock(&test->lock);
	note_delivery(collector, batch);
	collector->deliveries[collector->count - 1].failed = fails;
	collector->running--;
	(void) pthread_cond_broadcast(&test->changed);
	(void) pthread_mutex_unlock(&test->lock);
	return fails ? 1 : 0;
}

int
fc_open_stream(fc_collector *collector, factstr_store *store, const char *query,
			   factstr_error *error)
{
	if (query == NULL)
		return factstr_stream_open(store, NULL, NULL, fc_collect, collector, NULL,
								   &collector->stream, error);
	return factstr_stream_open(store, NULL, fc_quote(collector->test, query), fc_collect, collector,
							   NULL, &collector->stream, error);
}

int
fc_open_durable(fc_collector *collector, factstr_store *store, const char *name,
				const char *query, const factstr_stream_options *options, factstr_error *error)
{
	if (query == NULL)
		return factstr_stream_open(store, name, NULL, fc_collect, collector, options,
								   &collector->stream, error);
	return factstr_stream_open(store, name, fc_quote(collector->test, query), fc_collect, collector,
							   options, &collector->stream, error);
}

fc_collector *
fc_subscribe(fc_test *test, const char *query)
{
	fc_collector *collector = fc_collector_new(test);
	factstr_error error;

	fc_expect_ok(test, "opening a stream", fc_open_stream(collector, test->store, query, &error),
				 &error);
	return collector;
}

fc_collector *
fc_subscribe_durable(fc_test *test, const char *name, const char *query)
{
	fc_collector *collector = fc_collector_new(test);
	factstr_error error;

	fc_expect_ok(test, "opening a durable stream",
				 fc_open_durable(collector, test->store, name, query, NULL, &error), &error);
	return collector;
}

fc_collector *
fc_subscribe_next(fc_test *test, const char *name, const char *query)
{
	const factstr_stream_options options = {.size = sizeof(options), .timeout_ms = test->patience * 1000};
	fc_collector *collector = fc_collector_new(test);
	factstr_error error;

	fc_expect_ok(test, "opening a durable stream that another consumer may have",
				 fc_open_durable(collector, test->store, name, query, &options, &error), &error);
	return collector;
}

void
fc_end_stream(fc_collector *collector)
{
	factstr_stream *stream = collector->stream;

	collector->stream = NULL;
	(void) factstr_stream_close(stream, -1);
}

static char *
text_of_list(fc_collector *collector)
{
	fc_test    *test = collector->test;
	char	   *text = fc_format(test, "%s", "");

	for (size_t i = 0; i < collector->count; i++)
	{
		const fc_delivery *delivery = &collector->deliveries[i];

		text = fc_format(test, "%s%s%llu-%llu: %s%s", text, i == 0 ? "" : "; ",
						 (unsigned long long) delivery->first_sequence_number,
						 (unsigned long long) delivery->last_sequence_number,
						 fc_numbers(test, delivery->facts, delivery->fact_count),
						 delivery->failed ? " failed" : "");
	}
	return text;
}

/* Waits until a condition on a collector holds.  Returns whether it does, within the deadline. */
static bool
wait_until(fc_collector *collector, bool (*holds) (fc_collector *collector, size_t count),
		   size_t count)
{
	fc_test    *test = collector->test;
	struct timespec deadline = deadline_from_now(test);
	bool		held;

	(void) pthread_mutex_lock(&test->lock);
	while (!(held = holds(collector, count)) && !test->failed &&
		   pthread_cond_timedwait(&test->changed, &test->lock, &deadline) != ETIMEDOUT)
		;
	(void) pthread_mutex_unlock(&test->lock);
	fc_check_threads(test);
	return held;
}

static bool
has_count(fc_collector *collector, size_t count)
{
	return collector->count >= count;
}

static bool
is_running(fc_collector *collector, size_t count)
{
	return collector->running >= (int) count;
}

/*
 * A copy of the list, so that its text can be made without the lock: deliveries that have been
 * noted do not change.
 */
char *
fc_deliveries_text(fc_collector *collector)
{
	fc_collector copy = {.test = collector->test};
	char	   *text;

	(void) pthread_mutex_lock(&collector->test->lock);
	copy.count = collector->count;
	copy.deliveries = malloc((copy.count + 1) * sizeof(fc_delivery));
	if (copy.deliveries == NULL)
		abort();
	if (copy.count > 0)
		memcpy(copy.deliveries, collector->deliveries, copy.count * sizeof(fc_delivery));
	(void) pthread_mutex_unlock(&collector->test->lock);
	text = text_of_list(&copy);
	free(copy.deliveries);
	return text;
}

void
fc_expect_deliveries(fc_collector *collector, const char *expected)
{
	size_t		count = *expected == '\0' ? 0 : 1;

	for (const char *c = expected; *c != '\0'; c++)
		count += *c == ';' ? 1 : 0;
	(void) wait_until(collector, has_count, count);
	fc_expect_text(collector->test, "deliveries", fc_deliveries_text(collector), expected);
}

void
fc_await_deliveries(fc_collector *collector, size_t count)
{
	if (!wait_until(collector, has_count, count))
		fc_fail(collector->test, "expected %zu deliveries, found fewer: %s", count,
				fc_deliveries_text(collector));
}

fc_delivery
fc_delivery_at(fc_collector *collector, size_t i)
{
	fc_test    *test = collector->test;
	fc_delivery delivery = {0};
	size_t		count;

	(void) pthread_mutex_lock(&test->lock);
	count = collector->count;
	if (i < count)
		delivery = collector->deliveries[i];
	(void) pthread_mutex_unlock(&test->lock);
	fc_expect(test, i < count, "expected %zu deliveries, found %zu", i + 1, count);
	return delivery;
}

void
fc_expect_running(fc_collector *collector)
{
	fc_expect(collector->test, wait_until(collector, is_running, 1),
			  "expected the handler to be called, but it was not");
}

void
fc_let_go(fc_collector *collector)
{
	(void) pthread_mutex_lock(&collector->test->lock);
	collector->holds = false;
	(void) pthread_cond_broadcast(&collector->test->changed);
	(void) pthread_mutex_unlock(&collector->test->lock);
}

static void
release_status_list(void *list)
{
	factstr_stream_status_list_free(list);
}

/* NULL if there is no such stream. */
static const factstr_stream_status *
find_status(fc_test *test, const char *name)
{
	factstr_stream_status_list *list = NULL;
	factstr_error error;

	fc_expect_ok(test, "factstr_streams", factstr_streams(test->store, &list, &error), &error);
	if (list == NULL)
		return NULL;
	fc_own(test, release_status_list, list);
	for (size_t i = 0; i < list->count; i++)
	{
		if (strcmp(list->streams[i].name, name) == 0)
			return &list->streams[i];
	}
	return NULL;
}

const factstr_stream_status *
fc_status(fc_test *test, const char *name)
{
	static const factstr_stream_status nothing;
	const factstr_stream_status *status = find_status(test, name);

	fc_expect(test, status != NULL, "expected durable stream \"%s\" in the list, found none", name);
	return status == NULL ? &nothing : status;
}

void
fc_expect_cursor(fc_test *test, const char *name, uint64_t cursor)
{
	fc_expect_number(test, fc_format(test, "cursor of \"%s\"", name),
					 fc_status(test, name)->cursor_sequence_number, cursor);
}

typedef struct cursor_goal
{
	const char *name;
	uint64_t	cursor;
} cursor_goal;

static bool
cursor_is_there(fc_test *test, void *context)
{
	cursor_goal *goal = context;

	return fc_status(test, goal->name)->cursor_sequence_number >= goal->cursor;
}

void
fc_await_cursor(fc_test *test, const char *name, uint64_t cursor)
{
	cursor_goal *goal = fc_allocate(test, sizeof(cursor_goal));

	*goal = (cursor_goal) {name, cursor};
	(void) fc_comes_true(test, cursor_is_there, goal);
	fc_expect_cursor(test, name, cursor);
}

typedef struct state_goal
{
	fc_collector *collector;
	int			code;			/* wanted */
	int			found;
} state_goal;

static bool
state_is_there(fc_test *test, void *context)
{
	state_goal *goal = context;

	(void) test;
	goal->found = factstr_stream_state(goal->collector->stream, NULL);
	return goal->found == goal->code;
}

void
fc_await_state(fc_collector *collector, int code)
{
	fc_test    *test = collector->test;
	state_goal *goal = fc_allocate(test, sizeof(state_goal));

	*goal = (state_goal) {collector, code, FACTSTR_OK};
	fc_expect(test, fc_comes_true(test, state_is_there, goal),
			  "state of the stream: expected %s, found %s", factstr_code_name(code),
			  factstr_code_name(goal->found));
}
