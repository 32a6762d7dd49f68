/*
 * utf8.h
 *		The little that is to be known of UTF-8 outside of JSON, whose texts jansson checks.
 */
#ifndef FACTSTR_UTF8_H
#define FACTSTR_UTF8_H

#include <stdbool.h>
#include <stddef.h>

/* No overlong forms, no surrogates, nothing beyond U+10FFFF. */
bool		fs_utf8_is_valid(const char *text, size_t length);

/*
 * Makes a text fit for one line of a log: control characters, which could fake another line, become
 * blanks, and what is not UTF-8 question marks.
 */
void		fs_utf8_clean(char *text);

/* The longest part of a text that has at most so many bytes and does not end within a character. */
size_t		fs_utf8_cut(const char *text, size_t length);

#endif							/* FACTSTR_UTF8_H */
