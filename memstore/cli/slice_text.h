/*
 * slice_text.h
 *		Texts in their place in a line that was read: strings lose their escapes where they are.
 */
#ifndef FACTSTR_CLI_SLICE_TEXT_H
#define FACTSTR_CLI_SLICE_TEXT_H

#include "base/json_walk.h"

/* The text of a string, NUL-terminated in its place; NULL if it is not a JSON string. */
char	   *cli_string(fs_text slice);

/* Ends a text where a slice ends. */
void		cli_terminate(const char *text, size_t length);

#endif							/* FACTSTR_CLI_SLICE_TEXT_H */
