/*
 * projection.c
 *		A projection: how many students each course has, kept by a stream of the facts that matter to it.
 *
 *		examples/library/build/projection				(in projection.db; or: projection FILE)
 *
 * The counts are in a table of the store's file, and the stream is transactional: a batch is counted
 * in the transaction that moves the stream's cursor.  So each fact counts once, even if the program crashes,
 * and the next run continues where this one stopped.  In a PostgreSQL database batch->transaction is a
 * "PGconn *", and all else is the same.
 */
#include <inttypes.h>
#include <stdio.h>

#include <factstr.h>
#include <sqlite3.h>

static const char create_table[] =
"CREATE TABLE IF NOT EXISTS enrolments (course TEXT NOT NULL PRIMARY KEY, students INTEGER NOT NULL)";

static const char add_student[] =
"INSERT INTO enrolments VALUES (json_extract(?, '$.course'), 1)"
" ON CONFLICT (course) DO UPDATE SET students = students + 1 RETURNING course, students";

/* Counts one fact, and shows the result.  Returns 0 or an error code of SQLite. */
static int
count_student(sqlite3_stmt *statement, const factstr_fact *fact)
{
	sqlite3_bind_text(statement, 1, fact->payload, -1, SQLITE_STATIC);
	if (sqlite3_step(statement) == SQLITE_ROW)
		printf("fact %" PRIu64 ": students in course %s: %d\n", fact->sequence_number,
			   sqlite3_column_text(statement, 0), sqlite3_column_int(statement, 1));
	return sqlite3_reset(statement);
}

/*
 * A handler takes one committed batch.  If it does not return 0, its writes are rolled back, and the
 * batch is delivered again.
 */
static int
count_students(const factstr_batch *batch, void *context, factstr_error *error)
{
	sqlite3    *database = batch->transaction;
	sqlite3_stmt *statement = NULL;
	int			result = sqlite3_exec(database, create_table, NULL, NULL, NULL);

	(void) context;
	(void) error;
	if (result == SQLITE_OK)
		result = sqlite3_prepare_v2(database, add_student, -1, &statement, NULL);
	for (size_t i = 0; result == SQLITE_OK && i < batch->fact_count; i++)
		result = count_student(statement, &batch->facts[i]);
	if (result != SQLITE_OK)
		fprintf(stderr, "projection: %s\n", sqlite3_errmsg(database));
	sqlite3_finalize(statement);
	return result == SQLITE_OK ? 0 : -1;
}

/* A batch of three facts, of which the projection sees two. */
static int
enrol(factstr_store *store, int course, uint64_t *last, factstr_error *error)
{
	char		payload[64];
	factstr_append_result result;
	int			code;

	(void) snprintf(payload, sizeof(payload), "{\"course\": %d}", course);
	code = factstr_append(store, (factstr_event[]) {
		{.event_type = "student-enrolled", .payload = payload},
		{.event_type = "letter-sent", .payload = payload},
		{.event_type = "student-enrolled", .payload = payload}
	}, 3, NULL, &result, error);
	if (code == FACTSTR_OK)
		*last = result.last_sequence_number;
	return code;
}

int
main(int argc, char **argv)
{
	const factstr_stream_options options = {.size = sizeof(options), .transactional = true};
	char		url[4096];
	factstr_store *store = NULL;
	factstr_stream *stream = NULL;
	factstr_error error;
	uint64_t	last = 0;
	int			code;

	(void) snprintf(url, sizeof(url), "sqlite:%s", argc > 1 ? argv[1] : "projection.db");
	code = factstr_open(url, &store, &error);
	if (code == FACTSTR_OK)
		code = factstr_stream_open(store, "enrolments",
								   "{\"filters\": [{\"event_types\": [\"student-enrolled\"]}]}",
								   count_students, NULL, &options, &stream, &error);
	for (int i = 0; code == FACTSTR_OK && i < 4; i++)
		code = enrol(store, i % 3, &last, &error);

	/* Deliveries come on a thread of the stream.  This waits until it has seen all of the above. */
	if (code == FACTSTR_OK)
		code = factstr_wait(store, "enrolments", last, 10000, &error);
	if (code != FACTSTR_OK)
		fprintf(stderr, "projection: %s\n", error.message);

	(void) factstr_stream_close(stream, -1);
	factstr_close(store, FACTSTR_CLOSE_TIMEOUT_MS);
	return code == FACTSTR_OK ? 0 : 1;
}
