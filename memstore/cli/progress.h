/*
 * progress.h
 *		A line on the terminal that tells how far a long command has got.
 */
#ifndef FACTSTR_CLI_PROGRESS_H
#define FACTSTR_CLI_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

/* From now on nothing is shown, and no summary is to be printed. */
void		cli_be_quiet(void);
bool		cli_is_quiet(void);

/*
 * Begins, with a verb such as "import".  Nothing is shown unless stderr is a terminal; while stdout
 * is the same terminal and gets data, say so, and nothing is shown either.
 */
void		cli_progress_begin(const char *verb, bool data_on_stdout);

/* Adds facts; the percentage is that of done in total, in any unit.  total 0: unknown. */
void		cli_progress_add(uint64_t facts, uint64_t done, uint64_t total);

/* Takes the line off the terminal; the next step brings it back. */
void		cli_progress_clear(void);

/* Leaves the line, with the result. */
void		cli_progress_end(void);

#endif							/* FACTSTR_CLI_PROGRESS_H */
