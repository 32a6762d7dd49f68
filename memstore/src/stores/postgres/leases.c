/*
 * stores/postgres/leases.c
 *		Consumers of durable streams.
 *
 * A consumer's lease has a connection, whose session holds the stream.  If either process or the
 * connection dies, the server frees the stream.  When the lease is resumed over another connection, the token of the
 * hold shows whether another consumer has held the stream meanwhile.
 *
 * Batches are read over other connections, so a consumer that is cut off learns of it when it moves
 * the cursor.  The batch that it has in hand may then have gone to its successor as well; only a
 * transactional consumer's effects are taken back in that case.
 *
 * A lost connection is FACTSTR_NOT_CONNECTED here, because a consumer that resumes sees its current cursor.
 */
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "base/threads.h"
#include "base/times.h"
#include "results/error.h"
#include "stores/hub.h"
#include "stores/postgres/backend.h"
#include "stores/postgres/connection.h"

/* How long to wait for the end of a former session, and how often to ask.  In ms. */
#define FS_GHOST_TIME 1000
#define FS_GHOST_INTERVAL 20

struct fs_lease
{
	fs_backend *backend;
	char	   *name;
	char	   *query;
	bool		is_transactional;
	fs_connection *connection;	/* NULL: the stream is not held */
	int64_t		token;
	bool		has_transaction;
};

static int
fs_refuse_taken_over(const char *name, factstr_error *error)
{
	return fs_error(error, FACTSTR_STREAM_ACTIVE,
					"durable stream \"%s\" has been taken over by another consumer", name);
}

/* It will end when the server gives up its connection, so this is no reason to end the stream. */
static int
fs_refuse_ghost(const char *name, factstr_error *error)
{
	return fs_error(error, FACTSTR_NOT_CONNECTED,
					"the session of a lost connection still holds durable stream \"%s\"", name);
}

/*
 * Leases
 */

static void
fs_lease_free(fs_lease *lease)
{
	free(lease->name);
	free(lease->query);
	free(lease);
}

static fs_lease *
fs_lease_new(fs_backend *backend, const fs_claim *claim)
{
	fs_lease   *lease = calloc(1, sizeof(fs_lease));

	if (lease == NULL)
		return NULL;
	lease->backend = backend;
	lease->name = strdup(claim->name);
	lease->query = strdup(claim->query->text);
	lease->is_transactional = claim->transactional;
	if (lease->name != NULL && lease->query != NULL)
		return lease;
	fs_lease_free(lease);
	return NULL;
}

/* With the connection goes the hold, though the server may learn of it later. */
static void
fs_drop_connection(fs_lease *lease)
{
	if (lease->connection != NULL)
	{
		fs_ghost_note(lease->backend, lease->name, lease->connection->server_pid);
		fs_connection_close(lease->backend, lease->connection);
	}
	lease->connection = NULL;
	lease->has_transaction = false;
}

/* A handler with transactions may have left anything in its session, so that is not for others. */
static void
fs_let_connection_go(fs_lease *lease)
{
	if (lease->is_transactional)
		fs_drop_connection(lease);
	else
		fs_connection_give_back(lease->backend, lease->connection);
	lease->connection = NULL;
}

static int
fs_call_with_lease(fs_lease *lease, const fs_call *call, const fs_answer *answer,
				   factstr_error *error)
{
	int			code;

	if (lease->connection == NULL)
		return fs_error(error, FACTSTR_NOT_CONNECTED, "the connection was lost before");
	code = fs_call_over(lease->backend, lease->connection, call, answer, error);
	if (code == FACTSTR_CONNECTION_LOST)
		fs_drop_connection(lease);
	return fs_name_stream(code, lease->name, error);
}

static int
fs_command_with_lease(fs_lease *lease, const char *command, factstr_error *error)
{
	int			code = fs_command_over(lease->connection, command, error);

	if (code == FACTSTR_CONNECTION_LOST)
		fs_drop_connection(lease);
	return code;
}

static void
fs_roll_back(fs_lease *lease)
{
	factstr_error error;

	if (lease->has_transaction && lease->connection != NULL &&
		fs_command_with_lease(lease, "ROLLBACK", &error) != FACTSTR_OK)
		fs_drop_connection(lease);
	lease->has_transaction = false;
}

/*
 * Taking a stream
 */

typedef struct fs_hold
{
	bool		is_held;		/* or else another consumer has it, or has had it since */
	bool		is_ghosts;		/* or else a former session of this store has it */
	int64_t		token;
	uint64_t	cursor;
} fs_hold;

static int
fs_take_hold(const PGresult *rows, int row, void *target, factstr_error *error)
{
	fs_hold    *hold = target;

	(void) error;
	hold->is_held = !PQgetisnull(rows, row, 0);
	hold->token = fs_value_int8(rows, row, 0);
	hold->cursor = (uint64_t) fs_value_int8(rows, row, 1);
	return FACTSTR_OK;
}

/* Holds the stream over the lease's connection, with a new hold if it has no token, and returns the cursor. */
static int
fs_try_hold_stream(fs_lease *lease, fs_hold *hold, factstr_error *error)
{
	char		token[FS_INTEGER_SIZE];
	fs_call		call = {
		FS_STATEMENT_STREAM_HOLD, 3,
		{
			lease->name, lease->query,
			lease->token == 0 ? NULL : fs_integer_parameter((uint64_t) lease->token, token)
		}
	};
	fs_answer	answer = {.take = fs_take_hold, .target = hold};
	int			code = fs_call_with_lease(lease, &call, &answer, error);

	if (code == FACTSTR_OK && hold->is_held)
	{
		lease->token = hold->token;
		fs_ghosts_forget(lease->backend, lease->name);
	}
	return code;
}

static int
fs_end_ghost(fs_lease *lease, bool *was_ghost, factstr_error *error)
{
	int			code = fs_ghost_end(lease->backend, lease->connection, lease->name, was_ghost,
									error);

	if (code == FACTSTR_CONNECTION_LOST)
		fs_drop_connection(lease);
	return code;
}

/*
 * The same, against a former session too.  That may have ended by itself between two looks, so the
 * last one is at the stream.
 */
static int
fs_hold_stream(fs_lease *lease, fs_hold *hold, factstr_error *error)
{
	int64_t		deadline = fs_deadline(FS_GHOST_TIME);
	int			code = fs_try_hold_stream(lease, hold, error);

	hold->is_ghosts = fs_ghosts_exist(lease->backend, lease->name);
	while (code == FACTSTR_OK && !hold->is_held && hold->is_ghosts && fs_time_left(deadline) > 0)
	{
		code = fs_end_ghost(lease, &hold->is_ghosts, error);
		if (code == FACTSTR_OK && hold->is_ghosts)
			(void) poll(NULL, 0, FS_GHOST_INTERVAL);
		if (code == FACTSTR_OK)
			code = fs_try_hold_stream(lease, hold, error);
	}
	return code;
}

/* A partition is made together with the others. */
static int
fs_make_stream(fs_lease *lease, const fs_claim *claim, factstr_error *error)
{
	const fs_partition_set *set = claim->partitions;
	const char *start = claim->start == FACTSTR_FROM_NOW ? "now" : "first";
	char		count[FS_INTEGER_SIZE];
	fs_call		one = {FS_STATEMENT_STREAM_OPEN, 3, {lease->name, lease->query, start}};

	if (set != NULL)
	{
		fs_call		all = {
			FS_STATEMENT_STREAM_OPEN_PARTITIONS, 5,
			{set->name, set->query.text, start, fs_integer_parameter(set->count, count), set->key}
		};

		return fs_call_with_lease(lease, &all, NULL, error);
	}
	return fs_call_with_lease(lease, &one, NULL, error);
}

/* Another session may drop the stream between the two calls: then it is created again. */
static int
fs_claim_over_connection(fs_lease *lease, const fs_claim *claim, uint64_t *cursor,
						 factstr_error *error)
{
	fs_hold		hold = {0};
	int			code;

	do
	{
		code = fs_make_stream(lease, claim, error);
		if (code == FACTSTR_OK)
			code = fs_hold_stream(lease, &hold, error);
	}
	while (code == FACTSTR_NO_SUCH_STREAM);
	if (code == FACTSTR_OK && !hold.is_held)
		code = fs_error_stream_active(error, lease->name);
	*cursor = hold.cursor;
	return code;
}

/* A connection that was lost before it was of any use is replaced once. */
static int
fs_claim_stream(fs_lease *lease, const fs_claim *claim, uint64_t *cursor, factstr_error *error)
{
	int			code = FACTSTR_CONNECTION_LOST;

	for (int i = 0; i < 2 && code == FACTSTR_CONNECTION_LOST; i++)
	{
		lease->connection = fs_connection_take(lease->backend, error);
		if (lease->connection == NULL)
			return error->code;
		code = fs_claim_over_connection(lease, claim, cursor, error);
	}
	return code;
}

int
fs_postgres_stream_claim(fs_backend *backend, const fs_claim *claim, fs_lease **lease,
						 uint64_t *cursor, factstr_error *error)
{
	fs_lease   *claimed = fs_lease_new(backend, claim);
	int			code;

	if (claimed == NULL)
		return fs_error_no_memory(error);
	code = fs_claim_stream(claimed, claim, cursor, error);
	if (code == FACTSTR_OK)
	{
		*lease = claimed;
		return code;
	}
	fs_postgres_stream_release(claimed);
	return fs_nothing_was_done(error);
}

int
fs_postgres_stream_resume(fs_lease *lease, uint64_t *cursor, factstr_error *error)
{
	fs_hold		hold = {0};
	int			code;

	fs_roll_back(lease);
	if (lease->connection == NULL)
		lease->connection = fs_connection_take(lease->backend, error);
	if (lease->connection == NULL)
		return error->code;
	code = fs_hold_stream(lease, &hold, error);
	if (code != FACTSTR_OK)
		return fs_nothing_was_done(error);
	if (!hold.is_held)
		code = hold.is_ghosts ? fs_refuse_ghost(lease->name, error) :
			fs_refuse_taken_over(lease->name, error);
	*cursor = hold.cursor;
	return code;
}

/*
 * Having it
 */

int
fs_postgres_stream_begin(fs_lease *lease, void **transaction, factstr_error *error)
{
	int			code;

	if (lease->connection == NULL)
		return fs_error(error, FACTSTR_NOT_CONNECTED, "the connection was lost before");
	code = fs_command_with_lease(lease, "BEGIN", error);
	if (code != FACTSTR_OK)
		return fs_nothing_was_done(error);
	lease->has_transaction = true;
	*transaction = lease->connection->libpq;
	return FACTSTR_OK;
}

/* A handler that has ended its transaction has taken the cursor's move out of it. */
static int
fs_check_transaction(fs_lease *lease, factstr_error *error)
{
	if (!lease->has_transaction)
		return FACTSTR_OK;
	switch (PQtransactionStatus(lease->connection->libpq))
	{
		case PQTRANS_INTRANS:
			return FACTSTR_OK;
		case PQTRANS_INERROR:
			return fs_error(error, FACTSTR_HANDLER_FAILED,
							"a statement of the handler has failed in its transaction");
		case PQTRANS_UNKNOWN:
			fs_drop_connection(lease);
			return fs_error(error, FACTSTR_NOT_CONNECTED,
							"the connection was lost during a delivery");
		default:
			return fs_error(error, FACTSTR_HANDLER_FAILED,
							"the handler has ended the transaction of its delivery");
	}
}

int
fs_call_within(fs_lease *lease, const fs_call *call, factstr_error *error)
{
	factstr_error ignored;
	int			code = lease->connection == NULL ?
		fs_error(error, FACTSTR_CONNECTION_LOST, "the connection was lost before") :
		fs_command_with_lease(lease, "SAVEPOINT factstr_change", error);

	if (code != FACTSTR_OK)
		return code;
	code = fs_call_with_lease(lease, call, NULL, error);
	if (code != FACTSTR_OK && lease->connection != NULL)
		(void) fs_command_with_lease(lease, "ROLLBACK TO factstr_change", &ignored);
	if (lease->connection != NULL)
		(void) fs_command_with_lease(lease, "RELEASE factstr_change", &ignored);
	return code;
}

int
fs_postgres_stream_move(fs_lease *lease, uint64_t cursor, bool delivered, factstr_error *error)
{
	char		position[FS_INTEGER_SIZE];
	fs_call		call = {
		delivered ? FS_STATEMENT_STREAM_MOVE : FS_STATEMENT_STREAM_SKIP, 2,
		{lease->name, fs_integer_parameter(cursor, position)}
	};
	int			code = lease->connection == NULL ? FACTSTR_OK : fs_check_transaction(lease, error);

	if (code == FACTSTR_OK)
		code = fs_call_with_lease(lease, &call, NULL, error);
	if (code == FACTSTR_OK && lease->has_transaction)
	{
		code = fs_command_with_lease(lease, "COMMIT", error);
		lease->has_transaction = false;
	}
	if (code != FACTSTR_OK)
		return fs_nothing_was_done(error);
	fs_hub_wake_cursors(lease->backend->hub);
	return code;
}

/* A time as the server reads it. */
static const char *
fs_time_parameter(int64_t time, char *text)
{
	return time == 0 ? NULL : fs_format_time(time, text);
}

int
fs_postgres_stream_fail(fs_lease *lease, const char *words, int64_t retry_at,
						factstr_error *error)
{
	char		time[FS_TIME_SIZE];
	fs_call		call = {
		FS_STATEMENT_STREAM_FAIL, 3, {lease->name, words, fs_time_parameter(retry_at, time)}
	};
	int			code;

	fs_roll_back(lease);
	code = fs_call_with_lease(lease, &call, NULL, error);
	if (code != FACTSTR_OK)
		return fs_nothing_was_done(error);
	fs_let_connection_go(lease);
	fs_hub_wake_cursors(lease->backend->hub);
	return code;
}

void
fs_postgres_stream_release(fs_lease *lease)
{
	fs_call		call = {FS_STATEMENT_STREAM_RELEASE, 1, {lease->name}};
	factstr_error error;

	fs_roll_back(lease);
	if (lease->connection != NULL)
	{
		if (fs_call_with_lease(lease, &call, NULL, &error) == FACTSTR_OK)
			fs_let_connection_go(lease);
		else
			fs_drop_connection(lease);
	}
	fs_lease_free(lease);
}
