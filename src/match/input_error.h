/*
 * match/input_error.h
 *		How the shared parsers report an error in a document, and its place.
 */
#ifndef FACTSTR_INPUT_ERROR_H
#define FACTSTR_INPUT_ERROR_H

#include <stdarg.h>
#include <stdio.h>

#include "match/json_value.h"

/* Keys quoted in a message are cut to this many bytes: a hostile key may be megabytes long. */
#define FS_QUOTED_KEY_BYTES 64

typedef enum fs_input_code
{
	FS_INPUT_OK,
	FS_INPUT_MALFORMED,
	FS_INPUT_EMPTY_APPEND,
	FS_INPUT_NO_MEMORY
} fs_input_code;

/*
 * An error names the place (a JSON path), the problem there, and the expected form.  It quotes keys but never
 * values, because messages end up in logs, which may be open to people who must not see facts.
 */
typedef struct fs_input_error
{
	fs_input_code code;
	char		path[192];
	char		message[192];
	const char *expected;		/* a full sentence, static storage */
} fs_input_error;

/* Returns false, so that a parser can "return fs_malformed(...)". */
static inline bool fs_malformed(fs_input_error *error, const char *path, const char *expected,
								const char *format,...) __attribute__((format(printf, 4, 5)));

static inline bool
fs_malformed(fs_input_error *error, const char *path, const char *expected, const char *format,...)
{
	va_list		arguments;

	error->code = FS_INPUT_MALFORMED;
	error->expected = expected;
	(void) snprintf(error->path, sizeof(error->path), "%s", path);
	va_start(arguments, format);
	(void) vsnprintf(error->message, sizeof(error->message), format, arguments);
	va_end(arguments);
	return false;
}

static inline bool
fs_out_of_memory(fs_input_error *error)
{
	error->code = FS_INPUT_NO_MEMORY;
	error->expected = NULL;
	error->path[0] = '\0';
	(void) snprintf(error->message, sizeof(error->message), "out of memory");
	return false;
}

/* The length of a key's quotable part: at most FS_QUOTED_KEY_BYTES, never half a UTF-8 character. */
static inline int
fs_quotable_length(fs_text key)
{
	size_t		length = key.length;

	if (length > FS_QUOTED_KEY_BYTES)
	{
		length = FS_QUOTED_KEY_BYTES;
		while (length > 0 && ((unsigned char) key.data[length] & 0xC0) == 0x80)
			length--;
	}
	return (int) length;
}

/* Names the key, with control characters, which could fake a line of a log, replaced. */
static inline bool
fs_unknown_key(fs_input_error *error, const char *path, fs_text key, const char *expected)
{
	char		quoted[FS_QUOTED_KEY_BYTES + 1];
	int			length = fs_quotable_length(key);

	for (int i = 0; i < length; i++)
	{
		unsigned char c = (unsigned char) key.data[i];

		quoted[i] = c < ' ' || c == 0x7F ? '?' : key.data[i];
	}
	quoted[length] = '\0';
	return fs_malformed(error, path, expected, "unknown key \"%s%s\"", quoted,
						key.length > FS_QUOTED_KEY_BYTES ? "..." : "");
}

static inline bool
fs_wrong_kind(fs_input_error *error, const char *path, const char *expected,
			  const char *name, fs_json_kind wanted, fs_json_kind found)
{
	return fs_malformed(error, path, expected, "%s must be %s, not %s",
						name, fs_json_kind_name(wanted), fs_json_kind_name(found));
}

#endif							/* FACTSTR_INPUT_ERROR_H */
