/*
 * system.c
 *		Differences between C libraries: the messages of errors, the stacks of threads, pipes.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "base/system.h"
#include "lib/await.h"
#include "lib/stores.h"
#include "lib/tap.h"

/* The small stack that musl gives a thread, and the stack that a handler may use nevertheless. */
#define SMALL_STACK (128 * 1024)
#ifndef __SANITIZE_THREAD__
#define USED_STACK (3 * 512 * 1024)
#else
#define USED_STACK (512 * 1024)	/* the sanitizer needs the rest */
#endif

static void
test_words(void)
{
	char		words[FS_ERRNO_WORDS_SIZE];

	ok_str(fs_errno_words(ENOENT, words), "No such file or directory", "the words of an error");
	ok_contains(fs_errno_words(ENOSPC, words), "o space left on device", "of another one");
	ok(fs_errno_words(123456, words)[0] != '\0', "a number that is none has words, too");
}

static void
test_words_of_store(void)
{
	factstr_store *store;
	factstr_error error;

	ok_code(factstr_open("sqlite:/nowhere/at/all?mode=rw", &store, &error), FACTSTR_CANNOT_OPEN,
			&error, "a file that is not there");
	ok_contains(error.message, "No such file or directory", "the message has the system's words");
	ok_lacks(error.message, "(null)", "and not those of the wrong function");
}

static void
test_pipe(void)
{
	int			ends[2];
	char		byte;

	ok(fs_pipe_open(ends), "a pipe");
	ok(read(ends[0], &byte, 1) < 0 && errno == EAGAIN, "reading does not block");
	ok_int(fcntl(ends[0], F_GETFD), FD_CLOEXEC, "one end is closed in programs that are executed");
	ok_int(fcntl(ends[1], F_GETFD), FD_CLOEXEC, "the other, too");
	(void) close(ends[1]);
	ok_int(read(ends[0], &byte, 1), 0, "closing one end is seen at the other");
	(void) close(ends[0]);
}

/* A handler that needs some stack. */
static int
use_stack(const factstr_batch *batch, void *context, factstr_error *error)
{
	volatile char used[USED_STACK];

	(void) batch;
	(void) error;
	for (size_t i = 0; i < sizeof(used); i += 1024)
		used[i] = 1;
	__atomic_store_n((bool *) context, used[1024] == 1, __ATOMIC_SEQ_CST);
	return 0;
}

/* Threads of this program get a small stack from now on. */
static bool
make_default_small(void)
{
	pthread_attr_t attributes;
	bool		made;

	if (pthread_attr_init(&attributes) != 0)
		return false;
	made = pthread_attr_setstacksize(&attributes, SMALL_STACK) == 0 &&
		pthread_setattr_default_np(&attributes) == 0;
	(void) pthread_attr_destroy(&attributes);
	return made;
}

static void
test_stack(void)
{
	factstr_store *store;
	factstr_stream *stream;
	factstr_error error;
	bool		delivered = false;

	ok(make_default_small(), "threads get a small stack by default");
	store = store_open("memory:");
	ok_code(factstr_stream_open(store, NULL, NULL, use_stack, &delivered, NULL, &stream, &error), FACTSTR_OK,
			&error, "a stream");
	ok_code(store_append(store, "a", NULL, &error), FACTSTR_OK, &error, "an append");
	ok(AWAIT(__atomic_load_n(&delivered, __ATOMIC_SEQ_CST)), "a handler has a stack of 2 MB");
	(void) factstr_stream_close(stream, -1);
	(void) factstr_close(store, FACTSTR_CLOSE_TIMEOUT_MS);
}

int
main(void)
{
	test_words();
	test_words_of_store();
	test_pipe();
	test_stack();
	return tap_finish();
}
