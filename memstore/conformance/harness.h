/*
 * harness.h
 *		The parts of cases: a test with its stores, expectations and threads.
 *
 * A case is a function that is run with an empty store.  An expectation that fails ends it at once,
 * from any place in the main thread, so all resources belong to the test, which releases
 * them when the case is over: stores, results, streams, threads.  Nothing that a thread
 * of the library may use is on a case's stack.  In other threads a failed expectation is noted, and
 * the case fails when the main thread looks.
 *
 * JSON is written with ' for ", in everything that is passed to fc_ functions.
 */
#ifndef FACTSTR_CONFORMANCE_HARNESS_H
#define FACTSTR_CONFORMANCE_HARNESS_H

#include <pthread.h>
#include <setjmp.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "factstr_conformance.h"

#include "json.h"

typedef struct fc_test fc_test;

/* The requirements of a case besides a store. */
enum
{
	FC_PERSISTENT = 1,			/* a store that can be opened again, and by two handles */
	FC_PROCESSES = 2,			/* other processes, started before the store is opened */
	FC_EFFECTS = 4,				/* deliveries within transactions */
	FC_READ_ONLY = 8			/* a second handle that may only read */
};

typedef struct fc_case
{
	factstr_conformance_case tested;
	unsigned	needs;
	void		(*run) (fc_test *test);
} fc_case;

/* One list of cases for each subject, ended by one without a function. */
extern const fc_case fc_facts_cases[];
extern const fc_case fc_value_cases[];
extern const fc_case fc_append_cases[];
extern const fc_case fc_query_cases[];
extern const fc_case fc_newest_cases[];
extern const fc_case fc_partition_cases[];
extern const fc_case fc_partitioned_stream_cases[];
extern const fc_case fc_reading_cases[];
extern const fc_case fc_matching_cases[];
extern const fc_case fc_random_matching_cases[];
extern const fc_case fc_conditional_cases[];
extern const fc_case fc_unless_cases[];
extern const fc_case fc_stream_cases[];
extern const fc_case fc_handler_cases[];
extern const fc_case fc_context_cases[];
extern const fc_case fc_failure_cases[];
extern const fc_case fc_closing_cases[];
extern const fc_case fc_durable_stream_cases[];
extern const fc_case fc_cursor_cases[];
extern const fc_case fc_consumer_cases[];
extern const fc_case fc_acknowledging_cases[];
extern const fc_case fc_pulling_cases[];
extern const fc_case fc_ending_cases[];
extern const fc_case fc_status_cases[];
extern const fc_case fc_transaction_cases[];
extern const fc_case fc_idempotency_cases[];
extern const fc_case fc_json_boundary_cases[];
extern const fc_case fc_json_stream_cases[];
extern const fc_case fc_json_call_cases[];
extern const fc_case fc_import_export_cases[];
extern const fc_case fc_read_only_cases[];
extern const fc_case fc_redaction_cases[];
extern const fc_case fc_redaction_copy_cases[];
extern const fc_case fc_log_cases[];
extern const fc_case fc_log_change_cases[];

/* Something that is given back when the case is over. */
typedef struct fc_owned
{
	void		(*release) (void *object);
	void	   *object;
	struct fc_owned *next;
} fc_owned;

struct fc_test
{
	const factstr_conformance_target *target;
	unsigned	needs;
	int			patience;		/* how long to wait for required events, in seconds */
	const char *url;			/* of the store */
	factstr_store *store;		/* NULL in a case of several processes, until fc_open_store */

	pthread_t	main;
	jmp_buf		end;			/* where a failed expectation of the main thread continues */

	/* Held for everything below, and for the state of collectors. */
	pthread_mutex_t lock;
	pthread_cond_t changed;		/* something below, or in a collector, has changed */
	bool		failed;
	bool		over;			/* the case is over: waiting threads continue */
	char		message[FACTSTR_CONFORMANCE_MESSAGE_SIZE];
	fc_owned   *owned;			/* the last first */
};

/* A test begins without a store; its end releases its resources. */
void		fc_test_begin(fc_test *test, const factstr_conformance_target *target, unsigned needs);
void		fc_test_end(fc_test *test);

/* Gives something to the test: release(object) is called when the case is over, the last first. */
void		fc_own(fc_test *test, void (*release) (void *object), void *object);

/* The same, released after everything else: for memory that handlers use. */
void		fc_own_to_the_end(fc_test *test, void (*release) (void *object), void *object);

/* Memory of the test, zeroed. */
void	   *fc_allocate(fc_test *test, size_t size);
char	   *fc_format(fc_test *test, const char *format,...) __attribute__((format(printf, 2, 3)));

/* The same text with " for '. */
char	   *fc_quote(fc_test *test, const char *text);

/*
 * Expectations.  "what" names the checked value.
 */
void		fc_fail(fc_test *test, const char *format,...) __attribute__((format(printf, 2, 3)));
void		fc_expect(fc_test *test, bool holds, const char *format,...)
			__attribute__((format(printf, 3, 4)));
void		fc_expect_number(fc_test *test, const char *what, uint64_t found, uint64_t expected);
void		fc_expect_text(fc_test *test, const char *what, const char *found,
						   const char *expected);
void		fc_expect_json(fc_test *test, const char *what, const char *found,
						   const char *expected);
void		fc_expect_ok(fc_test *test, const char *what, int code, const factstr_error *error);
void		fc_expect_code(fc_test *test, const char *what, int code, const factstr_error *error,
						   int expected);

/* The message and the detail together hold a word. */
void		fc_expect_said(fc_test *test, const factstr_error *error, const char *word);

/* Ends the case if a thread has failed. */
void		fc_check_threads(fc_test *test);

/* Does the condition come true in time?  Looked at again and again. */
bool		fc_comes_true(fc_test *test, bool (*condition) (fc_test *test, void *context),
						  void *context);

/*
 * Stores.  They are closed when the case is over.
 */

/* In a case of several processes: opens test->store. */
void		fc_open_store(fc_test *test);

/* Another handle of a store. */
factstr_store *fc_open(fc_test *test, const char *url);
void		fc_close(fc_test *test, factstr_store *store);

/* Closes test->store, and returns the code. */
int			fc_close_within(fc_test *test, int64_t timeout_ms);

/* Closes test->store and opens it again. */
void		fc_restart(fc_test *test);

/* The URL of another empty store. */
const char *fc_fresh(fc_test *test);

/* The same, beside the test's own: in PostgreSQL another log of its database. */
const char *fc_beside(fc_test *test);

/*
 * Appending
 */

/* One event; returns its number. */
uint64_t	fc_append(fc_test *test, const char *event_type, const char *payload);
uint64_t	fc_append_to(fc_test *test, factstr_store *store, const char *event_type,
						 const char *payload);

/*
 * One batch with an event for each word, a type, and {} as payload.  Returns the batch's last
 * number.
 */
uint64_t	fc_append_types(fc_test *test, const char *types);

/*
 * The events of an array like the one that factstr_json_append takes, every value spelt as it is
 * there.
 */
typedef struct fc_events
{
	factstr_event *events;
	size_t		count;
} fc_events;

fc_events	fc_make_events(fc_test *test, const char *events);

/* Options of one append: a key; or a condition on the context of a query, with a key or NULL. */
#define FC_KEY(key) \
	(&(factstr_append_options) {.size = sizeof(factstr_append_options), .idempotency_key = (key)})
#define FC_IF(query, version, key) \
	(&(factstr_append_options) {.size = sizeof(factstr_append_options), \
		.condition = FACTSTR_APPEND_IF, .context_query = (query), \
		.expected_context_version = (version), .idempotency_key = (key)})
#define FC_UNLESS(query, number, key) \
	(&(factstr_append_options) {.size = sizeof(factstr_append_options), \
		.condition = FACTSTR_APPEND_UNLESS, .context_query = (query), \
		.after_sequence_number = (number), .idempotency_key = (key)})

/* Appends such an array; expected is 0 for an empty context. */
int			fc_try_append(fc_test *test, const char *events, const char *key,
						  factstr_append_result *result, factstr_error *error);
int			fc_try_append_if(fc_test *test, const char *events, const char *context,
							 uint64_t expected, const char *key, factstr_append_result *result,
							 factstr_error *error);
int			fc_try_append_unless(fc_test *test, const char *events, const char *context,
								 uint64_t after, const char *key, factstr_append_result *result,
								 factstr_error *error);
factstr_append_result fc_append_events(fc_test *test, const char *events, const char *key);

/* Results as "1-3, 3 facts". */
char	   *fc_result_text(fc_test *test, const factstr_append_result *result);

/* The log's last number, and that it holds so many facts. */
void		fc_expect_log_ends_at(fc_test *test, uint64_t last);

/*
 * Queries, for which there are these short forms
 */
#define FC_ALL "{}"
#define FC_TYPE(type) "{'filters': [{'event_types': ['" type "']}]}"
#define FC_TYPES(a, b) "{'filters': [{'event_types': ['" a "', '" b "']}]}"
#define FC_PREDICATE(predicate) "{'filters': [{'payload_predicates': [" predicate "]}]}"
#define FC_BOTH(type, predicate) \
	"{'filters': [{'event_types': ['" type "'], 'payload_predicates': [" predicate "]}]}"
#define FC_NOTHING "{'filters': [{'event_types': []}]}"

const factstr_query_result *fc_query(fc_test *test, factstr_store *store, const char *query);

/* The numbers of facts as "1 2 5". */
char	   *fc_numbers(fc_test *test, const factstr_fact *facts, size_t count);

/* The answer of a query, as such a text, and its context's version; 0 for an empty one. */
void		fc_expect_query(fc_test *test, const char *query, const char *numbers,
							uint64_t version);

/* Two facts are the same in everything; metadata and payload as JSON. */
void		fc_expect_same_fact(fc_test *test, const char *what, const factstr_fact *found,
								const factstr_fact *expected);

/* Up to max batches after a position, as "1-3: 1 3; 4-4: 4". */
char	   *fc_batches_text(fc_test *test, const factstr_batch_list *list);
const factstr_batch_list *fc_batches(fc_test *test, const char *query, uint64_t after, size_t max);
const factstr_batch_list *fc_export(fc_test *test, factstr_store *store);

/*
 * Threads
 */
typedef struct fc_worker
{
	fc_test    *test;
	factstr_store *store;
	int			index;			/* from 0 */
	void	   *context;
	void		(*run) (struct fc_worker *worker);
	pthread_t	thread;
	pthread_barrier_t *start;	/* or NULL */
	pid_t		caller;			/* with the test's lock held: its thread, once it begins a call; or 0 */
} fc_worker;

/* Runs a function in so many threads, which begin at once, and waits for all of them. */
void		fc_parallel(fc_test *test, int count, void (*run) (fc_worker *worker), void *context);

/* A worker that appends so many batches, of one to three events, of which the second is a "y". */
#define FC_APPENDED_BATCHES 40
void		fc_append_batches(fc_worker *worker);

/*
 * Appends pairs of facts of these types in another thread, each as one batch, while look checks an answer of the store
 * and returns the newest number in it.
 */
void		fc_look_while_pairs_come(fc_test *test, const char *first_type, const char *second_type,
									 uint64_t (*look) (fc_test *test));

/* Runs a function beside the case, until fc_join. */
fc_worker  *fc_background(fc_test *test, void (*run) (fc_worker *worker), void *context);
void		fc_join(fc_worker *worker);

/*
 * That a thread is in a call: it says that it begins one, which waits or takes long, and the other thread
 * sees that it sleeps or has worked for a while since.
 */
void		fc_begin_call(fc_worker *worker);
void		fc_await_call(fc_worker *worker);

/* For background work that lasts as long as the case: is it over? */
bool		fc_is_over(fc_test *test);

#endif							/* FACTSTR_CONFORMANCE_HARNESS_H */
