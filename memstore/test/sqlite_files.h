/*
 * sqlite_files.h
 *		What the tests of the SQLite store share: a directory of their own, files in it, and looks
 *		into these files past the library.
 */
#ifndef FACTSTR_SQLITE_FILES_H
#define FACTSTR_SQLITE_FILES_H

#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <sqlite3.h>

#include "factstr.h"

#include "tap.h"

static char sqlite_directory[] = "/tmp/factstr-sqlite-XXXXXX";
static char sqlite_path[200];
static char sqlite_url[300];

static inline void __attribute__((noreturn))
bail_out(const char *what)
{
	printf("Bail out! %s\n", what);
	exit(2);
}

static inline void
make_directory(void)
{
	if (mkdtemp(sqlite_directory) == NULL)
		bail_out("no directory can be made");
}

static inline void
remove_directory(void)
{
	char		command[100];

	(void) snprintf(command, sizeof(command), "rm -rf %s", sqlite_directory);
	if (system(command) != 0)
		bail_out("the directory cannot be removed");
}

/* A file that does not exist yet, in sqlite_path and sqlite_url. */
static inline void
new_file(const char *name, const char *options)
{
	(void) snprintf(sqlite_path, sizeof(sqlite_path), "%s/%s", sqlite_directory, name);
	(void) snprintf(sqlite_url, sizeof(sqlite_url), "sqlite:%s%s", sqlite_path, options);
}

static inline factstr_store *
open_store(void)
{
	factstr_store *store;
	factstr_error error;

	if (factstr_open(sqlite_url, &store, &error) == FACTSTR_OK)
		return store;
	tap_diagnostic("%s", error.message);
	bail_out("the store cannot be opened");
}

/* Tries to open the file, and closes it if that succeeds. */
static inline int
try_to_open(factstr_error *error)
{
	factstr_store *store;
	int			code;

	memset(error, 0, sizeof(*error));
	code = factstr_open(sqlite_url, &store, error);
	if (code == FACTSTR_OK)
		(void) factstr_close(store);
	return code;
}

static inline int
append_one(factstr_store *store, const char *payload, factstr_error *error)
{
	factstr_event event = {.event_type = "tested", .payload = payload};

	return factstr_append(store, &event, 1, NULL, NULL, error);
}

/* The newest fact. */
static inline uint64_t
newest(factstr_store *store)
{
	uint64_t	version;
	factstr_error error;

	if (factstr_context_version(store, NULL, &version, &error) != FACTSTR_OK)
		bail_out(error.message);
	return version;
}

/* Runs SQL on the file, past the library. */
static inline bool
run_sql(const char *sql)
{
	sqlite3    *db;
	bool		succeeded = sqlite3_open(sqlite_path, &db) == SQLITE_OK &&
		sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK;

	(void) sqlite3_close(db);
	return succeeded;
}

/* The first column of the first row, as text; empty if there is none. */
static inline void
ask_sql(const char *sql, char *answer, size_t size)
{
	sqlite3    *db;
	sqlite3_stmt *statement = NULL;

	answer[0] = '\0';
	if (sqlite3_open(sqlite_path, &db) == SQLITE_OK &&
		sqlite3_prepare_v2(db, sql, -1, &statement, NULL) == SQLITE_OK &&
		sqlite3_step(statement) == SQLITE_ROW && sqlite3_column_text(statement, 0) != NULL)
		(void) snprintf(answer, size, "%s", (const char *) sqlite3_column_text(statement, 0));
	(void) sqlite3_finalize(statement);
	(void) sqlite3_close(db);
}

/* Is the file sound, the log without gaps, every batch whole, and every fact in the index? */
static inline bool
is_intact(void)
{
	static const char *const questions[][2] = {
		{"PRAGMA integrity_check", "ok"},
		{"SELECT count(*) = ifnull(max(sequence_number), 0) FROM factstr_events", "1"},
		{"SELECT count(*) FROM factstr_events AS e"
			" WHERE sequence_number = batch_first_sequence_number"
			" AND (SELECT count(*) FROM factstr_events AS f WHERE f.sequence_number BETWEEN"
			" e.batch_first_sequence_number AND e.batch_last_sequence_number AND"
			" f.batch_first_sequence_number = e.batch_first_sequence_number)"
			" <> e.batch_last_sequence_number - e.batch_first_sequence_number + 1", "0"}
	};
	char		answer[200];

	for (size_t i = 0; i < sizeof(questions) / sizeof(questions[0]); i++)
	{
		ask_sql(questions[i][0], answer, sizeof(answer));
		if (strcmp(answer, questions[i][1]) != 0)
		{
			tap_diagnostic("%s: %s", questions[i][0], answer);
			return false;
		}
	}
	return true;
}

static inline int64_t
milliseconds(void)
{
	struct timespec now;

	(void) clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t) now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* The library does not survive a fork, so children are made before a store is opened. */
static inline pid_t
start_child(void (*work) (int output), int *input)
{
	int			ends[2];
	pid_t		child;

	(void) fflush(stdout);
	if (pipe(ends) != 0)
		bail_out("no pipe can be made");
	child = fork();
	if (child < 0)
		bail_out("no process can be started");
	if (child == 0)
	{
		(void) close(ends[0]);
		work(ends[1]);
		_exit(0);
	}
	(void) close(ends[1]);
	*input = ends[0];
	return child;
}

static inline int
await_child(pid_t child)
{
	int			status;

	if (waitpid(child, &status, 0) != child)
		bail_out("a child is missing");
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

#endif							/* FACTSTR_SQLITE_FILES_H */
