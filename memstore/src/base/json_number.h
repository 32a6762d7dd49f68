/*
 * base/json_number.h
 *		Numbers of JSON in a canonical form: two are equal if, and only if, their texts are.
 */
#ifndef FACTSTR_BASE_JSON_NUMBER_H
#define FACTSTR_BASE_JSON_NUMBER_H

#include "base/buffer.h"
#include "match/json_value.h"

/* The parts of a number token, borrowed from it. */
typedef struct fs_number
{
	bool		negative;
	fs_text		integer;
	fs_text		fraction;
	int64_t		exponent;		/* as written, or beyond +-FS_HUGE_EXPONENT */
} fs_number;

/* The whole run of characters from here that may belong to a number. */
fs_text		fs_number_token(const char *text, const char *end);

/* Is the whole token a JSON number?  Then its parts are in *number. */
bool		fs_scan_number(fs_text token, fs_number *number);

/*
 * Writes the canonical form.  False if the number is out of range: every store keeps 131,072 digits before the
 * point and 16,383 after it.
 */
bool		fs_write_number(fs_buffer *out, const fs_number *number);

#endif							/* FACTSTR_BASE_JSON_NUMBER_H */
