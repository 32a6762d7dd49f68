/*
 * sqlite_full_disk.c
 *		The SQLite store on a full disk: a clear error, and no damage.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "stores/handle.h"
#include "stores/sqlite/backend.h"

#include "lib/processes.h"
#include "lib/sqlite_files.h"

enum {LONG = 20000};

static char long_payload[LONG];

/* Appends until it fails, and returns how that was; *appended counts those that did not. */
static int
append_until_full(factstr_store *store, uint64_t *appended, factstr_error *error)
{
	int			code = FACTSTR_OK;

	for (*appended = 0; *appended < 1000; (*appended)++)
	{
		code = store_append(store, "tested", long_payload, error);
		if (code != FACTSTR_OK)
			break;
	}
	return code;
}

static void
limit_pages(factstr_store *store, int pages)
{
	char		sql[60];

	(void) snprintf(sql, sizeof(sql), "PRAGMA max_page_count = %d", pages);
	if (sqlite3_exec(store->backend->writer.connection->db, sql, NULL, NULL, NULL) != SQLITE_OK)
		tap_bail_out("the size cannot be limited");
}

static void
test_full_database(void)
{
	uint64_t	appended;
	factstr_error error;
	factstr_store *store;
	int			code;

	sqlite_new_file("pages.db", "");
	store = sqlite_open();
	limit_pages(store, 100);
	ok_code(append_until_full(store, &appended, &error), FACTSTR_STORAGE, &error,
			"an append to a full database fails");
	ok_contains(error.message, "pages.db", "the error names the file");
	ok_contains(error.message, "the disk is full", "and names the problem");
	ok_cmp((int64_t) appended, ">", 1, "some appends were acknowledged");
	ok_int((int64_t) store_head(store), (int64_t) appended, "they are there, and no others");
	code = store_append(store, "tested", "1", &error);
	ok_code(code, code == FACTSTR_OK ? FACTSTR_OK : FACTSTR_STORAGE, &error,
			"the store continues as far as it can");
	limit_pages(store, 10000);
	appended = store_head(store);
	ok_code(store_append(store, "tested", long_payload, &error), FACTSTR_OK, &error,
			"it works again when there is room");
	ok_int((int64_t) store_head(store), (int64_t) appended + 1, "and numbers on");
	(void) factstr_close(store, FACTSTR_CLOSE_TIMEOUT_MS);
	ok(sqlite_is_intact(), "the file is sound");
}

/* Files may not grow beyond this; the system refuses to write, as it does on a full disk. */
static void
limit_files(rlim_t size)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_FSIZE, &limit) != 0)
		tap_bail_out("the size of files cannot be limited");
	limit.rlim_cur = size;
	if (setrlimit(RLIMIT_FSIZE, &limit) != 0)
		tap_bail_out("the size of files cannot be limited");
}

/* The findings on a full disk, in a separate process, because of the limit. */
typedef struct filling
{
	int			code;
	factstr_error error;
	uint64_t	appended;
	uint64_t	head;			/* after that */
	int			code_again;
	uint64_t	head_again;
	int			code_with_room;
	uint64_t	head_with_room;
} filling;

static void
fill_disk(int output)
{
	static filling found;
	uint64_t	appended;
	factstr_store *store = sqlite_open();

	(void) signal(SIGXFSZ, SIG_IGN);
	limit_files(400000);
	found.code = append_until_full(store, &found.appended, &found.error);
	found.head = store_head(store);
	found.code_again = append_until_full(store, &appended, NULL);
	found.head_again = store_head(store);
	limit_files(RLIM_INFINITY);
	found.code_with_room = store_append(store, "tested", long_payload, NULL);
	found.head_with_room = store_head(store);
	(void) factstr_close(store, FACTSTR_CLOSE_TIMEOUT_MS);
	(void) !write(output, &found, sizeof(found));
}

static void
test_limited_files(void)
{
	filling		found = {0};
	int			input;
	pid_t		child;

	sqlite_new_file("limited.db", "");
	child = process_start(fill_disk, &input);
	if (read(input, &found, sizeof(found)) != sizeof(found) || process_await(child) != 0)
		tap_bail_out("the process that fills the disk has not come to its end");
	(void) close(input);
	ok_code(found.code, FACTSTR_STORAGE, &found.error, "a write that the system refuses fails");
	ok_contains(found.error.message, "limited.db", "the error names the file");
	ok_contains(found.error.message, "the disk is full", "and names the problem");
	ok_cmp((int64_t) found.appended, ">=", 2, "some appends were acknowledged");
	ok_int((int64_t) found.head, (int64_t) found.appended, "they are there, and no others");
	ok_cmp(found.code_again, "!=", FACTSTR_OK, "the disk stays full");
	ok_code(found.code_with_room, FACTSTR_OK, NULL, "it works again when there is room");
	ok_int((int64_t) found.head_with_room, (int64_t) found.head_again + 1, "and numbers on");
	ok(sqlite_is_intact(), "the file is sound");
}

int
main(void)
{
	memset(long_payload, 'x', sizeof(long_payload) - 1);
	long_payload[0] = '"';
	long_payload[sizeof(long_payload) - 2] = '"';
	sqlite_begin();
	test_full_database();
	test_limited_files();
	tap_diagnostic("tried: 2 disks filled");
	return sqlite_end();
}
