/*
 * stores/store.h
 *		What libfactstr asks of a store: one table of functions, and the types that cross it.
 *
 * Everything in front of this table is the same for all stores: the public functions, the JSON
 * boundary, cursors, and the streams with their threads.  Everything behind it is one store's: how
 * facts are kept, checked, found and locked.  A store knows nothing of handlers, and its callers
 * nothing of storage.
 *
 * Functions return FACTSTR_OK or a code, with *error filled, which is never NULL here.  All of them
 * may be called by several threads at the same time, except that a lease belongs to one thread at a
 * time.
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

/* Where waiting streams are woken; see hub.h. */
typedef struct fs_hub fs_hub;

/* An append that has passed all checks that need no look into the store. */
typedef struct fs_append
{
	size_t		event_count;
	const fs_append_event *events;
	const char *events_text;	/* the same as one JSON array, if they were given so; or NULL */
	const char *idempotency_key;	/* or NULL */
	factstr_append_condition condition;
	const fs_query *context;	/* NULL if unconditional */
	uint64_t	context_number; /* the number in the condition */
} fs_append;

/* A redaction, whose input has been checked. */
typedef struct fs_redaction
{
	uint64_t	sequence_number;
	const fs_append_event *event;	/* what the fact says from now on; the type is not used */
	const char *payload;		/* the same as NUL-terminated texts */
	const char *metadata;		/* NULL: it has none */
	const char *reason;
} fs_redaction;

/* Part of the log: after < sequence number <= up_to. */
typedef struct fs_range
{
	uint64_t	after;
	uint64_t	up_to;
	size_t		max_count;
	bool		backwards;
} fs_range;

/* How a consumer asks for a durable stream. */
typedef struct fs_claim
{
	const char *name;
	const fs_query *query;
	const fs_partition_set *partitions; /* all are made with it; NULL: it is none of them */
	factstr_stream_start start;
	bool		transactional;
} fs_claim;

typedef struct fs_methods
{
	/*
	 * location is what follows the scheme, or the whole URL for a server.  Whenever facts may have
	 * come in, by whatever process, the store calls fs_hub_wake(hub) after the commit, and
	 * fs_hub_wake_cursors(hub) when cursors may have moved: always for what it did itself, for
	 * others only while it watches.
	 */
	int			(*open) (const char *location, fs_hub *hub, fs_backend **backend,
						 factstr_error *error);
	void		(*close) (fs_backend *backend);

	/* A conflict is fs_error_conflict. */
	int			(*append) (fs_backend *backend, const fs_append *append,
						   factstr_append_result *result, factstr_error *error);

	/*
	 * NULL where there are no connections but the store's.  The append is made at the commit of the
	 * transaction that the program has begun over its connection; *result begins zeroed, and stays so
	 * unless its key is known already.
	 */
	int			(*append_at_commit) (fs_backend *backend, void *connection,
									 const fs_append *append, factstr_append_result *result,
									 factstr_error *error);

	/* The last batch that was committed over the connection; zeroes if there was none. */
	int			(*last_append) (fs_backend *backend, void *connection,
								factstr_append_result *result, factstr_error *error);

	/*
	 * The rows that the query wants, its "after" included, and the version of its context,
	 * of one moment.
	 */
	int			(*query) (fs_backend *backend, const fs_query *query, fs_fact_list *facts,
						  uint64_t *version, factstr_error *error);
	int			(*context_version) (fs_backend *backend, const fs_query *query,
									uint64_t *version, factstr_error *error);

	/*
	 * Adds the newest match of each query, in their order: a fact without a number where there is
	 * none, or none after the query's "after".  The version is that of all their contexts together;
	 * all of one moment.
	 */
	int			(*newest) (fs_backend *backend, const fs_query *queries, size_t count,
						   fs_fact_list *facts, uint64_t *version, factstr_error *error);

	/*
	 * The newest fact that may be shown: nothing that is returned later will have a number below it
	 * that was not there.
	 */
	int			(*head) (fs_backend *backend, uint64_t *head, factstr_error *error);

	/* The facts in the range that match; "after" has been made part of the range. */
	int			(*read) (fs_backend *backend, const fs_query *query, const fs_range *range,
						 fs_fact_list *facts, factstr_error *error);

	/*
	 * The next batches with a match after a position, whole and filtered.  *searched is how far the
	 * log was looked through: the end of the last batch if there are max_batches of them, otherwise
	 * the newest fact.
	 */
	int			(*batches) (fs_backend *backend, const fs_query *query, uint64_t after,
							size_t max_batches, fs_batch_list *batches, uint64_t *searched,
							factstr_error *error);

	/* Every fact, with idempotency keys and redactions. */
	int			(*export_batches) (fs_backend *backend, uint64_t after, size_t max_batches,
								   fs_batch_list *batches, factstr_error *error);

	/*
	 * Batches that follow one on the other; the store checks that the first follows its newest
	 * fact.  Or batches without numbers: the store gives them some and passes by those whose keys
	 * it has.  All keys are different.  events[i] are the parsed facts of batches[i].
	 * *result begins zeroed.
	 */
	int			(*import_batches) (fs_backend *backend, const factstr_batch *batches,
								   fs_append_event *const *events, size_t count,
								   factstr_append_result *result, factstr_error *error);

	/*
	 * Erases what a fact said, and records it.  traces_remain: the storage still holds the old text.
	 * FACTSTR_MALFORMED if there is no such fact.
	 */
	int			(*redact) (fs_backend *backend, const fs_redaction *redaction,
						   bool *traces_remain, factstr_error *error);

	/* By fact and then by time: max_count of them, and the rest of those of the last fact. */
	int			(*redactions) (fs_backend *backend, uint64_t after, size_t max_count,
							   fs_redaction_list *redactions, factstr_error *error);

	/*
	 * Those redactions of a batch that the log does not have; events are its parsed facts.  See
	 * factstr_import_redactions.
	 */
	int			(*import_redactions) (fs_backend *backend, const factstr_batch *batch,
									  const fs_append_event *events, uint64_t *imported_count,
									  factstr_error *error);

	/* Begins to notice what other processes commit; and ends that.  Never called twice in a row. */
	int			(*watch) (fs_backend *backend, factstr_error *error);
	void		(*unwatch) (fs_backend *backend);

	/*
	 * Takes a durable stream for one consumer, makes it if it does not exist, and gives its cursor.
	 * Does not wait: FACTSTR_STREAM_ACTIVE.  FACTSTR_STREAM_QUERY_DIFFERS leaves the cursor alone.
	 * The lease ends with the process, and keeps nothing of the claim.
	 */
	int			(*stream_claim) (fs_backend *backend, const fs_claim *claim, fs_lease **lease,
								 uint64_t *cursor, factstr_error *error);

	/* For transactional claims: begins the transaction of a delivery. */
	int			(*stream_begin) (fs_lease *lease, void **transaction, factstr_error *error);

	/*
	 * Moves the cursor forward, never backwards, and takes back what was known of failures; commits
	 * the transaction, if one was begun.  FACTSTR_NO_SUCH_STREAM if the stream was dropped
	 * meanwhile, FACTSTR_STREAM_ACTIVE if the name was lost to another consumer.  delivered: a
	 * handler has succeeded; otherwise nothing matched, and a loss of the move in a crash does no
	 * harm.
	 */
	int			(*stream_move) (fs_lease *lease, uint64_t cursor, bool delivered,
								factstr_error *error);

	/*
	 * The handler has failed: rolls back, keeps the words and the time of the next try, 0 if this
	 * consumer will not try again, and gives up the name meanwhile.
	 */
	int			(*stream_fail) (fs_lease *lease, const char *words, int64_t retry_at,
								factstr_error *error);

	/*
	 * Takes the name again, after stream_fail or after any failure of the storage, and gives the
	 * cursor as it is now.  The name may still be held; a transaction that was begun is rolled
	 * back.  FACTSTR_STREAM_ACTIVE if another consumer has or had it since (a seek is none),
	 * FACTSTR_NO_SUCH_STREAM if it was dropped.
	 */
	int			(*stream_resume) (fs_lease *lease, uint64_t *cursor, factstr_error *error);

	/*
	 * Gives up the name, if it is held, rolls back a transaction, if one was begun, and frees the
	 * lease.
	 */
	void		(*stream_release) (fs_lease *lease);

	int			(*streams) (fs_backend *backend, fs_stream_list *streams, factstr_error *error);
	int			(*stream_cursor) (fs_backend *backend, const char *name, uint64_t *cursor,
								  factstr_error *error);

	/*
	 * within, if it is not NULL, is a lease that has begun the transaction of a delivery on this
	 * thread.  The change is part of that transaction; one that is refused leaves it as it was.
	 */
	int			(*stream_seek) (fs_backend *backend, fs_lease *within, const char *name,
								uint64_t sequence_number, factstr_error *error);
	int			(*stream_drop) (fs_backend *backend, fs_lease *within, const char *name,
								factstr_error *error);
} fs_methods;

/* One file each; see there. */
extern const fs_methods fs_memory_store;
extern const fs_methods fs_sqlite_store;
extern const fs_methods fs_postgres_store;

#endif							/* FACTSTR_STORES_STORE_H */
