/*
 * tail.c
 *		factstr tail: the newest facts, and those that come.
 *
 * With --follow a stream is opened before the newest facts are read, and waits with its first
 * delivery until they are printed: nothing falls between the two, and what is in both is known by
 * its number.
 *
 * A durable stream prints what it has not delivered yet, whether it is to follow or not.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "error.h"
#include "json_text.h"
#include "messages.h"
#include "options.h"
#include "output.h"
#include "query_options.h"
#include "record.h"
#include "results.h"
#include "signals.h"

#define CLI_DEFAULT_COUNT 10
#define CLI_MAX_COUNT 1000000

/* How often the stream's state is looked at, and a name asked for again.  In ms. */
#define CLI_LOOK_INTERVAL 500

#define CLI_OPTION_BATCHES CLI_FIRST_LONG_ONLY
#define CLI_OPTION_FROM_NOW (CLI_FIRST_LONG_ONLY + 1)
#define CLI_OPTION_WAIT (CLI_FIRST_LONG_ONLY + 2)

static const char cli_usage[] =
	"usage: factstr tail [OPTION]... [QUERY]\n"
	"\n"
	"Prints the newest facts that match, one a line, and with --follow those that are\n"
	"appended from then on, by whatever process, until SIGINT or SIGTERM.\n"
	"\n"
	"  -n, --lines N          how many facts to begin with, 10 by default\n"
	"  -f, --follow           go on\n"
	"      --batches          a batch a line, as export writes it; only new ones\n"
	"  -d, --durable NAME     as the consumer of a durable stream: begin where the last\n"
	"                         one ended; what is printed counts as delivered\n"
	"      --from-now         if the stream is new: begin with the next fact\n"
	"      --wait             wait while another consumer has the stream\n"
	CLI_COMMON_HELP
	"\n"
	CLI_QUERY_HELP;

typedef struct cli_tail
{
	/* What was asked for. */
	const char *event_query;
	uint64_t	count;
	bool		has_count;
	bool		follow;
	bool		as_batches;
	const char *name;			/* of a durable stream, or NULL */
	factstr_stream_start start;
	bool		wait;

	pthread_mutex_t printing;
	uint64_t	printed;		/* up to this fact */
	atomic_bool is_opening;		/* deliveries are on the main thread */
	atomic_int	failure;		/* the status, if a delivery could not be put into words */
	fs_buffer	line;
} cli_tail;

static bool
cli_print_fact(cli_tail *tail, const factstr_fact *fact)
{
	fs_write_event_record(&tail->line, fact);
	return cli_print(&tail->line);
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
cli_take_delivery(const factstr_batch *batch, void *context)
{
	cli_tail   *tail = context;
	bool		success = true;

	/*
	 * A replay ends early only by a failure, which would be noted with the stream.  All before this
	 * batch has been printed and counts as delivered, so this is as good a place to end as any.
	 */
	if (tail->is_opening && cli_is_stopping())
		_exit(CLI_DONE);

	(void) pthread_mutex_lock(&tail->printing);
	if (batch->facts[batch->fact_count - 1].sequence_number > tail->printed)
		success = cli_print_delivery(tail, batch);
	(void) pthread_mutex_unlock(&tail->printing);
	if (!success)
		cli_request_stop();
	return success ? 0 : 1;
}

static int
cli_collect_newest(cli_tail *tail, factstr_cursor *cursor, fs_fact_list *facts,
				   factstr_error *error)
{
	for (;;)
	{
		const factstr_fact *fact;
		int			code = factstr_read_next(cursor, &fact, error);

		if (code != FACTSTR_OK || fact == NULL)
			return code;
		if (facts->count == 0)
			tail->printed = fact->sequence_number;
		if (!fs_fact_list_add(facts, fact))
			return fs_error_no_memory(error);
	}
}

static cli_status
cli_print_newest(cli_tail *tail, factstr_store *store)
{
	const factstr_read_options options = {.max_count = tail->count, .backwards = true};
	fs_fact_list facts = {0};
	factstr_cursor *cursor;
	factstr_error error;
	bool		success = true;
	int			code;

	if (tail->count == 0)
		return CLI_DONE;
	code = factstr_read_open(store, tail->event_query, &options, &cursor, &error);
	if (code == FACTSTR_OK)
	{
		code = cli_collect_newest(tail, cursor, &facts, &error);
		factstr_read_close(cursor);
	}
	for (size_t i = facts.count; code == FACTSTR_OK && success && i > 0; i--)
		success = cli_print_fact(tail, &facts.facts[i - 1]);
	fs_fact_list_release(&facts);
	if (code != FACTSTR_OK)
		return cli_fail(&error);
	if (!cli_flush() || !success)
		cli_request_stop();
	return CLI_DONE;
}

/* Opens a durable stream, which prints what is there. */
static int
cli_open_durable(cli_tail *tail, factstr_store *store, factstr_stream **stream,
				 factstr_error *error)
{
	const factstr_stream_options options = {
		.start = tail->start,
		.wait = tail->wait ? CLI_LOOK_INTERVAL : 0
	};
	int			code;

	tail->is_opening = true;
	do
		code = factstr_stream_to_durable(store, tail->name, tail->event_query, &options,
										 cli_take_delivery, tail, stream, error);
	while (code == FACTSTR_STREAM_ACTIVE && tail->wait && !cli_is_stopping());
	tail->is_opening = false;
	return code;
}

static cli_status
cli_open_and_print(cli_tail *tail, factstr_store *store, factstr_stream **stream)
{
	factstr_error error;
	cli_status	status = CLI_DONE;
	int			code;

	*stream = NULL;
	if (tail->name != NULL)
		code = cli_open_durable(tail, store, stream, &error);
	else
	{
		(void) pthread_mutex_lock(&tail->printing);
		code = !tail->follow ? FACTSTR_OK :
			factstr_stream_to(store, tail->event_query, cli_take_delivery, tail, stream, &error);
		if (code == FACTSTR_OK)
			status = cli_print_newest(tail, store);
		(void) pthread_mutex_unlock(&tail->printing);
	}

	/* That stdout cannot be written is said elsewhere; being told to stop is no error. */
	if (code == FACTSTR_OK || cli_is_stopping())
		return status;
	return cli_fail(&error);
}

/* Waits until there is no reason to go on. */
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
	factstr_store *store = cli_open_store();
	factstr_stream *stream = NULL;
	cli_status	status = CLI_FAILED;

	if (store == NULL)
		return CLI_FAILED;
	if (cli_signals_begin())
		status = cli_open_and_print(tail, store, &stream);
	if (status == CLI_DONE && stream != NULL && tail->follow)
		status = cli_follow(stream);
	factstr_stream_free(stream);
	factstr_close(store);
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
		case CLI_OPTION_WAIT:
			tail->wait = true;
			break;
		default:
			cli_take_query_option(query, option);
	}
}

static void
cli_check_options(cli_tail *tail)
{
	if (tail->name == NULL && (tail->wait || tail->start == FACTSTR_FROM_NOW))
		cli_usage_error("--wait and --from-now are for --durable");
	if (tail->name != NULL && tail->has_count)
		cli_usage_error("--lines does not go with --durable, which begins where it ended");
	if (tail->as_batches && tail->name == NULL && !tail->follow)
		cli_usage_error("--batches is for --follow or --durable");
	if (tail->as_batches && tail->count > 0 && tail->has_count)
		cli_usage_error("--lines does not go with --batches");
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
		{"wait", no_argument, NULL, CLI_OPTION_WAIT},
		CLI_QUERY_OPTIONS,
		CLI_COMMON_OPTIONS
	};
	cli_tail	tail = {.count = CLI_DEFAULT_COUNT, .printing = PTHREAD_MUTEX_INITIALIZER};
	cli_query_options query = {0};
	const char *argument;
	cli_status	status;
	int			option;

	while ((option = cli_next_option(argc, argv, ":n:fd:" CLI_QUERY_LETTERS CLI_COMMON_LETTERS,
									 options)) != -1)
		cli_take_option(&tail, &query, option);
	argument = cli_next_argument(argc, argv);
	cli_no_more_arguments(argc, argv);
	cli_check_options(&tail);
	tail.event_query = cli_query_text(&query, argument);
	status = cli_run_tail(&tail);
	cli_query_release(&query);
	return status;
}

const cli_command cli_tail_command = {
	.name = "tail",
	.summary = "the newest facts, and those that come",
	.usage = cli_usage,
	.run = cli_run
};
