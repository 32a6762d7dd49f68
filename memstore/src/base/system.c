/*
 * base/system.c
 *		One interface for functions that differ between systems and their C libraries.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/system.h"

/* strerror_r as POSIX has it: in musl and others. */
static inline const char *
fs_words_of_status(int status, int number, char *words)
{
	if (status != 0 && status != ERANGE)
		(void) snprintf(words, FS_ERRNO_WORDS_SIZE, "error %d", number);
	return words;
}

/* The variant of glibc for _GNU_SOURCE, which returns the message. */
static inline const char *
fs_words_of_text(const char *text, int number, const char *words)
{
	(void) number;
	(void) words;
	return text;
}

const char *
fs_errno_words(int number, char *words)
{
	words[0] = '\0';
	return _Generic(strerror_r(number, words, FS_ERRNO_WORDS_SIZE),
					int: fs_words_of_status,
					char *: fs_words_of_text) (strerror_r(number, words, FS_ERRNO_WORDS_SIZE),
											   number, words);
}

/* Both flags at once, since another thread may fork; where the system can do that. */
#ifdef __linux__

bool
fs_pipe_open(int ends[2])
{
	return pipe2(ends, O_CLOEXEC | O_NONBLOCK) == 0;
}

#else

static bool
fs_set_flags(int file)
{
	int			flags = fcntl(file, F_GETFL);

	return flags >= 0 && fcntl(file, F_SETFL, flags | O_NONBLOCK) == 0 &&
		fcntl(file, F_SETFD, FD_CLOEXEC) == 0;
}

bool
fs_pipe_open(int ends[2])
{
	int			saved_errno;

	if (pipe(ends) != 0)
		return false;
	if (fs_set_flags(ends[0]) && fs_set_flags(ends[1]))
		return true;
	saved_errno = errno;
	(void) close(ends[0]);
	(void) close(ends[1]);
	errno = saved_errno;
	return false;
}

#endif
