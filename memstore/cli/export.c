/*
 * export.c
 *		factstr export: the whole log, a batch a line.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "batch_reader.h"
#include "batch_text.h"
#include "errors.h"
#include "export_redacted.h"
#include "messages.h"
#include "options.h"
#include "output.h"
#include "progress.h"
#include "query_options.h"
#include "store.h"

/* The size of the blocks in which a file is read from its end. */
#define CLI_BLOCK 65536

#define CLI_OPTION_CANONICAL CLI_FIRST_LONG_ONLY
#define CLI_OPTION_RESUME (CLI_FIRST_LONG_ONLY + 1)
#define CLI_OPTION_FORCE (CLI_FIRST_LONG_ONLY + 2)

static const char cli_usage[] =
	"usage: factstr export [OPTION]... [FILE]\n"
	"\n"
	"Writes the present batches of the store to FILE, or stdout, one per line, in the\n"
	"format of \"factstr import\":\n"
	"  {\"first_sequence_number\": 1, \"last_sequence_number\": 2,\n"
	"   \"idempotency_key\": \"...\", \"event_records\": [...]}\n"
	"\n"
	"      --after N          only batches after this sequence number\n"
	"      --resume           continue at the end of FILE, if it exists; batches redacted\n"
	"                         since are written again with their present content\n"
	"      --force            replace FILE if it exists\n"
	"      --canonical        write equal payloads identically: equal logs, equal output\n"
	"  -q, --quiet            do not show progress\n"
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

/*
 * A file that an export wrote, and that this one continues.
 */

/* Finds the last newline before a position; -1 if there is none, -2 after an error. */
static off_t
cli_find_newline(int file, off_t before)
{
	char		block[CLI_BLOCK];

	while (before > 0)
	{
		off_t		start = before > CLI_BLOCK ? before - CLI_BLOCK : 0;
		ssize_t		length = pread(file, block, (size_t) (before - start), start);
		char	   *newline;

		if (length != (ssize_t) (before - start))
			return -2;
		newline = memrchr(block, '\n', (size_t) length);
		if (newline != NULL)
			return start + (newline - block);
		before = start;
	}
	return -1;
}

/* The part of a file between two positions, as a new text for free; NULL after an error. */
static char *
cli_read_part(int file, off_t start, off_t end)
{
	size_t		length = (size_t) (end - start);
	char	   *text = malloc(length + 1);

	if (text == NULL)
		return NULL;
	if (pread(file, text, length, start) != (ssize_t) length)
	{
		free(text);
		return NULL;
	}
	text[length] = '\0';
	return text;
}

/* Compares a line with the same batch of the store. */
static bool
cli_check_last_line(const char *name, char *line, factstr_store *store, uint64_t *after)
{
	cli_parsed_batch parsed = {0};
	cli_batch_reader reader = {.store = store};
	factstr_error error;
	int			code = cli_parse_batch(line, &parsed, &error);

	if (code == FACTSTR_OK && parsed.batch.first_sequence_number == 0)
		code = cli_error(&error, FACTSTR_MALFORMED, "invalid batch: exported batches have numbers");
	if (code == FACTSTR_OK)
		code = cli_check_batch_is_there(&reader, &parsed.batch, &error);
	if (code == FACTSTR_OK)
		*after = parsed.batch.last_sequence_number;
	else
		(void) cli_fail_at(name, &error);
	cli_batch_reader_release(&reader);
	cli_parsed_batch_release(&parsed);
	return code == FACTSTR_OK;
}

static bool
cli_resume_open_file(const char *name, int file, off_t size, factstr_store *store,
					 uint64_t *after)
{
	off_t		end = cli_find_newline(file, size);
	off_t		before = end >= 0 ? cli_find_newline(file, end) : -1;
	char	   *line = end >= 0 && before >= -1 ? cli_read_part(file, before + 1, end) : NULL;
	bool		resumed;

	if (end == -1)
	{
		(void) cli_fail_with("\"%s\" has no complete line of an export", name);
		cli_hint("--force replaces it.");
		return false;
	}
	if (line == NULL)
	{
		(void) cli_fail_with("cannot read \"%s\": %s", name, strerror(errno));
		return false;
	}
	resumed = cli_check_last_line(name, line, store, after);
	free(line);
	if (!resumed || ftruncate(file, end + 1) == 0)
		return resumed;
	(void) cli_fail_with("cannot write \"%s\": %s", name, strerror(errno));
	return false;
}

/*
 * Prepares a file for appending: compares its last batch with the store's, and then cuts off
 * an unfinished line after it.  *after is the number of its newest fact, 0 if there is no such file or
 * nothing in it.  False after an error that has been printed.
 */
static bool
cli_resume_file(const char *name, factstr_store *store, uint64_t *after)
{
	struct stat status;
	int			file = open(name, O_RDWR | O_CLOEXEC);
	bool		resumed;

	*after = 0;
	if (file < 0 && errno == ENOENT)
		return true;
	if (file < 0 || fstat(file, &status) != 0)
	{
		(void) cli_fail_with("cannot open \"%s\": %s", name, strerror(errno));
		if (file >= 0)
			(void) close(file);
		return false;
	}
	resumed = status.st_size == 0 ||
		cli_resume_open_file(name, file, status.st_size, store, after);
	(void) close(file);
	return resumed;
}

/*
 * The log
 */

/* Nothing could be done with part of a batch. */
static int
cli_check_first(const cli_export *export, const factstr_batch *batch, factstr_error *error)
{
	if (batch->first_sequence_number == export->after + 1)
		return FACTSTR_OK;
	(void) cli_error(error, FACTSTR_MALFORMED, "no batch ends with fact %" PRIu64, export->after);
	cli_error_hint(error, "Begin after the last fact of a batch.");
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

/* A file need not be gone through where nothing was redacted. */
static bool
cli_has_redactions_followed(const cli_export *export, factstr_store *store)
{
	factstr_redaction_list *list;
	factstr_error error;
	size_t		count;

	if (factstr_redactions(store, 0, 1, &list, &error) != FACTSTR_OK)
		return cli_fail(&error) == CLI_DONE;
	count = list->count;
	factstr_redaction_list_free(list);
	return count == 0 || cli_export_follow_redactions(export->file, store, export->canonical);
}

/* Up to the current newest fact: otherwise it might never end. */
static cli_status
cli_export_store(cli_export *export, factstr_store *store)
{
	factstr_error error;
	uint64_t	head;
	cli_status	status;

	if (factstr_context_version(store, NULL, &head, &error) != FACTSTR_OK)
		return cli_fail(&error);
	if (export->resume && (!cli_has_redactions_followed(export, store) ||
						   !cli_resume_file(export->file, store, &export->after)))
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
	factstr_store *store = cli_open_store(CLI_EXISTING_STORE);
	cli_status	status;

	if (store == NULL)
		return CLI_FAILED;
	status = cli_export_store(export, store);
	factstr_close(store, FACTSTR_CLOSE_TIMEOUT_MS);
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
		case 'q':
			cli_be_quiet();
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
		CLI_QUIET_OPTION,
		CLI_COMMON_OPTIONS
	};
	cli_export	export = {0};
	int			option;

	while ((option = cli_next_option(argc, argv, ":" CLI_QUIET_LETTERS CLI_COMMON_LETTERS,
									 options)) != -1)
		cli_take_option(&export, option);
	export.file = cli_next_argument(argc, argv);
	if (export.file != NULL && strcmp(export.file, "-") == 0)
		export.file = NULL;
	cli_no_more_arguments(argc, argv);
	if ((export.resume || export.force) && export.file == NULL)
		cli_usage_error("--resume and --force require a FILE");
	if (export.resume && (export.force || export.has_after))
		cli_usage_error("--resume cannot be combined with --force or --after");
	return cli_run_export(&export);
}

const cli_command cli_export_command = {
	.name = "export",
	.summary = "write the log, one batch per line",
	.usage = cli_usage,
	.run = cli_run
};
