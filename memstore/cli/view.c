/*
 * view.c
 *		How facts and documents are printed: as JSON, a line each, or for people.
 *
 * In a pipe the output is JSON, unless another form is requested, and never coloured, so that programs
 * always read the same.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "batch_text.h"
#include "output.h"
#include "text.h"
#include "view.h"

#define CLI_INDENT 2
#define CLI_TYPE_WIDTH 24

#define CLI_HEAD "  NUMBER  RECORDED AT          TYPE                      PAYLOAD"

/* The commands for a terminal; empty without colours. */
#define CLI_COLOUR_OFF "\033[0m"
#define CLI_COLOUR_FAINT "\033[2m"
#define CLI_COLOUR_KEY "\033[34m"
#define CLI_COLOUR_STRING "\033[32m"
#define CLI_COLOUR_OTHER "\033[36m"

typedef enum cli_form
{
	CLI_FORM_NOT_CHOSEN,
	CLI_FORM_JSON,
	CLI_FORM_PRETTY,
	CLI_FORM_TABLE
} cli_form;

/* One process runs one subcommand. */
static cli_form cli_chosen_form;
static bool cli_has_head;		/* the head of the table is printed */

bool
cli_take_view_option(int option)
{
	switch (option)
	{
		case 'j':
			cli_chosen_form = CLI_FORM_JSON;
			return true;
		case CLI_OPTION_PRETTY:
			cli_chosen_form = CLI_FORM_PRETTY;
			return true;
		case CLI_OPTION_TABLE:
			cli_chosen_form = CLI_FORM_TABLE;
			return true;
		default:
			return false;
	}
}

static cli_form
cli_form_of_facts(void)
{
	if (cli_chosen_form != CLI_FORM_NOT_CHOSEN)
		return cli_chosen_form;
	return isatty(STDOUT_FILENO) ? CLI_FORM_TABLE : CLI_FORM_JSON;
}

/* See no-color.org. */
static bool
cli_has_colours(void)
{
	const char *no_color = getenv("NO_COLOR");
	const char *terminal = getenv("TERM");

	return isatty(STDOUT_FILENO) && (no_color == NULL || no_color[0] == '\0') && terminal != NULL &&
		strcmp(terminal, "dumb") != 0;
}

/*
 * A JSON text on its way to a new layout.  It is known to be JSON, so that the layout follows from
 * the single characters.
 */
typedef struct cli_layout
{
	fs_buffer  *out;
	bool		pretty;			/* on several lines */
	bool		colours;
	int			depth;
} cli_layout;

static void
cli_add_coloured(const cli_layout *layout, const char *colour, const char *text)
{
	if (layout->colours)
		fs_buffer_append_text(layout->out, colour);
	fs_buffer_append_text(layout->out, text);
	if (layout->colours)
		fs_buffer_append_text(layout->out, CLI_COLOUR_OFF);
}

static void
cli_break_line(const cli_layout *layout)
{
	if (!layout->pretty)
		return;
	fs_buffer_append_text(layout->out, "\n");
	for (int i = 0; i < layout->depth * CLI_INDENT; i++)
		fs_buffer_append_text(layout->out, " ");
}

static const char *
cli_skip_blanks(const char *json)
{
	return json + strspn(json, " \t\r\n");
}

/* A string or another scalar, which is a key if a colon follows.  Returns the position after it. */
static const char *
cli_lay_out_scalar(const cli_layout *layout, const char *json)
{
	const char *end = json;
	const char *colour = CLI_COLOUR_OTHER;
	fs_buffer	token = {0};

	if (*json == '"')
	{
		for (end++; *end != '"' && *end != '\0'; end++)
		{
			if (*end == '\\' && end[1] != '\0')
				end++;
		}
		end += *end == '"';
		colour = *cli_skip_blanks(end) == ':' ? CLI_COLOUR_KEY : CLI_COLOUR_STRING;
	}
	else
		end += strcspn(json, " \t\r\n,:]}");
	fs_buffer_append(&token, json, (size_t) (end - json));
	fs_buffer_append(&token, "", 1);
	if (token.no_memory)
		layout->out->no_memory = true;
	else
	{
		if (layout->colours)
			fs_buffer_append_text(layout->out, colour);
		cli_add_visible_json(layout->out, token.data);
		if (layout->colours)
			fs_buffer_append_text(layout->out, CLI_COLOUR_OFF);
	}
	free(token.data);
	return end;
}

/* An empty array or object stays on its line.  Returns the position after the opening bracket. */
static const char *
cli_lay_out_opening(cli_layout *layout, const char *json)
{
	const char *next = cli_skip_blanks(json + 1);

	fs_buffer_append(layout->out, json, 1);
	if (*next == ']' || *next == '}')
	{
		fs_buffer_append(layout->out, next, 1);
		return next + 1;
	}
	layout->depth++;
	cli_break_line(layout);
	return next;
}

static void
cli_lay_out(cli_layout *layout, const char *json)
{
	while (*(json = cli_skip_blanks(json)) != '\0')
	{
		switch (*json)
		{
			case '{':
			case '[':
				json = cli_lay_out_opening(layout, json);
				break;
			case '}':
			case ']':
				layout->depth--;
				cli_break_line(layout);
				fs_buffer_append(layout->out, json++, 1);
				break;
			case ',':
				fs_buffer_append_text(layout->out, layout->pretty ? "," : ", ");
				cli_break_line(layout);
				json++;
				break;
			case ':':
				fs_buffer_append_text(layout->out, ": ");
				json++;
				break;
			default:
				json = cli_lay_out_scalar(layout, json);
		}
	}
}

/* 2026-01-31 08:15:30 */
static void
cli_add_second(const cli_layout *layout, int64_t occurred_at)
{
	char		time[FACTSTR_TIME_SIZE];
	char	   *letter = strchr(factstr_format_time(occurred_at, time), 'T');
	char	   *point = strchr(time, '.');

	if (letter != NULL)
		*letter = ' ';
	if (point != NULL)
		*point = '\0';
	cli_add_coloured(layout, CLI_COLOUR_FAINT, time);
}

static void
cli_add_row(fs_buffer *out, const factstr_fact *fact)
{
	cli_layout	layout = {.out = out, .colours = cli_has_colours()};
	fs_buffer	type = {0};
	char		number[32];
	size_t		width;

	(void) snprintf(number, sizeof(number), "%8" PRIu64, fact->sequence_number);
	fs_buffer_append_text(out, number);
	fs_buffer_append_text(out, "  ");
	cli_add_second(&layout, fact->occurred_at);
	fs_buffer_append_text(out, "  ");
	cli_add_visible(&type, fact->event_type);
	fs_buffer_append(&type, "", 1);
	if (type.no_memory)
		out->no_memory = true;
	else
	{
		cli_add_coloured(&layout, CLI_COLOUR_KEY, type.data);
		for (width = cli_width(type.data); width < CLI_TYPE_WIDTH; width++)
			fs_buffer_append_text(out, " ");
	}
	free(type.data);
	fs_buffer_append_text(out, "  ");
	cli_lay_out(&layout, fact->payload);
	if (fact->metadata == NULL)
		return;
	fs_buffer_append_text(out, "  ");
	cli_lay_out(&layout, fact->metadata);
}

static void
cli_add_pretty(fs_buffer *out, const char *json)
{
	cli_layout	layout = {.out = out, .pretty = true, .colours = cli_has_colours()};

	cli_lay_out(&layout, json);
}

static void
cli_add_pretty_fact(fs_buffer *out, const factstr_fact *fact)
{
	fs_buffer	record = {0};

	cli_write_record(&record, fact);
	fs_buffer_append(&record, "", 1);
	if (record.no_memory)
		out->no_memory = true;
	else
		cli_add_pretty(out, record.data);
	free(record.data);
}

void
cli_view_fact(fs_buffer *out, const factstr_fact *fact)
{
	switch (cli_form_of_facts())
	{
		case CLI_FORM_TABLE:
			cli_add_row(out, fact);
			break;
		case CLI_FORM_PRETTY:
			cli_add_pretty_fact(out, fact);
			break;
		default:
			cli_write_record(out, fact);
	}
}

bool
cli_print_view(fs_buffer *text)
{
	bool		needs_head = cli_form_of_facts() == CLI_FORM_TABLE && !cli_has_head;

	cli_has_head = true;
	if (needs_head && !cli_print_text(CLI_HEAD))
		return false;
	return cli_form_of_facts() == CLI_FORM_JSON ? cli_print(text) : cli_print_as_it_is(text);
}

bool
cli_print_document(const char *text)
{
	fs_buffer	out = {0};
	cli_layout	layout = {
		.out = &out,
		.pretty = cli_chosen_form == CLI_FORM_PRETTY,
		.colours = cli_has_colours()
	};
	bool		success;

	if (!layout.pretty && !layout.colours)
		return cli_print_text(text);
	cli_lay_out(&layout, text);
	success = cli_print_as_it_is(&out);
	free(out.data);
	return success;
}
