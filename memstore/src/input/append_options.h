/*
 * input/append_options.h
 *		The options of an append in a JSON document.
 */
#ifndef FACTSTR_INPUT_APPEND_OPTIONS_H
#define FACTSTR_INPUT_APPEND_OPTIONS_H

#include "input/options.h"

typedef struct fs_append_options
{
	char	   *idempotency_key;	/* of the options; or NULL */
	char	   *context_query;	/* the same */
	fs_optional_number expected_context_version;
	fs_optional_number after_sequence_number;
	factstr_append_options options;
} fs_append_options;

/* text may be NULL: the defaults.  On success the caller releases *parsed; on failure it is zeroed. */
int			fs_append_options_of_json(const char *text, fs_append_options *parsed,
									  factstr_error *error);
void		fs_append_options_release(fs_append_options *parsed);

#endif							/* FACTSTR_INPUT_APPEND_OPTIONS_H */
