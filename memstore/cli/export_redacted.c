/*
 * export_redacted.c
 *		A file of an earlier export, whose facts have been redacted since.
 *
 * The file is gone through twice: once to see whether anything is to be done, and then to write it
 * again beside itself, and to put that in its place when it is on disk.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "batch_reader.h"
#include "batch_text.h"
#include "errors.h"
#include "export_redacted.h"
#include "messages.h"

typedef struct cli_rewriting
{
	const char *name;
	factstr_store *store;
	bool		canonical;
	FILE	   *out;			/* NULL: only look */
	uint64_t	replaced;		/* how many lines are, or are to be */
	char	   *line;
	size_t		capacity;
	char	   *parsed_line;	/* a copy, which parsing changes */
	cli_parsed_batch parsed;
	factstr_redaction_list *page;	/* redactions from some fact of the line on */
	size_t		next;			/* in the page */
} cli_rewriting;

/* Have the batch's facts more redactions in the store than in the line?  Lines come in order. */
static int
cli_count_redactions(cli_rewriting *rewriting, const factstr_batch *batch, size_t *count,
					 factstr_error *error)
{
	uint64_t	after = batch->first_sequence_number - 1;

	for (*count = 0;; rewriting->next++)
	{
		if (rewriting->page == NULL || rewriting->next == rewriting->page->count)
		{
			if (rewriting->page != NULL && rewriting->page->count == 0)
				return FACTSTR_OK;
			if (rewriting->page != NULL &&
				rewriting->page->redactions[rewriting->next - 1].sequence_number > after)
				after = rewriting->page->redactions[rewriting->next - 1].sequence_number;
			factstr_redaction_list_free(rewriting->page);
			rewriting->page = NULL;
			rewriting->next = 0;
			if (factstr_redactions(rewriting->store, after, 1000, &rewriting->page, error) != FACTSTR_OK)
				return error->code;
			if (rewriting->page->count == 0)
				return FACTSTR_OK;
		}
		if (rewriting->page->redactions[rewriting->next].sequence_number > batch->last_sequence_number)
			return FACTSTR_OK;
		*count += rewriting->page->redactions[rewriting->next].sequence_number >=
			batch->first_sequence_number ? 1 : 0;
	}
}

static bool
cli_is_redacted(const factstr_batch *batch, uint64_t sequence_number)
{
	for (size_t i = 0; i < batch->redaction_count; i++)
	{
		if (batch->redactions[i].sequence_number == sequence_number)
			return true;
	}
	return false;
}

/* A copy of a batch's facts in which those that are redacted in another one say nothing; NULL: no memory. */
static factstr_fact *
cli_without_redacted(const factstr_batch *batch, const factstr_batch *redacted)
{
	factstr_fact *facts = calloc(batch->fact_count, sizeof(factstr_fact));

	for (size_t i = 0; facts != NULL && i < batch->fact_count; i++)
	{
		facts[i] = batch->facts[i];
		if (!cli_is_redacted(redacted, facts[i].sequence_number))
			continue;
		facts[i].payload = "null";
		facts[i].metadata = NULL;
	}
	return facts;
}

/* Is the batch of the line, except for redactions, that of the store? */
static int
cli_require_same_log(const factstr_batch *line, const factstr_batch *stored, factstr_error *error)
{
	factstr_batch batches[2] = {*line, *stored};
	factstr_fact *facts[2] = {cli_without_redacted(line, stored), cli_without_redacted(stored, stored)};
	bool		equal = false;
	int			code = FACTSTR_OK;

	batches[0].facts = facts[0];
	batches[1].facts = facts[1];
	if (facts[0] == NULL || facts[1] == NULL)
		code = cli_error_no_memory(error);
	else
		code = cli_batches_equal(&batches[0], &batches[1], &equal, error);
	free(facts[0]);
	free(facts[1]);
	if (code != FACTSTR_OK || equal)
		return code;
	(void) cli_error(error, FACTSTR_MALFORMED,
					 "the store has different content for batch %" PRIu64 " to %" PRIu64,
					 line->first_sequence_number, line->last_sequence_number);
	cli_error_hint(error, CLI_TWO_LOGS);
	return FACTSTR_MALFORMED;
}

/* Writes the batch of the line as it is now. */
static int
cli_write_stored(cli_rewriting *rewriting, const factstr_batch *batch, factstr_error *error)
{
	factstr_batch_list *list;
	fs_buffer	line = {0};
	int			code = factstr_export(rewriting->store, batch->first_sequence_number - 1, 1, &list, error);

	if (code != FACTSTR_OK)
		return code;
	if (list->count == 0)
		code = cli_error(error, FACTSTR_MALFORMED, "the store has no fact %" PRIu64,
						 batch->first_sequence_number);
	if (code == FACTSTR_OK)
		code = cli_require_same_log(batch, &list->batches[0], error);
	if (code == FACTSTR_OK && rewriting->out != NULL)
		code = cli_write_batch(&line, &list->batches[0], rewriting->canonical, error);
	if (code == FACTSTR_OK && rewriting->out != NULL)
	{
		(void) fwrite(line.data, 1, line.length, rewriting->out);
		(void) fputc('\n', rewriting->out);
	}
	rewriting->replaced++;
	free(line.data);
	factstr_batch_list_free(list);
	return code;
}

static int
cli_rewrite_line(cli_rewriting *rewriting, size_t length, factstr_error *error)
{
	const factstr_batch *batch = &rewriting->parsed.batch;
	char	   *copy = realloc(rewriting->parsed_line, length + 1);
	size_t		count = 0;
	int			code;

	if (copy == NULL)
		return cli_error_no_memory(error);
	rewriting->parsed_line = copy;
	memcpy(copy, rewriting->line, length + 1);
	code = cli_parse_batch(copy, &rewriting->parsed, error);
	if (code == FACTSTR_OK && batch->first_sequence_number != 0)
		code = cli_count_redactions(rewriting, batch, &count, error);
	if (code != FACTSTR_OK)
		return code;
	if (count > batch->redaction_count)
		return cli_write_stored(rewriting, batch, error);
	if (rewriting->out != NULL)
		(void) fwrite(rewriting->line, 1, length, rewriting->out);
	return FACTSTR_OK;
}

/* An unfinished line after the last newline is written again later. */
static bool
cli_go_through(cli_rewriting *rewriting, FILE *file)
{
	factstr_error error;
	ssize_t		length;
	int			code = FACTSTR_OK;

	rewriting->replaced = 0;
	while (code == FACTSTR_OK && (length = getline(&rewriting->line, &rewriting->capacity, file)) > 0 &&
		   rewriting->line[length - 1] == '\n')
		code = cli_rewrite_line(rewriting, (size_t) length, &error);
	factstr_redaction_list_free(rewriting->page);
	rewriting->page = NULL;
	rewriting->next = 0;
	if (code != FACTSTR_OK)
		(void) cli_fail_at(rewriting->name, &error);
	return code == FACTSTR_OK;
}

/* Replaces the file with the new one. */
static bool
cli_replace(const cli_rewriting *rewriting, const char *temporary, const struct stat *status)
{
	return fflush(rewriting->out) == 0 && ferror(rewriting->out) == 0 &&
		fchmod(fileno(rewriting->out), status->st_mode & 07777) == 0 &&
		fsync(fileno(rewriting->out)) == 0 && rename(temporary, rewriting->name) == 0;
}

static bool
cli_write_again(cli_rewriting *rewriting, FILE *file)
{
	size_t		size = strlen(rewriting->name) + sizeof(".XXXXXX");
	char	   *temporary = malloc(size);
	struct stat status;
	bool		written = false;
	int			descriptor;

	if (temporary == NULL)
		return cli_fail_no_memory() == CLI_DONE;
	(void) snprintf(temporary, size, "%s.XXXXXX", rewriting->name);
	descriptor = mkstemp(temporary);
	rewriting->out = descriptor < 0 ? NULL : fdopen(descriptor, "w");
	if (rewriting->out == NULL || fstat(fileno(file), &status) != 0)
		(void) cli_fail_with("cannot write \"%s\": %s", temporary, strerror(errno));
	else if (cli_go_through(rewriting, file))
	{
		written = cli_replace(rewriting, temporary, &status);
		if (!written)
			(void) cli_fail_with("cannot write \"%s\": %s", rewriting->name, strerror(errno));
	}
	if (rewriting->out != NULL)
		(void) fclose(rewriting->out);
	if (!written && descriptor >= 0)
		(void) unlink(temporary);
	free(temporary);
	return written;
}

bool
cli_export_follow_redactions(const char *name, factstr_store *store, bool canonical)
{
	cli_rewriting rewriting = {.name = name, .store = store, .canonical = canonical};
	FILE	   *file = fopen(name, "re");
	bool		done;

	if (file == NULL)
		return true;			/* appending to it reports the reason */
	done = cli_go_through(&rewriting, file);
	if (done && rewriting.replaced > 0)
	{
		rewind(file);
		done = cli_write_again(&rewriting, file);
	}
	(void) fclose(file);
	free(rewriting.line);
	free(rewriting.parsed_line);
	cli_parsed_batch_release(&rewriting.parsed);
	return done;
}
