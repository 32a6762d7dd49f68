/*
 * stores/store.h
 *		The interface of a store: one table of functions, and the types in their arguments.
 *
 * Everything above this table is the same for all stores: the public functions, the JSON boundary, cursors, and
 * the streams with their threads.  Everything below it belongs to one store: how facts are stored, checked, found
 * and locked. A store knows nothing of handlers, and its callers nothing of storage.
 *
 * Functions return FACTSTR_OK or a code, with *error filled, which is never NULL here.  Several threads may call
 * any of them at the same time, except that a lease belongs to one thread at a time.
 */
#ifndef FACTSTR_STORES_STORE_H
#define FACTSTR_STORES_STORE_H

#include "factstr.h"

#include "input/events.h"
#include "input/partitions.h"
#include "input/query.h"
#include "results/lists.h"

/* A store's own state; each store defines it. */
typedef struct fs_backend fs_backend;

/* One consumer's hold on a durable stream; each store defines it. */
typedef struct fs_lease fs_lease;

/* Wakes waiting streams; see hub.h. */
typedef struct fs_hub fs_hub;

/* An append that has passed all checks that do not depend on the store. */
typedef struct fs_append
{
	size_t		event_count;
	const fs_append_event *events;
	const char *events_text;	/* the same as one JSON array, if given in that form; or NULL */
	const char *idempotency_key;	/* or NULL */
	factstr_append_condition condition;
	const fs_query *context;	/* NULL if unconditional */
	uint64_t	context_number; /* the number in the condition */
} fs_append;

/* A redaction with checked input. */
typedef struct fs_redaction
{
	uint64_t	sequence_number;
	const fs_append_event *event;	/* the new content of the fact; the type is not used */
	const char *payload;		/* the same as NUL-terminated texts */
	const char *metadata;		/* NULL: it has none */
	const char *reason;
} fs_redaction;

/* A part of the log: after < sequence number <= up_to. */
typedef struct fs_range
{
	uint64_t	after;
	uint64_t	up_to;
	size_t		max_count;
	bool		backwards;
} fs_range;

/* A consumer's request for a durable stream. */
typedef struct fs_claim
{
	const char *name;
	const fs_query *query;
	const fs_partition_set *partitions; /* all of them are created with it; NULL: it is not a partition */
	factstr_stream_start start;
	bool		transactional;
} fs_claim;

typedef struct fs_methods
{
	/*
	 * location is the part after the scheme, or the whole URL for a server.  Whenever any process may
	 * have added facts, the store calls fs_hub_wake(hub) after the commit, and
	 * fs_hub_wake_cursors(hub) when cursors may have moved: always for its own changes, for
	 * others only while it watches.
	 */
	int			(*open) (const char *location, fs_hub *hub, fs_backend **backend,
						 factstr_error *error);
	void		(*close) (fs_backend *backend);

	/* A conflict is fs_error_conflict. */
	int			(*append) (fs_backend *backend, const fs_append *append,
						   factstr_append_result *result, factstr_error *error);

	/*
	 * NULL if the store has no connections of the program.  The append runs at the commit of the transaction that
	 * the program has begun on its connection; *result begins zeroed, and stays so unless its key is already
	 * known.
	 */
	int			(*append_at_commit) (fs_backend *backend, void *connection,
									 const fs_append *append, factstr_append_result *result,
									 factstr_error *error);

	/* The last batch that was committed over the connection; zeroes if there was none. */
	int			(*last_append) (fs_backend *backend, void *connection,
								factstr_append_result *result, factstr_error *error);

	/* The rows of the query, with regard to its "after", and the version of its context, from one snapshot. */
	int			(*query) (fs_backend *backend, const fs_query *query, fs_fact_list *facts,
						  uint64_t *version, factstr_error *error);
	int			(*context_version) (fs_backend *backend, const fs_query *query,
									uint64_t *version, factstr_error *error);

	/*
	 * Adds the newest match of each query, in their order: a fact without a number if there is none, or none after
	 * the query's "after".  The version is that of all their contexts together; all from one snapshot.
	 */
	int			(*newest) (fs_backend *backend, const fs_query *queries, size_t count,
						   fs_fact_list *facts, uint64_t *version, factstr_error *error);

	/* The newest fact that may be shown: no later result contains a lower number that was not there. */
	int			(*head) (fs_backend *backend, uint64_t *head, factstr_error *error);

	/* The matching facts in the range; "after" is already part of the range. */
	int			(*read) (fs_backend *backend, const fs_query *query, const fs_range *range,
						 fs_fact_list *facts, factstr_error *error);

	/*
	 * The next batches with a match after a position, complete and filtered.  *searched is the position up to
	 * which the log was searched: the end of the last batch if there are max_batches of them, otherwise the newest
	 * fact.
	 */
	int			(*batches) (fs_backend *backend, const fs_query *query, uint64_t after,
							size_t max_batches, fs_batch_list *batches, uint64_t *searched,
							factstr_error *error);

	/* Every fact, with idempotency keys and redactions. */
	int			(*export_batches) (fs_backend *backend, uint64_t after, size_t max_batches,
								   fs_batch_list *batches, factstr_error *error);

	/*
	 * Consecutive batches; the store checks that the first one follows its newest fact.  Or batches without
	 * numbers: the store assigns them and skips batches whose keys it has.  All keys are different.  events[i] are
	 * the parsed facts of batches[i]. *result begins zeroed.
	 */
	int			(*import_batches) (fs_backend *backend, const factstr_batch *batches,
								   fs_append_event *const *events, size_t count,
								   factstr_append_result *result, factstr_error *error);

	/*
	 * Erases the content of a fact, and records it.  traces_remain: the storage still contains the old text.
	 * FACTSTR_MALFORMED if there is no such fact.
	 */
	int			(*redact) (fs_backend *backend, const fs_redaction *redaction,
						   bool *traces_remain, factstr_error *error);

	/* By fact and then by time: max_count of them, and the remaining ones of the last fact. */
	int			(*redactions) (fs_backend *backend, uint64_t after, size_t max_count,
							   fs_redaction_list *redactions, factstr_error *error);

	/*
	 * Those redactions of a batch that the log does not have; events are its parsed facts.  See
	 * factstr_import_redactions.
	 */
	int			(*import_redactions) (fs_backend *backend, const factstr_batch *batch,
									  const fs_append_event *events, uint64_t *imported_count,
									  factstr_error *error);

	/* Begins to detect commits of other processes, and ends that.  Never called twice in a row. */
	int			(*watch) (fs_backend *backend, factstr_error *error);
	void		(*unwatch) (fs_backend *backend);

	/*
	 * Takes a durable stream for one consumer, creates it if it does not exist, and returns its cursor. Does not
	 * wait: FACTSTR_STREAM_ACTIVE.  FACTSTR_STREAM_QUERY_DIFFERS leaves the cursor unchanged. The lease ends with
	 * the process, and keeps nothing of the claim.
	 */
	int			(*stream_claim) (fs_backend *backend, const fs_claim *claim, fs_lease **lease,
								 uint64_t *cursor, factstr_error *error);

	/* For transactional claims: begins the transaction of a delivery. */
	int			(*stream_begin) (fs_lease *lease, void **transaction, factstr_error *error);

	/*
	 * Moves the cursor forward, never backwards, and resets the failures; commits the transaction, if one was
	 * begun.  FACTSTR_NO_SUCH_STREAM if the stream was dropped meanwhile, FACTSTR_STREAM_ACTIVE if another
	 * consumer has the name.  delivered: a handler has succeeded; otherwise nothing matched, and a crash may undo
	 * the move without harm.
	 */
	int			(*stream_move) (fs_lease *lease, uint64_t cursor, bool delivered,
								factstr_error *error);

	/*
	 * The handler has failed: rolls back, stores the message and the time of the next attempt, 0 if this consumer
	 * will not try again, and releases the name meanwhile.
	 */
	int			(*stream_fail) (fs_lease *lease, const char *words, int64_t retry_at,
								factstr_error *error);

	/*
	 * Takes the name again, after stream_fail or after any failure of the storage, and returns the current cursor.
	 * The name may still be held; a transaction that was begun is rolled back. FACTSTR_STREAM_ACTIVE if another
	 * consumer has or had it since (a seek does not count), FACTSTR_NO_SUCH_STREAM if it was dropped.
	 */
	int			(*stream_resume) (fs_lease *lease, uint64_t *cursor, factstr_error *error);

	/* Releases the name, if it is held, rolls back a transaction, if one was begun, and frees the lease. */
	void		(*stream_release) (fs_lease *lease);

	int			(*streams) (fs_backend *backend, fs_stream_list *streams, factstr_error *error);
	int			(*stream_cursor) (fs_backend *backend, const char *name, uint64_t *cursor,
								  factstr_error *error);

	/*
	 * within, if it is not NULL, is a lease that has begun the transaction of a delivery on this thread.  The
	 * change is part of that transaction; a rejected change leaves it unchanged.
	 */
	int			(*stream_seek) (fs_backend *backend, fs_lease *within, const char *name,
								uint64_t sequence_number, factstr_error *error);
	int			(*stream_drop) (fs_backend *backend, fs_lease *within, const char *name,
								factstr_error *error);

	/* The logs of the store's database, by name; all four are NULL if the store is one log, and there are no others. */
	int			(*logs) (fs_backend *backend, fs_log_list *logs, factstr_error *error);
	int			(*create_log) (fs_backend *backend, const char *log, factstr_error *error);
	int			(*seal_log) (fs_backend *backend, const char *log, bool *was_open,
							 factstr_error *error);
	int			(*drop_log) (fs_backend *backend, const char *log, const char *confirmation,
							 uint64_t *dropped_facts, factstr_error *error);
} fs_methods;

/* One file each; see there. */
extern const fs_methods fs_memory_store;
extern const fs_methods fs_sqlite_store;
extern const fs_methods fs_postgres_store;

#endif							/* FACTSTR_STORES_STORE_H */
