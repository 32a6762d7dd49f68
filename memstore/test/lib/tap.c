/*
 * tap.c
 *		Results in the Test Anything Protocol.
 */
#include <inttypes.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "tap.h"

#define LONGEST_TEXT 1000

/* Handlers give results too, on threads of the library. */
static pthread_mutex_t printing = PTHREAD_MUTEX_INITIALIZER;
static int	count;
static int	failures;

/*
 * Text in a line of TAP: nothing that could end the line, or be read as a directive.  It is out
 * before anything can crash or hang.
 */
static void
print_text(const char *format, va_list arguments)
{
	char		text[LONGEST_TEXT];

	(void) vsnprintf(text, sizeof(text), format, arguments);
	for (const char *c = text; *c != '\0'; c++)
	{
		if (*c < ' ' || *c > '~' || *c == '#')
			printf("\\x%02x", (unsigned char) *c);
		else
			putchar(*c);
	}
	putchar('\n');
	(void) fflush(stdout);
}

static bool
print_result(bool passed, const char *name, va_list arguments)
{
	(void) pthread_mutex_lock(&printing);
	printf("%sok %d - ", passed ? "" : "not ", ++count);
	print_text(name, arguments);
	if (!passed)
		failures++;
	(void) pthread_mutex_unlock(&printing);
	return passed;
}

/* The results all end alike: print the line, and return from the caller if it is a good one. */
#define RESULT(passed) \
	do \
	{ \
		va_list		arguments; \
		bool		result; \
		va_start(arguments, name); \
		result = print_result(passed, name, arguments); \
		va_end(arguments); \
		if (result) \
			return true; \
	} while (0)

void
tap_diagnostic(const char *format,...)
{
	va_list		arguments;

	printf("# ");
	va_start(arguments, format);
	print_text(format, arguments);
	va_end(arguments);
}

void
tap_bail_out(const char *format,...)
{
	va_list		arguments;

	printf("Bail out! ");
	va_start(arguments, format);
	print_text(format, arguments);
	va_end(arguments);
	exit(2);
}

int
tap_finish(void)
{
	printf("1..%d\n", count);
	return failures == 0 && count > 0 ? 0 : 1;
}

static void
show(const char *got, const char *how, const char *expected)
{
	tap_diagnostic("     got: %s", got);
	tap_diagnostic("expected: %s%s", how, expected);
}

static void
show_numbers(int64_t got, const char *how, int64_t expected)
{
	char		texts[2][30];

	(void) snprintf(texts[0], sizeof(texts[0]), "%" PRId64, got);
	(void) snprintf(texts[1], sizeof(texts[1]), "%" PRId64, expected);
	show(texts[0], how, texts[1]);
}

static const char *
printable(const char *text)
{
	return text == NULL ? "(NULL)" : text;
}

bool
ok(bool passed, const char *name,...)
{
	RESULT(passed);
	return false;
}

bool
ok_int(int64_t got, int64_t expected, const char *name,...)
{
	RESULT(got == expected);
	show_numbers(got, "", expected);
	return false;
}

static bool
compares(int64_t got, const char *comparison, int64_t bound)
{
	if (strcmp(comparison, "<") == 0)
		return got < bound;
	if (strcmp(comparison, "<=") == 0)
		return got <= bound;
	if (strcmp(comparison, ">") == 0)
		return got > bound;
	if (strcmp(comparison, ">=") == 0)
		return got >= bound;
	if (strcmp(comparison, "!=") == 0)
		return got != bound;
	tap_bail_out("\"%s\" does not compare numbers", comparison);
}

bool
ok_cmp(int64_t got, const char *comparison, int64_t bound, const char *name,...)
{
	char		how[10];

	RESULT(compares(got, comparison, bound));
	(void) snprintf(how, sizeof(how), "%s ", comparison);
	show_numbers(got, how, bound);
	return false;
}

bool
ok_str(const char *got, const char *expected, const char *name,...)
{
	RESULT(got == NULL || expected == NULL ? got == expected : strcmp(got, expected) == 0);
	show(printable(got), "", printable(expected));
	return false;
}

bool
ok_contains(const char *got, const char *part, const char *name,...)
{
	RESULT(got != NULL && strstr(got, part) != NULL);
	show(printable(got), "a text with ", part);
	return false;
}

bool
ok_lacks(const char *got, const char *part, const char *name,...)
{
	RESULT(got != NULL && strstr(got, part) == NULL);
	show(printable(got), "a text without ", part);
	return false;
}

bool
ok_null(const void *got, const char *name,...)
{
	RESULT(got == NULL);
	show("a pointer", "", "NULL");
	return false;
}

bool
ok_code(int got, int expected, const factstr_error *error, const char *name,...)
{
	RESULT(got == expected);
	show(factstr_code_name(got), "", factstr_code_name(expected));
	if (got != FACTSTR_OK && error != NULL)
		tap_diagnostic("   error: %s", error->message);
	return false;
}
