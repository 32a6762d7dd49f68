/*
 * text.h
 *		Numbers, durations and texts of others for human eyes, and aligned tables.
 */
#ifndef FACTSTR_CLI_TEXT_H
#define FACTSTR_CLI_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"

#define CLI_COUNT_SIZE 32
#define CLI_BATCHES_SIZE 40
#define CLI_DURATION_SIZE 32

/* 1,234,567.  Returns text. */
char	   *cli_format_count(uint64_t count, char *text);

/* 1 batch, 1,234 batches.  Returns text. */
char	   *cli_format_batches(uint64_t count, char *text);

/* 250 us, 3.1 ms, 12 s, 5 min, 3 h, 12 d.  Returns text. */
char	   *cli_format_duration(int64_t microseconds, char *text);

/*
 * Adds a text with escapes such as \x1B and \u009B in place of characters that a terminal would take for a
 * command, or that would make the text look like another one: control characters, directions of
 * writing, and bytes that are no UTF-8.
 */
void		cli_add_visible(fs_buffer *out, const char *text);

/* The same of a JSON text, which it remains. */
void		cli_add_visible_json(fs_buffer *out, const char *text);

/* In characters, as far as each of them takes one column. */
size_t		cli_width(const char *text);

/*
 * A table: rows of cells, the first of them the head.  Columns are as wide as their widest cell;
 * those whose letter in the alignment is 'r' are right-aligned.
 */
typedef struct cli_table
{
	const char *alignment;		/* a letter a column: 'l' or 'r' */
	size_t		cell_count;
	size_t		capacity;
	char	  **cells;
	bool		no_memory;
} cli_table;

/* Adds a text as the next cell, as far as it is visible. */
void		cli_table_add(cli_table *table, const char *text);
void		cli_table_add_count(cli_table *table, uint64_t count);

/* Prints it on stdout, and frees it. */
bool		cli_table_print(cli_table *table);

#endif							/* FACTSTR_CLI_TEXT_H */
