/*
 * text.c
 *		Numbers and durations for human eyes, and aligned tables.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"

char *
cli_format_count(uint64_t count, char *text)
{
	char		digits[CLI_COUNT_SIZE];
	int			length = snprintf(digits, sizeof(digits), "%" PRIu64, count);
	char	   *end = text;

	for (int i = 0; i < length; i++)
	{
		if (i > 0 && (length - i) % 3 == 0)
			*end++ = ',';
		*end++ = digits[i];
	}
	*end = '\0';
	return text;
}

char *
cli_format_duration(int64_t microseconds, char *text)
{
	static const struct
	{
		int64_t		limit;		/* from here on the next unit reads better */
		double		unit;
		const char *name;
	}			units[] = {
		{1000, 1, "us"},
		{1000000, 1e3, "ms"},
		{INT64_C(120000000), 1e6, "s"},
		{INT64_C(7200000000), 60e6, "min"},
		{INT64_C(172800000000), 3600e6, "h"},
		{INT64_MAX, 86400e6, "d"},
	};
	size_t		i = 0;
	double		number;

	while (microseconds >= units[i].limit && units[i].limit != INT64_MAX)
		i++;
	number = (double) microseconds / units[i].unit;
	(void) snprintf(text, CLI_DURATION_SIZE, "%.*f %s", i > 0 && number < 10 ? 1 : 0, number,
					units[i].name);
	return text;
}

void
cli_table_add(cli_table *table, const char *text)
{
	if (table->cell_count == table->capacity)
	{
		size_t		capacity = table->capacity == 0 ? 64 : table->capacity * 2;
		char	  **cells = realloc(table->cells, capacity * sizeof(char *));

		if (cells == NULL)
		{
			table->no_memory = true;
			return;
		}
		table->cells = cells;
		table->capacity = capacity;
	}
	table->cells[table->cell_count] = strdup(text);
	if (table->cells[table->cell_count] == NULL)
		table->no_memory = true;
	else
		table->cell_count++;
}

void
cli_table_add_count(cli_table *table, uint64_t count)
{
	char		text[CLI_COUNT_SIZE];

	cli_table_add(table, cli_format_count(count, text));
}

/* In characters, as far as each of them takes one column. */
static int
cli_width(const char *text)
{
	int			width = 0;

	for (; *text != '\0'; text++)
	{
		if (((unsigned char) *text & 0xC0) != 0x80)
			width++;
	}
	return width;
}

static int
cli_column_width(const cli_table *table, size_t column, size_t columns)
{
	int			width = 0;

	for (size_t i = column; i < table->cell_count; i += columns)
	{
		int			cell = cli_width(table->cells[i]);

		if (cell > width)
			width = cell;
	}
	return width;
}

/*
 * *blanks are owed from the cells before: they are printed when something follows, so that no line
 * ends with them.
 */
static void
cli_print_cell(const char *cell, int width, bool to_the_right, int *blanks)
{
	int			filling = width - cli_width(cell);

	if (to_the_right)
		*blanks += filling;
	if (cell[0] != '\0')
	{
		printf("%*s%s", *blanks, "", cell);
		*blanks = 0;
	}
	*blanks += 2 + (to_the_right ? 0 : filling);
}

bool
cli_table_print(cli_table *table)
{
	size_t		columns = strlen(table->alignment);
	bool		complete = !table->no_memory;
	int			blanks = 0;

	for (size_t i = 0; complete && i < table->cell_count; i++)
	{
		size_t		column = i % columns;

		cli_print_cell(table->cells[i], cli_column_width(table, column, columns),
					   table->alignment[column] == 'r', &blanks);
		if (column == columns - 1)
		{
			putchar('\n');
			blanks = 0;
		}
	}
	for (size_t i = 0; i < table->cell_count; i++)
		free(table->cells[i]);
	free(table->cells);
	return complete;
}
