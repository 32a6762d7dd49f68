/*
 * stores/sqlite/writer.c
 *		One transaction for all threads that write at the same time.
 *
 * A commit waits for the disk, and SQLite has one writer at a time.  So threads that arrive while
 * another one writes queue up; when the turn passes to the first of them, it does the work of the whole
 * queue in one transaction, and the one commit answers all of them.  No thread serves others
 * twice: after its own transaction it passes the turn on.
 *
 * A write that is refused, by a conflict for example, has changed nothing and leaves the others in
 * the transaction alone.  After any other error, all of it is rolled back, and each write is retried
 * in a separate transaction, so that one cannot fail because of another.
 */
#include <string.h>

#include "base/threads.h"
#include "stores/calls.h"
#include "stores/hub.h"
#include "stores/sqlite/backend.h"
#include "stores/sqlite/connection.h"

/* How often a write that waits for its turn is looked at, whether it is to end.  In ms. */
#define FS_LOOK_INTERVAL 50

typedef enum fs_write_state
{
	FS_WRITE_QUEUED,
	FS_WRITE_HAS_TURN,
	FS_WRITE_UNDER_WAY,			/* in a transaction of another thread */
	FS_WRITE_DONE
} fs_write_state;

/* One caller's place in the queue, on its stack. */
typedef struct fs_write
{
	struct fs_write *next;
	fs_write_state state;
	pthread_cond_t state_changed;
	fs_write_function function; /* NULL: it wants the turn for itself */
	void	   *work;
	fs_write_speed speed;
	int			code;
	factstr_error *error;
	fs_current_call *call;		/* that it is a part of, and that may have to end */
} fs_write_entry;

bool
fs_writer_init(fs_writer *writer)
{
	(void) memset(writer, 0, sizeof(*writer));
	if (pthread_condattr_init(&writer->condition_attributes) != 0)
		return false;
	if (pthread_condattr_setclock(&writer->condition_attributes, CLOCK_MONOTONIC) == 0 &&
		pthread_mutex_init(&writer->mutex, NULL) == 0)
		return true;
	(void) pthread_condattr_destroy(&writer->condition_attributes);
	return false;
}

void
fs_writer_destroy(fs_writer *writer)
{
	fs_database_close(writer->connection);
	(void) pthread_mutex_destroy(&writer->mutex);
	(void) pthread_condattr_destroy(&writer->condition_attributes);
}

/*
 * The queue.  All of these with the mutex held.
 */
static void
fs_queue_append(fs_writer *writer, fs_write_entry *write)
{
	write->next = NULL;
	if (writer->last == NULL)
		writer->first = write;
	else
		writer->last->next = write;
	writer->last = write;
}

static void
fs_queue_remove(fs_writer *writer, fs_write_entry *write)
{
	fs_write_entry **link = &writer->first;
	fs_write_entry *before = NULL;

	while (*link != write)
	{
		before = *link;
		link = &before->next;
	}
	*link = write->next;
	if (writer->last == write)
		writer->last = before;
}

/* Takes writes off the front that can share one transaction; a write that needs the turn alone does not. */
static fs_write_entry *
fs_queue_take_group(fs_writer *writer)
{
	fs_write_entry *group = writer->first;
	fs_write_entry *last = group;

	last->state = FS_WRITE_UNDER_WAY;
	while (last->next != NULL && last->next->function != NULL)
	{
		last = last->next;
		last->state = FS_WRITE_UNDER_WAY;
	}
	writer->first = last->next;
	if (writer->first == NULL)
		writer->last = NULL;
	last->next = NULL;
	return group;
}

static void
fs_set_state(fs_write_entry *write, fs_write_state state)
{
	write->state = state;
	(void) pthread_cond_signal(&write->state_changed);
}

static void
fs_pass_turn(fs_writer *writer)
{
	if (writer->first == NULL)
		writer->is_taken = false;
	else
		fs_set_state(writer->first, FS_WRITE_HAS_TURN);
}

/* The time is over, or the call is to end; which of the two is told when the error is made. */
static bool
fs_has_waited_enough(int64_t deadline)
{
	factstr_error ignored;

	return fs_time_left(deadline) == 0 || fs_calls_check(&ignored) != FACTSTR_OK;
}

/*
 * Queues up and waits until the turn has come, or another thread has done the work.  Waiting for
 * the turn has a limit, as it does for other processes; but work that is under way is waited for, and
 * so is a delivery, whose handler takes as long as it takes.
 */
static void
fs_queue_wait(fs_writer *writer, fs_write_entry *write, int busy_timeout)
{
	int64_t		deadline = fs_deadline(busy_timeout);

	write->state = FS_WRITE_QUEUED;
	fs_queue_append(writer, write);
	if (!writer->is_taken)
	{
		writer->is_taken = true;
		write->state = FS_WRITE_HAS_TURN;
		return;
	}
	(void) pthread_cond_init(&write->state_changed, &writer->condition_attributes);
	while (write->state == FS_WRITE_QUEUED || write->state == FS_WRITE_UNDER_WAY)
	{
		bool		is_waiting = write->state == FS_WRITE_QUEUED;
		int64_t		left;
		int64_t		look_at;

		if (writer->is_delivering)
			deadline = fs_deadline(busy_timeout);
		left = fs_time_left(deadline);
		look_at = fs_deadline(left < FS_LOOK_INTERVAL && !writer->is_delivering ? left :
							  FS_LOOK_INTERVAL);
		if (!fs_condition_wait(&write->state_changed, &writer->mutex,
							   is_waiting ? look_at : FS_NO_DEADLINE) &&
			write->state == FS_WRITE_QUEUED &&
			fs_has_waited_enough(writer->is_delivering ? FS_NO_DEADLINE : deadline))
		{
			fs_queue_remove(writer, write);
			break;
		}
	}
	(void) pthread_cond_destroy(&write->state_changed);
}

/*
 * Transactions.  All of these with the turn.
 */

/* Lazy commits are worth it only if all of a transaction can be lazy. */
static int
fs_set_speed(fs_database *connection, const fs_write_entry *group, factstr_error *error)
{
	bool		lazily = true;
	int			code;

	for (const fs_write_entry *write = group; write != NULL; write = write->next)
		lazily = lazily && write->speed == FS_WRITE_LAZILY;
	if (lazily == connection->syncs_lazily)
		return FACTSTR_OK;
	code = fs_database_execute(connection, lazily ? "PRAGMA synchronous = NORMAL" :
							   "PRAGMA synchronous = FULL", "write to", error);
	if (code == FACTSTR_OK)
		connection->syncs_lazily = lazily;
	return code;
}

/* Failures that are an answer, and leave the transaction as it was. */
static bool
fs_is_refusal(int code)
{
	switch (code)
	{
		case FACTSTR_CONFLICT:
		case FACTSTR_STREAM_QUERY_DIFFERS:
		case FACTSTR_STREAM_ACTIVE:
		case FACTSTR_NO_SUCH_STREAM:
		case FACTSTR_IDEMPOTENCY_KEY_REUSED:
		case FACTSTR_MALFORMED:
			return true;
		default:
			return false;
	}
}

/* The work of another thread ends when the call of that thread does. */
static int
fs_run_write(fs_transaction *transaction, const fs_write_entry *write)
{
	fs_current_call *own = fs_current_call_exchange(write->call);
	int			code = write->function(transaction, write->work, write->error);

	(void) fs_current_call_exchange(own);
	return code;
}

/* Runs each write of the group.  Returns a code if the transaction cannot be committed. */
static int
fs_run_group(fs_transaction *transaction, fs_write_entry *group, factstr_error *error)
{
	for (fs_write_entry *write = group; write != NULL; write = write->next)
	{
		sqlite3_int64 changes = sqlite3_total_changes64(transaction->connection->db);
		uint64_t	head = transaction->head;

		write->code = fs_run_write(transaction, write);
		if (write->code == FACTSTR_OK)
			continue;
		if (!fs_is_refusal(write->code) || transaction->head != head ||
			sqlite3_total_changes64(transaction->connection->db) != changes)
		{
			*error = *write->error;
			return write->code;
		}
	}
	return FACTSTR_OK;
}

/*
 * One transaction for the group.  On failure nothing is left of it, and *error says why.  *changed:
 * has it changed anything?
 */
static int
fs_commit_group(fs_database *connection, fs_write_entry *group, bool *changed,
				factstr_error *error)
{
	fs_transaction transaction = {.connection = connection};
	sqlite3_int64 changes = sqlite3_total_changes64(connection->db);
	int			code = fs_set_speed(connection, group, error);

	if (code == FACTSTR_OK)
		code = fs_statement_do(connection, FS_BEGIN_WRITE, "write to", error);
	if (code == FACTSTR_OK)
		code = fs_log_head(connection, &transaction.head, error);
	if (code == FACTSTR_OK)
		code = fs_run_group(&transaction, group, error);
	fs_log_reset(connection);
	if (code == FACTSTR_OK)
		code = fs_statement_do(connection, FS_COMMIT, "write to", error);
	if (code != FACTSTR_OK)
		fs_database_rollback(connection);
	*changed = code == FACTSTR_OK && sqlite3_total_changes64(connection->db) != changes;
	return code;
}

static void
fs_fail_group(fs_write_entry *group, const factstr_error *error)
{
	for (fs_write_entry *write = group; write != NULL; write = write->next)
	{
		write->code = error->code;
		*write->error = *error;
	}
}

/* One transaction for each.  Returns whether anything has changed. */
static bool
fs_commit_one_by_one(fs_database *connection, fs_write_entry *group)
{
	bool		any_changed = false;

	for (fs_write_entry *write = group, *next; write != NULL; write = next)
	{
		fs_current_call *own = fs_current_call_exchange(write->call);
		factstr_error error;
		bool		changed;

		next = write->next;
		write->next = NULL;
		if (fs_commit_group(connection, write, &changed, &error) != FACTSTR_OK)
			fs_fail_group(write, &error);
		(void) fs_current_call_exchange(own);
		write->next = next;
		any_changed = any_changed || changed;
	}
	return any_changed;
}

/* Gives every write of the group its answer.  Returns whether anything has changed. */
static bool
fs_serve_group(fs_database *connection, fs_write_entry *group)
{
	factstr_error error;
	bool		changed;
	int			code = fs_commit_group(connection, group, &changed, &error);

	if (code == FACTSTR_OK)
		return changed;
	if (group->next != NULL && code != FACTSTR_BUSY)
		return fs_commit_one_by_one(connection, group);
	fs_fail_group(group, &error);
	return false;
}

/* The caller's own write is the first of the group, and needs no signal. */
static void
fs_answer_group(fs_writer *writer, fs_write_entry *group)
{
	(void) pthread_mutex_lock(&writer->mutex);
	for (fs_write_entry *write = group->next, *next; write != NULL; write = next)
	{
		next = write->next;		/* the entry is invalid once its thread continues */
		fs_set_state(write, FS_WRITE_DONE);
	}
	(void) pthread_mutex_unlock(&writer->mutex);
}

static void
fs_use_turn(fs_backend *backend, fs_write_entry *group)
{
	bool		changed = fs_serve_group(backend->writer.connection, group);

	fs_answer_group(&backend->writer, group);
	if (changed)
	{
		fs_hub_wake(backend->hub);
		fs_checkpoint_if_due(backend, backend->writer.connection);
		fs_erasure_retry(backend, backend->writer.connection);
	}
	fs_writer_give(backend);
}

static int
fs_error_no_turn(fs_backend *backend, factstr_error *error)
{
	return fs_sqlite_error(backend->writer.connection, SQLITE_BUSY, "write to", error);
}

int
fs_write(fs_backend *backend, fs_write_function function, void *work, fs_write_speed speed,
		 factstr_error *error)
{
	fs_writer  *writer = &backend->writer;
	fs_write_entry write = {
		.function = function,
		.work = work,
		.speed = speed,
		.error = error,
		.call = fs_current_call_now()
	};
	fs_write_entry *group = NULL;

	if (fs_check_writable(backend, error) != FACTSTR_OK)
		return FACTSTR_READ_ONLY;
	(void) pthread_mutex_lock(&writer->mutex);
	fs_queue_wait(writer, &write, backend->busy_timeout);
	if (write.state == FS_WRITE_HAS_TURN)
		group = fs_queue_take_group(writer);
	(void) pthread_mutex_unlock(&writer->mutex);

	if (group != NULL)
		fs_use_turn(backend, group);
	else if (write.state == FS_WRITE_QUEUED)
		return fs_error_no_turn(backend, error);
	return write.code;
}

int
fs_writer_take(fs_backend *backend, factstr_error *error)
{
	fs_writer  *writer = &backend->writer;
	fs_write_entry write = {.function = NULL};

	(void) pthread_mutex_lock(&writer->mutex);
	fs_queue_wait(writer, &write, backend->busy_timeout);
	if (write.state == FS_WRITE_HAS_TURN)
	{
		fs_queue_remove(writer, &write);
		writer->is_delivering = true;
	}
	(void) pthread_mutex_unlock(&writer->mutex);
	return write.state == FS_WRITE_HAS_TURN ? FACTSTR_OK : fs_error_no_turn(backend, error);
}

void
fs_writer_give(fs_backend *backend)
{
	(void) pthread_mutex_lock(&backend->writer.mutex);
	backend->writer.is_delivering = false;
	fs_pass_turn(&backend->writer);
	(void) pthread_mutex_unlock(&backend->writer.mutex);
}
