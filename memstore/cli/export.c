/*
 * export.c
 *		factstr export: the whole log, a batch a line.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "batch_check.h"
#include "error.h"
#include "export_file.h"
#include "messages.h"
#include "options.h"
#include "output.h"
#include "progress.h"
#include "query_options.h"
#include "record.h"

#define CLI_OPTION_CANONICAL CLI_FIRST_LONG_ONLY
#define CLI_OPTION_RESUME (CLI_FIRST_LONG_ONLY + 1)
#define CLI_OPTION_FORCE (CLI_FIRST_LONG_ONLY + 2)

static const char cli_usage[] =
	"usage: factstr export [OPTION]... [FILE]\n"
	"\n"
	"Writes the batches that are in the store now to FILE, or stdout, one a line, with\n"
	"all that \"factstr import\" needs:\n"
	"  {\"first_sequence_number\": 1, \"last_sequence_number\": 2,\n"
	"   \"idempotency_key\": \"...\", \"event_records\": [...]}\n"
	"\n"
	"      --after N          only batches after this sequence number\n"
	"      --resume           go on where FILE ends, if it exists\n"
	"      --force            replace FILE if it exists\n"
	"      --canonical        one spelling for equal payloads: equal logs are equal texts\n"
	CLI_COMMON_HELP;

typedef struct cli_export
{
	const char *file;			/* NULL: stdout */
	uint64_t	after;
	bool		has_after;
	bool		canonical;
	bool		resume;
	bool		force;
} cli_export;

/* Nothing could be done with part of a batch. */
static int
cli_check_first(const cli_export *export, const factstr_batch *batch, factstr_error *error)
{
	if (batch->first_sequence_number == export->after + 1)
		return FACTSTR_OK;
	(void) fs_error(error, FACTSTR_MALFORMED, "no batch ends with fact %" PRIu64, export->after);
	fs_error_hint(error, "Begin after the last fact of a batch.");
	return FACTSTR_MALFORMED;
}

static cli_status
cli_write_batches(const cli_export *export, factstr_store *store, uint64_t head)
{
	cli_batch_reader reader = {.store = store, .position = export->after};
	const factstr_batch *batch;
	fs_buffer	line = {0};
	factstr_error error;
	int			code = FACTSTR_OK;
	bool		go_on = true;

	while (go_on && code == FACTSTR_OK && reader.position < head)
	{
		code = cli_batch_reader_next(&reader, &batch, &error);
		if (code != FACTSTR_OK || batch == NULL)
			break;
		if (line.data == NULL)
			code = cli_check_first(export, batch, &error);
		if (code == FACTSTR_OK)
			code = cli_write_batch(&line, batch, export->canonical, &error);
		if (code == FACTSTR_OK)
			go_on = cli_print(&line);
		cli_progress_add(batch->fact_count, reader.position - export->after,
						 head - export->after);
	}
	cli_batch_reader_release(&reader);
	free(line.data);
	return code == FACTSTR_OK ? CLI_DONE : cli_fail(&error);
}

/* Up to what is the newest fact now: otherwise it might never end. */
static cli_status
cli_export_store(cli_export *export, factstr_store *store)
{
	factstr_error error;
	uint64_t	head;
	cli_status	status;

	if (factstr_context_version(store, NULL, &head, &error) != FACTSTR_OK)
		return cli_fail(&error);
	if (export->resume && !cli_resume_file(export->file, store, &export->after))
		return CLI_FAILED;
	if (export->file != NULL && !cli_output_to(export->file, export->resume, export->force))
		return CLI_FAILED;
	cli_progress_begin("export", export->file == NULL);
	status = cli_write_batches(export, store, head);
	cli_progress_end();
	return status;
}

static cli_status
cli_run_export(cli_export *export)
{
	factstr_store *store = cli_open_store();
	cli_status	status;

	if (store == NULL)
		return CLI_FAILED;
	status = cli_export_store(export, store);
	factstr_close(store);
	return cli_output_end(status);
}

static void
cli_take_option(cli_export *export, int option)
{
	switch (option)
	{
		case CLI_OPTION_AFTER:
			export->after = cli_number(optarg, "--after", 0, INT64_MAX);
			export->has_after = true;
			break;
		case CLI_OPTION_CANONICAL:
			export->canonical = true;
			break;
		case CLI_OPTION_RESUME:
			export->resume = true;
			break;
		case CLI_OPTION_FORCE:
			export->force = true;
			break;
	}
}

static cli_status
cli_run(int argc, char **argv)
{
	static const struct option options[] = {
		CLI_AFTER_OPTION,
		{"canonical", no_argument, NULL, CLI_OPTION_CANONICAL},
		{"resume", no_argument, NULL, CLI_OPTION_RESUME},
		{"force", no_argument, NULL, CLI_OPTION_FORCE},
		CLI_COMMON_OPTIONS
	};
	cli_export	export = {0};
	int			option;

	while ((option = cli_next_option(argc, argv, ":" CLI_COMMON_LETTERS, options)) != -1)
		cli_take_option(&export, option);
	export.file = cli_next_argument(argc, argv);
	if (export.file != NULL && strcmp(export.file, "-") == 0)
		export.file = NULL;
	cli_no_more_arguments(argc, argv);
	if ((export.resume || export.force) && export.file == NULL)
		cli_usage_error("--resume and --force are for a FILE");
	if (export.resume && (export.force || export.has_after))
		cli_usage_error("--resume goes neither with --force nor with --after");
	return cli_run_export(&export);
}

const cli_command cli_export_command = {
	.name = "export",
	.summary = "write the log, a batch a line",
	.usage = cli_usage,
	.run = cli_run
};
