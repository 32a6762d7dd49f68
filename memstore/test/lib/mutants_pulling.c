/*
 * mutants_pulling.c
 *		Faults of streams without a handler, and of the report of a stream's end.
 */
#include "mutants.h"
#include "public_function.h"

int			__real_factstr_stream_open(factstr_store *store, const char *name,
									   const char *event_query, factstr_handler handler,
									   void *context, const factstr_stream_options *options,
									   factstr_stream **stream, factstr_error *error);

PUBLIC_FUNCTION(stream_next, (factstr_stream *stream, size_t max_batches, int64_t timeout_ms,
							  factstr_batch_list **list, factstr_error *error),
				(stream, max_batches, timeout_ms, list, error))
PUBLIC_FUNCTION(stream_ack, (factstr_stream *stream, uint64_t sequence_number,
							 factstr_error *error),
				(stream, sequence_number, error))
PUBLIC_FUNCTION(stream_fail, (factstr_stream *stream, const char *message, factstr_error *error),
				(stream, message, error))

static int
do_not_wait(factstr_stream *stream, size_t max_batches, int64_t timeout_ms,
			factstr_batch_list **list, factstr_error *error)
{
	(void) timeout_ms;
	return __real_factstr_stream_next(stream, max_batches, 0, list, error);
}

/* Unacknowledged batches are returned again. */
static int
begin_again(factstr_stream *stream, size_t max_batches, int64_t timeout_ms,
			factstr_batch_list **list, factstr_error *error)
{
	(void) __real_factstr_stream_fail(stream, "begin again", NULL);
	return __real_factstr_stream_next(stream, max_batches, timeout_ms, list, error);
}

static int
do_not_acknowledge(factstr_stream *stream, uint64_t sequence_number, factstr_error *error)
{
	(void) stream;
	(void) sequence_number;
	(void) error;
	return FACTSTR_OK;
}

static int
do_not_fail(factstr_stream *stream, const char *message, factstr_error *error)
{
	(void) stream;
	(void) message;
	(void) error;
	return FACTSTR_OK;
}

static int
lose_words(factstr_stream *stream, const char *message, factstr_error *error)
{
	(void) message;
	return __real_factstr_stream_fail(stream, "", error);
}

/* Opens a stream with some of its options as they are not wanted. */
static int
open_otherwise(factstr_store *store, const char *name, const char *event_query,
			   factstr_handler handler, void *context, const factstr_stream_options *options,
			   factstr_stream **stream, factstr_error *error)
{
	factstr_stream_options changed = FACTSTR_STREAM_OPTIONS_INIT;

	if (options != NULL)
		changed = *options;
	changed.ended = NULL;
	changed.in_background = false;
	return __real_factstr_stream_open(store, name, event_query, handler, context, &changed, stream,
									  error);
}

const mutant mutants_of_pulling[] = {
	API_MUTANT("asking does not wait", "asking waits for a match", stream_next, do_not_wait),
	API_MUTANT("batches are given again", "batches are given in order, filtered, once", stream_next,
			   begin_again),
	API_MUTANT("acknowledging moves no cursor", "a cursor moves by acknowledging", stream_ack,
			   do_not_acknowledge),
	API_MUTANT("a reported failure is forgotten", "a failure is kept", stream_fail, do_not_fail),
	API_MUTANT("the words of a reported failure are lost", "a failure is kept", stream_fail,
			   lose_words),
	API_MUTANT("the end of a stream is not told", "the end of a stream is told", stream_open,
			   open_otherwise),
	API_MUTANT("a replay in the background is none", "a replay in the background", stream_open,
			   open_otherwise),
	NO_MUTANT
};
