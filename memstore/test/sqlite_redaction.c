/*
 * sqlite_redaction.c
 *		No file of a SQLite store holds erased text: not the database, its free pages and its write-ahead
 *		log, with readers at the same time, and whenever the process is killed.
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/sqlite_files.h"
#include "lib/tap.h"

#define SECRET "Ada-Lovelace-4711"

/* So long that it does not fit into a page. */
#define LONG_TEXT 20000

/* How often a text stands in a file; 0 if there is none. */
static int
count_in_file(const char *suffix, const char *text)
{
	char		path[300];
	size_t		length = strlen(text);
	int			count = 0;
	FILE	   *file;
	char	   *bytes;
	long		size;

	(void) snprintf(path, sizeof(path), "%s%s", sqlite_path, suffix);
	file = fopen(path, "rb");
	if (file == NULL)
		return 0;
	(void) fseek(file, 0, SEEK_END);
	size = ftell(file);
	rewind(file);
	bytes = malloc((size_t) size + 1);
	if (bytes == NULL || fread(bytes, 1, (size_t) size, file) != (size_t) size)
		tap_bail_out("cannot read %s", path);
	for (long i = 0; i + (long) length <= size; i++)
		count += memcmp(bytes + i, text, length) == 0;
	free(bytes);
	(void) fclose(file);
	return count;
}

static int
count_in_files(const char *text)
{
	return count_in_file("", text) + count_in_file("-wal", text) + count_in_file("-shm", text) +
		count_in_file("-journal", text) + count_in_file("-streams", text);
}

/* {"text": "SECRET SECRET ..."}, about as long as asked for; to be freed. */
static char *
secret_payload(size_t length)
{
	char	   *payload = malloc(length + 100);

	if (payload == NULL)
	{
		tap_bail_out("out of memory");
		return NULL;
	}
	strcpy(payload, "{\"account\": \"A-1\", \"text\": \"");
	do
		strcat(payload, SECRET " ");
	while (strlen(payload) < length);
	return strcat(payload, "\"}");
}

static void
append_secret(factstr_store *store, size_t length)
{
	char	   *payload = secret_payload(length);
	factstr_event event = {
		.event_type = "a",
		.payload = payload,
		.metadata = "{\"by\": \"" SECRET "\"}"
	};
	factstr_error error;

	if (factstr_append(store, &event, 1, NULL, NULL, &error) != FACTSTR_OK)
		tap_bail_out("%s", error.message);
	free(payload);
}

static bool
redact(factstr_store *store, uint64_t number)
{
	bool		traces_remain = true;
	factstr_error error;

	ok_code(factstr_redact(store, number, "{\"account\": \"A-1\"}", "erasure", NULL, &traces_remain,
						   &error), FACTSTR_OK, &error, "fact %d is redacted", (int) number);
	return traces_remain;
}

static void
test_bytes(void)
{
	static const size_t lengths[] = {30, 1000, LONG_TEXT, 30, 3 * LONG_TEXT, 500};
	const size_t count = sizeof(lengths) / sizeof(lengths[0]);
	factstr_store *store;

	sqlite_new_file("bytes.db", "");
	store = sqlite_open();
	for (size_t i = 0; i < count; i++)
		append_secret(store, lengths[i]);
	(void) factstr_close(store, FACTSTR_CLOSE_TIMEOUT_MS);
	store = sqlite_open();
	for (size_t i = 0; i < count; i++)
		append_secret(store, lengths[i]);
	ok_cmp(count_in_file("", SECRET), ">", 0, "the database holds the text, which this test can find");
	ok_cmp(count_in_file("-wal", SECRET), ">", 0, "the write-ahead log does, too");
	for (size_t i = 1; i < 2 * count; i++)
		ok(!redact(store, i), "no traces remain of fact %d", (int) i);
	ok_cmp(count_in_files(SECRET), ">", 0, "the last fact is there, and found");
	ok(!redact(store, 2 * count), "no traces remain of it");
	ok_int(count_in_files(SECRET), 0, "no file holds the text while the store is open");
	ok_int(count_in_files("Lovelace"), 0, "nor a part of it");
	ok_str(sqlite_ask("SELECT count(*) FROM factstr_erasures"), "0", "nothing is left to be finished");
	ok_str(sqlite_ask("SELECT count(*) FROM factstr_redactions"), "12", "each is on record");
	(void) factstr_close(store, FACTSTR_CLOSE_TIMEOUT_MS);
	ok_int(count_in_files(SECRET), 0, "and when it is closed");
	ok(sqlite_is_intact(), "the file is sound");
}

/* Appends in between move pages. */
static void
test_many(void)
{
	factstr_store *store;

	sqlite_new_file("many.db", "");
	store = sqlite_open();
	for (int i = 0; i < 1500; i++)
	{
		char		payload[200];
		factstr_error error;

		(void) snprintf(payload, sizeof(payload), "{\"n\": %d, \"name\": \"%s-%d-\", \"%s-%d\": [%d]}", i,
						SECRET, i, SECRET, i, i);
		if (store_append(store, "a", payload, &error) != FACTSTR_OK)
			tap_bail_out("%s", error.message);
	}
	for (uint64_t i = 1; i <= 1500; i += 3)
	{
		factstr_error error;

		if (factstr_redact(store, i, "{}", "r", NULL, NULL, &error) != FACTSTR_OK)
			tap_bail_out("%s", error.message);
	}
	ok_int(count_in_files(SECRET "-300-"), 0, "one of many facts is erased");
	ok_cmp(count_in_files(SECRET "-301-"), ">", 0, "the next one is not");
	ok_str(sqlite_ask("SELECT count(*) FROM factstr_terms WHERE sequence_number = 301"), "1",
		   "the index has the type of a redacted fact, and nothing of its old content");
	ok_str(sqlite_ask("SELECT count(*) FROM factstr_terms WHERE sequence_number = 302"), "4",
		   "and all of the next one");
	for (uint64_t i = 2; i <= 1500; i += i % 3 == 2 ? 1 : 2)
	{
		factstr_error error;

		if (factstr_redact(store, i, "{}", "r", NULL, NULL, &error) != FACTSTR_OK)
			tap_bail_out("%s", error.message);
	}
	ok_int(count_in_files(SECRET), 0, "all of them are");
	(void) factstr_close(store, FACTSTR_CLOSE_TIMEOUT_MS);
	ok(sqlite_is_intact(), "the file is sound");
}

/* A connection past the library that reads from now on. */
static sqlite3 *
begin_reading(void)
{
	sqlite3    *db;

	if (sqlite3_open(sqlite_path, &db) != SQLITE_OK ||
		sqlite3_exec(db, "BEGIN; SELECT count(*) FROM factstr_events", NULL, NULL, NULL) != SQLITE_OK)
		tap_bail_out("cannot read %s", sqlite_path);
	return db;
}

static void
test_reader(void)
{
	factstr_store *store;
	sqlite3    *reader;
	bool		traces_remain = false;
	factstr_error error;

	sqlite_new_file("reader.db", "");
	store = sqlite_open();
	append_secret(store, 30);
	reader = begin_reading();
	ok(redact(store, 1), "with a reader from before, traces remain");
	ok_cmp(count_in_files(SECRET), ">", 0, "which are there");
	ok_str(sqlite_ask("SELECT count(*) FROM factstr_erasures"), "1", "and known");
	ok_code(store_append(store, "b", NULL, &error), FACTSTR_OK, &error, "appends continue");
	(void) sqlite3_close(reader);
	ok_code(store_append(store, "b", NULL, &error), FACTSTR_OK, &error, "the reader ends");
	ok_int(count_in_files(SECRET), 0, "the next commit has finished it");
	ok_str(sqlite_ask("SELECT count(*) FROM factstr_erasures"), "0", "and nothing is left");
	append_secret(store, 30);
	ok_code(factstr_redact(store, 4, "1", "r", NULL, &traces_remain, &error), FACTSTR_OK, &error,
			"a later one");
	ok(!traces_remain, "leaves none");
	(void) factstr_close(store, FACTSTR_CLOSE_TIMEOUT_MS);
}

/* The process ends, however it ends, before the files are rid of the text. */
static void
test_killed(void)
{
	factstr_store *store;
	int			ready[2];
	pid_t		child;
	char		byte;

	sqlite_new_file("killed.db", "");
	store = sqlite_open();
	append_secret(store, LONG_TEXT);
	(void) factstr_close(store, FACTSTR_CLOSE_TIMEOUT_MS);
	if (pipe(ready) != 0)
		tap_bail_out("no pipe");
	child = fork();
	if (child == 0)
	{
		store = sqlite_open();
		(void) begin_reading();
		if (factstr_redact(store, 1, "{}", "r", NULL, NULL, NULL) == FACTSTR_OK)
			(void) !write(ready[1], "x", 1);
		for (;;)
			(void) pause();
	}
	if (read(ready[0], &byte, 1) != 1)
		tap_bail_out("the child has redacted nothing");
	(void) kill(child, SIGKILL);
	(void) waitpid(child, NULL, 0);
	(void) close(ready[0]);
	(void) close(ready[1]);
	ok_cmp(count_in_files(SECRET), ">", 0, "killed between commit and checkpoint, a process leaves traces");
	store = sqlite_open();
	ok_int(count_in_files(SECRET), 0, "the next opening has finished it");
	(void) factstr_close(store, FACTSTR_CLOSE_TIMEOUT_MS);
	ok_str(sqlite_ask("SELECT payload FROM factstr_events"), "{}", "the fact has the content of the redaction");
}

/* Messages of errors may quote a payload. */
static void
test_error_messages(void)
{
	factstr_store *store;

	sqlite_new_file("messages.db", "");
	store = sqlite_open();
	append_secret(store, 30);
	sqlite_run("INSERT INTO factstr_streams (name, event_query, cursor_sequence_number, last_error)"
			   " VALUES ('s', '{}', 0, 'cannot greet " SECRET "'), ('t', '{}', 0, NULL)");
	ok(!redact(store, 1), "no traces remain");
	ok_int(count_in_files(SECRET), 0, "the error of a stream does not quote the text any more");
	ok_str(sqlite_ask("SELECT last_error FROM factstr_streams WHERE name = 's'"),
		   "message erased by a redaction", "it says so");
	ok_str(sqlite_ask("SELECT count(last_error) FROM factstr_streams"), "1", "others have none");
	(void) factstr_close(store, FACTSTR_CLOSE_TIMEOUT_MS);
}

static const char *
refusal_of(const char *sql)
{
	static char words[200];
	sqlite3    *db;
	int			result;

	if (sqlite3_open(sqlite_path, &db) != SQLITE_OK)
		tap_bail_out("cannot open %s", sqlite_path);
	result = sqlite3_exec(db, sql, NULL, NULL, NULL);
	(void) snprintf(words, sizeof(words), "%s", result == SQLITE_OK ? "done" : sqlite3_errmsg(db));
	(void) sqlite3_close(db);
	return words;
}

static void
test_guards(void)
{
	factstr_store *store;

	sqlite_new_file("guards.db", "");
	store = sqlite_open();
	append_secret(store, 30);
	append_secret(store, 30);
	(void) redact(store, 1);
	(void) factstr_close(store, FACTSTR_CLOSE_TIMEOUT_MS);
	ok_str(refusal_of("UPDATE factstr_events SET payload = '1' WHERE sequence_number = 1"),
		   "facts are never changed", "SQL changes no redacted fact");
	ok_str(refusal_of("UPDATE factstr_events SET payload = '1' WHERE sequence_number = 2"),
		   "facts are never changed", "and no other one");
	ok_str(refusal_of("INSERT INTO factstr_erasures (sequence_number) VALUES (2);"
					  "UPDATE factstr_events SET event_type = 'b' WHERE sequence_number = 2"),
		   "facts are never changed", "only its content can be changed");
	ok_str(refusal_of("UPDATE factstr_redactions SET reason = 'other'"),
		   "the record of redactions is never changed", "the record stays");
	ok_str(refusal_of("DELETE FROM factstr_redactions"), "the record of redactions is never changed",
		   "all of it");
}

/* A read-only file is not upgraded to this schema, and can be exported nevertheless. */
static void
test_read_only(void)
{
	char		url[400];
	factstr_store *store;
	factstr_redaction_list *redactions = NULL;
	factstr_batch_list *batches = NULL;
	factstr_error error;

	(void) snprintf(url, sizeof(url), "%s?mode=ro", sqlite_url);
	store = store_open(url);
	ok_code(factstr_redact(store, 1, "{}", "r", NULL, NULL, &error), FACTSTR_READ_ONLY, &error,
			"a store that may only be read redacts nothing");
	ok_code(factstr_redactions(store, 0, 1, &redactions, &error), FACTSTR_OK, &error,
			"it lists redactions");
	ok_int(redactions == NULL ? -1 : (int64_t) redactions->count, 0, "of which there are none");
	ok_code(factstr_export(store, 0, 10, &batches, &error), FACTSTR_OK, &error, "it exports");
	ok_int(batches == NULL ? -1 : (int64_t) batches->count, 1, "what there is");
	factstr_redaction_list_free(redactions);
	factstr_batch_list_free(batches);
	(void) factstr_close(store, FACTSTR_CLOSE_TIMEOUT_MS);
}

/* A file of 0.1. */
static void
test_older_schema(void)
{
	factstr_store *store;

	sqlite_new_file("older.db", "");
	store = sqlite_open();
	append_secret(store, 30);
	(void) factstr_close(store, FACTSTR_CLOSE_TIMEOUT_MS);
	sqlite_run("DROP TABLE factstr_redactions; DROP TABLE factstr_erasures;"
			   "DROP TRIGGER factstr_events_update;"
			   "CREATE TRIGGER factstr_events_update BEFORE UPDATE ON factstr_events BEGIN"
			   " SELECT raise(ABORT, 'facts are never changed'); END;"
			   "PRAGMA user_version = 1");
	test_read_only();
	store = sqlite_open();
	ok_str(sqlite_ask("PRAGMA user_version"), "2", "a file of the schema before is brought up to this one");
	ok_int((int64_t) store_head(store), 1, "its facts are there");
	ok(!redact(store, 1), "and can be redacted");
	ok_int(count_in_files(SECRET), 0, "without traces");
	(void) factstr_close(store, FACTSTR_CLOSE_TIMEOUT_MS);
	ok(sqlite_is_intact(), "the file is sound");
}

int
main(void)
{
	sqlite_begin();
	test_bytes();
	test_many();
	test_reader();
	test_killed();
	test_error_messages();
	test_guards();
	test_older_schema();
	return sqlite_end();
}
