/*
 * view.h
 *		How facts and documents are printed: as JSON, a line each, or for human eyes.
 */
#ifndef FACTSTR_CLI_VIEW_H
#define FACTSTR_CLI_VIEW_H

#include <stdbool.h>

#include "factstr.h"

#include "base/buffer.h"
#include "options.h"

#define CLI_OPTION_PRETTY (CLI_FIRST_LONG_ONLY + 200)
#define CLI_OPTION_TABLE (CLI_FIRST_LONG_ONLY + 201)

/* For commands that print facts. */
#define CLI_VIEW_LETTERS "j"
#define CLI_VIEW_OPTIONS \
	{"json", no_argument, NULL, 'j'}, \
	{"pretty", no_argument, NULL, CLI_OPTION_PRETTY}, \
	{"table", no_argument, NULL, CLI_OPTION_TABLE}
#define CLI_VIEW_HELP \
	"  -j, --json             one fact per line, as in a pipe; a terminal gets a table\n" \
	"      --table, --pretty  print a table; print JSON on several lines\n"

/* Takes one of these options.  False if it is none. */
bool		cli_take_view_option(int option);

/* Adds a fact as it is to be shown. */
void		cli_view_fact(fs_buffer *out, const factstr_fact *fact);

/* Prints the output of cli_view_fact, and empties it.  False if continuing is useless. */
bool		cli_print_view(fs_buffer *text);

/* Prints a document of the library: as JSON or, if that is asked for, on several lines. */
bool		cli_print_document(const char *text);

#endif							/* FACTSTR_CLI_VIEW_H */
