/*
 * messages.h
 *		Messages on stderr.
 */
#ifndef FACTSTR_CLI_MESSAGES_H
#define FACTSTR_CLI_MESSAGES_H

#include <stdarg.h>

#include "factstr.h"

#include "cli.h"

/* "factstr: MESSAGE" and a line each for detail and hint, if there are any.  Returns CLI_FAILED. */
cli_status	cli_fail(const factstr_error *error);

/* The same, with the place in the input in front. */
cli_status	cli_fail_at(const char *place, const factstr_error *error);

/* The same, with our message. */
cli_status	cli_fail_with(const char *format,...) __attribute__((format(printf, 1, 2)));

/* A line below a message: "  hint: ...". */
void		cli_hint(const char *format,...) __attribute__((format(printf, 1, 2)));

cli_status	cli_fail_no_memory(void);

/* The text of a message: one line, after its beginning.  It ends where a password may begin. */
void		cli_message_line(const char *beginning, const char *format, va_list arguments)
			__attribute__((format(printf, 2, 0)));

#endif							/* FACTSTR_CLI_MESSAGES_H */
