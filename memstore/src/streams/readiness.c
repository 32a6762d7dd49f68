/*
 * streams/readiness.c
 *		Is there something for the next call of a pulled stream?  A flag, and a pipe for poll(), with a byte
 *		in it as long as the flag is set.
 */
#include <errno.h>
#include <unistd.h>

#include "base/system.h"
#include "results/error.h"
#include "streams/readiness.h"

/* The pipe contains at most one byte, so only a signal can make either call fail. */
static void
fs_write_byte(const factstr_stream *stream)
{
	if (stream->has_pipe)
		while (write(stream->pipe[1], "", 1) < 0 && errno == EINTR)
			;
}

static void
fs_read_byte(const factstr_stream *stream)
{
	char		byte;

	if (stream->has_pipe)
		while (read(stream->pipe[0], &byte, 1) < 0 && errno == EINTR)
			;
}

void
fs_readiness_set(factstr_stream *stream)
{
	if (stream->is_ready)
		return;
	stream->is_ready = true;
	fs_write_byte(stream);
}

void
fs_readiness_clear(factstr_stream *stream)
{
	if (!stream->is_ready || stream->is_stopped)
		return;
	stream->is_ready = false;
	fs_read_byte(stream);
}

int
fs_readiness_open(factstr_stream *stream, factstr_error *error)
{
	char		words[FS_ERRNO_WORDS_SIZE];

	if (stream->has_pipe)
		return FACTSTR_OK;
	if (!fs_pipe_open(stream->pipe))
		return fs_error(error, FACTSTR_STORAGE, "cannot make a pipe: %s",
						fs_errno_words(errno, words));
	stream->has_pipe = true;
	if (stream->is_ready)
		fs_write_byte(stream);
	return FACTSTR_OK;
}

void
fs_readiness_close(factstr_stream *stream)
{
	if (!stream->has_pipe)
		return;
	(void) close(stream->pipe[0]);
	(void) close(stream->pipe[1]);
}
