/*
 * harness.c
 *		The resources of a test, expectations, and threads.
 */
#include "harness.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* In seconds: long enough for the slowest machine. */
#define FC_PATIENCE 20

static void *
allocate(size_t size)
{
	void	   *memory = calloc(1, size == 0 ? 1 : size);

	if (memory == NULL)
		abort();
	return memory;
}

static fc_owned *
owned_new(void (*release) (void *object), void *object)
{
	fc_owned   *owned = allocate(sizeof(fc_owned));

	owned->release = release;
	owned->object = object;
	return owned;
}

void
fc_own(fc_test *test, void (*release) (void *object), void *object)
{
	fc_owned   *owned = owned_new(release, object);

	(void) pthread_mutex_lock(&test->lock);
	owned->next = test->owned;
	test->owned = owned;
	(void) pthread_mutex_unlock(&test->lock);
}

void
fc_own_to_the_end(fc_test *test, void (*release) (void *object), void *object)
{
	fc_owned   *owned = owned_new(release, object);
	fc_owned  **link = &test->owned;

	(void) pthread_mutex_lock(&test->lock);
	while (*link != NULL)
		link = &(*link)->next;
	*link = owned;
	(void) pthread_mutex_unlock(&test->lock);
}

void *
fc_allocate(fc_test *test, size_t size)
{
	void	   *memory = allocate(size);

	fc_own(test, free, memory);
	return memory;
}

char *
fc_format(fc_test *test, const char *format,...)
{
	va_list		arguments;
	int			length;
	char	   *text;

	va_start(arguments, format);
	length = vsnprintf(NULL, 0, format, arguments);
	va_end(arguments);
	text = fc_allocate(test, (size_t) length + 1);
	va_start(arguments, format);
	(void) vsnprintf(text, (size_t) length + 1, format, arguments);
	va_end(arguments);
	return text;
}

char *
fc_quote(fc_test *test, const char *text)
{
	char	   *quoted;

	if (text == NULL)
		return NULL;
	quoted = fc_format(test, "%s", text);
	for (char *c = quoted; *c != '\0'; c++)
	{
		if (*c == '\'')
			*c = '"';
	}
	return quoted;
}

/* The first failure's words are kept.  In the main thread the case ends here. */
static void
fail(fc_test *test, const char *format, va_list arguments)
{
	(void) pthread_mutex_lock(&test->lock);
	if (!test->failed)
		(void) vsnprintf(test->message, sizeof(test->message), format, arguments);
	test->failed = true;
	(void) pthread_cond_broadcast(&test->changed);
	(void) pthread_mutex_unlock(&test->lock);
	if (pthread_equal(pthread_self(), test->main))
		longjmp(test->end, 1);
}

void
fc_fail(fc_test *test, const char *format,...)
{
	va_list		arguments;

	va_start(arguments, format);
	fail(test, format, arguments);
	va_end(arguments);
}

void
fc_expect(fc_test *test, bool holds, const char *format,...)
{
	va_list		arguments;

	if (holds)
		return;
	va_start(arguments, format);
	fail(test, format, arguments);
	va_end(arguments);
}

void
fc_expect_number(fc_test *test, const char *what, uint64_t found, uint64_t expected)
{
	fc_expect(test, found == expected, "%s: expected %llu, found %llu", what,
			  (unsigned long long) expected, (unsigned long long) found);
}

void
fc_expect_text(fc_test *test, const char *what, const char *found, const char *expected)
{
	fc_expect(test, found != NULL && strcmp(found, expected) == 0,
			  "%s: expected \"%s\", found \"%s\"", what, expected,
			  found == NULL ? "(nothing)" : found);
}

void
fc_expect_json(fc_test *test, const char *what, const char *found, const char *expected)
{
	expected = fc_quote(test, expected);
	fc_expect(test, fc_json_same(found, expected), "%s: expected %s, found %s", what, expected,
			  found == NULL ? "(nothing)" : found);
}

static const char *
words_of(const factstr_error *error)
{
	return error == NULL ? "" : error->message;
}

void
fc_expect_ok(fc_test *test, const char *what, int code, const factstr_error *error)
{
	fc_expect(test, code == FACTSTR_OK, "%s: expected success, found %s: %s", what,
			  factstr_code_name(code), code == FACTSTR_OK ? "" : words_of(error));
}

void
fc_expect_code(fc_test *test, const char *what, int code, const factstr_error *error, int expected)
{
	fc_expect(test, code == expected, "%s: expected %s, found %s: %s", what,
			  factstr_code_name(expected), factstr_code_name(code),
			  code == FACTSTR_OK ? "" : words_of(error));
	fc_expect(test, error == NULL || error->code == expected,
			  "%s: expected %s in the error too, found %s", what, factstr_code_name(expected),
			  error == NULL ? "" : factstr_code_name(error->code));
}

void
fc_expect_said(fc_test *test, const factstr_error *error, const char *word)
{
	fc_expect(test, strstr(error->message, word) != NULL || strstr(error->detail, word) != NULL,
			  "expected an error that names \"%s\", found \"%s\" (%s)", word, error->message,
			  error->detail);
}

void
fc_check_threads(fc_test *test)
{
	bool		failed;

	(void) pthread_mutex_lock(&test->lock);
	failed = test->failed;
	(void) pthread_mutex_unlock(&test->lock);
	if (failed && pthread_equal(pthread_self(), test->main))
		longjmp(test->end, 1);
}

bool
fc_is_over(fc_test *test)
{
	bool		over;

	(void) pthread_mutex_lock(&test->lock);
	over = test->over || test->failed;
	(void) pthread_mutex_unlock(&test->lock);
	return over;
}

bool
fc_comes_true(fc_test *test, bool (*condition) (fc_test *test, void *context), void *context)
{
	const struct timespec between = {.tv_nsec = 2 * 1000 * 1000};
	struct timespec now;
	time_t		deadline;

	(void) clock_gettime(CLOCK_MONOTONIC, &now);
	deadline = now.tv_sec + test->patience;
	while (!condition(test, context))
	{
		fc_check_threads(test);
		(void) clock_gettime(CLOCK_MONOTONIC, &now);
		if (now.tv_sec > deadline)
			return false;
		(void) nanosleep(&between, NULL);
	}
	return true;
}

static void *
run_worker(void *argument)
{
	fc_worker  *worker = argument;

	if (worker->start != NULL)
		(void) pthread_barrier_wait(worker->start);
	worker->run(worker);
	return NULL;
}

static void
start_worker(fc_worker *worker)
{
	if (pthread_create(&worker->thread, NULL, run_worker, worker) != 0)
		abort();
}

void
fc_parallel(fc_test *test, int count, void (*run) (fc_worker *worker), void *context)
{
	fc_worker  *workers = fc_allocate(test, (size_t) count * sizeof(fc_worker));
	pthread_barrier_t start;

	(void) pthread_barrier_init(&start, NULL, (unsigned) count);
	for (int i = 0; i < count; i++)
	{
		workers[i] = (fc_worker) {test, test->store, i, context, run, test->main, &start, 0};
		start_worker(&workers[i]);
	}
	for (int i = 0; i < count; i++)
		(void) pthread_join(workers[i].thread, NULL);
	(void) pthread_barrier_destroy(&start);
	fc_check_threads(test);
}

/* run is NULL once the thread has been joined. */
void
fc_join(fc_worker *worker)
{
	if (worker->run != NULL)
		(void) pthread_join(worker->thread, NULL);
	worker->run = NULL;
}

static void
join_owned(void *worker)
{
	fc_join(worker);
}

fc_worker *
fc_background(fc_test *test, void (*run) (fc_worker *worker), void *context)
{
	fc_worker  *worker = fc_allocate(test, sizeof(fc_worker));

	*worker = (fc_worker) {test, test->store, 0, context, run, test->main, NULL, 0};
	start_worker(worker);
	fc_own(test, join_owned, worker);
	return worker;
}

/*
 * A thread that still runs when its case has failed uses resources of the test, so it is joined first.
 * One that waits for an event that only a release causes is joined later, in its turn.
 */
static void
join_workers(fc_test *test)
{
	struct timespec deadline;

	(void) clock_gettime(CLOCK_REALTIME, &deadline);
	deadline.tv_sec += test->patience;
	(void) pthread_mutex_lock(&test->lock);
	for (fc_owned *owned = test->owned; owned != NULL; owned = owned->next)
	{
		fc_worker  *worker = owned->object;

		if (owned->release != join_owned || worker->run == NULL)
			continue;
		(void) pthread_mutex_unlock(&test->lock);
		if (pthread_timedjoin_np(worker->thread, NULL, &deadline) == 0)
			worker->run = NULL;
		(void) pthread_mutex_lock(&test->lock);
	}
	(void) pthread_mutex_unlock(&test->lock);
}

static void
release_all(fc_test *test)
{
	(void) pthread_mutex_lock(&test->lock);
	test->over = true;
	(void) pthread_cond_broadcast(&test->changed);
	(void) pthread_mutex_unlock(&test->lock);
	join_workers(test);
	(void) pthread_mutex_lock(&test->lock);
	while (test->owned != NULL)
	{
		fc_owned   *owned = test->owned;

		test->owned = owned->next;
		(void) pthread_mutex_unlock(&test->lock);
		owned->release(owned->object);
		free(owned);
		(void) pthread_mutex_lock(&test->lock);
	}
	(void) pthread_mutex_unlock(&test->lock);
}

void
fc_test_begin(fc_test *test, const factstr_conformance_target *target, unsigned needs)
{
	pthread_condattr_t attributes;

	memset(test, 0, sizeof(*test));
	test->target = target;
	test->needs = needs;
	test->patience = target->patience == 0 ? FC_PATIENCE : target->patience;
	test->main = pthread_self();
	(void) pthread_mutex_init(&test->lock, NULL);
	(void) pthread_condattr_init(&attributes);
	(void) pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	(void) pthread_cond_init(&test->changed, &attributes);
	(void) pthread_condattr_destroy(&attributes);
}

void
fc_test_end(fc_test *test)
{
	release_all(test);
	(void) pthread_cond_destroy(&test->changed);
	(void) pthread_mutex_destroy(&test->lock);
}
