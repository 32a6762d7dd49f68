/*
 * stores/sqlite/log.c
 *		The log as one connection's transaction sees it, for the search of stores/local/search.h.
 *
 * The search goes along a few terms at a time, and asks of each for the next fact from some
 * position on.  That position is mostly near the last answer, so the statement that gave it is
 * kept where it is and stepped: only a far position costs a new search in the index.
 */
#include <inttypes.h>

#include "results/error.h"
#include "stores/sqlite/backend.h"
#include "stores/sqlite/connection.h"

/* So many steps along a term are about as dear as one search. */
#define FS_STEPS_PER_SEARCH 8

#define FS_READ "read"

static const char fs_walk_forwards[] =
"SELECT sequence_number FROM factstr_terms WHERE term = ?1 AND sequence_number >= ?2"
" ORDER BY sequence_number";

static const char fs_walk_backwards[] =
"SELECT sequence_number FROM factstr_terms WHERE term = ?1 AND sequence_number <= ?2"
" ORDER BY sequence_number DESC";

/* SQLite's integers are signed; a position beyond them is as good as the last. */
static sqlite3_int64
fs_position(uint64_t position)
{
	return position > INT64_MAX ? INT64_MAX : (sqlite3_int64) position;
}

static int
fs_error_missing_fact(const fs_database *connection, uint64_t sequence_number,
					  factstr_error *error)
{
	return fs_error(error, FACTSTR_STORAGE, "fact %" PRIu64 " is missing in \"%s\"",
					sequence_number, connection->path);
}

/* Is the answer for one position the answer for another one, too? */
static bool
fs_walk_covers(const fs_term_walk *walk, uint64_t position)
{
	if (walk->backwards)
		return position <= walk->asked && position >= walk->found;
	return position >= walk->asked && (walk->found == 0 || position <= walk->found);
}

/* Does the walk lead there, and not away? */
static bool
fs_walk_leads_to(const fs_term_walk *walk, uint64_t position)
{
	return walk->backwards ? position < walk->found :
		position > walk->found && walk->found != 0;
}

static int
fs_walk_step(fs_database *connection, fs_term_walk *walk, factstr_error *error)
{
	int			result = sqlite3_step(walk->statement);

	if (result == SQLITE_ROW)
		walk->found = (uint64_t) sqlite3_column_int64(walk->statement, 0);
	else if (result == SQLITE_DONE)
		walk->found = 0;
	else
	{
		walk->is_active = false;
		return fs_sqlite_error(connection, result, FS_READ, error);
	}
	return FACTSTR_OK;
}

/* Some steps towards the position. */
static int
fs_walk_on(fs_database *connection, fs_term_walk *walk, uint64_t position,
		   factstr_error *error)
{
	int			code = FACTSTR_OK;

	for (int i = 0; i < FS_STEPS_PER_SEARCH && code == FACTSTR_OK &&
		 fs_walk_leads_to(walk, position); i++)
	{
		/* There is nothing between the two. */
		walk->asked = walk->backwards ? walk->found - 1 : walk->found + 1;
		code = fs_walk_step(connection, walk, error);
	}
	return code;
}

static int
fs_walk_begin(fs_database *connection, fs_term_walk *walk, fs_term term, uint64_t position,
			  factstr_error *error)
{
	walk->term = term;
	walk->asked = position;
	walk->is_active = true;
	(void) sqlite3_reset(walk->statement);
	(void) sqlite3_bind_int64(walk->statement, 1, (sqlite3_int64) term);
	(void) sqlite3_bind_int64(walk->statement, 2, fs_position(position));
	return fs_walk_step(connection, walk, error);
}

/* One that has the term already, or else the one that is missed least. */
static fs_term_walk *
fs_walk_choose(fs_database *connection, fs_term term, bool backwards)
{
	fs_term_walk *spare = NULL;

	for (int i = 0; i < FS_TERM_WALKS; i++)
	{
		fs_term_walk *walk = &connection->walks[i];
		bool		is_prepared = walk->statement != NULL && walk->backwards == backwards;

		if (walk->is_active && is_prepared && walk->term == term)
			return walk;
		if (!walk->is_active && (spare == NULL || is_prepared))
			spare = walk;
	}
	if (spare == NULL)
		spare = &connection->walks[connection->next_walk++ % FS_TERM_WALKS];
	return spare;
}

/* Makes sure that the walk has a statement for the direction. */
static int
fs_walk_prepare(fs_database *connection, fs_term_walk *walk, bool backwards,
				factstr_error *error)
{
	int			result;

	if (walk->statement != NULL && walk->backwards == backwards)
		return FACTSTR_OK;
	(void) sqlite3_finalize(walk->statement);
	walk->statement = NULL;
	walk->is_active = false;
	walk->backwards = backwards;
	result = sqlite3_prepare_v3(connection->db, backwards ? fs_walk_backwards : fs_walk_forwards,
								-1, SQLITE_PREPARE_PERSISTENT, &walk->statement, NULL);
	return result == SQLITE_OK ? FACTSTR_OK :
		fs_sqlite_error(connection, result, FS_READ, error);
}

static int
fs_log_seek(void *store, fs_term term, uint64_t position, bool backwards, uint64_t *found,
			factstr_error *error)
{
	fs_database *connection = store;
	fs_term_walk *walk = fs_walk_choose(connection, term, backwards);
	int			code = fs_walk_prepare(connection, walk, backwards, error);

	if (code == FACTSTR_OK && walk->is_active && walk->term == term)
		code = fs_walk_on(connection, walk, position, error);
	if (code == FACTSTR_OK &&
		!(walk->is_active && walk->term == term && fs_walk_covers(walk, position)))
		code = fs_walk_begin(connection, walk, term, position, error);
	if (code == FACTSTR_OK)
		*found = walk->found;
	return code;
}

void
fs_log_fact_of_row(sqlite3_stmt *row, factstr_fact *fact)
{
	fact->sequence_number = (uint64_t) sqlite3_column_int64(row, 0);
	fact->occurred_at = sqlite3_column_int64(row, 1);
	fact->event_type = (const char *) sqlite3_column_text(row, 2);
	fact->payload = (const char *) sqlite3_column_text(row, 3);
	fact->metadata = (const char *) sqlite3_column_text(row, 4);
}

/* The row of one fact.  The next one of the log is a step away. */
static int
fs_log_fetch(void *store, uint64_t sequence_number, fs_stored_fact *fact, factstr_error *error)
{
	fs_database *connection = store;
	sqlite3_stmt *statement = fs_statement_get(connection, FS_FETCH, FS_READ, error);
	int			result;

	if (statement == NULL)
		return error->code;
	if (connection->fetched == 0 || sequence_number != connection->fetched + 1)
	{
		(void) sqlite3_reset(statement);
		(void) sqlite3_bind_int64(statement, 1, fs_position(sequence_number));
	}
	connection->fetched = 0;
	result = sqlite3_step(statement);
	if (result == SQLITE_DONE)
		return fs_error_missing_fact(connection, sequence_number, error);
	if (result != SQLITE_ROW)
		return fs_sqlite_error(connection, result, FS_READ, error);

	fs_log_fact_of_row(statement, &fact->fact);
	fact->batch_first = (uint64_t) sqlite3_column_int64(statement, 5);
	if (fact->fact.sequence_number != sequence_number)
		return fs_error_missing_fact(connection, sequence_number, error);
	if (fact->fact.event_type == NULL || fact->fact.payload == NULL)
		return fs_error_no_memory(error);
	connection->fetched = sequence_number;
	return FACTSTR_OK;
}

static int
fs_log_batch_last(void *store, uint64_t batch_first, uint64_t *batch_last, factstr_error *error)
{
	fs_database *connection = store;
	sqlite3_stmt *statement = fs_statement_get(connection, FS_BATCH_LAST, FS_READ, error);
	int			result;
	int			code = FACTSTR_OK;

	if (statement == NULL)
		return error->code;
	(void) sqlite3_bind_int64(statement, 1, fs_position(batch_first));
	result = sqlite3_step(statement);
	if (result == SQLITE_ROW)
		*batch_last = (uint64_t) sqlite3_column_int64(statement, 0);
	else if (result == SQLITE_DONE)
		code = fs_error_missing_fact(connection, batch_first, error);
	else
		code = fs_sqlite_error(connection, result, FS_READ, error);
	(void) sqlite3_reset(statement);
	return code;
}

int
fs_log_head(fs_database *connection, uint64_t *head, factstr_error *error)
{
	sqlite3_stmt *statement = fs_statement_get(connection, FS_HEAD, FS_READ, error);
	int			result;
	int			code = FACTSTR_OK;

	if (statement == NULL)
		return error->code;
	result = sqlite3_step(statement);
	if (result == SQLITE_ROW)
		*head = (uint64_t) sqlite3_column_int64(statement, 0);
	else
		code = fs_sqlite_error(connection, result, FS_READ, error);
	(void) sqlite3_reset(statement);
	return code;
}

void
fs_log_init(fs_local_log *log, fs_database *connection, uint64_t head)
{
	log->store = connection;
	log->head = head;
	log->seek = fs_log_seek;
	log->fetch = fs_log_fetch;
	log->batch_last = fs_log_batch_last;
}

void
fs_log_reset(fs_database *connection)
{
	(void) sqlite3_reset(connection->statements[FS_FETCH]);
	connection->fetched = 0;
	for (int i = 0; i < FS_TERM_WALKS; i++)
	{
		if (connection->walks[i].is_active)
			(void) sqlite3_reset(connection->walks[i].statement);
		connection->walks[i].is_active = false;
	}
}
