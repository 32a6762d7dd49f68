/*
 * input/read_options.c
 *		The options of a cursor that come as a JSON document.
 */
#include <stddef.h>

#include "input/options.h"
#include "input/read_options.h"

static const fs_option fs_read_option_table[] = {
	{"max_count", fs_take_uint64, offsetof(factstr_read_options, max_count), false},
	{"backwards", fs_take_flag, offsetof(factstr_read_options, backwards), false},
	{NULL, NULL, 0, false}
};

int
fs_read_options_of_json(const char *text, factstr_read_options *options, factstr_error *error)
{
	*options = (factstr_read_options) FACTSTR_READ_OPTIONS_INIT;
	return fs_options_of_json(text, fs_read_option_table, "Options are max_count and backwards.",
							  options, error);
}
