/*
 * sqlite_store.h
 *		The SQLite store: what its files share.
 *
 *		sqlite_store.c			opening and closing; the table of functions
 *		sqlite_location.c		PATH?busy_timeout=MS
 *		sqlite_schema.c			what a file must look like, and making a new one
 *		sqlite_connection.c		a connection and its statements; sqlite_error.c: its errors
 *		sqlite_writer.c			one transaction for all who write at the same time
 *		sqlite_append.c			appends and imports, as such transactions see them
 *		sqlite_log.c			the log as one connection sees it, for local_log.h
 *		sqlite_reading.c		snapshots and all that is read in them
 *		sqlite_checkpoint.c		keeping the write-ahead log short
 *		sqlite_watch.c			noticing the commits of other processes
 *		sqlite_streams.c		durable streams; sqlite_lock.c: who has one
 */
#ifndef FACTSTR_SQLITE_STORE_H
#define FACTSTR_SQLITE_STORE_H

#include <pthread.h>

#include "hub.h"
#include "local_log.h"
#include "sqlite_connection.h"
#include "store.h"

/* Connections that wait to be used for reading. */
typedef struct fs_readers
{
	pthread_mutex_t mutex;
	fs_database *idle;
	unsigned	idle_count;
} fs_readers;

struct fs_write;

/*
 * Who writes.  At any time one thread has the turn, and with it the connection; the others queue,
 * and whoever gets the turn takes what is in the queue into its transaction.
 */
typedef struct fs_writer
{
	pthread_mutex_t mutex;
	pthread_condattr_t condition_attributes;	/* of the condition that each write waits for */
	bool		is_taken;		/* somebody has the turn */
	struct fs_write *first;		/* the queue */
	struct fs_write *last;
	fs_database *connection;	/* belongs to whoever has the turn */
} fs_writer;

typedef enum fs_checkpoint_state
{
	FS_CHECKPOINT_IDLE,
	FS_CHECKPOINT_WANTED,		/* the thread is to copy the bulk, or is at it */
	FS_CHECKPOINT_COPIED		/* the next writer is to copy the rest */
} fs_checkpoint_state;

typedef struct fs_checkpointer
{
	pthread_mutex_t mutex;
	pthread_cond_t wanted;
	pthread_t	thread;
	bool		has_thread;
	bool		stops;
	fs_checkpoint_state state;
	int			wal_pages;		/* after the newest commit of this process */
	int			next_at;		/* so many pages begin the next checkpoint */
} fs_checkpointer;

typedef struct fs_watcher
{
	pthread_mutex_t mutex;
	pthread_cond_t stopped;
	pthread_t	thread;
	bool		stops;
	fs_database *connection;
	int64_t		data_version;
} fs_watcher;

struct fs_backend
{
	char	   *path;			/* absolute */
	int			busy_timeout;	/* ms */
	fs_hub	   *hub;
	fs_readers	readers;
	fs_writer	writer;
	fs_checkpointer checkpointer;
	fs_watcher	watcher;
};

/*
 * sqlite_location.c
 */
typedef struct fs_location
{
	char	   *path;
	int			busy_timeout;
} fs_location;

/* On success location->path is new. */
int			fs_location_parse(const char *text, fs_location *location, factstr_error *error);

/*
 * sqlite_schema.c
 */

/*
 * Opens a file that is a store which this version can use; makes it if it does not exist or is
 * empty.  Any other file is left as it is.  *path, on success, is its absolute path and new; it
 * must live as long as the connection.
 */
int			fs_schema_open(const fs_location *location, fs_database **connection, char **path,
						   factstr_error *error);

/*
 * sqlite_writer.c
 */
bool		fs_writer_init(fs_writer *writer);

/* Closes its connection too. */
void		fs_writer_destroy(fs_writer *writer);

/* A transaction that is going on. */
typedef struct fs_transaction
{
	fs_database *connection;
	uint64_t	head;			/* the newest fact, those of this transaction included */
} fs_transaction;

/*
 * What one caller wants done in a transaction.  It may be run more than once, each time in another
 * transaction, with nothing left of the time before.  *error is filled on failure.
 */
typedef int (*fs_write_function) (fs_transaction *transaction, void *work, factstr_error *error);

/* How long a commit may take to be on disk. */
typedef enum fs_write_speed
{
	FS_WRITE_NOW,				/* when the call returns */
	FS_WRITE_LAZILY				/* some time: its loss in a crash does no harm */
} fs_write_speed;

/* Returns when it is committed, or has failed and left nothing behind. */
int			fs_write(fs_backend *backend, fs_write_function function, void *work,
					 fs_write_speed speed, factstr_error *error);

/* Takes the turn for a transaction on another connection, and gives it back. */
int			fs_writer_take(fs_backend *backend, factstr_error *error);
void		fs_writer_give(fs_backend *backend);

/*
 * sqlite_append.c
 */
int			fs_sqlite_append(fs_backend *backend, const fs_append *append,
							 factstr_append_result *result, factstr_error *error);
int			fs_sqlite_import(fs_backend *backend, const factstr_batch *batches,
							 fs_append_event *const *events, size_t count,
							 factstr_error *error);

/*
 * sqlite_log.c
 */

/* The log as the connection's transaction sees it. */
void		fs_log_init(fs_local_log *log, fs_database *connection, uint64_t head);

/* Ends all that stands somewhere in the log: before the transaction ends, or inserts. */
void		fs_log_reset(fs_database *connection);
int			fs_log_head(fs_database *connection, uint64_t *head, factstr_error *error);

/* The columns of FETCH and EXPORT, as a fact; valid until the statement moves. */
void		fs_log_fact_of_row(sqlite3_stmt *row, factstr_fact *fact);

/*
 * sqlite_reading.c
 */
bool		fs_readers_init(fs_readers *readers);
void		fs_readers_destroy(fs_readers *readers);

/* One moment of the store. */
typedef struct fs_snapshot
{
	fs_database *connection;
	fs_local_log log;
} fs_snapshot;

int			fs_snapshot_begin(fs_backend *backend, fs_snapshot *snapshot, factstr_error *error);

/* code is what came of the reading: after a failure the connection is not used again. */
void		fs_snapshot_end(fs_backend *backend, fs_snapshot *snapshot, int code);

int			fs_sqlite_query(fs_backend *backend, const fs_query *query, fs_fact_list *facts,
							uint64_t *version, factstr_error *error);
int			fs_sqlite_context_version(fs_backend *backend, const fs_query *query,
									  uint64_t *version, factstr_error *error);
int			fs_sqlite_head(fs_backend *backend, uint64_t *head, factstr_error *error);
int			fs_sqlite_read(fs_backend *backend, const fs_query *query, const fs_range *range,
						   fs_fact_list *facts, factstr_error *error);
int			fs_sqlite_batches(fs_backend *backend, const fs_query *query, uint64_t after,
							  size_t max_batches, fs_batch_list *batches, uint64_t *searched,
							  factstr_error *error);
int			fs_sqlite_export(fs_backend *backend, uint64_t after, size_t max_batches,
							 fs_batch_list *batches, factstr_error *error);

/*
 * sqlite_checkpoint.c
 */
bool		fs_checkpointer_init(fs_checkpointer *checkpointer);
void		fs_checkpointer_destroy(fs_checkpointer *checkpointer);

/* After a commit on this connection, by whoever has the turn. */
void		fs_checkpoint_if_due(fs_backend *backend, fs_database *connection);

/*
 * sqlite_watch.c
 */
bool		fs_watcher_init(fs_watcher *watcher);
void		fs_watcher_destroy(fs_watcher *watcher);
int			fs_sqlite_watch(fs_backend *backend, factstr_error *error);
void		fs_sqlite_unwatch(fs_backend *backend);

/*
 * sqlite_lock.c
 */

/* What F_OFD_SETLK locks through; -1: nothing. */
typedef int fs_lock;

/* Takes a stream's lock without waiting.  FACTSTR_STREAM_ACTIVE if somebody has it. */
int			fs_lock_take(const char *path, int64_t stream_id, const char *name, fs_lock *lock,
						 factstr_error *error);

/* -1 is harmless. */
void		fs_lock_release(fs_lock *lock);

/* Has somebody the lock? */
int			fs_lock_is_held(const char *path, int64_t stream_id, bool *is_held,
							factstr_error *error);

/*
 * sqlite_streams.c
 */
int			fs_sqlite_stream_claim(fs_backend *backend, const fs_claim *claim, fs_lease **lease,
								   uint64_t *cursor, factstr_error *error);
int			fs_sqlite_stream_begin(fs_lease *lease, void **transaction, factstr_error *error);
int			fs_sqlite_stream_move(fs_lease *lease, uint64_t cursor, bool delivered,
								  factstr_error *error);
int			fs_sqlite_stream_fail(fs_lease *lease, const char *words, int64_t retry_at,
								  factstr_error *error);
int			fs_sqlite_stream_resume(fs_lease *lease, uint64_t *cursor, factstr_error *error);
void		fs_sqlite_stream_release(fs_lease *lease);
int			fs_sqlite_streams(fs_backend *backend, fs_stream_list *streams,
							  factstr_error *error);
int			fs_sqlite_stream_cursor(fs_backend *backend, const char *name, uint64_t *cursor,
									factstr_error *error);
int			fs_sqlite_stream_seek(fs_backend *backend, const char *name,
								  uint64_t sequence_number, factstr_error *error);
int			fs_sqlite_stream_drop(fs_backend *backend, const char *name, factstr_error *error);

#endif							/* FACTSTR_SQLITE_STORE_H */
