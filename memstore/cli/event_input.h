/*
 * event_input.h
 *		Events to be appended: one JSON array, or NDJSON, which is an event a line.
 */
#ifndef FACTSTR_CLI_EVENT_INPUT_H
#define FACTSTR_CLI_EVENT_INPUT_H

#include "factstr.h"

#include "cli.h"
#include "input.h"

/* All lines in one batch. */
#define CLI_ONE_BATCH 0

typedef struct cli_event_input
{
	cli_input	input;
	uint64_t	lines_per_batch;
	bool		is_array;
	bool		has_begun;
	bool		is_pending;		/* the line in input is yet to be taken */
	bool		at_end;

	/* The batch that was read last. */
	fs_buffer	events;			/* as a JSON array, NUL-terminated */
	uint64_t	first_line;
	uint64_t	last_line;
	uint64_t	line_count;		/* those that hold an event */
} cli_event_input;

/* name as for cli_input_open.  False after an error, which has been printed. */
bool		cli_event_input_open(cli_event_input *input, const char *name,
								 uint64_t lines_per_batch);

/*
 * Reads the next batch.  False at the end, or after an error, which has been printed; then
 * input.failed is set.  An array is one batch, and if all lines are one batch there is one even if
 * there are no lines, so that the library reports the error.
 */
bool		cli_event_input_next(cli_event_input *input);
void		cli_event_input_close(cli_event_input *input);

/* Prints the library's error about the last batch, with the most precise line that is known. */
cli_status	cli_fail_in_events(const cli_event_input *input, const factstr_error *error);

#endif							/* FACTSTR_CLI_EVENT_INPUT_H */
