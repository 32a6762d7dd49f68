/*
 * balances.c
 *		Slice: the balances of all accounts, from a read model that a stream keeps up to date.
 *
 * The model is in memory, so each program that shows it builds it from the log first, and then keeps it
 * up to date live.  The stream is opened first, with its handler waiting at the lock; then the facts so
 * far are read; then the handler continues, and skips these.  So no fact is missed and none counts twice.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bank.h"

#define EVERY_FACT "{}"

/* How long the stream may be behind the log when the balances are asked for, in seconds. */
#define PATIENCE 5

struct Balances
{
	pthread_mutex_t lock;		/* over all that follows */
	pthread_cond_t moved;		/* position has */
	json_t	   *cents;			/* by account */
	uint64_t	position;		/* the last fact that is in */
	factstr_stream *stream;
};

static void
add(Balances *balances, json_t *payload, const char *key, json_int_t amount)
{
	const char *account = json_string_value(json_object_get(payload, key));

	if (account != NULL)
	{
		amount += json_integer_value(json_object_get(balances->cents, account));
		(void) json_object_set_new(balances->cents, account, json_integer(amount));
	}
}

static void
apply(Balances *balances, const factstr_fact *fact)
{
	json_t	   *payload = payload_of(fact);
	json_int_t	amount = json_integer_value(json_object_get(payload, "amount"));

	if (fact->sequence_number > balances->position)
	{
		balances->position = fact->sequence_number;
		add(balances, payload, "account",
			strcmp(fact->event_type, MONEY_WITHDRAWN) == 0 ? -amount : amount);
		add(balances, payload, "from", -amount);
		add(balances, payload, "to", amount);
	}
	json_decref(payload);
}

static int
on_batch(const factstr_batch *batch, void *context, factstr_error *error)
{
	Balances   *balances = context;

	(void) error;
	pthread_mutex_lock(&balances->lock);
	for (size_t i = 0; i < batch->fact_count; i++)
		apply(balances, &batch->facts[i]);
	pthread_cond_signal(&balances->moved);
	pthread_mutex_unlock(&balances->lock);
	return 0;
}

static int
load(Bank *bank, factstr_error *error)
{
	factstr_cursor *cursor = NULL;
	const factstr_fact *fact;
	int			code = factstr_read_open(bank->store, EVERY_FACT, NULL, &cursor, error);

	while (code == FACTSTR_OK &&
		   (code = factstr_read_next(cursor, &fact, error)) == FACTSTR_OK && fact != NULL)
		apply(bank->balances, fact);
	factstr_read_close(cursor);
	return code;
}

static int
start(Bank *bank, factstr_error *error)
{
	Balances   *balances = bank->balances = calloc(1, sizeof(Balances));
	int			code;

	if (balances == NULL)
		abort();
	pthread_mutex_init(&balances->lock, NULL);
	pthread_cond_init(&balances->moved, NULL);
	balances->cents = json_object();

	pthread_mutex_lock(&balances->lock);
	code = factstr_stream_open(bank->store, NULL, EVERY_FACT, on_batch, balances, NULL,
							   &balances->stream, error);
	if (code == FACTSTR_OK)
		code = load(bank, error);
	pthread_mutex_unlock(&balances->lock);
	if (code != FACTSTR_OK)
		balances_stop(bank);
	return code;
}

void
balances_stop(Bank *bank)
{
	Balances   *balances = bank->balances;

	if (balances == NULL)
		return;
	(void) factstr_stream_close(balances->stream, -1);
	json_decref(balances->cents);
	pthread_cond_destroy(&balances->moved);
	pthread_mutex_destroy(&balances->lock);
	free(balances);
	bank->balances = NULL;
}

/*
 * The stream is behind the log by a moment; a caller is to see its own facts.  If the stream does not get
 * there, its state may say why.
 */
static int
wait_for_newest(Bank *bank, factstr_error *error)
{
	Balances   *balances = bank->balances;
	struct timespec deadline;
	uint64_t	newest;
	int			code = factstr_context_version(bank->store, EVERY_FACT, &newest, error);

	clock_gettime(CLOCK_REALTIME, &deadline);
	deadline.tv_sec += PATIENCE;
	while (code == FACTSTR_OK && balances->position < newest)
	{
		if (pthread_cond_timedwait(&balances->moved, &balances->lock, &deadline) == 0)
			continue;
		code = factstr_stream_state(balances->stream, error);
		if (code == FACTSTR_OK)
			(void) snprintf(error->message, sizeof(error->message),
							"the balances are behind the facts for more than %d s", PATIENCE);
		return FACTSTR_WAIT_TIMED_OUT;
	}
	return code;
}

bool
show_balances(Bank *bank, char **words)
{
	const char *account;
	json_t	   *cents;
	factstr_error error;
	int			code = FACTSTR_OK;

	(void) words;
	if (bank->balances == NULL)
		code = start(bank, &error);
	if (code != FACTSTR_OK)
		return failed(&error);
	pthread_mutex_lock(&bank->balances->lock);
	code = wait_for_newest(bank, &error);
	if (code == FACTSTR_OK)
		json_object_foreach(bank->balances->cents, account, cents)
			printf("%-10s %10.2f\n", account, (double) json_integer_value(cents) / 100);
	pthread_mutex_unlock(&bank->balances->lock);
	return code == FACTSTR_OK || failed(&error);
}
