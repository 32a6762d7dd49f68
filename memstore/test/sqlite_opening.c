/*
 * sqlite_opening.c
 *		Which files the SQLite store opens, and that it leaves all others alone.
 */
#include "sqlite_files.h"

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
		bail_out("a file cannot be written");
}

/* The file is refused, and is afterwards what it was before. */
static void
is_refused(const char *what, const char *word)
{
	static content before;
	static content after;
	factstr_error error;
	int			code;

	read_content(&before);
	code = try_to_open(&error);
	read_content(&after);
	if (!tap_ok(code == FACTSTR_INCOMPATIBLE && strstr(error.message, word) != NULL,
				"%s is refused", what))
		tap_diagnostic("%d: %s", code, error.message);
	(void) tap_ok(before.size == after.size && memcmp(before.bytes, after.bytes, before.size) == 0,
				  "%s is left as it is", what);
}

static void
is_not_opened(const char *url, const char *word, const char *what)
{
	factstr_error error;

	(void) snprintf(sqlite_url, sizeof(sqlite_url), "%s", url);
	if (!tap_ok(try_to_open(&error) == FACTSTR_CANNOT_OPEN && strstr(error.message, word) != NULL,
				"%s cannot be opened", what))
		tap_diagnostic("%s", error.message);
}

static bool
holds_a_fact_after_opening(void)
{
	factstr_error error;
	factstr_store *store = open_store();
	bool		appended = append_one(store, "1", &error) == FACTSTR_OK;
	uint64_t	head;

	(void) factstr_close(store);
	store = open_store();
	head = newest(store);
	(void) factstr_close(store);
	return appended && head == 1 && is_intact();
}

static void
test_new_files(void)
{
	char		answer[100];

	new_file("new.db", "");
	(void) tap_ok(holds_a_fact_after_opening(), "a file that does not exist is made");
	ask_sql("PRAGMA application_id", answer, sizeof(answer));
	(void) tap_ok(strcmp(answer, "1179866194") == 0, "its application_id says what it is");
	ask_sql("PRAGMA user_version", answer, sizeof(answer));
	(void) tap_ok(strcmp(answer, "1") == 0, "its user_version is that of the schema");
	ask_sql("PRAGMA journal_mode", answer, sizeof(answer));
	(void) tap_ok(strcmp(answer, "wal") == 0, "it has a write-ahead log");

	new_file("zero.db", "");
	write_content("", 0);
	(void) tap_ok(holds_a_fact_after_opening(), "an empty file becomes a store");

	new_file("vacuumed.db", "");
	(void) tap_ok(run_sql("CREATE TABLE t (a); DROP TABLE t; VACUUM") &&
				  holds_a_fact_after_opening(), "a database without tables becomes a store");

	new_file("rollback.db", "");
	(void) tap_ok(holds_a_fact_after_opening() && run_sql("PRAGMA journal_mode = DELETE"),
				  "somebody takes the write-ahead log away");
	{
		factstr_store *store = open_store();

		(void) tap_ok(newest(store) == 1, "the store opens all the same");
		(void) factstr_close(store);
	}
	ask_sql("PRAGMA journal_mode", answer, sizeof(answer));
	(void) tap_ok(strcmp(answer, "wal") == 0, "and has its write-ahead log again");
}

static void
test_foreign_files(void)
{
	static char garbage[5000];

	new_file("garbage.db", "");
	memset(garbage, 'x', sizeof(garbage));
	write_content(garbage, sizeof(garbage));
	is_refused("a file that is no database", "not a SQLite database");

	new_file("short.db", "");
	write_content("hello", 5);
	is_refused("a very short file", "not a SQLite database");

	new_file("foreign.db", "");
	if (!run_sql("CREATE TABLE t (a); INSERT INTO t VALUES (1)"))
		bail_out("no database can be made");
	is_refused("a database with tables of its own", "another program");

	new_file("foreign-id.db", "");
	if (!run_sql("PRAGMA application_id = 77; PRAGMA user_version = 1"))
		bail_out("no database can be made");
	is_refused("a database of another application", "another program");

	new_file("foreign-wal.db", "");
	if (!run_sql("PRAGMA journal_mode = WAL; CREATE TABLE t (a)"))
		bail_out("no database can be made");
	is_refused("another program's database with a write-ahead log", "another program");

	new_file("newer.db", "");
	(void) factstr_close(open_store());
	if (!run_sql("PRAGMA user_version = 2"))
		bail_out("no database can be made");
	is_refused("a store with a newer schema", "schema version 2");
	{
		factstr_error error;

		(void) try_to_open(&error);
		(void) tap_ok(strstr(error.message, "newer.db") != NULL && error.hint[0] != '\0',
					  "the error names the file and says what to do");
	}
}

/* A store that has not been closed properly is brought up to date from its write-ahead log. */
static void
append_and_die(int output)
{
	factstr_store *store = open_store();
	factstr_error error;

	if (append_one(store, "{\"survives\": true}", &error) == FACTSTR_OK)
		(void) !write(output, "1", 1);
	(void) kill(getpid(), SIGKILL);
}

static void
test_after_a_crash(void)
{
	int			input;
	pid_t		child;
	factstr_store *store;

	new_file("crashed.db", "");
	child = start_child(append_and_die, &input);
	(void) await_child(child);
	(void) close(input);
	store = open_store();
	(void) tap_ok(newest(store) == 1, "a store that was left in the middle has all its facts");
	(void) factstr_close(store);
}

static void
test_urls(void)
{
	char		url[300];

	(void) snprintf(url, sizeof(url), "sqlite:%s/no/such/directory.db", sqlite_directory);
	is_not_opened(url, "no/such/directory.db", "a file in a directory that does not exist");
	(void) snprintf(url, sizeof(url), "sqlite:%s", sqlite_directory);
	is_not_opened(url, "cannot open", "a directory");
	is_not_opened("sqlite:", "no path", "an empty path");
	is_not_opened("sqlite:x.db?colour=blue", "\"colour\"", "a URL with an unknown option");
	is_not_opened("sqlite:x.db?busy_timeout", "\"busy_timeout\"", "an option without a value");
	is_not_opened("sqlite:x.db?busy_timeout=soon", "busy_timeout", "a timeout that is no number");
	is_not_opened("sqlite:x.db?busy_timeout=-1", "busy_timeout", "a negative timeout");
	is_not_opened("sqlite:x.db?busy_timeout=99999999999", "busy_timeout", "a timeout too long");
	is_not_opened("sqlite:x.db?busy_timeout=1&", "option", "an empty option");
	is_not_opened("sqlite:x%2", "percent", "a broken percent-encoding");
	is_not_opened("sqlite:x%00y", "percent", "a NUL in the path");
}

static void
test_paths(void)
{
	static const char *const names[][2] = {
		{"what%3F.db", "what?.db"}, {"50%25.db", "50%.db"}, {"%61%2Edb", "a.db"},
		{"with space#.db", "with space#.db"}, {":memory:", ":memory:"}, {"file:x", "file:x"}
	};
	char		here[500];

	if (getcwd(here, sizeof(here)) == NULL || chdir(sqlite_directory) != 0)
		bail_out("the directory cannot be changed");
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
	{
		factstr_store *store;
		factstr_error error;
		struct stat status;
		bool		opened;

		(void) snprintf(sqlite_url, sizeof(sqlite_url), "sqlite:%s?busy_timeout=5000",
						names[i][0]);
		opened = factstr_open(sqlite_url, &store, &error) == FACTSTR_OK;
		if (!tap_ok(opened && stat(names[i][1], &status) == 0, "%s is the file %s", names[i][0],
					names[i][1]))
			tap_diagnostic("%s", error.message);

		/* Connections that are made later must find it, too. */
		if (chdir("/") != 0)
			bail_out("the directory cannot be changed");
		if (opened)
			(void) tap_ok(append_one(store, "1", &error) == FACTSTR_OK && newest(store) == 1,
						  "and stays it when the process moves to another directory");
		(void) factstr_close(opened ? store : NULL);
		if (chdir(sqlite_directory) != 0)
			bail_out("the directory cannot be changed");
	}
	if (chdir(here) != 0)
		bail_out("the directory cannot be changed");
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
		append_one(store, "1", &error) != FACTSTR_OK)
	{
		(void) !write(output, error.message, strlen(error.message));
		_exit(1);
	}
	(void) factstr_close(store);
}

static void
test_opening_at_once(void)
{
	enum {ROUNDS = 20, CHILDREN = 4};
	int			failures = 0;

	for (int round = 0; round < ROUNDS; round++)
	{
		pid_t		children[CHILDREN];
		int			inputs[CHILDREN];
		char		name[40];
		char		answer[300];
		factstr_store *store;

		(void) snprintf(name, sizeof(name), "race-%d.db", round);
		new_file(name, "");
		if (round % 2 == 1)
			write_content("", 0);
		if (pipe(starting_line) != 0)
			bail_out("no pipe can be made");
		for (int i = 0; i < CHILDREN; i++)
			children[i] = start_child(open_with_others, &inputs[i]);
		(void) close(starting_line[0]);
		(void) close(starting_line[1]);
		for (int i = 0; i < CHILDREN; i++)
		{
			ssize_t		length = read(inputs[i], answer, sizeof(answer) - 1);

			if (await_child(children[i]) != 0)
			{
				answer[length > 0 ? length : 0] = '\0';
				tap_diagnostic("round %d: %s", round, answer);
				failures++;
			}
			(void) close(inputs[i]);
		}
		store = open_store();
		if (newest(store) != CHILDREN)
			failures++;
		(void) factstr_close(store);
		if (!is_intact())
			failures++;
	}
	(void) tap_ok(failures == 0, "processes that make a store at the same time all succeed");
}

int
main(void)
{
	make_directory();
	test_new_files();
	test_foreign_files();
	test_after_a_crash();
	test_urls();
	test_paths();
	test_opening_at_once();
	remove_directory();
	return tap_finish();
}
