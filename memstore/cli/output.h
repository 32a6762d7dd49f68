/*
 * output.h
 *		Output on stdout, or to a file instead.
 *
 * A reader that has gone away, as "| head" does, is no error: a command that reads ends early,
 * quietly and with status 0.  One that writes does all of its work, even if its output is lost.
 */
#ifndef FACTSTR_CLI_OUTPUT_H
#define FACTSTR_CLI_OUTPUT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buffer.h"
#include "cli.h"

/* Writes a text as one line, and empties the buffer.  False if continuing is useless. */
bool		cli_print(fs_buffer *line);

/* The same for a text of several lines. */
bool		cli_print_as_it_is(fs_buffer *text);

/* The same as cli_print for a text of the library. */
bool		cli_print_text(const char *text);

/* Flushes the output.  False if continuing is useless. */
bool		cli_flush(void);

/* Prints into a file from now on.  It must not exist, unless to_append, or replace, is set. */
bool		cli_output_to(const char *name, bool to_append, bool replace);

/* Ends the output.  Returns the status, or CLI_FAILED if printing failed. */
cli_status	cli_output_end(cli_status status);

/* The same after appends, which are not undone by it: says how many batches are stored. */
cli_status	cli_output_end_of_append(cli_status status, uint64_t batches);

#endif							/* FACTSTR_CLI_OUTPUT_H */
