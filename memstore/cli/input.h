/*
 * input.h
 *		Reading a file, or stdin, line by line.
 */
#ifndef FACTSTR_CLI_INPUT_H
#define FACTSTR_CLI_INPUT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/buffer.h"

/* Lines may be of any length; one is in memory at a time. */
typedef struct cli_input
{
	FILE	   *file;
	const char *name;			/* for messages */
	char	   *line;			/* NUL-terminated, with its end of line */
	size_t		length;
	size_t		capacity;
	uint64_t	line_number;	/* of that line, from 1 */
	uint64_t	bytes_read;
	uint64_t	size;			/* of the file in bytes, 0 if unknown */
	bool		failed;			/* an error has been printed */
} cli_input;

/* NULL and "-" stand for stdin.  False after an error, which has been printed. */
bool		cli_input_open(cli_input *input, const char *name);

/*
 * Reads the next line that is not blank.  False at the end, or after an error, which has been
 * printed; then failed is set.  A NUL byte is such an error: no JSON text has one.
 */
bool		cli_input_next(cli_input *input);

/* Adds the rest of the input to a text.  False after an error, which has been printed. */
bool		cli_input_rest(cli_input *input, fs_buffer *text);
void		cli_input_close(cli_input *input);

/* "NAME:LINE".  Returns place. */
#define CLI_PLACE_SIZE 512
char	   *cli_input_place(const cli_input *input, uint64_t line_number, char *place);

/* All of a file, as a new text for free; NULL after an error, which has been printed. */
char	   *cli_read_file(const char *name);

#endif							/* FACTSTR_CLI_INPUT_H */
