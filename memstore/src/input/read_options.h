/*
 * input/read_options.h
 *		The options of a cursor in a JSON document.
 */
#ifndef FACTSTR_INPUT_READ_OPTIONS_H
#define FACTSTR_INPUT_READ_OPTIONS_H

#include "factstr.h"

/* text may be NULL: the defaults. */
int			fs_read_options_of_json(const char *text, factstr_read_options *options,
									factstr_error *error);

#endif							/* FACTSTR_INPUT_READ_OPTIONS_H */
