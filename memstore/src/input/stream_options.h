/*
 * input/stream_options.h
 *		The options of a stream in a JSON document.
 */
#ifndef FACTSTR_INPUT_STREAM_OPTIONS_H
#define FACTSTR_INPUT_STREAM_OPTIONS_H

#include "input/options.h"

typedef struct fs_stream_options
{
	char	   *partition_key;	/* of the options; or NULL */
	fs_optional_number after_sequence_number;
	factstr_stream_options options;
} fs_stream_options;

/* text may be NULL: the defaults.  On success the caller releases *parsed; on failure it is zeroed. */
int			fs_stream_options_of_json(const char *text, fs_stream_options *parsed,
									  factstr_error *error);
void		fs_stream_options_release(fs_stream_options *parsed);

#endif							/* FACTSTR_INPUT_STREAM_OPTIONS_H */
