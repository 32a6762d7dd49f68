/*
 * sqlite.c
 *		What appending to the SQLite store costs.
 *
 *		sqlite compare DIRECTORY SECONDS ROUNDS FACTS...
 *		sqlite threads DIRECTORY COUNT SECONDS ROUNDS
 *
 * "compare" loads a store for each number of FACTS, about ten to an account, and then makes
 * conditional appends of one event, each with the context of one account.  A plain table gets the
 * same texts by one INSERT to a transaction, on the same disk and with the same settings.  All of
 * them take turns of 50, so that other work of the machine affects all of them.  Prints the rate
 * of each, the plain table's last, a line for each round of SECONDS.
 *
 * "threads" appends to a store of 10,000 facts from one thread and then from COUNT, each for
 * SECONDS; prints both rates, a line for each round.  For a disk without a cache, preload
 * bench/peers/slow_fsync.c.
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

#include "measuring.h"

#define SMALL 10000				/* facts of the store that threads append to */
#define MAX_LOGS 8
#define BATCH 50000				/* while loading: its terms come in order */
#define TURN 50
#define TYPES 10
#define TEXT_SIZE 300

typedef struct fact_log
{
	char		path[600];
	factstr_store *store;
	size_t		accounts;
	uint64_t   *versions;		/* of each account's context */
} fact_log;

typedef struct plain_table
{
	char		path[600];
	sqlite3    *db;
	sqlite3_stmt *statements[3];
} plain_table;

typedef struct worker
{
	fact_log   *to;
	pthread_t	thread;
	unsigned	number;
	unsigned	count;			/* of workers */
	unsigned	seed;
	double		until;
	size_t		appends;
} worker;

static double
now(void)
{
	return seconds_on(CLOCK_MONOTONIC);
}

static size_t
pick(unsigned *seed, size_t count)
{
	return (size_t) rand_r(seed) % count;
}

static unsigned long
number(const char *text)
{
	unsigned long value = strtoul(text, NULL, 10);

	if (value == 0)
		give_up("not a number", text);
	return value;
}

static void
make_payload(char *payload, size_t account, unsigned *seed)
{
	(void) snprintf(payload, TEXT_SIZE,
					"{\"account_id\": \"acct-%zu\", \"amount\": %zu, \"currency\": \"EUR\","
					" \"note\": \"salary payment\","
					" \"customer\": {\"id\": %zu, \"tier\": \"gold\"}}",
					account, pick(seed, 1000000), pick(seed, 1000000));
}

static void
remove_files(const char *path)
{
	static const char *const suffixes[] = {"", "-wal", "-shm", "-streams"};
	char		name[700];

	for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++)
	{
		(void) snprintf(name, sizeof(name), "%.600s%s", path, suffixes[i]);
		(void) unlink(name);
	}
}

/*
 * Stores
 */

static void
load(fact_log *to, size_t facts)
{
	char		(*payloads)[TEXT_SIZE] = calloc(BATCH, TEXT_SIZE);
	factstr_event *events = calloc(BATCH, sizeof(factstr_event));
	size_t	   *accounts = calloc(BATCH, sizeof(size_t));
	unsigned	seed = 1;
	factstr_append_result result;
	factstr_error error;

	if (payloads == NULL || events == NULL || accounts == NULL)
		give_up("load", "no memory");
	for (size_t done = 0, count; done < facts; done += count)
	{
		count = facts - done < BATCH ? facts - done : BATCH;
		for (size_t i = 0; i < count; i++)
		{
			accounts[i] = pick(&seed, to->accounts);
			make_payload(payloads[i], accounts[i], &seed);
			events[i].event_type = pick(&seed, TYPES) == 0 ? "account-opened" : "money-deposited";
			events[i].payload = payloads[i];
		}
		if (factstr_append(to->store, events, count, NULL, &result, &error) != FACTSTR_OK)
			give_up("load", error.message);
		for (size_t i = 0; i < count; i++)
			to->versions[accounts[i]] = result.first_sequence_number + i;
	}
	free(payloads);
	free(events);
	free(accounts);
}

static void
open_log(fact_log *opened, const char *directory, size_t facts)
{
	char		url[700];
	factstr_error error;

	(void) snprintf(opened->path, sizeof(opened->path), "%s/%zu.db", directory, facts);
	(void) snprintf(url, sizeof(url), "sqlite:%s", opened->path);
	remove_files(opened->path);
	opened->accounts = facts / 10 + 100;
	opened->versions = calloc(opened->accounts, sizeof(uint64_t));
	if (opened->versions == NULL || factstr_open(url, &opened->store, &error) != FACTSTR_OK)
		give_up("open", "no store");
	load(opened, facts);
}

static void
close_log(fact_log *opened)
{
	(void) factstr_close(opened->store, FACTSTR_CLOSE_TIMEOUT_MS);
	remove_files(opened->path);
	free(opened->versions);
}

static void
append_if(fact_log *to, size_t account, unsigned *seed)
{
	char		payload[TEXT_SIZE];
	char		context[TEXT_SIZE];
	factstr_event event = {.event_type = "money-deposited", .payload = payload};
	uint64_t   *version = &to->versions[account];
	factstr_append_options options = FACTSTR_APPEND_OPTIONS_INIT;
	factstr_append_result result;
	factstr_error error;

	make_payload(payload, account, seed);
	(void) snprintf(context, sizeof(context),
					"{\"filters\": [{\"event_types\": [\"account-opened\", \"money-deposited\"],"
					" \"payload_predicates\": [{\"account_id\": \"acct-%zu\"}]}]}", account);
	options.condition = FACTSTR_APPEND_IF;
	options.context_query = context;
	options.expected_context_version = *version;
	if (factstr_append(to->store, &event, 1, &options, &result, &error) != FACTSTR_OK)
		give_up("append_if", error.message);
	*version = result.last_sequence_number;
}

/*
 * The plain table
 */

static void
open_plain(plain_table *plain, const char *directory)
{
	static const char *const texts[] = {
		"BEGIN IMMEDIATE", "INSERT INTO facts (at, type, payload) VALUES (?1, ?2, ?3)", "COMMIT"
	};

	(void) snprintf(plain->path, sizeof(plain->path), "%s/plain.db", directory);
	remove_files(plain->path);
	if (sqlite3_open(plain->path, &plain->db) != SQLITE_OK ||
		sqlite3_exec(plain->db, "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
					 "PRAGMA temp_store = MEMORY; PRAGMA cache_size = -16384;"
					 "CREATE TABLE facts (number INTEGER PRIMARY KEY, at INTEGER, type TEXT,"
					 " payload TEXT)", NULL, NULL, NULL) != SQLITE_OK)
		give_up("plain", sqlite3_errmsg(plain->db));
	for (int i = 0; i < 3; i++)
		(void) sqlite3_prepare_v2(plain->db, texts[i], -1, &plain->statements[i], NULL);
}

static void
close_plain(plain_table *plain)
{
	for (int i = 0; i < 3; i++)
		(void) sqlite3_finalize(plain->statements[i]);
	(void) sqlite3_close(plain->db);
	remove_files(plain->path);
}

static void
step(plain_table *plain, int which)
{
	if (sqlite3_step(plain->statements[which]) != SQLITE_DONE)
		give_up("plain", sqlite3_errmsg(plain->db));
	(void) sqlite3_reset(plain->statements[which]);
}

static void
insert_plain(plain_table *plain, size_t account, unsigned *seed)
{
	char		payload[TEXT_SIZE];
	sqlite3_stmt *insert = plain->statements[1];

	make_payload(payload, account, seed);
	step(plain, 0);
	(void) sqlite3_bind_int64(insert, 1, (sqlite3_int64) time(NULL) * 1000000);
	(void) sqlite3_bind_text(insert, 2, "money-deposited", -1, SQLITE_STATIC);
	(void) sqlite3_bind_text(insert, 3, payload, -1, SQLITE_STATIC);
	step(plain, 1);
	step(plain, 2);
}

/*
 * Measurements
 */

/* The time of one turn; to is NULL for the plain table. */
static double
take_turn(fact_log *to, plain_table *plain, unsigned *seed)
{
	double		start = now();

	for (int i = 0; i < TURN; i++)
	{
		if (to != NULL)
			append_if(to, pick(seed, to->accounts), seed);
		else
			insert_plain(plain, pick(seed, SMALL), seed);
	}
	return now() - start;
}

static void
compare(fact_log *logs, int count, plain_table *plain, double seconds)
{
	static unsigned seed = 2;
	double		times[MAX_LOGS + 1] = {0};
	double		until = now() + seconds;
	size_t		appends = 0;

	do
	{
		for (int i = 0; i <= count; i++)
			times[i] += take_turn(i < count ? &logs[i] : NULL, plain, &seed);
		appends += TURN;
	}
	while (now() < until);
	for (int i = 0; i <= count; i++)
		printf("%.1f%c", (double) appends / times[i], i < count ? ' ' : '\n');
}

/* Each worker has separate accounts, so nothing conflicts. */
static void *
work(void *argument)
{
	worker	   *self = argument;

	while (now() < self->until)
	{
		size_t		account = pick(&self->seed, self->to->accounts / self->count) *
			self->count + self->number;

		append_if(self->to, account, &self->seed);
		self->appends++;
	}
	return NULL;
}

/* Appends in a second. */
static double
append_in_threads(fact_log *to, unsigned count, double seconds)
{
	worker	   *workers = calloc(count, sizeof(worker));
	double		start = now();
	size_t		appends = 0;

	if (workers == NULL)
		give_up("threads", "no memory");
	for (unsigned i = 0; i < count; i++)
	{
		workers[i] = (worker) {
			.to = to,
			.number = i,
			.count = count,
			.seed = 100 + i,
			.until = start + seconds
		};
		if (pthread_create(&workers[i].thread, NULL, work, &workers[i]) != 0)
			give_up("thread", "cannot be started");
	}
	for (unsigned i = 0; i < count; i++)
	{
		(void) pthread_join(workers[i].thread, NULL);
		appends += workers[i].appends;
	}
	free(workers);
	return (double) appends / (now() - start);
}

static void
measure_threads(const char *directory, unsigned count, double seconds, unsigned long rounds)
{
	fact_log	small = {0};

	open_log(&small, directory, SMALL);
	for (unsigned long i = 0; i < rounds; i++)
	{
		double		one = append_in_threads(&small, 1, seconds);

		printf("%.1f %.1f\n", one, append_in_threads(&small, count, seconds));
	}
	close_log(&small);
}

static void
measure_sizes(const char *directory, double seconds, unsigned long rounds, char **facts, int count)
{
	fact_log	logs[MAX_LOGS] = {0};
	plain_table plain = {0};
	double		start = now();

	for (int i = 0; i < count; i++)
		open_log(&logs[i], directory, number(facts[i]));
	fprintf(stderr, "loaded %d stores in %.1f s\n", count, now() - start);
	open_plain(&plain, directory);
	for (unsigned long i = 0; i < rounds; i++)
		compare(logs, count, &plain, seconds);
	close_plain(&plain);
	for (int i = 0; i < count; i++)
		close_log(&logs[i]);
}

int
main(int argc, char **argv)
{
	if (argc == 6 && strcmp(argv[1], "threads") == 0)
		measure_threads(argv[2], (unsigned) number(argv[3]), strtod(argv[4], NULL),
						number(argv[5]));
	else if (argc >= 6 && argc - 5 <= MAX_LOGS && strcmp(argv[1], "compare") == 0)
		measure_sizes(argv[2], strtod(argv[3], NULL), number(argv[4]), argv + 5, argc - 5);
	else
		give_up("usage", "see the head of sqlite.c");
	return 0;
}
