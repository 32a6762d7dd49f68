/*
 * output.h
 *		What goes to stdout, or to a file in its place.
 *
 * A reader that has gone away, as "| head" does, is no error: the command ends early, quietly and
 * with status 0.
 */
#ifndef FACTSTR_CLI_OUTPUT_H
#define FACTSTR_CLI_OUTPUT_H

#include <stdbool.h>

#include "buffer.h"
#include "cli.h"

/* Writes a text as one line, and empties the buffer.  False when there is no use in going on. */
bool		cli_print(fs_buffer *line);

/* The same for a text of the library. */
bool		cli_print_text(const char *text);

/* Lets everything printed so far out.  False when there is no use in going on. */
bool		cli_flush(void);

/* Prints into a file from now on.  It must not exist, unless to_append, or replace, is set. */
bool		cli_output_to(const char *name, bool to_append, bool replace);

/* Ends the output.  Returns the status, or CLI_FAILED if printing failed. */
cli_status	cli_output_end(cli_status status);

#endif							/* FACTSTR_CLI_OUTPUT_H */
