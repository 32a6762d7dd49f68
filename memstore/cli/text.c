/*
 * text.c
 *		Numbers, durations and texts of others for human eyes, and aligned tables.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json_text.h"
#include "base/utf8.h"
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
cli_format_batches(uint64_t count, char *text)
{
	char		number[CLI_COUNT_SIZE];

	(void) snprintf(text, CLI_BATCHES_SIZE, "%s %s", cli_format_count(count, number),
					count == 1 ? "batch" : "batches");
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

/* The length of the first character of a text; 0: the text is empty or invalid. */
static size_t
cli_character_length(const char *text)
{
	for (size_t length = 1; length <= 4 && text[length - 1] != '\0'; length++)
	{
		if (fs_utf8_is_valid(text, length))
			return length;
	}
	return 0;
}

static uint32_t
cli_code_point(const char *text, size_t length)
{
	uint32_t	code = (unsigned char) text[0];

	if (length > 1)
		code &= 0x7Fu >> length;
	for (size_t i = 1; i < length; i++)
		code = code << 6 | ((unsigned char) text[i] & 0x3F);
	return code;
}

/* U+2028 and so on end lines and paragraphs, and change the direction of writing. */
static bool
cli_is_visible(uint32_t code)
{
	return !(code < ' ' || (code >= 0x7F && code <= 0x9F) || code == 0x200E || code == 0x200F ||
			 (code >= 0x2028 && code <= 0x202E) || (code >= 0x2066 && code <= 0x2069));
}

static void
cli_add_escaped(fs_buffer *out, const char *text, const char *byte_escape, int byte_digits)
{
	while (*text != '\0')
	{
		size_t		length = cli_character_length(text);
		uint32_t	code = cli_code_point(text, length);
		char		escape[16];

		if (length > 0 && cli_is_visible(code))
			fs_buffer_append(out, text, length);
		else
		{
			(void) snprintf(escape, sizeof(escape), "%s%0*X", length > 1 ? "\\u" : byte_escape,
							length > 1 ? 4 : byte_digits, code);
			fs_buffer_append_text(out, escape);
		}
		text += length > 0 ? length : 1;
	}
}

void
cli_add_visible(fs_buffer *out, const char *text)
{
	cli_add_escaped(out, text, "\\x", 2);
}

void
cli_add_visible_json(fs_buffer *out, const char *text)
{
	cli_add_escaped(out, text, "\\u", 4);
}

void
cli_table_add(cli_table *table, const char *text)
{
	fs_buffer	cell = {0};

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
	cli_add_visible(&cell, text);
	table->cells[table->cell_count] = fs_finish_text(&cell);
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

size_t
cli_width(const char *text)
{
	size_t		width = 0;

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
		int			cell = (int) cli_width(table->cells[i]);

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
	int			filling = width - (int) cli_width(cell);

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
