/*
 * base/utf8.h
 *		Validates and shortens UTF-8.
 */
#ifndef FACTSTR_BASE_UTF8_H
#define FACTSTR_BASE_UTF8_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

/* No overlong forms, no surrogates, nothing beyond U+10FFFF. */
bool		fs_utf8_is_valid(const char *text, size_t length);

/* The number of bytes before the first one that is not valid UTF-8. */
size_t		fs_utf8_valid_part(const char *text, size_t length);

/*
 * Makes a text fit for one line of a log: control characters, which could fake another line, become blanks, and
 * invalid UTF-8 becomes question marks.
 */
void		fs_utf8_clean(char *text);

/* The length of the longest prefix of a text that has at most this many bytes and ends with a whole character. */
size_t		fs_utf8_cut(const char *text, size_t length);

/*
 * Writes a text that is fit for one line of a log.  If it does not fit into size bytes, it is cut, but never within
 * a character.
 */
void		fs_utf8_format(char *text, size_t size, const char *format, va_list arguments)
			__attribute__((format(printf, 3, 0)));

#endif							/* FACTSTR_BASE_UTF8_H */
