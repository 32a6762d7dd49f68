/*
 * balances.c
 *		Slice: the balances of all accounts, from a read model that a stream keeps up to date.
 *
 * The model is in memory, so each start builds it from the log and goes on live.  The stream is
 * opened first, with its handler waiting at the lock; then the facts so far are read; then the
 * handler is let in, and skips what has been read.  So no fact is missed and none counts twice.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bank.h"

#define EVERY_FACT "{}"

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
on_batch(const factstr_batch *batch, void *context)
{
	Balances   *balances = context;

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

int
balances_start(Bank *bank, factstr_error *error)
{
	Balances   *balances = bank->balances = calloc(1, sizeof(Balances));
	int			code;

	if (balances == NULL)
		abort();
	pthread_mutex_init(&balances->lock, NULL);
	pthread_cond_init(&balances->moved, NULL);
	balances->cents = json_object();

	pthread_mutex_lock(&balances->lock);
	code = factstr_stream_to(bank->store, EVERY_FACT, on_batch, balances, &balances->stream, error);
	if (code == FACTSTR_OK)
		code = load(bank, error);
	pthread_mutex_unlock(&balances->lock);
	return code;
}

void
balances_stop(Bank *bank)
{
	if (bank->balances == NULL)
		return;
	factstr_stream_free(bank->balances->stream);
	json_decref(bank->balances->cents);
	pthread_cond_destroy(&bank->balances->moved);
	pthread_mutex_destroy(&bank->balances->lock);
	free(bank->balances);
}

/* The stream is behind the log by a moment; whoever asks is to see what he has just done. */
static int
wait_for_newest(Bank *bank, factstr_error *error)
{
	Balances   *balances = bank->balances;
	uint64_t	newest;
	int			code = factstr_context_version(bank->store, EVERY_FACT, &newest, error);

	while (code == FACTSTR_OK && balances->position < newest)
		pthread_cond_wait(&balances->moved, &balances->lock);
	return code;
}

void
show_balances(Bank *bank, char **words)
{
	const char *account;
	json_t	   *cents;

	factstr_error error;

	(void) words;
	pthread_mutex_lock(&bank->balances->lock);
	if (wait_for_newest(bank, &error) != FACTSTR_OK)
		printf("failed: %s\n", error.message);
	json_object_foreach(bank->balances->cents, account, cents)
		printf("%-10s %10.2f\n", account, (double) json_integer_value(cents) / 100);
	pthread_mutex_unlock(&bank->balances->lock);
}
