/*
 * consumer.c
 *		The benchmark's consumers.
 *
 *	consumer latency APPENDS PAUSE_MS
 *		One session appends an event after each pause, another listens.  Prints for each event how
 *		many ms its notification took to arrive, from when the append was sent and from its answer.
 *	consumer follow QUERY POSITION
 *		Prints "listening", then reads batches from the position on, woken by notifications or, after
 *		a burst of them, at intervals for a while, until standard input ends and all is read.  Prints
 *		the numbers of facts, reads and notifications.
 *	consumer catch-up QUERY BATCHES MARK...
 *		Reads the log from the beginning, so many batches a call.  At each mark, a number of facts,
 *		prints the facts read, the seconds, and the peaks of the server's and the client's memory.
 *
 * Uses only libpq, so that the server is measured.  The environment names the server.
 */
#include <inttypes.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <libpq-fe.h>

#define BATCHES_A_READ 100

/*
 * So many notifications at once are a burst: a wake-up for each batch then costs the machine more than
 * polling at intervals.  A consumer that keeps up finds one, and continues to listen.
 */
#define BURST 6

/* The latency under load.  A longer pause saves little: this is 50 reads a second already. */
#define LOOK_PAUSE_MS 20

/* Many pauses, so that trying to listen is rare; and soon over when the load is. */
#define LOOK_PERIOD_MS 1000

/* The last column counts facts, for a comparison with the answer of the query. */
#define READ_BATCHES \
	"SELECT first_sequence_number, last_sequence_number, event_records," \
	" jsonb_array_length(event_records) FROM factstr_batches($1::jsonb, $2::bigint, $3::int)"

#define APPEND \
	"SELECT factstr_append('[{\"event_type\": \"money-deposited\"," \
	" \"payload\": {\"account_id\": \"acct-1\", \"amount\": 1}}]')"

typedef struct Consumer
{
	PGconn	   *connection;
	const char *query;
	int64_t		position;		/* the last number of the last batch */
	int64_t		facts;
	int64_t		reads;
	int64_t		notifications;
	int			burst;			/* how many of them were taken last, at once */
} Consumer;

static void
fail(const char *what, const char *why)
{
	fprintf(stderr, "consumer: %s: %s\n", what, why);
	exit(1);
}

static double
milliseconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double) now.tv_sec * 1e3 + (double) now.tv_nsec / 1e6;
}

static PGresult *
expect(PGconn *connection, PGresult *result, ExecStatusType status)
{
	if (PQresultStatus(result) != status)
		fail("unexpected result", PQerrorMessage(connection));
	return result;
}

static PGconn *
open_session(const char *statement)
{
	PGconn	   *connection = PQconnectdb("");

	if (PQstatus(connection) != CONNECTION_OK)
		fail("connection failed", PQerrorMessage(connection));
	PQclear(expect(connection, PQprepare(connection, "statement", statement, 0, NULL),
				   PGRES_COMMAND_OK));
	return connection;
}

static void
execute(PGconn *connection, const char *command)
{
	PQclear(expect(connection, PQexec(connection, command), PGRES_COMMAND_OK));
}

static void
receive(PGconn *connection)
{
	if (!PQconsumeInput(connection))
		fail("connection lost", PQerrorMessage(connection));
}

/* Takes all notifications that have been received; returns how many. */
static int
take_notifications(PGconn *connection)
{
	PGnotify   *notification;
	int			count = 0;

	while ((notification = PQnotifies(connection)) != NULL)
	{
		PQfreemem(notification);
		count++;
	}
	return count;
}

/*
 * Latency
 */

/* Has the answer come? */
static bool
take_answer(PGconn *connection)
{
	PGresult   *result;

	if (PQisBusy(connection))
		return false;
	while ((result = PQgetResult(connection)) != NULL)
		PQclear(expect(connection, result, PGRES_TUPLES_OK));
	return true;
}

/* Appends one event and waits for its answer and its notification, in either order. */
static void
measure_append(PGconn *appender, PGconn *listener)
{
	struct pollfd sockets[] = {
		{.fd = PQsocket(appender), .events = POLLIN},
		{.fd = PQsocket(listener), .events = POLLIN}
	};
	double		sent = milliseconds();
	double		answered = 0;
	double		notified = 0;

	if (!PQsendQueryPrepared(appender, "statement", 0, NULL, NULL, NULL, 0))
		fail("append failed", PQerrorMessage(appender));
	while (answered == 0 || notified == 0)
	{
		double		now;

		poll(sockets, 2, -1);
		now = milliseconds();
		if (sockets[0].revents != 0)
		{
			receive(appender);
			if (take_answer(appender))
				answered = now;
		}
		if (sockets[1].revents != 0)
		{
			receive(listener);
			if (take_notifications(listener) > 0)
				notified = now;
		}
	}
	printf("%.3f %.3f\n", notified - sent, notified - answered);
}

static void
measure_latency(int appends, int pause)
{
	PGconn	   *appender = open_session(APPEND);
	PGconn	   *listener = open_session(READ_BATCHES);

	execute(listener, "LISTEN factstr");
	for (int i = 0; i < appends; i++)
	{
		poll(NULL, 0, pause);
		measure_append(appender, listener);
	}
	PQfinish(appender);
	PQfinish(listener);
}

/*
 * Reading
 */

static int64_t
integer(PGresult *result, int row, int column)
{
	return strtoll(PQgetvalue(result, row, column), NULL, 10);
}

/* Reads at most so many batches from the position on; returns how many came. */
static int
read_batches(Consumer *consumer, int max_batches)
{
	char		position[32];
	char		limit[32];
	const char *values[] = {consumer->query, position, limit};
	PGresult   *result;
	int			count;

	snprintf(position, sizeof(position), "%" PRId64, consumer->position);
	snprintf(limit, sizeof(limit), "%d", max_batches);
	result = expect(consumer->connection,
					PQexecPrepared(consumer->connection, "statement", 3, values, NULL, NULL, 0),
					PGRES_TUPLES_OK);
	count = PQntuples(result);
	for (int row = 0; row < count; row++)
	{
		if (integer(result, row, 0) <= consumer->position)
			fail("a batch out of order", PQgetvalue(result, row, 0));
		consumer->position = integer(result, row, 1);
		consumer->facts += integer(result, row, 3);
	}
	consumer->reads++;
	PQclear(result);
	return count;
}

/* Waits until notifications have come and takes them; false if standard input ends instead. */
static bool
wait_for_notification(Consumer *consumer)
{
	struct pollfd files[] = {
		{.fd = PQsocket(consumer->connection), .events = POLLIN},
		{.fd = STDIN_FILENO, .events = POLLIN}
	};
	int			taken;

	while ((taken = take_notifications(consumer->connection)) == 0)
	{
		poll(files, 2, -1);
		if (files[1].revents != 0)
			return false;
		receive(consumer->connection);
	}
	consumer->notifications += taken;
	consumer->burst = taken;
	return true;
}

static void
read_to_end(Consumer *consumer)
{
	while (read_batches(consumer, BATCHES_A_READ) == BATCHES_A_READ)
		;
}

/* Does standard input end within the time? */
static bool
input_ends(int timeout)
{
	struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};

	return poll(&input, 1, timeout) > 0;
}

/*
 * Reads at intervals for a while, without listening; false if standard input ends meanwhile.  Listens
 * again before it returns, so the caller has to read once more before it waits.
 */
static bool
look_at_intervals(Consumer *consumer)
{
	double		end = milliseconds() + LOOK_PERIOD_MS;

	execute(consumer->connection, "UNLISTEN factstr");
	consumer->notifications += take_notifications(consumer->connection);
	while (milliseconds() < end)
	{
		if (input_ends(LOOK_PAUSE_MS))
			return false;
		read_to_end(consumer);
	}
	execute(consumer->connection, "LISTEN factstr");
	consumer->burst = 0;
	return true;
}

/* As network drivers do with interrupts: it is woken while there is little, and looks while there is much. */
static void
follow(const char *query, int64_t position)
{
	Consumer	consumer = {.query = query, .position = position};

	consumer.connection = open_session(READ_BATCHES);
	execute(consumer.connection, "LISTEN factstr");
	puts("listening");
	fflush(stdout);
	do
		read_to_end(&consumer);
	while (consumer.burst >= BURST ? look_at_intervals(&consumer) : wait_for_notification(&consumer));
	read_to_end(&consumer);
	printf("%" PRId64 " %" PRId64 " %" PRId64 "\n", consumer.facts, consumer.reads,
		   consumer.notifications);
	PQfinish(consumer.connection);
}

/* A figure of a process in kB. */
static long
memory(int pid, const char *figure)
{
	char		name[64];
	char		line[256];
	long		result = -1;
	FILE	   *status;

	snprintf(name, sizeof(name), "/proc/%d/status", pid);
	status = fopen(name, "r");
	while (status != NULL && fgets(line, sizeof(line), status) != NULL)
	{
		if (strncmp(line, figure, strlen(figure)) == 0)
			result = strtol(line + strlen(figure), NULL, 10);
	}
	if (result < 0)
		fail(name, "cannot be read");
	fclose(status);
	return result;
}

/*
 * The server's pages of shared memory are left out: there will be more of them the more of the log a
 * session has touched, and they are there anyway.
 */
static void
report_catch_up(const Consumer *consumer, double begin)
{
	int			server = PQbackendPID(consumer->connection);

	printf("%" PRId64 " %.6f %ld %ld\n", consumer->facts, (milliseconds() - begin) / 1e3,
		   memory(server, "VmHWM:") - memory(server, "RssShmem:"), memory(getpid(), "VmHWM:"));
}

static void
catch_up(const char *query, int batches, char **marks, int mark_count)
{
	Consumer	consumer = {.query = query};
	double		begin;
	int			passed = 0;

	consumer.connection = open_session(READ_BATCHES);
	begin = milliseconds();
	while (passed < mark_count)
	{
		int			count = read_batches(&consumer, batches);

		for (; passed < mark_count && consumer.facts >= atoll(marks[passed]); passed++)
			report_catch_up(&consumer, begin);
		if (count < batches && passed < mark_count)
			fail("the log ends before the mark", marks[passed]);
	}
	PQfinish(consumer.connection);
}

int
main(int argc, char **argv)
{
	if (argc == 4 && strcmp(argv[1], "latency") == 0)
		measure_latency(atoi(argv[2]), atoi(argv[3]));
	else if (argc == 4 && strcmp(argv[1], "follow") == 0)
		follow(argv[2], atoll(argv[3]));
	else if (argc >= 5 && strcmp(argv[1], "catch-up") == 0)
		catch_up(argv[2], atoi(argv[3]), &argv[4], argc - 4);
	else
		fail("usage", "see the head of consumer.c");
	return 0;
}
