/*
 * sqlite_reading_only.c
 *		SQLite stores that are only read: by choice, and because the file or its directory cannot be
 *		written; and the errors of files that cannot be opened at all.
 *
 * root may write everything, so a child with another user examines files that should not be
 * writable.
 */
#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "factstr_conformance.h"

#include "lib/processes.h"
#include "lib/recording.h"
#include "lib/sqlite_files.h"
#include "lib/stores.h"

#define NOBODY 65534

static char directory[300];

/* A new directory with a store of two facts in it. */
static void
make_store(const char *name)
{
	char		file[350];
	factstr_store *store;

	(void) snprintf(directory, sizeof(directory), "%s/%s", sqlite_directory, name);
	if (mkdir(directory, 0755) != 0)
		tap_bail_out("no directory can be made");
	(void) snprintf(file, sizeof(file), "%s/facts.db", name);
	sqlite_new_file(file, "");
	store = sqlite_open();
	(void) store_append(store, "t", NULL, NULL);
	(void) store_append(store, "t", NULL, NULL);
	(void) factstr_close(store, FACTSTR_CLOSE_TIMEOUT_MS);
}

/* The files in the directory, without those of which all stores have one. */
static int
count_files(void)
{
	DIR		   *listing = opendir(directory);
	const struct dirent *entry;
	int			count = 0;

	while (listing != NULL && (entry = readdir(listing)) != NULL)
		count += entry->d_name[0] != '.' ? 1 : 0;
	if (listing != NULL)
		(void) closedir(listing);
	return count;
}

static void
set_rights(const char *path, mode_t rights)
{
	if (chmod(path, rights) != 0)
		tap_bail_out("the rights of %s cannot be changed", path);
}

/* The findings of a child, as a user without rights: a line for the parent. */
static char found[700];

static void
read_and_write(int output)
{
	factstr_store *store;
	factstr_stream *stream = NULL;
	recording	of = RECORDING_INIT;
	factstr_error error = {0};
	char		line[700];
	int			length;

	if (geteuid() == 0 && (setgid(NOBODY) != 0 || setuid(NOBODY) != 0))
		_exit(2);
	if (factstr_open(sqlite_url, &store, &error) != FACTSTR_OK)
		length = snprintf(line, sizeof(line), "%s: %s", factstr_code_name(error.code), error.message);
	else
	{
		uint64_t	head = store_head(store);
		int			appended = store_append(store, "t", NULL, &error);
		int			opened = factstr_stream_open(store, "s", NULL, recording_handler, &of, NULL,
												 &stream, NULL);

		length = snprintf(line, sizeof(line), "head %d, append %s, stream %s", (int) head,
						  factstr_code_name(appended), factstr_code_name(opened));
		(void) factstr_close(store, FACTSTR_CLOSE_TIMEOUT_MS);
	}
	(void) !write(output, line, (size_t) length);
}

static const char *
find(void)
{
	int			input;
	pid_t		child = process_start(read_and_write, &input);
	ssize_t		length = read(input, found, sizeof(found) - 1);

	(void) process_await(child);
	(void) close(input);
	found[length > 0 ? length : 0] = '\0';
	return found;
}

#define READS "head 2, append read_only, stream read_only"

/* The owner can write afterwards, so files of the reader do not lock it out. */
static void
ok_owner_appends(const char *what)
{
	factstr_store *store = sqlite_open();
	factstr_error error = {0};

	ok_code(store_append(store, "t", NULL, &error), FACTSTR_OK, &error, "%s: the owner appends", what);
	(void) factstr_close(store, FACTSTR_CLOSE_TIMEOUT_MS);
}

static void
test_unwritable(void)
{
	make_store("file");
	set_rights(sqlite_path, 0444);
	ok_str(find(), READS, "a file that cannot be written is read");
	ok_int(count_files(), 1, "and nothing is left beside it");
	set_rights(sqlite_path, 0644);
	ok_owner_appends("a file that was not writable");

	make_store("sticky");
	set_rights(sqlite_path, 0444);
	set_rights(directory, 01777);
	ok_str(find(), READS, "a file in a directory that all may write is read");
	ok_int(count_files(), 1, "nothing is left there that its owner could not remove");
	set_rights(sqlite_path, 0644);
	ok_owner_appends("a sticky directory");

	make_store("directory");
	set_rights(sqlite_path, 0666);
	set_rights(directory, 0555);
	ok_str(find(), READS, "a file in a directory that cannot be written is read");
	ok_int(count_files(), 1, "and nothing is left there");
	set_rights(directory, 0755);
	ok_owner_appends("a directory that was not writable");
}

/* During the work of a writer: its commits are visible, although they are only in its log. */
static void
test_beside_a_writer(void)
{
	factstr_store *store;

	make_store("live");
	store = sqlite_open();
	(void) store_append(store, "t", NULL, NULL);
	set_rights(sqlite_path, 0444);
	ok_str(find(), "head 3, append read_only, stream read_only",
		   "the newest commits of a writer are read");
	set_rights(sqlite_path, 0644);
	ok_int(store_append(store, "t", NULL, NULL), FACTSTR_OK, "the writer continues");
	(void) factstr_close(store, FACTSTR_CLOSE_TIMEOUT_MS);
	ok_owner_appends("beside a reader");
}

static void
test_by_choice(void)
{
	factstr_store *store;
	factstr_store *writer;
	factstr_stream *stream;
	recording	of = RECORDING_INIT;
	factstr_error error = {0};

	make_store("chosen");
	writer = sqlite_open();
	sqlite_new_file("chosen/facts.db", "?mode=ro");
	store = sqlite_open();
	ok_int((int64_t) store_head(store), 2, "mode=ro: facts are read");
	ok_code(store_append(store, "t", NULL, &error), FACTSTR_READ_ONLY, &error,
			"mode=ro: an append is refused");
	ok_contains(error.detail, "mode=ro", "the error says why");
	ok_code(factstr_stream_drop(store, "s", &error), FACTSTR_READ_ONLY, &error,
			"mode=ro: a drop is refused");
	ok_code(factstr_stream_open(store, NULL, NULL, recording_handler, &of, NULL, &stream, &error), FACTSTR_OK,
			&error, "mode=ro: a stream that keeps nothing is opened");
	(void) store_append(writer, "t", NULL, NULL);
	ok_recorded(&of, "3-3(3)", "and gets the appends of others");
	(void) factstr_stream_close(stream, -1);
	(void) factstr_close(store, FACTSTR_CLOSE_TIMEOUT_MS);
	(void) factstr_close(writer, FACTSTR_CLOSE_TIMEOUT_MS);
	ok_int(count_files(), 1, "mode=ro: nothing is left beside the file");

	sqlite_new_file("chosen/missing.db", "?mode=ro");
	ok_code(sqlite_try_open(&error), FACTSTR_CANNOT_OPEN, &error, "mode=ro: the store must exist");
	ok_int(access(sqlite_path, F_OK), -1, "it is not made");
}

/* The obstacle is reported. */
static void
test_obstacles(void)
{
	factstr_error error;

	make_store("unreadable");
	set_rights(sqlite_path, 0);
	ok_contains(find(), "it is not readable", "a file that may not be read");
	sqlite_new_file("unreadable/new.db", "");
	set_rights(directory, 0555);
	ok_contains(find(), "its directory cannot be written", "a new file in such a directory");
	set_rights(directory, 0);
	ok_contains(find(), "its directory is not accessible", "a directory that may not be entered");
	set_rights(directory, 0755);
	sqlite_new_file("nowhere/new.db", "");
	ok_code(sqlite_try_open(&error), FACTSTR_CANNOT_OPEN, &error, "a directory that is missing");
	ok_contains(error.message, "its directory does not exist", "the error says so");
	ok_contains(error.hint, "Make the directory", "and what to do");
}

/* How much of the file a reader keeps when it has read all of it, in kilobytes. */
static int
read_all(const char *options)
{
	factstr_store *store;
	factstr_query_result *result;
	factstr_error error;
	int			kept;

	sqlite_new_file("large.db", options);
	store = sqlite_open();
	if (factstr_query(store, NULL, &result, &error) != FACTSTR_OK)
		tap_bail_out("%s", error.message);
	factstr_query_result_free(result);
	kept = (int) (sqlite3_memory_used() / 1024);
	(void) factstr_close(store, FACTSTR_CLOSE_TIMEOUT_MS);
	return kept;
}

static void
test_cache_size(void)
{
	static char payload[200003];
	factstr_store *store;
	factstr_error error;

	(void) memset(payload, 'x', sizeof(payload) - 1);
	payload[0] = payload[sizeof(payload) - 2] = '"';
	sqlite_new_file("large.db", "");
	store = sqlite_open();
	for (int i = 0; i < 20; i++)
		(void) store_append(store, "t", payload, NULL);
	(void) factstr_close(store, FACTSTR_CLOSE_TIMEOUT_MS);
	ok_cmp(read_all(""), ">", 3000, "an idle reader keeps its pages");
	ok_cmp(read_all("?cache_size_kb=200"), "<", 1500, "but no more than cache_size_kb");
	sqlite_new_file("large.db", "?cache_size_kb=much");
	ok_code(sqlite_try_open(&error), FACTSTR_CANNOT_OPEN, &error, "a cache_size_kb that is no number");
}

/* The suite notices a store that is opened to be read and can be written. */
static char fresh_url[300];

static const char *
fresh(void *context, char *message)
{
	static int	count;

	(void) context;
	(void) message;
	(void) snprintf(fresh_url, sizeof(fresh_url), "sqlite:%s/suite-%d.db", sqlite_directory, ++count);
	return fresh_url;
}

static void
test_suite_notices(void)
{
	factstr_conformance_target target = {
		.name = "mutant", .fresh = fresh, .persistent = true, .read_only = "mode=ro"
	};

	ok_int(factstr_conformance_report(&target, "rule 39", NULL, NULL), 0, "rule 39 is kept");
	target.read_only = "mode=rw";
	ok_cmp(factstr_conformance_report(&target, "rule 39", NULL, NULL), ">", 0,
		   "noticed: a store that is only to be read is written");
}

int
main(void)
{
	sqlite_begin();
	set_rights(sqlite_directory, 0755);
	test_unwritable();
	test_beside_a_writer();
	test_by_choice();
	test_obstacles();
	test_cache_size();
	test_suite_notices();
	return sqlite_end();
}
