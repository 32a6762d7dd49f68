/*
 * stream_table.c
 *		Durable streams as a table.
 */
#include <stdio.h>

#include "base/times.h"
#include "stream_table.h"
#include "text.h"

static const char *
cli_stream_state(const factstr_stream_status *stream, char *text, size_t size)
{
	char		duration[CLI_DURATION_SIZE];
	int64_t		pause = stream->retry_at - fs_now();

	if (stream->retry_at == 0)
		return stream->active ? "active" : stream->failure_count > 0 ? "failed" : "idle";
	(void) snprintf(text, size, "failed, again in %s",
					cli_format_duration(pause > 0 ? pause : 0, duration));
	return text;
}

static void
cli_add_stream(cli_table *table, const factstr_stream_status *stream)
{
	char		text[CLI_DURATION_SIZE + 24];

	cli_table_add(table, stream->name);
	cli_table_add_count(table, stream->cursor_sequence_number);
	cli_table_add_count(table, stream->lag_facts);
	cli_table_add(table, stream->lag_facts == 0 ? "-" :
				  cli_format_duration(stream->lag_us, text));
	cli_table_add(table, cli_stream_state(stream, text, sizeof(text)));
	cli_table_add(table, stream->last_error != NULL ? stream->last_error : "");
}

bool
cli_print_streams(const factstr_stream_status_list *list)
{
	static const char *const head[] = {"NAME", "CURSOR", "LAG", "AGE", "STATE", "LAST ERROR"};
	cli_table	table = {.alignment = "lrrrll"};

	for (size_t i = 0; i < sizeof(head) / sizeof(head[0]); i++)
		cli_table_add(&table, head[i]);
	for (size_t i = 0; i < list->count; i++)
		cli_add_stream(&table, &list->streams[i]);
	return cli_table_print(&table);
}
