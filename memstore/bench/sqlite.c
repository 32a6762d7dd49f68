/*
 * sqlite.c
 *		What appending to the SQLite store costs.
 *
 *		sqlite DIRECTORY [FACTS [APPENDS [THREADS]]]
 *
 * Loads a store with FACTS facts, about ten to an account, and then measures conditional appends of
 * one event, each with the context of one account.  For comparison, a plain table gets
 * the same texts by one INSERT to a transaction, on the same disk and with the same settings.
 * Both are measured in turns of 50, so that whatever else the machine does is in both.  With
 * THREADS, so many append to the store at the same time.
 *
 * For a disk without a cache, preload bench/peers/slow_fsync.c.
 */
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <sqlite3.h>

#include "factstr.h"

#define BATCH 1000
#define TURN 50
#define TYPES 10

typedef struct fixture
{
	char		directory[500];
	size_t		facts;
	size_t		appends;
	size_t		accounts;
	uint64_t   *versions;		/* of each account's context */
	factstr_store *store;
	sqlite3    *plain;
	sqlite3_stmt *statements[3];
	double	   *times;			/* of each append, in s */
	double	   *plain_times;
} fixture;

typedef struct worker
{
	fixture    *setup;
	pthread_t	thread;
	unsigned	number;
	unsigned	count;			/* of workers */
	unsigned	seed;
} worker;

static void
give_up(const char *what, const char *why)
{
	fprintf(stderr, "%s: %s\n", what, why);
	exit(1);
}

static double
now(void)
{
	struct timespec time;

	(void) clock_gettime(CLOCK_MONOTONIC, &time);
	return (double) time.tv_sec + (double) time.tv_nsec / 1e9;
}

static size_t
pick(unsigned *seed, size_t count)
{
	return (size_t) rand_r(seed) % count;
}

static void
make_payload(char *payload, size_t size, size_t account, unsigned *seed)
{
	(void) snprintf(payload, size,
					"{\"account_id\": \"acct-%zu\", \"amount\": %zu, \"currency\": \"EUR\","
					" \"note\": \"salary payment\","
					" \"customer\": {\"id\": %zu, \"tier\": \"gold\"}}",
					account, pick(seed, 1000000), pick(seed, 1000000));
}

static void
load(fixture *setup)
{
	static char payloads[BATCH][300];
	static factstr_event events[BATCH];
	static size_t accounts[BATCH];
	unsigned	seed = 1;
	factstr_append_result result;
	factstr_error error;

	for (size_t done = 0; done < setup->facts; done += BATCH)
	{
		for (size_t i = 0; i < BATCH; i++)
		{
			accounts[i] = pick(&seed, setup->accounts);
			make_payload(payloads[i], sizeof(payloads[i]), accounts[i], &seed);
			events[i].event_type = pick(&seed, TYPES) == 0 ? "account-opened" : "money-deposited";
			events[i].payload = payloads[i];
		}
		if (factstr_append(setup->store, events, BATCH, NULL, &result, &error) != FACTSTR_OK)
			give_up("load", error.message);
		for (size_t i = 0; i < BATCH; i++)
			setup->versions[accounts[i]] = result.first_sequence_number + i;
	}
}

static void
append_if(fixture *setup, size_t account, unsigned *seed)
{
	char		payload[300];
	char		context[300];
	factstr_event event = {.event_type = "money-deposited", .payload = payload};
	uint64_t   *version = &setup->versions[account];
	factstr_append_result result;
	factstr_error error;

	make_payload(payload, sizeof(payload), account, seed);
	(void) snprintf(context, sizeof(context),
					"{\"filters\": [{\"event_types\": [\"account-opened\", \"money-deposited\"],"
					" \"payload_predicates\": [{\"account_id\": \"acct-%zu\"}]}]}", account);
	if (factstr_append_if(setup->store, &event, 1, context, *version == 0 ? NULL : version, NULL,
						  &result, &error) != FACTSTR_OK)
		give_up("append_if", error.message);
	*version = result.last_sequence_number;
}

static void
step(fixture *setup, int which)
{
	if (sqlite3_step(setup->statements[which]) != SQLITE_DONE)
		give_up("plain", sqlite3_errmsg(setup->plain));
	(void) sqlite3_reset(setup->statements[which]);
}

static void
insert_plain(fixture *setup, size_t account, unsigned *seed)
{
	char		payload[300];
	sqlite3_stmt *insert = setup->statements[1];

	make_payload(payload, sizeof(payload), account, seed);
	step(setup, 0);
	(void) sqlite3_bind_int64(insert, 1, (sqlite3_int64) time(NULL) * 1000000);
	(void) sqlite3_bind_text(insert, 2, "money-deposited", -1, SQLITE_STATIC);
	(void) sqlite3_bind_text(insert, 3, payload, -1, SQLITE_STATIC);
	step(setup, 1);
	step(setup, 2);
}

static void
open_plain(fixture *setup)
{
	static const char *const texts[] = {
		"BEGIN IMMEDIATE", "INSERT INTO facts (at, type, payload) VALUES (?1, ?2, ?3)", "COMMIT"
	};
	char		path[600];

	(void) snprintf(path, sizeof(path), "%s/plain.db", setup->directory);
	if (sqlite3_open(path, &setup->plain) != SQLITE_OK ||
		sqlite3_exec(setup->plain, "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
					 "CREATE TABLE facts (number INTEGER PRIMARY KEY, at INTEGER, type TEXT,"
					 " payload TEXT)", NULL, NULL, NULL) != SQLITE_OK)
		give_up("plain", sqlite3_errmsg(setup->plain));
	for (int i = 0; i < 3; i++)
		(void) sqlite3_prepare_v2(setup->plain, texts[i], -1, &setup->statements[i], NULL);
}

static int
compare_times(const void *a, const void *b)
{
	double		left = *(const double *) a;
	double		right = *(const double *) b;

	return (left > right) - (left < right);
}

static void
print_times(const char *what, double *times, size_t count)
{
	double		sum = 0;

	for (size_t i = 0; i < count; i++)
		sum += times[i];
	qsort(times, count, sizeof(double), compare_times);
	printf("%-24s mean %.0f us, median %.0f us, p99 %.0f us, p99.9 %.0f us, slowest %.0f us\n",
		   what, sum / (double) count * 1e6, times[count / 2] * 1e6,
		   times[count * 99 / 100] * 1e6, times[count * 999 / 1000] * 1e6,
		   times[count - 1] * 1e6);
}

static void
compare_with_plain(fixture *setup)
{
	unsigned	seed = 2;
	double		plain = 0;
	double		store = 0;

	for (size_t i = 0; i < setup->appends; i++)
	{
		double		start;

		for (size_t j = 0; i % TURN == 0 && j < TURN; j++)
		{
			start = now();
			insert_plain(setup, pick(&seed, setup->accounts), &seed);
			setup->plain_times[i + j] = now() - start;
			plain += setup->plain_times[i + j];
		}
		start = now();
		append_if(setup, pick(&seed, setup->accounts), &seed);
		setup->times[i] = now() - start;
		store += setup->times[i];
	}
	print_times("plain INSERT", setup->plain_times, setup->appends);
	print_times("append_if", setup->times, setup->appends);
	printf("%-24s %.2f of the plain throughput, by the median %.2f\n", "", plain / store,
		   setup->plain_times[setup->appends / 2] / setup->times[setup->appends / 2]);
}

/* Each worker has accounts of its own, so nothing conflicts. */
static void *
work(void *argument)
{
	worker	   *self = argument;
	fixture    *setup = self->setup;

	for (size_t i = self->number; i < setup->appends; i += self->count)
	{
		size_t		account = pick(&self->seed, setup->accounts / self->count) *
			self->count + self->number;
		double		start = now();

		append_if(setup, account, &self->seed);
		setup->times[i] = now() - start;
	}
	return NULL;
}

static void
append_in_threads(fixture *setup, unsigned count)
{
	worker	   *workers = calloc(count, sizeof(worker));
	double		start = now();
	double		taken;

	for (unsigned i = 0; i < count; i++)
	{
		workers[i].setup = setup;
		workers[i].number = i;
		workers[i].count = count;
		workers[i].seed = 100 + i;
		if (pthread_create(&workers[i].thread, NULL, work, &workers[i]) != 0)
			give_up("thread", "cannot be started");
	}
	for (unsigned i = 0; i < count; i++)
		(void) pthread_join(workers[i].thread, NULL);
	taken = now() - start;
	printf("%u threads: %.0f appends a second\n", count, (double) setup->appends / taken);
	print_times("append_if", setup->times, setup->appends);
	free(workers);
}

static void
remove_files(const fixture *setup)
{
	static const char *const names[] = {
		"store.db", "store.db-wal", "store.db-shm", "plain.db", "plain.db-wal", "plain.db-shm"
	};
	char		path[600];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
	{
		(void) snprintf(path, sizeof(path), "%s/%s", setup->directory, names[i]);
		(void) unlink(path);
	}
}

int
main(int argc, char **argv)
{
	fixture		setup = {0};
	char		url[600];
	factstr_error error;
	double		start;

	if (argc < 2)
		give_up("usage", "sqlite DIRECTORY [FACTS [APPENDS [THREADS]]]");
	(void) snprintf(setup.directory, sizeof(setup.directory), "%s", argv[1]);
	setup.facts = argc > 2 ? strtoul(argv[2], NULL, 10) : 10000;
	setup.appends = argc > 3 ? strtoul(argv[3], NULL, 10) / TURN * TURN : 2000;
	setup.accounts = setup.facts / 10 + 100;
	setup.versions = calloc(setup.accounts, sizeof(uint64_t));
	setup.times = calloc(setup.appends, sizeof(double));
	setup.plain_times = calloc(setup.appends, sizeof(double));
	remove_files(&setup);

	(void) snprintf(url, sizeof(url), "sqlite:%s/store.db", setup.directory);
	if (factstr_open(url, &setup.store, &error) != FACTSTR_OK)
		give_up("open", error.message);
	open_plain(&setup);
	start = now();
	load(&setup);
	printf("%zu facts loaded in %.1f s\n", setup.facts, now() - start);
	if (argc > 4)
	{
		append_in_threads(&setup, 1);
		append_in_threads(&setup, (unsigned) strtoul(argv[4], NULL, 10));
	}
	else
		compare_with_plain(&setup);
	(void) factstr_close(setup.store);
	for (int i = 0; i < 3; i++)
		(void) sqlite3_finalize(setup.statements[i]);
	(void) sqlite3_close(setup.plain);
	remove_files(&setup);
	free(setup.versions);
	free(setup.times);
	free(setup.plain_times);
	return 0;
}
