/*
 * mutants_api.c
 *		Faults above the stores' functions: in the public functions.
 *
 * The linker redirects the suite's calls of them here (see the Makefile), and from here they go to the
 * library's own, or to the fault of the mutant.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "results/error.h"

#include "mutants.h"
#include "public_function.h"

const mutant_api *mutant_of_api;
pid_t		mutant_process;

PUBLIC_FUNCTION(append, (factstr_store *store, const factstr_event *events, size_t count,
						 const factstr_append_options *options, factstr_append_result *result,
						 factstr_error *error),
				(store, events, count, options, result, error))
PUBLIC_FUNCTION(query, (factstr_store *store, const char *event_query,
						factstr_query_result **result, factstr_error *error),
				(store, event_query, result, error))
PUBLIC_FUNCTION(import, (factstr_store *store, const factstr_batch *batches, size_t count,
						 factstr_append_result *result, factstr_error *error),
				(store, batches, count, result, error))
PUBLIC_FUNCTION(stream_open, (factstr_store *store, const char *name, const char *event_query,
							  factstr_handler handler, void *context,
							  const factstr_stream_options *options, factstr_stream **stream,
							  factstr_error *error),
				(store, name, event_query, handler, context, options, stream, error))

/*
 * Values and batches
 */

static factstr_event *
copy_events(const factstr_event *events, size_t count)
{
	factstr_event *copies = calloc(count, sizeof(factstr_event));

	if (copies == NULL)
		abort();
	memcpy(copies, events, count * sizeof(factstr_event));
	return copies;
}

static int
store_null_for_refused(factstr_store *store, const factstr_event *events, size_t count,
					   const factstr_append_options *options, factstr_append_result *result,
					   factstr_error *error)
{
	int			code = __real_factstr_append(store, events, count, options, result, error);
	factstr_event *copies;

	if (code != FACTSTR_MALFORMED)
		return code;
	copies = copy_events(events, count);
	for (size_t i = 0; i < count; i++)
		copies[i].payload = "null";
	code = __real_factstr_append(store, copies, count, options, result, error);
	free(copies);
	return code;
}

static int
cut_event_types(factstr_store *store, const factstr_event *events, size_t count,
				const factstr_append_options *options, factstr_append_result *result,
				factstr_error *error)
{
	factstr_event *copies = copy_events(events, count);
	char		cut[2001];
	int			code;

	for (size_t i = 0; i < count; i++)
	{
		if (copies[i].event_type == NULL || strlen(copies[i].event_type) < sizeof(cut))
			continue;
		memcpy(cut, copies[i].event_type, sizeof(cut) - 1);
		cut[sizeof(cut) - 1] = '\0';
		copies[i].event_type = cut;
	}
	code = __real_factstr_append(store, copies, count, options, result, error);
	free(copies);
	return code;
}

static int
refuse_deep_payloads(factstr_store *store, const factstr_event *events, size_t count,
					 const factstr_append_options *options, factstr_append_result *result,
					 factstr_error *error)
{
	const char *deep = "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[";

	for (size_t i = 0; i < count; i++)
	{
		if (events[i].payload != NULL && strncmp(events[i].payload, deep, strlen(deep)) == 0)
			return fs_error(error, FACTSTR_MALFORMED, "too deep");
	}
	return __real_factstr_append(store, events, count, options, result, error);
}

/* More events than other cases append. */
#define MANY_EVENTS 1000

/* Without a condition. */
static int
take_batches_of_any_size(factstr_store *store, const factstr_event *events, size_t count,
						 const factstr_append_options *options, factstr_append_result *result,
						 factstr_error *error)
{
	bool		is_cut = options == NULL || options->condition == FACTSTR_APPEND_ALWAYS;

	return __real_factstr_append(store, events, is_cut && count > MANY_EVENTS ? MANY_EVENTS : count,
								 options, result, error);
}

/* With a condition. */
static int
refuse_large_batches(factstr_store *store, const factstr_event *events, size_t count,
					 const factstr_append_options *options, factstr_append_result *result,
					 factstr_error *error)
{
	if (count > MANY_EVENTS && options != NULL && options->condition == FACTSTR_APPEND_IF)
		return fs_error(error, FACTSTR_MALFORMED, "too large");
	return __real_factstr_append(store, events, count, options, result, error);
}

static int
import_batches_of_any_size(factstr_store *store, const factstr_batch *batches, size_t count,
						   factstr_append_result *result, factstr_error *error)
{
	factstr_batch cut;

	if (count == 0 || batches[0].fact_count < MANY_EVENTS)
		return __real_factstr_import(store, batches, count, result, error);
	cut = batches[0];
	cut.fact_count = 1;
	return __real_factstr_import(store, &cut, 1, result, error);
}

/*
 * Queries
 */

static int
ask_for_everything(factstr_store *store, const char *event_query, factstr_query_result **result,
				   factstr_error *error)
{
	int			code = __real_factstr_query(store, event_query, result, error);

	return code == FACTSTR_MALFORMED ? __real_factstr_query(store, NULL, result, error) : code;
}

static int
stream_everything(factstr_store *store, const char *name, const char *event_query,
				  factstr_handler handler, void *context, const factstr_stream_options *options,
				  factstr_stream **stream, factstr_error *error)
{
	int			code = __real_factstr_stream_open(store, name, event_query, handler, context, options,
												  stream, error);

	return code == FACTSTR_MALFORMED ?
		__real_factstr_stream_open(store, name, NULL, handler, context, options, stream, error) :
		code;
}

/*
 * Processes
 */

static bool
is_child(void)
{
	return getpid() != mutant_process;
}

static int
append_in_child(factstr_store *store, const factstr_event *events, size_t count,
				const factstr_append_options *options, factstr_append_result *result,
				factstr_error *error)
{
	return is_child() ? FACTSTR_OK :
		__real_factstr_append(store, events, count, options, result, error);
}

static int
query_in_child(factstr_store *store, const char *event_query, factstr_query_result **result,
			   factstr_error *error)
{
	return is_child() ? FACTSTR_OK : __real_factstr_query(store, event_query, result, error);
}

/*
 * Contexts of handlers
 */

typedef struct owner
{
	factstr_handler handler;
	factstr_destroy destroy;
	void	   *context;
} owner;

static int
handle_owned(const factstr_batch *batch, void *context, factstr_error *error)
{
	owner	   *own = context;

	return own->handler(batch, own->context, error);
}

/* An owner is small, and a mutant's process short. */
static void
destroy_twice(void *context)
{
	owner	   *own = context;

	own->destroy(own->context);
	own->destroy(own->context);
}

/* The options without destroy. */
static factstr_stream_options
keep_the_rest(const factstr_stream_options *options)
{
	factstr_stream_options rest = FACTSTR_STREAM_OPTIONS_INIT;

	if (options != NULL)
		rest = *options;
	rest.destroy = NULL;
	return rest;
}

static factstr_destroy
destroy_of(const factstr_stream_options *options)
{
	return options == NULL ? NULL : options->destroy;
}

static int
give_back_twice(factstr_store *store, const char *name, const char *event_query,
				factstr_handler handler, void *context, const factstr_stream_options *options,
				factstr_stream **stream, factstr_error *error)
{
	factstr_stream_options changed = keep_the_rest(options);
	owner	   *own = calloc(1, sizeof(owner));

	if (own == NULL)
		abort();
	*own = (owner) {handler, destroy_of(options), context};
	changed.destroy = own->destroy == NULL ? NULL : destroy_twice;
	return __real_factstr_stream_open(store, name, event_query, handle_owned, own, &changed, stream,
									  error);
}

static int
keep_context(factstr_store *store, const char *name, const char *event_query,
			 factstr_handler handler, void *context, const factstr_stream_options *options,
			 factstr_stream **stream, factstr_error *error)
{
	factstr_stream_options changed = keep_the_rest(options);

	return __real_factstr_stream_open(store, name, event_query, handler, context, &changed, stream,
									  error);
}

static int
handle_nothing(const factstr_batch *batch, void *context, factstr_error *error)
{
	(void) batch;
	(void) context;
	(void) error;
	return FACTSTR_OK;
}

/* Before the first delivery, even.  A delivery then has no context to use. */
static int
give_back_at_once(factstr_store *store, const char *name, const char *event_query,
				  factstr_handler handler, void *context, const factstr_stream_options *options,
				  factstr_stream **stream, factstr_error *error)
{
	factstr_stream_options changed = keep_the_rest(options);
	factstr_destroy destroy = destroy_of(options);
	int			code = __real_factstr_stream_open(store, name, event_query, destroy == NULL ?
												  handler : handle_nothing, context, &changed,
												  stream, error);

	if (code == FACTSTR_OK && destroy != NULL)
		destroy(context);
	return code;
}

static int
give_back_after_failure(factstr_store *store, const char *name, const char *event_query,
						factstr_handler handler, void *context,
						const factstr_stream_options *options, factstr_stream **stream,
						factstr_error *error)
{
	int			code = __real_factstr_stream_open(store, name, event_query, handler, context, options,
												  stream, error);

	if (code != FACTSTR_OK && destroy_of(options) != NULL)
		destroy_of(options) (context);
	return code;
}

const mutant mutants_of_api[] = {
	API_MUTANT("a value that cannot be kept is stored as null", "a value comes back equal or is refused",
			   append, store_null_for_refused),
	API_MUTANT("text that is not UTF-8 is stored as null", "text that is not UTF-8", append,
			   store_null_for_refused),
	API_MUTANT("event types are cut", "an event type has 1 to 2000 bytes", append, cut_event_types),
	API_MUTANT("deep payloads are refused", "rule 4", append, refuse_deep_payloads),
	API_MUTANT("a batch that is too large is cut", "a batch that could not be delivered", append,
			   take_batches_of_any_size),
	API_MUTANT("a large batch is refused", "a batch that could not be delivered", append,
			   refuse_large_batches),
	API_MUTANT("an imported batch that is too large is cut", "an imported batch that could not",
			   import, import_batches_of_any_size),
	API_MUTANT("a negative after asks for everything",
			   "a negative after", query, ask_for_everything),
	API_MUTANT("an after beyond 64 bits asks for everything",
			   "after has 64 bits", query, ask_for_everything),
	API_MUTANT("a stream passes over its after", "a stream's query has no after",
			   stream_open, stream_everything),
	API_MUTANT("the child of a process appends", "rule 36", append, append_in_child),
	API_MUTANT("the child of a process queries", "rule 36", query, query_in_child),
	API_MUTANT("contexts are given back twice", "rule 38", stream_open, give_back_twice),
	API_MUTANT("contexts are not given back", "rule 38", stream_open, keep_context),
	API_MUTANT("contexts are given back before the stream is freed", "rule 38", stream_open,
			   give_back_at_once),
	API_MUTANT("a context is given back by a call that fails", "rule 38", stream_open,
			   give_back_after_failure),
	NO_MUTANT
};
