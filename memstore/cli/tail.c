/*
 * tail.c
 *		factstr tail: the newest facts, and new ones.
 *
 * With --follow a stream is opened before the newest facts are read, and waits with its first
 * delivery until they are printed: no fact is missed between the two, and the number shows which are
 * in both.
 *
 * A durable stream prints undelivered facts, with or without --follow.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "batch_text.h"
#include "errors.h"
#include "messages.h"
#include "options.h"
#include "output.h"
#include "query_options.h"
#include "signals.h"
#include "store.h"
#include "view.h"

#define CLI_DEFAULT_COUNT 10
#define CLI_MAX_COUNT 1000000

/* How often the stream's state is looked at, and a name asked for again.  In ms. */
#define CLI_LOOK_INTERVAL 500

#define CLI_OPTION_BATCHES CLI_FIRST_LONG_ONLY
#define CLI_OPTION_FROM_NOW (CLI_FIRST_LONG_ONLY + 1)
#define CLI_OPTION_TIMEOUT (CLI_FIRST_LONG_ONLY + 2)
#define CLI_OPTION_PARTITIONS (CLI_FIRST_LONG_ONLY + 3)
#define CLI_OPTION_PARTITION_KEY (CLI_FIRST_LONG_ONLY + 4)
#define CLI_OPTION_PARTITION (CLI_FIRST_LONG_ONLY + 5)

static const char cli_usage[] =
	"usage: factstr tail [OPTION]... [QUERY]\n"
	"\n"
	"Prints the newest matching facts, one per line, and with --follow also new ones from\n"
	"any process, until SIGINT or SIGTERM.\n"
	"\n"
	"  -n, --lines N          number of facts to begin with, 10 by default\n"
	"      --after N          begin with the first fact after this sequence number\n"
	"  -f, --follow           continue with new facts\n"
	"      --batches          one batch per line, as in an export; only new batches\n"
	"  -d, --durable NAME     consume a durable stream: begin at its cursor, and move it\n"
	"                         past each printed batch\n"
	"      --from-now         if the stream is new: begin with the next fact\n"
	"      --timeout-ms MS    wait this long for another consumer to end; -1: no limit\n"
	"      --partitions N     the stream has N partitions\n"
	"      --partition-key K  by the value at a path such as $.account\n"
	"      --partition N      consume this partition, from 0; by default any free one\n"
	CLI_VIEW_HELP
	CLI_COMMON_HELP
	"\n"
	CLI_QUERY_HELP;

typedef struct cli_tail
{
	/* The options. */
	const char *event_query;
	const char *after_query;	/* the same after a fact, or NULL */
	uint64_t	count;
	bool		has_count;
	bool		follow;
	bool		as_batches;
	const char *name;			/* of a durable stream, or NULL */
	factstr_stream_start start;
	int64_t		timeout_ms;		/* as that of the library */
	const char *partition_key;	/* NULL: the stream has no partitions */
	uint32_t	partitions;
	int32_t		partition;

	pthread_mutex_t printing;
	uint64_t	printed;		/* up to this fact */
	factstr_stream *stream;		/* set before the first delivery */
	atomic_int	failure;		/* the status, if a delivery could not be put into words */
	fs_buffer	line;
} cli_tail;

static bool
cli_print_fact(cli_tail *tail, const factstr_fact *fact)
{
	cli_view_fact(&tail->line, fact);
	return cli_print_view(&tail->line);
}

static bool
cli_print_delivery(cli_tail *tail, const factstr_batch *batch)
{
	bool		success = true;
	factstr_error error;

	if (tail->as_batches && cli_write_batch(&tail->line, batch, false, &error) != FACTSTR_OK)
	{
		tail->failure = cli_fail(&error);
		return false;
	}
	if (tail->as_batches)
		success = cli_print(&tail->line);
	for (size_t i = 0; !tail->as_batches && success && i < batch->fact_count; i++)
		success = cli_print_fact(tail, &batch->facts[i]);
	return cli_flush() && success;
}

/* The handler of the stream. */
static int
cli_take_delivery(const factstr_batch *batch, void *context, factstr_error *error)
{
	cli_tail   *tail = context;
	bool		success = true;

	(void) error;
	(void) pthread_mutex_lock(&tail->printing);
	if (batch->facts[batch->fact_count - 1].sequence_number > tail->printed)
		success = cli_print_delivery(tail, batch);
	(void) pthread_mutex_unlock(&tail->printing);
	if (!success)
		cli_request_stop();

	/* All printed batches count as delivered; the rest of a replay does not. */
	if (cli_is_stopping())
		factstr_stream_unsubscribe(tail->stream);
	return success ? 0 : 1;
}

/* Adds the facts, each with a NUL behind it. */
static int
cli_collect_newest(cli_tail *tail, factstr_cursor *cursor, fs_buffer *lines,
				   factstr_error *error)
{
	for (;;)
	{
		const factstr_fact *fact;
		int			code = factstr_read_next(cursor, &fact, error);

		if (code != FACTSTR_OK || fact == NULL)
			return code;
		if (lines->length == 0)
			tail->printed = fact->sequence_number;
		cli_view_fact(lines, fact);
		fs_buffer_append(lines, "", 1);
		if (lines->no_memory)
			return cli_error_no_memory(error);
	}
}

/* The last one first. */
static bool
cli_print_lines(const fs_buffer *lines)
{
	size_t		end = lines->length;
	fs_buffer	line = {0};
	bool		success = true;

	while (success && end > 0)
	{
		const char *start = memrchr(lines->data, '\0', end - 1);

		start = start != NULL ? start + 1 : lines->data;
		fs_buffer_append_text(&line, start);
		success = cli_print_view(&line);
		end = (size_t) (start - lines->data);
	}
	free(line.data);
	return success;
}

/* Instead of the newest facts, those after one. */
static cli_status
cli_print_after(cli_tail *tail, factstr_store *store)
{
	factstr_cursor *cursor;
	const factstr_fact *fact;
	factstr_error error;
	bool		success = true;
	int			code = factstr_read_open(store, tail->after_query, NULL, &cursor, &error);

	if (code != FACTSTR_OK)
		return cli_fail(&error);
	while (success && !cli_is_stopping())
	{
		code = factstr_read_next(cursor, &fact, &error);
		if (code != FACTSTR_OK || fact == NULL)
			break;
		tail->printed = fact->sequence_number;
		success = cli_print_fact(tail, fact);
	}
	factstr_read_close(cursor);
	if (!cli_flush() || !success)
		cli_request_stop();
	return code == FACTSTR_OK ? CLI_DONE : cli_fail(&error);
}

static cli_status
cli_print_newest(cli_tail *tail, factstr_store *store)
{
	const factstr_read_options options = {.size = sizeof(options), .max_count = tail->count, .backwards = true};
	fs_buffer	lines = {0};
	factstr_cursor *cursor;
	factstr_error error;
	bool		success = true;
	int			code;

	if (tail->count == 0)
		return CLI_DONE;
	code = factstr_read_open(store, tail->event_query, &options, &cursor, &error);
	if (code == FACTSTR_OK)
	{
		code = cli_collect_newest(tail, cursor, &lines, &error);
		factstr_read_close(cursor);
	}
	if (code == FACTSTR_OK)
		success = cli_print_lines(&lines);
	free(lines.data);
	if (code != FACTSTR_OK)
		return cli_fail(&error);
	if (!cli_flush() || !success)
		cli_request_stop();
	return CLI_DONE;
}

/* Opens a durable stream, which prints the present facts. */
static int
cli_open_durable(cli_tail *tail, factstr_store *store, factstr_error *error)
{
	factstr_stream_options options = {
		.size = sizeof(options),
		.start = tail->start,
		.partition_key = tail->partition_key,
		.partitions = tail->partitions,
		.partition = tail->partition
	};
	int64_t		left = tail->timeout_ms;
	int			code;

	/* In steps, between which the command can be stopped. */
	do
	{
		options.timeout_ms = left < 0 || left > CLI_LOOK_INTERVAL ? CLI_LOOK_INTERVAL : left;
		code = factstr_stream_open(store, tail->name, tail->event_query, cli_take_delivery, tail,
								   &options, &tail->stream, error);
		left -= left < 0 ? 0 : options.timeout_ms;
	}
	while (code == FACTSTR_STREAM_ACTIVE && left != 0 && !cli_is_stopping());
	return code;
}

static cli_status
cli_open_and_print(cli_tail *tail, factstr_store *store)
{
	factstr_error error;
	cli_status	status = CLI_DONE;
	int			code;

	if (tail->name != NULL)
		code = cli_open_durable(tail, store, &error);
	else
	{
		(void) pthread_mutex_lock(&tail->printing);
		code = !tail->follow ? FACTSTR_OK :
			factstr_stream_open(store, NULL, tail->event_query, cli_take_delivery, tail, NULL,
								&tail->stream, &error);
		if (code == FACTSTR_OK)
			status = tail->after_query != NULL ? cli_print_after(tail, store) :
				cli_print_newest(tail, store);
		(void) pthread_mutex_unlock(&tail->printing);
	}

	/* That stdout cannot be written is said elsewhere; being told to stop is no error. */
	if (code == FACTSTR_OK || cli_is_stopping())
		return status;
	return cli_fail(&error);
}

/* Waits until there is no reason to continue. */
static cli_status
cli_follow(factstr_stream *stream)
{
	int			code_before = FACTSTR_OK;

	while (!cli_wait_for_stop(CLI_LOOK_INTERVAL))
	{
		factstr_error error;
		int			code = factstr_stream_state(stream, &error);

		if (code == FACTSTR_STREAM_ACTIVE || code == FACTSTR_NO_SUCH_STREAM)
			return cli_fail(&error);

		/* The stream tries again by itself; that it has to is said once. */
		if (code != FACTSTR_OK && code != code_before && code != FACTSTR_HANDLER_FAILED)
			(void) cli_fail(&error);
		code_before = code;
	}
	return CLI_DONE;
}

static cli_status
cli_run_tail(cli_tail *tail)
{
	factstr_store *store = cli_open_store(CLI_EXISTING_STORE);
	cli_status	status = CLI_FAILED;

	if (store == NULL)
		return CLI_FAILED;
	if (cli_signals_begin())
		status = cli_open_and_print(tail, store);
	if (status == CLI_DONE && tail->stream != NULL && tail->follow)
		status = cli_follow(tail->stream);
	(void) factstr_stream_close(tail->stream, -1);
	factstr_close(store, FACTSTR_CLOSE_TIMEOUT_MS);
	free(tail->line.data);
	return cli_output_end(status == CLI_DONE ? (cli_status) tail->failure : status);
}

static void
cli_take_option(cli_tail *tail, cli_query_options *query, int option)
{
	switch (option)
	{
		case 'n':
			tail->count = cli_number(optarg, "--lines", 0, CLI_MAX_COUNT);
			tail->has_count = true;
			break;
		case 'f':
			tail->follow = true;
			break;
		case 'd':
			tail->name = optarg;
			break;
		case CLI_OPTION_BATCHES:
			tail->as_batches = true;
			break;
		case CLI_OPTION_FROM_NOW:
			tail->start = FACTSTR_FROM_NOW;
			break;
		case CLI_OPTION_TIMEOUT:
			tail->timeout_ms = cli_timeout(optarg, "--timeout-ms");
			break;
		case CLI_OPTION_PARTITIONS:
			tail->partitions = (uint32_t) cli_number(optarg, "--partitions", 1, FACTSTR_MOST_PARTITIONS);
			break;
		case CLI_OPTION_PARTITION_KEY:
			tail->partition_key = optarg;
			break;
		case CLI_OPTION_PARTITION:
			tail->partition = (int32_t) cli_number(optarg, "--partition", 0, FACTSTR_MOST_PARTITIONS - 1);
			break;
		default:
			if (!cli_take_view_option(option))
				cli_take_query_option(query, option);
	}
}

static void
cli_check_partitions(const cli_tail *tail)
{
	bool		is_divided = tail->partitions > 0;

	if (is_divided != (tail->partition_key != NULL))
		cli_usage_error("--partitions and --partition-key require each other");
	if (is_divided && tail->name == NULL)
		cli_usage_error("--partitions requires --durable");
	if (tail->partition != FACTSTR_ANY_PARTITION && tail->partition >= (int32_t) tail->partitions)
		cli_usage_error("--partition must be less than --partitions");
}

static void
cli_check_options(cli_tail *tail, bool has_after)
{
	cli_check_partitions(tail);
	if (has_after && (tail->has_count || tail->name != NULL || tail->as_batches))
		cli_usage_error("--after cannot be combined with --lines, --durable or --batches");
	if (tail->name == NULL && (tail->timeout_ms != 0 || tail->start == FACTSTR_FROM_NOW))
		cli_usage_error("--timeout-ms and --from-now require --durable");
	if (tail->name != NULL && tail->has_count)
		cli_usage_error("--lines cannot be combined with --durable, which begins at its cursor");
	if (tail->as_batches && tail->name == NULL && !tail->follow)
		cli_usage_error("--batches requires --follow or --durable");
	if (tail->as_batches && tail->count > 0 && tail->has_count)
		cli_usage_error("--lines cannot be combined with --batches");
	if (tail->as_batches)
		tail->count = 0;
}

static cli_status
cli_run(int argc, char **argv)
{
	static const struct option options[] = {
		{"lines", required_argument, NULL, 'n'},
		{"follow", no_argument, NULL, 'f'},
		{"durable", required_argument, NULL, 'd'},
		{"batches", no_argument, NULL, CLI_OPTION_BATCHES},
		{"from-now", no_argument, NULL, CLI_OPTION_FROM_NOW},
		{"timeout-ms", required_argument, NULL, CLI_OPTION_TIMEOUT},
		{"partitions", required_argument, NULL, CLI_OPTION_PARTITIONS},
		{"partition-key", required_argument, NULL, CLI_OPTION_PARTITION_KEY},
		{"partition", required_argument, NULL, CLI_OPTION_PARTITION},
		CLI_VIEW_OPTIONS,
		CLI_QUERY_OPTIONS,
		CLI_AFTER_OPTION,
		CLI_COMMON_OPTIONS
	};
	cli_tail	tail = {
		.count = CLI_DEFAULT_COUNT,
		.partition = FACTSTR_ANY_PARTITION,
		.printing = PTHREAD_MUTEX_INITIALIZER
	};
	cli_query_options query = {0};
	cli_query_options after;
	cli_status	status;
	int			option;

	while ((option = cli_next_option(argc, argv, ":n:fd:" CLI_VIEW_LETTERS CLI_QUERY_LETTERS
									 CLI_COMMON_LETTERS, options)) != -1)
		cli_take_option(&tail, &query, option);
	cli_take_query_argument(&query, cli_next_argument(argc, argv));
	cli_no_more_arguments(argc, argv);
	cli_check_options(&tail, query.has_after);

	/* A stream has no lower bound. */
	after = query;
	query.has_after = false;
	tail.event_query = cli_query_text(&query);
	tail.after_query = after.has_after ? cli_query_text(&after) : NULL;
	status = cli_run_tail(&tail);
	free(after.text);
	cli_query_release(&query);
	return status;
}

const cli_command cli_tail_command = {
	.name = "tail",
	.summary = "print the newest facts, and new ones",
	.usage = cli_usage,
	.run = cli_run
};
