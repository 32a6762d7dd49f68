/*
 * sqlite_files.c
 *		For tests of the SQLite store: a directory of the test's own, files in it, and looks into
 *		these files past the library.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sqlite_files.h"

char		sqlite_directory[] = "/tmp/factstr-sqlite-XXXXXX";
char		sqlite_path[200];
char		sqlite_url[300];

void
sqlite_begin(void)
{
	if (mkdtemp(sqlite_directory) == NULL)
		tap_bail_out("no directory can be made");
}

int
sqlite_end(void)
{
	char		command[100];

	(void) snprintf(command, sizeof(command), "rm -rf %s", sqlite_directory);
	if (system(command) != 0)
		tap_bail_out("the directory cannot be removed");
	return tap_finish();
}

void
sqlite_new_file(const char *name, const char *options)
{
	(void) snprintf(sqlite_path, sizeof(sqlite_path), "%s/%s", sqlite_directory, name);
	(void) snprintf(sqlite_url, sizeof(sqlite_url), "sqlite:%s%s", sqlite_path, options);
}

factstr_store *
sqlite_open(void)
{
	return store_open(sqlite_url);
}

int
sqlite_try_open(factstr_error *error)
{
	factstr_store *store;
	int			code;

	memset(error, 0, sizeof(*error));
	code = factstr_open(sqlite_url, &store, error);
	if (code == FACTSTR_OK)
		(void) factstr_close(store, FACTSTR_CLOSE_TIMEOUT_MS);
	return code;
}

void
sqlite_run(const char *sql)
{
	sqlite3    *db;

	if (sqlite3_open(sqlite_path, &db) != SQLITE_OK ||
		sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
		tap_bail_out("%s: %s", sql, sqlite3_errmsg(db));
	(void) sqlite3_close(db);
}

const char *
sqlite_ask(const char *sql)
{
	static char answer[200];
	sqlite3    *db;
	sqlite3_stmt *statement = NULL;

	answer[0] = '\0';
	if (sqlite3_open(sqlite_path, &db) == SQLITE_OK &&
		sqlite3_prepare_v2(db, sql, -1, &statement, NULL) == SQLITE_OK &&
		sqlite3_step(statement) == SQLITE_ROW && sqlite3_column_text(statement, 0) != NULL)
		(void) snprintf(answer, sizeof(answer), "%s",
						(const char *) sqlite3_column_text(statement, 0));
	(void) sqlite3_finalize(statement);
	(void) sqlite3_close(db);
	return answer;
}

bool
sqlite_is_intact(void)
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

	for (size_t i = 0; i < sizeof(questions) / sizeof(questions[0]); i++)
	{
		const char *answer = sqlite_ask(questions[i][0]);

		if (strcmp(answer, questions[i][1]) != 0)
		{
			tap_diagnostic("%s: %s", questions[i][0], answer);
			return false;
		}
	}
	return true;
}
