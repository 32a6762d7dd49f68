/*
 * tap.h
 *		The little of the Test Anything Protocol that these tests need.
 */
#ifndef FACTSTR_TAP_H
#define FACTSTR_TAP_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>

static int	tap_count;
static int	tap_failures;

/* Text in a line of TAP: nothing that could end the line, or be read as a directive. */
static inline void
tap_print_text(const char *format, va_list arguments)
{
	char		text[400];

	(void) vsnprintf(text, sizeof(text), format, arguments);
	for (const char *c = text; *c != '\0'; c++)
	{
		if (*c < ' ' || *c > '~' || *c == '#')
			printf("\\x%02x", (unsigned char) *c);
		else
			putchar(*c);
	}
	putchar('\n');
}

/* One test.  Returns whether it passed, so that the caller can add a diagnostic. */
static inline bool __attribute__((format(printf, 2, 3)))
tap_ok(bool passed, const char *format,...)
{
	va_list		arguments;

	printf("%sok %d - ", passed ? "" : "not ", ++tap_count);
	va_start(arguments, format);
	tap_print_text(format, arguments);
	va_end(arguments);
	if (!passed)
		tap_failures++;
	return passed;
}

static inline void __attribute__((format(printf, 1, 2)))
tap_diagnostic(const char *format,...)
{
	va_list		arguments;

	printf("# ");
	va_start(arguments, format);
	tap_print_text(format, arguments);
	va_end(arguments);
}

/* The plan, last, and the program's exit status.  No tests at all is a failure too. */
static inline int
tap_finish(void)
{
	printf("1..%d\n", tap_count);
	return tap_failures == 0 && tap_count > 0 ? 0 : 1;
}

#endif							/* FACTSTR_TAP_H */
