/*
 * postgres.c
 *		How fast threads that share one PostgreSQL store append to it.
 *
 *		postgres URL append|append_if THREADS SECONDS RUN
 *
 * Each thread appends one event after the other for SECONDS; with append_if, always to a context of
 * its own, which nobody has used before if RUN is a new text.  Prints the appends in a second.  The
 * scripts library_*.sql in bench/factstr have pgbench do the same.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "factstr.h"

#include "measuring.h"

#define TEXT_SIZE 300

typedef struct worker
{
	factstr_store *store;
	pthread_barrier_t *start;
	pthread_t	thread;
	const char *run;
	unsigned	number;
	unsigned	seed;
	double		seconds;
	double		taken;
	uint64_t	version;		/* of the thread's context */
	size_t		appends;
	void		(*call) (struct worker *self);
} worker;

static double
now(void)
{
	return seconds_on(CLOCK_MONOTONIC);
}

static void
make_payload(worker *self, char *payload, const char *account)
{
	unsigned	amount = (unsigned) rand_r(&self->seed) % 1000000;

	(void) snprintf(payload, TEXT_SIZE,
					"{\"account_id\": \"acct-%s\", \"amount\": %u, \"currency\": \"EUR\","
					" \"note\": \"salary payment\","
					" \"customer\": {\"id\": %u, \"tier\": \"gold\"}}",
					account, amount, amount);
}

static void
append(worker *self)
{
	char		account[40];
	char		payload[TEXT_SIZE];
	factstr_event event = {.event_type = "money-deposited", .payload = payload};
	factstr_append_result result;
	factstr_error error;

	(void) snprintf(account, sizeof(account), "%d", rand_r(&self->seed) % 100000);
	make_payload(self, payload, account);
	if (factstr_append(self->store, &event, 1, NULL, &result, &error) != FACTSTR_OK)
		give_up("append", error.message);
}

static void
append_if(worker *self)
{
	char		account[40];
	char		payload[TEXT_SIZE];
	char		context[TEXT_SIZE];
	factstr_event event = {.event_type = "money-deposited", .payload = payload};
	factstr_append_options options = FACTSTR_APPEND_OPTIONS_INIT;
	factstr_append_result result;
	factstr_error error;

	(void) snprintf(account, sizeof(account), "%s-%u", self->run, self->number);
	make_payload(self, payload, account);
	(void) snprintf(context, sizeof(context),
					"{\"filters\": [{\"event_types\": [\"account-opened\", \"money-deposited\"],"
					" \"payload_predicates\": [{\"account_id\": \"acct-%s\"}]}]}", account);
	options.condition = FACTSTR_APPEND_IF;
	options.context_query = context;
	options.expected_context_version = self->version;
	if (factstr_append(self->store, &event, 1, &options, &result, &error) != FACTSTR_OK)
		give_up("append_if", error.message);
	self->version = result.last_sequence_number;
}

/* The first call, which makes the connection, is before the start. */
static void *
work(void *argument)
{
	worker	   *self = argument;
	double		start;

	self->call(self);
	(void) pthread_barrier_wait(self->start);
	start = now();
	do
	{
		self->call(self);
		self->appends++;
		self->taken = now() - start;
	}
	while (self->taken < self->seconds);
	return NULL;
}

int
main(int argc, char **argv)
{
	unsigned	count = argc > 3 ? (unsigned) strtoul(argv[3], NULL, 10) : 0;
	worker	   *workers;
	pthread_barrier_t start;
	factstr_store *store;
	factstr_error error;
	double		rate = 0;

	if (argc != 6 || count == 0)
		give_up("usage", "postgres URL append|append_if THREADS SECONDS RUN");
	workers = calloc(count, sizeof(worker));
	if (workers == NULL || pthread_barrier_init(&start, NULL, count) != 0)
		give_up("start", "no memory");
	if (factstr_open(argv[1], &store, &error) != FACTSTR_OK)
		give_up("open", error.message);
	for (unsigned i = 0; i < count; i++)
	{
		workers[i] = (worker) {
			.store = store,
			.start = &start,
			.run = argv[5],
			.number = i,
			.seed = i + 1,
			.seconds = strtod(argv[4], NULL),
			.call = strcmp(argv[2], "append_if") == 0 ? append_if : append
		};
		if (pthread_create(&workers[i].thread, NULL, work, &workers[i]) != 0)
			give_up("thread", "cannot be started");
	}
	for (unsigned i = 0; i < count; i++)
	{
		(void) pthread_join(workers[i].thread, NULL);
		rate += (double) workers[i].appends / workers[i].taken;
	}
	printf("%.1f\n", rate);
	(void) pthread_barrier_destroy(&start);
	(void) factstr_close(store, FACTSTR_CLOSE_TIMEOUT_MS);
	free(workers);
	return 0;
}
