/*
 * canonical.h
 *		One spelling for each JSON value.
 *
 * Stores may keep a payload in a spelling of their own.  What is equal as JSON is the same text in
 * canonical form: no blanks, keys ordered byte by byte, of duplicate keys the last one, only those
 * characters escaped that have to be, and numbers in the shortest decimal spelling of their exact
 * value, with an exponent only where there would be more than 21 digits or more than 6 zeros behind
 * the point.
 */
#ifndef FACTSTR_CLI_CANONICAL_H
#define FACTSTR_CLI_CANONICAL_H

#include "buffer.h"
#include "factstr.h"

/* Adds the canonical form of a JSON text.  Errors: FACTSTR_MALFORMED, FACTSTR_NO_MEMORY. */
int			cli_write_canonical(fs_buffer *out, const char *text, factstr_error *error);

#endif							/* FACTSTR_CLI_CANONICAL_H */
