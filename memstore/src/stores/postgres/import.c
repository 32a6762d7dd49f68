/*
 * stores/postgres/import.c
 *		Imports, which are calls of the extension's function: one, or several in one transaction.
 */
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/json_text.h"
#include "results/error.h"
#include "results/records.h"
#include "stores/hub.h"
#include "stores/postgres/backend.h"

/* At most. */
static uint64_t
fs_batch_text_length(const factstr_batch *batch)
{
	uint64_t	length = 200 + (batch->idempotency_key == NULL ? 0 : 6 * strlen(batch->idempotency_key));

	for (size_t i = 0; i < batch->fact_count; i++)
	{
		const factstr_fact *fact = &batch->facts[i];

		length += 200 + 6 * strlen(fact->event_type) + strlen(fact->payload) +
			(fact->metadata == NULL ? 0 : strlen(fact->metadata));
	}
	for (size_t i = 0; i < batch->redaction_count; i++)
		length += 500 + 6 * strlen(batch->redactions[i].reason);
	return length;
}

/*
 * Batches go to the server in portions, since a document is at most 256 MB there, and takes up to eight
 * times its text.  One batch alone fits in any case: see rule 5 of the contract.
 */
#define FS_PORTION_BYTES 32000000

/* Writes the first batches as one document, and says how many.  NULL: no memory. */
static char *
fs_write_portion(const factstr_batch *batches, size_t count, size_t *written)
{
	fs_buffer	out = {0};
	size_t		i = 0;

	do
	{
		fs_buffer_append(&out, i == 0 ? "[" : ",", 1);
		fs_write_batch(&out, &batches[i]);
	}
	while (++i < count && out.length + fs_batch_text_length(&batches[i]) <= FS_PORTION_BYTES);
	*written = i;
	fs_buffer_append(&out, "]", 1);
	return fs_finish_text(&out);
}

static int
fs_import_portion(fs_backend *backend, fs_connection *connection, const char *text,
				  factstr_append_result *result, factstr_error *error)
{
	fs_call		call = {FS_STATEMENT_IMPORT, 1, {text}};
	fs_answer	answer = {.take = fs_take_append, .target = result};

	if (connection != NULL)
		return fs_call_over(backend, connection, &call, &answer, error);
	return fs_call_server(backend, &call, &answer, FS_NEVER_REPEAT, error);
}

/* The numbers of a portion behind those of the portions before it; a portion may have stored nothing. */
static void
fs_add_result(factstr_append_result *result, const factstr_append_result *portion)
{
	if (portion->committed_count == 0)
		return;
	if (result->committed_count == 0)
		result->first_sequence_number = portion->first_sequence_number;
	result->last_sequence_number = portion->last_sequence_number;
	result->committed_count += portion->committed_count;
}

/* Over a connection that has a transaction. */
static int
fs_import_in_portions(fs_backend *backend, fs_connection *connection, const factstr_batch *batches,
					  size_t count, factstr_append_result *result, factstr_error *error)
{
	int			code = FACTSTR_OK;

	while (code == FACTSTR_OK && count > 0)
	{
		factstr_append_result portion = {0};
		size_t		written;
		char	   *text = fs_write_portion(batches, count, &written);

		code = text == NULL ? fs_error_no_memory(error) :
			fs_import_portion(backend, connection, text, &portion, error);
		free(text);
		fs_add_result(result, &portion);
		batches += written;
		count -= written;
	}
	return code;
}

/* All portions or none.  Only the loss of the connection over COMMIT leaves anything unknown. */
static int
fs_import_in_transaction(fs_backend *backend, const factstr_batch *batches, size_t count,
						 factstr_append_result *result, factstr_error *error)
{
	fs_connection *connection = fs_connection_take(backend, error);
	factstr_error ignored;
	int			code;

	if (connection == NULL)
		return error->code;
	code = fs_command_over(connection, "BEGIN", error);
	if (code == FACTSTR_OK)
		code = fs_import_in_portions(backend, connection, batches, count, result, error);
	if (code != FACTSTR_OK)
		code = fs_nothing_was_done(error);
	else
		code = fs_command_over(connection, "COMMIT", error);
	if (code == FACTSTR_NOT_CONNECTED || code == FACTSTR_CONNECTION_LOST ||
		(code != FACTSTR_OK && fs_command_over(connection, "ROLLBACK", &ignored) != FACTSTR_OK))
		fs_connection_close(backend, connection);
	else
		fs_connection_give_back(backend, connection);
	return code;
}

static int
fs_take_count(const PGresult *rows, int row, void *target, factstr_error *error)
{
	(void) error;
	*(uint64_t *) target = (uint64_t) fs_value_int8(rows, row, 0);
	return FACTSTR_OK;
}

/* A repeated import finds the batches that it has stored. */
int
fs_postgres_import_redactions(fs_backend *backend, const factstr_batch *batch,
							  const fs_append_event *events, uint64_t *imported_count,
							  factstr_error *error)
{
	size_t		written;
	char	   *text = fs_write_portion(batch, 1, &written);
	fs_call		call = {FS_STATEMENT_IMPORT_REDACTIONS, 1, {text}};
	fs_answer	answer = {.take = fs_take_count, .target = imported_count};
	int			code;

	(void) events;
	if (text == NULL)
		return fs_error_no_memory(error);
	code = fs_call_server(backend, &call, &answer, FS_REPEAT_ONCE, error);
	free(text);
	return code;
}

/* The server takes everything apart anyway, so it gets the texts. */
int
fs_postgres_import(fs_backend *backend, const factstr_batch *batches,
				   fs_append_event *const *events, size_t count, factstr_append_result *result,
				   factstr_error *error)
{
	size_t		written;
	char	   *text = fs_write_portion(batches, count, &written);
	int			code;

	(void) events;
	if (text == NULL)
		code = fs_error_no_memory(error);
	else if (written == count)
		code = fs_import_portion(backend, NULL, text, result, error);
	else
		code = fs_import_in_transaction(backend, batches, count, result, error);
	free(text);
	if (code == FACTSTR_OK)
		fs_hub_wake(backend->hub);
	return code;
}
