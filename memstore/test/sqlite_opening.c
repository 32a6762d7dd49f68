/*
 * sqlite_opening.c
 *		Which files the SQLite store opens, and that it leaves all others alone.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/processes.h"
#include "lib/sqlite_files.h"

/* All of a file, so that it can be compared. */
typedef struct content
{
	size_t		size;
	char		bytes[65536];
} content;

static void
read_content(content *of)
{
	FILE	   *file = fopen(sqlite_path, "rb");

	of->size = 0;
	if (file == NULL)
		return;
	of->size = fread(of->bytes, 1, sizeof(of->bytes), file);
	(void) fclose(file);
}

static void
write_content(const char *bytes, size_t size)
{
	FILE	   *file = fopen(sqlite_path, "wb");

	if (file == NULL || fwrite(bytes, 1, size, file) != size || fclose(file) != 0)
		tap_bail_out("a file cannot be written");
}

/* The file is refused, and is unchanged afterwards. */
static void
ok_refused(const char *what, const char *word)
{
	static content before;
	static content after;
	factstr_error error;
	int			code;

	read_content(&before);
	code = sqlite_try_open(&error);
	read_content(&after);
	ok_code(code, FACTSTR_INCOMPATIBLE, &error, "%s is refused", what);
	ok_contains(error.message, word, "%s: the error says why", what);
	ok_int((int64_t) after.size, (int64_t) before.size, "%s has the size that it had", what);
	ok(memcmp(before.bytes, after.bytes, before.size) == 0, "%s is left as it is", what);
}

static void
ok_not_opened(const char *url, const char *word, const char *what)
{
	factstr_error error;

	(void) snprintf(sqlite_url, sizeof(sqlite_url), "%s", url);
	ok_code(sqlite_try_open(&error), FACTSTR_CANNOT_OPEN, &error, "%s cannot be opened", what);
	ok_contains(error.message, word, "%s: the error says why", what);
}

/* The file becomes a store that keeps appended facts. */
static void
ok_becomes_a_store(const char *what)
{
	factstr_error error;
	factstr_store *store = sqlite_open();

	ok_code(store_append(store, "tested", "1", &error), FACTSTR_OK, &error, "%s becomes a store",
			what);
	(void) factstr_close(store, FACTSTR_CLOSE_TIMEOUT_MS);
	store = sqlite_open();
	ok_int((int64_t) store_head(store), 1, "%s: the appended facts are there", what);
	(void) factstr_close(store, FACTSTR_CLOSE_TIMEOUT_MS);
	ok(sqlite_is_intact(), "%s: the file is sound", what);
}

static void
test_new_files(void)
{
	factstr_store *store;

	sqlite_new_file("new.db", "");
	ok_becomes_a_store("a file that does not exist");
	ok_str(sqlite_ask("PRAGMA application_id"), "1179866194", "its application_id marks it as a store");
	ok_str(sqlite_ask("PRAGMA user_version"), "2", "its user_version is that of the schema");
	ok_str(sqlite_ask("PRAGMA journal_mode"), "wal", "it has a write-ahead log");

	sqlite_new_file("zero.db", "");
	write_content("", 0);
	ok_becomes_a_store("an empty file");

	sqlite_new_file("vacuumed.db", "");
	sqlite_run("CREATE TABLE t (a); DROP TABLE t; VACUUM");
	ok_becomes_a_store("a database without tables");

	sqlite_new_file("rollback.db", "");
	ok_becomes_a_store("a file whose write-ahead log somebody will take away");
	sqlite_run("PRAGMA journal_mode = DELETE");
	store = sqlite_open();
	ok_int((int64_t) store_head(store), 1, "without the log it opens all the same");
	(void) factstr_close(store, FACTSTR_CLOSE_TIMEOUT_MS);
	ok_str(sqlite_ask("PRAGMA journal_mode"), "wal", "and has its write-ahead log again");
}

/* Not made where it must exist. */
static void
test_missing_files(void)
{
	factstr_error error;

	sqlite_new_file("missing.db", "?mode=rw");
	ok_code(sqlite_try_open(&error), FACTSTR_CANNOT_OPEN, &error, "a store must exist");
	ok_contains(error.message, "No such file", "the error says that it does not");
	ok_int(access(sqlite_path, F_OK), -1, "it is not made");

	write_content("", 0);
	ok_code(sqlite_try_open(&error), FACTSTR_CANNOT_OPEN, &error, "an empty file is no store");
	ok_contains(error.message, "the file is empty", "the error says so");
	ok_str(sqlite_ask("PRAGMA application_id"), "0", "it does not become one");

	sqlite_new_file("existing.db", "?busy_timeout_ms=10&mode=rwc");
	ok_becomes_a_store("a file that does not exist and may be made");
	sqlite_new_file("existing.db", "?mode=rw");
	ok_code(sqlite_try_open(&error), FACTSTR_OK, &error, "what exists is opened");
}

static void
test_foreign_files(void)
{
	static char garbage[5000];
	factstr_error error;

	sqlite_new_file("garbage.db", "");
	memset(garbage, 'x', sizeof(garbage));
	write_content(garbage, sizeof(garbage));
	ok_refused("a file that is no database", "not a SQLite database");

	sqlite_new_file("short.db", "");
	write_content("hello", 5);
	ok_refused("a very short file", "not a SQLite database");

	sqlite_new_file("foreign.db", "");
	sqlite_run("CREATE TABLE t (a); INSERT INTO t VALUES (1)");
	ok_refused("a database with other tables", "another program");

	sqlite_new_file("foreign-id.db", "");
	sqlite_run("PRAGMA application_id = 77; PRAGMA user_version = 1");
	ok_refused("a database of another application", "another program");

	sqlite_new_file("foreign-version.db", "");
	sqlite_run("PRAGMA user_version = 7");
	ok_refused("an empty database with another version", "another program");

	sqlite_new_file("foreign-wal.db", "");
	sqlite_run("PRAGMA journal_mode = WAL; CREATE TABLE t (a)");
	ok_refused("another program's database with a write-ahead log", "another program");

	sqlite_new_file("newer.db", "");
	(void) factstr_close(sqlite_open(), FACTSTR_CLOSE_TIMEOUT_MS);
	sqlite_run("PRAGMA user_version = 3");
	ok_refused("a store with a newer schema", "schema version 3");
	(void) sqlite_try_open(&error);
	ok_contains(error.message, "newer.db", "the error names the file");
	ok(error.hint[0] != '\0', "and says what to do");
}

/* A store that has not been closed properly is brought up to date from its write-ahead log. */
static void
append_and_die(int output)
{
	factstr_store *store = sqlite_open();

	if (store_append(store, "tested", "{\"survives\": true}", NULL) == FACTSTR_OK)
		(void) !write(output, "1", 1);
	(void) kill(getpid(), SIGKILL);
}

static void
test_after_a_crash(void)
{
	int			input;
	pid_t		child;
	factstr_store *store;

	sqlite_new_file("crashed.db", "");
	child = process_start(append_and_die, &input);
	process_await_byte(input);
	(void) process_await(child);
	(void) close(input);
	store = sqlite_open();
	ok_int((int64_t) store_head(store), 1, "a store that was left in the middle has all its facts");
	(void) factstr_close(store, FACTSTR_CLOSE_TIMEOUT_MS);
}

static void
test_urls(void)
{
	char		url[300];

	(void) snprintf(url, sizeof(url), "sqlite:%s/no/such/directory.db", sqlite_directory);
	ok_not_opened(url, "no/such/directory.db", "a file in a directory that does not exist");
	(void) snprintf(url, sizeof(url), "sqlite:%s", sqlite_directory);
	ok_not_opened(url, "cannot open", "a directory");
	ok_not_opened("sqlite:", "no path", "an empty path");
	ok_not_opened("sqlite:x.db?colour=blue", "\"colour\"", "a URL with an unknown option");
	ok_not_opened("sqlite:x.db?busy_timeout_ms", "\"busy_timeout_ms\"", "an option without a value");
	ok_not_opened("sqlite:x.db?busy_timeout_ms=soon", "busy_timeout_ms", "a timeout that is no number");
	ok_not_opened("sqlite:x.db?busy_timeout_ms=-1", "busy_timeout_ms", "a negative timeout");
	ok_not_opened("sqlite:x.db?busy_timeout_ms=99999999999", "busy_timeout_ms", "a timeout too long");
	ok_not_opened("sqlite:x.db?busy_timeout_ms=1&", "option", "an empty option");
	ok_not_opened("sqlite:x.db?mode=", "mode", "a mode without a value");
	ok_not_opened("sqlite:x.db?mode=write", "\"rw\" or \"rwc\"", "an unknown mode");
	ok_not_opened("sqlite:x%2", "percent", "a broken percent-encoding");
	ok_not_opened("sqlite:x%00y", "percent", "a NUL in the path");
}

static void
change_directory(const char *path)
{
	if (chdir(path) != 0)
		tap_bail_out("the directory cannot be changed to %s", path);
}

/* The URL's path is this file in the working directory. */
static void
ok_path(const char *path, const char *name)
{
	factstr_store *store;
	factstr_error error;
	struct stat status;

	change_directory(sqlite_directory);
	(void) snprintf(sqlite_url, sizeof(sqlite_url), "sqlite:%s?busy_timeout_ms=5000", path);
	if (!ok_code(factstr_open(sqlite_url, &store, &error), FACTSTR_OK, &error, "%s opens", path))
		return;
	ok_int(stat(name, &status), 0, "%s is the file %s", path, name);

	/* Connections that are made later must find it, too. */
	change_directory("/");
	ok_code(store_append(store, "tested", "1", &error), FACTSTR_OK, &error,
			"%s: appended to from another directory", path);
	ok_int((int64_t) store_head(store), 1, "%s: read from another directory", path);
	(void) factstr_close(store, FACTSTR_CLOSE_TIMEOUT_MS);
}

static void
test_paths(void)
{
	char		here[500];

	if (getcwd(here, sizeof(here)) == NULL)
		tap_bail_out("there is no working directory");
	ok_path("what%3F.db", "what?.db");
	ok_path("50%25.db", "50%.db");
	ok_path("%61%2Edb", "a.db");
	ok_path("with space#.db", "with space#.db");
	ok_path(":memory:", ":memory:");
	ok_path("file:x", "file:x");
	change_directory(here);
}

/* All of them begin when the pipe they wait at is closed. */
static int	starting_line[2];

static void
open_with_others(int output)
{
	factstr_store *store;
	factstr_error error;
	char		c;

	(void) close(starting_line[1]);
	(void) !read(starting_line[0], &c, 1);
	if (factstr_open(sqlite_url, &store, &error) != FACTSTR_OK ||
		store_append(store, "tested", "1", &error) != FACTSTR_OK)
	{
		(void) !write(output, error.message, strlen(error.message));
		_exit(1);
	}
	(void) factstr_close(store, FACTSTR_CLOSE_TIMEOUT_MS);
}

/* How many of the processes could not open the store. */
static int
open_at_once(int round)
{
	enum {CHILDREN = 4};
	pid_t		children[CHILDREN];
	int			inputs[CHILDREN];
	char		answer[300];
	int			failures = 0;

	if (pipe(starting_line) != 0)
		tap_bail_out("no pipe can be made");
	for (int i = 0; i < CHILDREN; i++)
		children[i] = process_start(open_with_others, &inputs[i]);
	(void) close(starting_line[0]);
	(void) close(starting_line[1]);
	for (int i = 0; i < CHILDREN; i++)
	{
		ssize_t		length = read(inputs[i], answer, sizeof(answer) - 1);

		if (process_await(children[i]) != 0)
		{
			answer[length > 0 ? length : 0] = '\0';
			tap_diagnostic("round %d: %s", round, answer);
			failures++;
		}
		(void) close(inputs[i]);
	}
	return failures;
}

static void
test_opening_at_once(void)
{
	enum {ROUNDS = 20};
	int			failures = 0;
	uint64_t	facts = 0;
	int			intact = 0;

	for (int round = 0; round < ROUNDS; round++)
	{
		char		name[40];
		factstr_store *store;

		(void) snprintf(name, sizeof(name), "race-%d.db", round);
		sqlite_new_file(name, "");
		if (round % 2 == 1)
			write_content("", 0);
		failures += open_at_once(round);
		store = sqlite_open();
		facts += store_head(store);
		(void) factstr_close(store, FACTSTR_CLOSE_TIMEOUT_MS);
		intact += sqlite_is_intact() ? 1 : 0;
	}
	ok_int(failures, 0, "processes that make a store at the same time all succeed");
	ok_int((int64_t) facts, (int64_t) ROUNDS * 4, "each of them has appended");
	ok_int(intact, ROUNDS, "and the files are sound");
}

/* Beyond the range of 32 bits, which is the default for file sizes on 32-bit systems. */
static void
test_large_file(void)
{
	factstr_store *store;
	factstr_error error;

	sqlite_new_file("large.db", "");
	ok_int(sqlite_try_open(&error), FACTSTR_OK, "a file is made");
	if (truncate(sqlite_path, (off_t) (INT64_C(3) << 30)) != 0)
		tap_bail_out("a file of 3 GB cannot be made");
	store = sqlite_open();
	ok_code(store_append(store, "a", "1", &error), FACTSTR_OK, &error, "a file of 3 GB is opened and appended to");
	(void) factstr_close(store, FACTSTR_CLOSE_TIMEOUT_MS);
}

int
main(void)
{
	sqlite_begin();
	test_new_files();
	test_missing_files();
	test_foreign_files();
	test_after_a_crash();
	test_urls();
	test_paths();
	test_opening_at_once();
	test_large_file();
	return sqlite_end();
}
