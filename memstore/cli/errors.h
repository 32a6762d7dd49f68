/*
 * errors.h
 *		Errors that the command itself detects, in the form of the library's errors.
 */
#ifndef FACTSTR_CLI_ERRORS_H
#define FACTSTR_CLI_ERRORS_H

#include "factstr.h"

/* Fills *error with a code and a message, and clears the rest.  Returns the code. */
int			cli_error(factstr_error *error, int code, const char *format,...)
			__attribute__((format(printf, 3, 4)));

/* Adds to an error that was just filled. */
void		cli_error_detail(factstr_error *error, const char *format,...)
			__attribute__((format(printf, 2, 3)));
void		cli_error_hint(factstr_error *error, const char *format,...)
			__attribute__((format(printf, 2, 3)));

int			cli_error_no_memory(factstr_error *error);

#endif							/* FACTSTR_CLI_ERRORS_H */
