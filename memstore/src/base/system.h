/*
 * base/system.h
 *		Functions that differ between systems and C libraries, in one form.
 */
#ifndef FACTSTR_BASE_SYSTEM_H
#define FACTSTR_BASE_SYSTEM_H

#include <stdbool.h>
#include <stddef.h>

/* The size of any error message of the system. */
#define FS_ERRNO_WORDS_SIZE 128

/*
 * The system's message for an error number.  words has FS_ERRNO_WORDS_SIZE bytes; the result is there or in static
 * storage.
 */
const char *fs_errno_words(int number, char *words);

/*
 * A pipe whose ends do not block and are closed in executed programs.  False with errno set. Threads and signal
 * handlers use it to wake a poll().
 */
bool		fs_pipe_open(int ends[2]);

#endif							/* FACTSTR_BASE_SYSTEM_H */
