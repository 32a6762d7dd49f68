/*
 * pairs.c
 *		Answers that are of one moment: one thread appends pairs of facts, the case looks meanwhile.
 */
#include "harness.h"

#include <time.h>

#define ROUNDS 10
#define PAIRS 10

typedef struct pairs
{
	factstr_event events[2];
	int			round;			/* guarded by the test's lock */
} pairs;

/* In each round of the case some pairs more, as fast as it goes. */
static void
append_pairs(fc_worker *worker)
{
	fc_test    *test = worker->test;
	const pairs *appended = worker->context;

	for (int done = 0; done < ROUNDS * PAIRS && !fc_is_over(test); done++)
	{
		factstr_append_result result;
		factstr_error error;

		(void) pthread_mutex_lock(&test->lock);
		while (done >= appended->round * PAIRS && !test->over)
			(void) pthread_cond_wait(&test->changed, &test->lock);
		(void) pthread_mutex_unlock(&test->lock);
		fc_expect_ok(test, "a concurrent append",
					 factstr_append(worker->store, appended->events, 2, NULL, &result, &error), &error);
	}
}

void
fc_look_while_pairs_come(fc_test *test, const char *first_type, const char *second_type,
						 uint64_t (*look) (fc_test *test))
{
	pairs	   *appended = fc_allocate(test, sizeof(pairs));
	fc_worker  *writer;
	time_t		deadline = time(NULL) + test->patience;

	*appended = (pairs) {
		.events = {{.event_type = first_type, .payload = "1"}, {.event_type = second_type, .payload = "2"}}
	};
	writer = fc_background(test, append_pairs, appended);
	for (uint64_t i = 1; i <= ROUNDS; i++)
	{
		(void) pthread_mutex_lock(&test->lock);
		appended->round++;
		(void) pthread_cond_broadcast(&test->changed);
		(void) pthread_mutex_unlock(&test->lock);
		while (look(test) < i * PAIRS * 2)
		{
			fc_check_threads(test);
			fc_expect(test, time(NULL) <= deadline, "facts that were appended do not come");
		}
	}
	fc_join(writer);
}
