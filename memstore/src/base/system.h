/*
 * base/system.h
 *		What systems and their C libraries have in different forms, in one.
 */
#ifndef FACTSTR_BASE_SYSTEM_H
#define FACTSTR_BASE_SYSTEM_H

#include <stdbool.h>
#include <stddef.h>

/* The room that the words of any error need. */
#define FS_ERRNO_WORDS_SIZE 128

/*
 * The system's words for an error number.  words has FS_ERRNO_WORDS_SIZE bytes; what is returned lies
 * there or in static storage.
 */
const char *fs_errno_words(int number, char *words);

/*
 * A pipe whose ends neither block nor are open in programs that are executed; false with errno set.
 * Threads and signal handlers wake a poll() through it.
 */
bool		fs_pipe_open(int ends[2]);

#endif							/* FACTSTR_BASE_SYSTEM_H */
