/*
 * sqlite_full_disk.c
 *		What a full disk does to the SQLite store: a clear error, and no harm.
 */
#include <sys/resource.h>

#include "handle.h"
#include "sqlite_store.h"

#include "sqlite_files.h"

enum {LONG = 20000};

static char long_payload[LONG];

/* Appends until it fails, and returns how that was; *appended counts those that did not. */
static int
append_until_full(factstr_store *store, uint64_t *appended, factstr_error *error)
{
	int			code = FACTSTR_OK;

	for (*appended = 0; *appended < 1000; (*appended)++)
	{
		code = append_one(store, long_payload, error);
		if (code != FACTSTR_OK)
			break;
	}
	return code;
}

static bool
is_clear(int code, const factstr_error *error, const char *file)
{
	if (code == FACTSTR_STORAGE && strstr(error->message, file) != NULL &&
		strstr(error->message, "the disk is full") != NULL)
		return true;
	tap_diagnostic("%d: %s", code, error->message);
	return false;
}

static bool
limit_pages(factstr_store *store, int pages)
{
	char		sql[60];

	(void) snprintf(sql, sizeof(sql), "PRAGMA max_page_count = %d", pages);
	return sqlite3_exec(store->backend->writer.connection->db, sql, NULL, NULL, NULL) ==
		SQLITE_OK;
}

static void
test_full_database(void)
{
	uint64_t	appended;
	factstr_error error;
	factstr_store *store;
	int			code;

	new_file("pages.db", "");
	store = open_store();
	if (!limit_pages(store, 100))
		bail_out("the size cannot be limited");
	code = append_until_full(store, &appended, &error);
	(void) tap_ok(is_clear(code, &error, "pages.db"), "a full database is a clear error");
	(void) tap_ok(appended > 1 && newest(store) == appended,
				  "what was acknowledged is there, and what was not is not");
	(void) tap_ok(append_one(store, "1", &error) == FACTSTR_OK ||
				  error.code == FACTSTR_STORAGE, "the store goes on as far as it can");
	if (!limit_pages(store, 10000))
		bail_out("the size cannot be limited");
	appended = newest(store);
	(void) tap_ok(append_one(store, long_payload, &error) == FACTSTR_OK &&
				  newest(store) == appended + 1, "it works again when there is room");
	(void) factstr_close(store);
	(void) tap_ok(is_intact(), "the file is sound");
}

/* Files may not grow beyond this; the system refuses to write, as it does on a full disk. */
static void
limit_files(rlim_t size)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_FSIZE, &limit) != 0)
		bail_out("the size of files cannot be limited");
	limit.rlim_cur = size;
	if (setrlimit(RLIMIT_FSIZE, &limit) != 0)
		bail_out("the size of files cannot be limited");
}

/* In a process of its own, because of the limit.  Its output says what has failed. */
static void
fill_disk(int output)
{
	uint64_t	appended;
	factstr_error error;
	factstr_store *store = open_store();
	int			code;
	const char *failure = "";

	(void) signal(SIGXFSZ, SIG_IGN);
	limit_files(400000);
	code = append_until_full(store, &appended, &error);
	if (!is_clear(code, &error, "limited.db"))
		failure = error.message;
	else if (appended < 2 || newest(store) != appended)
		failure = "the log is not as it was";
	else if (append_until_full(store, &appended, &error) == FACTSTR_OK)
		failure = "a second error was expected";
	appended = newest(store);
	limit_files(RLIM_INFINITY);
	if (append_one(store, long_payload, &error) != FACTSTR_OK || newest(store) != appended + 1)
		failure = "it does not work again";
	(void) factstr_close(store);
	(void) !write(output, failure, strlen(failure));
}

static void
test_limited_files(void)
{
	char		failure[100] = "";
	int			input;
	pid_t		child;

	new_file("limited.db", "");
	child = start_child(fill_disk, &input);
	(void) !read(input, failure, sizeof(failure) - 1);
	(void) tap_ok(await_child(child) == 0 && failure[0] == '\0',
				  "a write that the system refuses is a clear error, and harms nothing");
	if (failure[0] != '\0')
		tap_diagnostic("%s", failure);
	(void) close(input);
	(void) tap_ok(is_intact(), "the file is sound");
}

int
main(void)
{
	memset(long_payload, 'x', sizeof(long_payload) - 1);
	long_payload[0] = '"';
	long_payload[sizeof(long_payload) - 2] = '"';
	make_directory();
	test_full_database();
	test_limited_files();
	remove_directory();
	tap_diagnostic("tried: 2 disks filled");
	return tap_finish();
}
