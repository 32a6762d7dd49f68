/*
 * stores/sqlite/backend.h
 *		Shared by the files of the SQLite store.
 *
 *		store.c			opening and closing; the table of functions
 *		location.c		PATH?busy_timeout_ms=MS&mode=rw
 *		access.c		the access to a file, and reading without the right to write
 *		schema.c		the schema of a file, and creating a new one
 *		connection.c	a connection and its statements; error.c: its errors
 *		writer.c		one transaction for all threads that write at the same time
 *		append.c		appends and imports, as such transactions see them
 *		redact.c		redactions, the same; erasure.c: removing erased text from the files
 *		log.c			the log as one connection sees it, for stores/local/search.h
 *		reading.c		snapshots and all that is read in them
 *		checkpoint.c	keeping the write-ahead log short
 *		watch.c			noticing the commits of other processes
 *		streams.c		durable streams, from outside
 *		leases.c		their consumers; lock.c: the locks of these
 *		delivery.c		the transaction of a delivery
 */
#ifndef FACTSTR_STORES_SQLITE_BACKEND_H
#define FACTSTR_STORES_SQLITE_BACKEND_H

#include <pthread.h>
#include <stdatomic.h>

#include "stores/hub.h"
#include "stores/local/log.h"
#include "stores/sqlite/connection.h"
#include "stores/store.h"

/* Connections that wait to be used for reading. */
typedef struct fs_readers
{
	pthread_mutex_t mutex;
	fs_database *idle;
	unsigned	idle_count;
} fs_readers;

struct fs_write;

/*
 * The writers.  At any time one thread has the turn, and with it the connection; the others queue,
 * and the one that gets the turn takes the whole queue into its transaction.
 */
typedef struct fs_writer
{
	pthread_mutex_t mutex;
	pthread_condattr_t condition_attributes;	/* of the condition that each write waits for */
	bool		is_taken;		/* a thread has the turn */
	bool		is_delivering;	/* for the transaction of a delivery */
	struct fs_write *first;		/* the queue */
	struct fs_write *last;
	fs_database *connection;	/* belongs to the thread that has the turn */
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
	int			next_at;		/* the number of pages that starts the next checkpoint */
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

typedef enum fs_reading
{
	FS_READS_AND_WRITES,
	FS_READS_BY_CHOICE,			/* mode=ro; SQLite itself may write beside the file */
	FS_READS_BY_NEED			/* nothing may be written */
} fs_reading;

struct fs_backend
{
	char	   *path;			/* absolute */
	int			busy_timeout;	/* ms */
	int			cache_size;		/* of each connection, in kilobytes */
	fs_reading	reading;
	int			obstacle;		/* why nothing may be written, as an errno */
	fs_hub	   *hub;
	fs_readers	readers;
	fs_writer	writer;
	fs_checkpointer checkpointer;
	fs_watcher	watcher;
	bool		lacks_redactions;	/* the file is of schema version 1, and only read */
	_Atomic bool has_erasures;	/* a redaction that is to be finished, as far as is known */
};

/*
 * location.c
 */

/* In kilobytes. */
#define FS_DEFAULT_CACHE_SIZE 16384

typedef struct fs_location
{
	char	   *path;
	int			busy_timeout;
	int			cache_size;
	bool		must_exist;		/* no store is made */
	bool		only_reads;
} fs_location;

/* On success location->path is new. */
int			fs_location_parse(const char *text, fs_location *location, factstr_error *error);

/*
 * access.c
 */

/* Why a file that exists cannot be written as a store, as an errno; 0: it can. */
int			fs_access_writing(const char *path);

/*
 * The obstacle to opening a file, and the hint, or NULL if there is none.  Both are static.
 */
const char *fs_access_obstacle(const char *path, const char **hint);
int			fs_error_obstacle(const char *path, const char *obstacle, const char *hint,
							  factstr_error *error);

/* FACTSTR_READ_ONLY, if the store can only be read. */
int			fs_check_writable(const fs_backend *backend, factstr_error *error);

/* A connection for reading, writing nothing at all. */
int			fs_open_unwritable(const char *path, int busy_timeout, fs_database **connection,
							   factstr_error *error);

/* FACTSTR_BUSY, if the file has changed that was read as if it could not. */
int			fs_check_frozen(const fs_database *connection, factstr_error *error);

/* Limits the pages that a connection keeps, as the options of the store say. */
int			fs_backend_limit_cache(const fs_backend *backend, fs_database *connection,
								   factstr_error *error);

/* A connection to the store, ready for all access that the process has. */
int			fs_backend_connect(const fs_backend *backend, fs_database **connection,
							   factstr_error *error);

/*
 * schema.c
 */

/* Looks whether a file that cannot be written, or is not to be, is a store of this version. */
int			fs_schema_check(fs_backend *backend, const fs_location *location,
							factstr_error *error);

/*
 * Opens a file that is a store which this version can use; makes it if it does not exist or is
 * empty, unless it must exist.  Any other file is left as it is.  *path, on success, is its absolute path and new; it
 * must live as long as the connection.
 */
int			fs_schema_open(const fs_location *location, fs_database **connection, char **path,
						   factstr_error *error);

/*
 * writer.c
 */
bool		fs_writer_init(fs_writer *writer);

/* Closes its connection too. */
void		fs_writer_destroy(fs_writer *writer);

/* A running transaction. */
typedef struct fs_transaction
{
	fs_database *connection;
	uint64_t	head;			/* the newest fact, those of this transaction included */
} fs_transaction;

/*
 * The work of one caller in a transaction.  It may be run more than once, each time in another
 * transaction, without traces of the time before.  *error is filled on failure.
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

/*
 * Takes the turn for the transaction of a delivery on another connection, and gives it back.
 * Meanwhile, waiting for the turn has no limit, because a handler may run for any time.
 */
int			fs_writer_take(fs_backend *backend, factstr_error *error);
void		fs_writer_give(fs_backend *backend);

/*
 * append.c
 */
int			fs_sqlite_append(fs_backend *backend, const fs_append *append,
							 factstr_append_result *result, factstr_error *error);
int			fs_sqlite_import(fs_backend *backend, const factstr_batch *batches,
							 fs_append_event *const *events, size_t count,
							 factstr_append_result *result, factstr_error *error);

/*
 * log.c
 */

/* The log as the connection's transaction sees it. */
void		fs_log_init(fs_local_log *log, fs_database *connection, uint64_t head);

/* Ends all that stands somewhere in the log: before the transaction ends, or inserts. */
void		fs_log_reset(fs_database *connection);
int			fs_log_head(fs_database *connection, uint64_t *head, factstr_error *error);

/* The columns of FETCH and EXPORT, as a fact; valid until the statement moves. */
void		fs_log_fact_of_row(sqlite3_stmt *row, factstr_fact *fact);

/*
 * reading.c
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

/*
 * code is the result of the reading: after a failure the connection is not used again, unless the code is
 * an answer of the log.  Returns it, or FACTSTR_BUSY if the answer may mix several snapshots.
 */
int			fs_snapshot_end(fs_backend *backend, fs_snapshot *snapshot, int code,
							factstr_error *error);

int			fs_sqlite_query(fs_backend *backend, const fs_query *query, fs_fact_list *facts,
							uint64_t *version, factstr_error *error);
int			fs_sqlite_context_version(fs_backend *backend, const fs_query *query,
									  uint64_t *version, factstr_error *error);
int			fs_sqlite_newest(fs_backend *backend, const fs_query *queries, size_t count,
							 fs_fact_list *facts, uint64_t *version, factstr_error *error);
int			fs_sqlite_head(fs_backend *backend, uint64_t *head, factstr_error *error);
int			fs_sqlite_read(fs_backend *backend, const fs_query *query, const fs_range *range,
						   fs_fact_list *facts, factstr_error *error);
int			fs_sqlite_batches(fs_backend *backend, const fs_query *query, uint64_t after,
							  size_t max_batches, fs_batch_list *batches, uint64_t *searched,
							  factstr_error *error);
int			fs_sqlite_export(fs_backend *backend, uint64_t after, size_t max_batches,
							 fs_batch_list *batches, factstr_error *error);

/*
 * redact.c
 */
int			fs_sqlite_redact(fs_backend *backend, const fs_redaction *redaction,
							 bool *traces_remain, factstr_error *error);
int			fs_sqlite_redactions(fs_backend *backend, uint64_t after, size_t max_count,
								 fs_redaction_list *redactions, factstr_error *error);
int			fs_sqlite_import_redactions(fs_backend *backend, const factstr_batch *batch,
										const fs_append_event *events, uint64_t *imported_count,
										factstr_error *error);

/* Takes a redaction, which is valid during the call; *goes_on begins as true. */
typedef int (*fs_redaction_function) (void *target, const factstr_redaction *redaction,
									  bool *goes_on, factstr_error *error);

/* Those of facts after this one, in order, as the connection's transaction sees them. */
int			fs_redactions_walk(fs_database *connection, uint64_t after, fs_redaction_function take,
							   void *target, factstr_error *error);
int			fs_redaction_exists(fs_database *connection, uint64_t sequence_number, bool *exists,
								factstr_error *error);
int			fs_redaction_insert(fs_database *connection, const factstr_redaction *redaction,
								factstr_error *error);

/*
 * erasure.c
 */

/* When a store has been opened, before others use it. */
void		fs_erasure_begin(fs_backend *backend);

/* After the commit of a redaction.  False if a file may still hold the old text. */
bool		fs_erasure_finish(fs_backend *backend);

/* After another commit, by the thread that has the turn. */
void		fs_erasure_retry(fs_backend *backend, fs_database *connection);

/*
 * checkpoint.c
 */
bool		fs_checkpointer_init(fs_checkpointer *checkpointer);
void		fs_checkpointer_destroy(fs_checkpointer *checkpointer);

/* After a commit on this connection, by the thread that has the turn. */
void		fs_checkpoint_if_due(fs_backend *backend, fs_database *connection);

/*
 * watch.c
 */
bool		fs_watcher_init(fs_watcher *watcher);
void		fs_watcher_destroy(fs_watcher *watcher);
int			fs_sqlite_watch(fs_backend *backend, factstr_error *error);
void		fs_sqlite_unwatch(fs_backend *backend);

/*
 * lock.c
 */

/* The open file of F_OFD_SETLK; -1: none. */
typedef int fs_lock;

/* Takes a stream's lock without waiting.  FACTSTR_STREAM_ACTIVE if a consumer has it. */
int			fs_lock_take(const char *path, int64_t stream_id, const char *name, fs_lock *lock,
						 factstr_error *error);

/* -1 is harmless. */
void		fs_lock_release(fs_lock *lock);

/* Does a consumer have the lock? */
int			fs_lock_is_held(const char *path, int64_t stream_id, bool *is_held,
							factstr_error *error);

/*
 * leases.c
 */
struct fs_lease
{
	fs_backend *backend;
	char	   *name;
	int64_t		stream_id;
	int64_t		epoch;
	fs_lock		lock;			/* -1: the name is given up */
	fs_database *connection;	/* of transactional deliveries; NULL: none is open */
	bool		has_turn;		/* a transaction is open on it, and no other connection writes */
};

int			fs_sqlite_stream_claim(fs_backend *backend, const fs_claim *claim, fs_lease **lease,
								   uint64_t *cursor, factstr_error *error);
int			fs_sqlite_stream_move(fs_lease *lease, uint64_t cursor, bool delivered,
								  factstr_error *error);
int			fs_sqlite_stream_fail(fs_lease *lease, const char *words, int64_t retry_at,
								  factstr_error *error);
int			fs_sqlite_stream_resume(fs_lease *lease, uint64_t *cursor, factstr_error *error);
void		fs_sqlite_stream_release(fs_lease *lease);

/* Moves the cursor in a transaction. */
int			fs_lease_move(fs_database *connection, const fs_lease *lease, uint64_t cursor,
						  factstr_error *error);

/*
 * delivery.c
 */
int			fs_sqlite_stream_begin(fs_lease *lease, void **transaction, factstr_error *error);
int			fs_delivery_connect(fs_lease *lease, factstr_error *error);

/* Moves the cursor in the transaction of the delivery, and commits it. */
int			fs_delivery_commit(fs_lease *lease, uint64_t cursor, factstr_error *error);

/* Rolls back the transaction of a delivery, if there is one. */
void		fs_delivery_end(fs_lease *lease);

/*
 * Does work in the transaction of the lease's delivery, and undoes it if it fails; the transaction
 * continues in any case.
 */
int			fs_write_within(fs_lease *lease, fs_write_function function, void *work,
							factstr_error *error);

/*
 * streams.c
 */

/* The row of a stream, as far as its consumer needs it. */
typedef struct fs_stream_row
{
	int64_t		stream_id;
	uint64_t	cursor;
	int64_t		epoch;
} fs_stream_row;

/*
 * The row of a name; *found is false if there is none.  *query, if query is not NULL, is a new
 * text.
 */
int			fs_stream_find(fs_database *connection, const char *name, fs_stream_row *row,
						   char **query, bool *found, factstr_error *error);

/*
 * How many partitions a stream has; 0: it has none.  FACTSTR_NO_SUCH_STREAM without a stream of the name.
 */
int			fs_stream_count_partitions(fs_database *connection, const char *name, size_t *count,
									   factstr_error *error);

/* Runs a change of one stream, whose number is bound.  FACTSTR_NO_SUCH_STREAM if it is gone. */
int			fs_stream_change(fs_database *connection, sqlite3_stmt *change, const char *name,
							 factstr_error *error);

int			fs_sqlite_streams(fs_backend *backend, fs_stream_list *streams,
							  factstr_error *error);
int			fs_sqlite_stream_cursor(fs_backend *backend, const char *name, uint64_t *cursor,
									factstr_error *error);
int			fs_sqlite_stream_seek(fs_backend *backend, fs_lease *within, const char *name,
								  uint64_t sequence_number, factstr_error *error);
int			fs_sqlite_stream_drop(fs_backend *backend, fs_lease *within, const char *name,
								  factstr_error *error);

#endif							/* FACTSTR_STORES_SQLITE_BACKEND_H */
