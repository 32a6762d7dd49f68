/*
 * memory_use.c
 *		Tests that a call needs at most four times the memory of its input, besides the stored data.
 *
 * The peak of the library's own allocations is compared with the rest after the call.  The input
 * itself is one of the four.  The command is measured from outside.
 */
#include <fcntl.h>
#include <malloc.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buffer.h"

#include "lib/sqlite_files.h"

#define INPUT_BYTES 1000000

void	   *__real_malloc(size_t size);
void	   *__real_calloc(size_t count, size_t size);
void	   *__real_realloc(void *memory, size_t size);
void		__real_free(void *memory);
void	   *__wrap_malloc(size_t size);
void	   *__wrap_calloc(size_t count, size_t size);
void	   *__wrap_realloc(void *memory, size_t size);
void		__wrap_free(void *memory);

/* Of all threads.  The peak may be missed if two of them allocate at the same moment. */
static _Atomic size_t used_bytes;
static _Atomic size_t most_bytes;

static void *
note(void *memory)
{
	size_t		size = malloc_usable_size(memory);
	size_t		used = atomic_fetch_add(&used_bytes, size) + size;

	if (used > most_bytes)
		most_bytes = used;
	return memory;
}

void *
__wrap_malloc(size_t size)
{
	return note(__real_malloc(size));
}

void *
__wrap_calloc(size_t count, size_t size)
{
	return note(__real_calloc(count, size));
}

/* While it moves a piece both are there; a large one is not moved but mapped elsewhere. */
void *
__wrap_realloc(void *memory, size_t size)
{
	used_bytes -= malloc_usable_size(memory);
	return note(__real_realloc(memory, size));
}

void
__wrap_free(void *memory)
{
	used_bytes -= malloc_usable_size(memory);
	__real_free(memory);
}

/*
 * Inputs
 */

/* A text of elements, each made by format from a number that goes up. */
static char *
make_list(char open, const char *format, unsigned first, char close)
{
	fs_buffer	text = {0};

	fs_buffer_append(&text, &open, 1);
	for (unsigned i = 0; text.length < INPUT_BYTES; i++)
	{
		char		element[400];
		int			length = snprintf(element, sizeof(element), format, first + i, i % 1000, i % 97);

		if (i > 0)
			fs_buffer_append(&text, ",", 1);
		fs_buffer_append(&text, element, (size_t) length);
	}
	fs_buffer_append(&text, &close, 1);
	fs_buffer_append(&text, "", 1);
	if (text.no_memory)
		tap_bail_out("no memory");
	return text.data;
}

#define EVENT \
	"{\"event_type\":\"student-enrolled\",\"payload\":" \
	"{\"student\":\"s%u\",\"course\":\"c%u\",\"n\":%u,\"note\":\"none\"}}"

/*
 * Calls
 */

typedef struct input
{
	const char *text;
	const char *key;
	bool		is_document;	/* the text is one of events, not a payload */
} input;

static int
append(factstr_store *store, const input *given)
{
	factstr_event event = {.event_type = "t", .payload = given->text};
	char		options[80];
	char	   *result = NULL;
	int			code;

	if (!given->is_document)
		return factstr_append(store, &event, 1, WITH_KEY(given->key), NULL, NULL);
	(void) snprintf(options, sizeof(options), "{\"idempotency_key\": \"%s\"}",
					given->key == NULL ? "" : given->key);
	code = factstr_json_append(store, given->text, given->key == NULL ? NULL : options, &result);
	factstr_json_free(result);
	return code;
}

/* The memory of the call beside its input, which is already allocated, and the rest after it. */
static void
ok_append(factstr_store *store, const input *given, const char *name)
{
	size_t		length = strlen(given->text);
	size_t		before = used_bytes;
	size_t		kept;
	int			code;

	most_bytes = (size_t) used_bytes;
	code = append(store, given);
	kept = used_bytes > before ? used_bytes - before : 0;
	ok_code(code, FACTSTR_OK, NULL, "%s", name);
	ok_cmp((int64_t) (most_bytes - before - kept), "<=", (int64_t) (3 * length),
		   "%s: %zu bytes need little more", name, length);
	tap_diagnostic("%.2f times the input beside it and %.2f that the store keeps",
				   (double) (most_bytes - before - kept) / (double) length,
				   (double) kept / (double) length);
}

static void
append_payload(factstr_store *store, const char *payload, const char *name)
{
	char		words[200];
	char	   *again = malloc(strlen(payload) + 2);

	(void) snprintf(words, sizeof(words), "a payload of %s", name);
	ok_append(store, &(input) {.text = payload, .key = name}, words);
	(void) snprintf(words, sizeof(words), "%s again, with the key", name);
	ok_append(store, &(input) {.text = payload, .key = name}, words);
	(void) sprintf(again, " %s", payload);
	(void) snprintf(words, sizeof(words), "%s again, spelt otherwise", name);
	ok_append(store, &(input) {.text = again, .key = name}, words);
	free(again);
}

static void
append_events(factstr_store *store)
{
	char	   *events = make_list('[', EVENT, 0, ']');

	ok_append(store, &(input) {.text = events, .key = "events", .is_document = true}, "events as one document");
	ok_append(store, &(input) {.text = events, .key = "events", .is_document = true}, "the same again, with the key");
	free(events);
}

static void
test_store(const char *url)
{
	static const struct
	{
		const char *name;
		const char *format;
		unsigned	first;
		char		open;
		char		close;
	}			payloads[] = {
		{"ones", "1", 0, '[', ']'},
		{"empty arrays", "[]", 0, '[', ']'},
		{"numbers", "%u", 1000001, '[', ']'},
		{"fractions", "0.%u", 101, '[', ']'},
		{"strings", "\"%x\"", 0x10000, '[', ']'},
		{"escapes", "\"\\u00e9\\n%u\"", 100, '[', ']'},
		{"objects", "{\"a\":%u}", 100, '[', ']'},
		{"members", "\"k%u\":%u", 100000, '{', '}'},
		{"members out of order", "\"%2$u.%1$u\":1", 100, '{', '}'},
		{"members with one key", "\"k\":%u", 0, '{', '}'}
	};
	factstr_store *store = store_open(url);

	tap_diagnostic("%s", url);
	for (size_t i = 0; i < sizeof(payloads) / sizeof(payloads[0]); i++)
	{
		char	   *payload = make_list(payloads[i].open, payloads[i].format, payloads[i].first,
										payloads[i].close);

		append_payload(store, payload, payloads[i].name);
		free(payload);
	}
	append_events(store);
	factstr_close(store, FACTSTR_CLOSE_TIMEOUT_MS);
}

/*
 * The command
 */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define IS_SANITIZED true
#else
#define IS_SANITIZED false
#endif

#define FILE_BYTES 20000000

static void
write_lines(const char *path)
{
	FILE	   *file = fopen(path, "w");

	for (unsigned i = 0; file != NULL && ftell(file) < FILE_BYTES; i++)
		(void) fprintf(file, "{\"event_type\":\"t\",\"payload\":{\"id\":\"s%u\",\"note\":\"%0200u\"}}\n",
					   i, i % 7);
	if (file == NULL || fclose(file) != 0)
		tap_bail_out("%s cannot be written", path);
}

/* Runs it; the most memory that it had in bytes, or 0 if it failed. */
static int64_t
measure_command(const char *path, const char *store, const char *how)
{
	struct rusage usage;
	pid_t		child = fork();
	int			status;

	if (child == 0)
	{
		(void) dup2(open("/dev/null", O_WRONLY | O_CLOEXEC), STDOUT_FILENO);
		(void) execl("build/factstr", "factstr", "-s", store, "append", how, path, (char *) NULL);
		_exit(127);
	}
	if (child < 0 || wait4(child, &status, 0, &usage) != child || status != 0)
		return 0;
	return usage.ru_maxrss * 1024;
}

/* A batch of one line at a time shows the memory of the program without its input. */
static void
test_command(void)
{
	char		path[300];
	int64_t		least;
	int64_t		most;

	(void) snprintf(path, sizeof(path), "%s/lines", sqlite_directory);
	write_lines(path);
	sqlite_new_file("lines.db", "");
	least = measure_command(path, sqlite_url, "--batch=100");
	sqlite_new_file("batch.db", "");
	most = measure_command(path, sqlite_url, "--one-batch");
	ok_cmp(least, ">", 0, "the command appends lines");
	ok_cmp(most, ">", 0, "and all of them in one batch");
	if (!IS_SANITIZED && getenv("VALGRIND") == NULL)
		ok_cmp(most - least, "<=", 4 * FILE_BYTES, "which needs little more than the lines");
	tap_diagnostic("%.2f times the input", (double) (most - least) / FILE_BYTES);
}

int
main(void)
{
	sqlite_begin();
	test_command();
	test_store("memory:");
	sqlite_new_file("memory.db", "");
	test_store(sqlite_url);
	return sqlite_end();
}
