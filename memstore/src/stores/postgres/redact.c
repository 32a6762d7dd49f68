/*
 * stores/postgres/redact.c
 *		Redactions, which are calls of the extension's function, and the rows of its table.
 */
#include <limits.h>

#include "results/error.h"
#include "results/lists.h"
#include "stores/postgres/backend.h"

/*
 * Repeated, it would be on record twice.  The old text is in old versions of the row, and in the server's
 * write-ahead log.
 */
int
fs_postgres_redact(fs_backend *backend, const fs_redaction *redaction, bool *traces_remain,
				   factstr_error *error)
{
	char		number[FS_INTEGER_SIZE];
	fs_call		call = {
		FS_STATEMENT_REDACT, 4,
		{
			fs_integer_parameter(redaction->sequence_number, number), redaction->payload,
			redaction->reason, redaction->metadata
		}
	};

	*traces_remain = true;
	return fs_call_server(backend, &call, NULL, FS_NEVER_REPEAT, error);
}

static int
fs_take_redaction(const PGresult *rows, int row, void *target, factstr_error *error)
{
	const factstr_redaction redaction = {
		.sequence_number = (uint64_t) fs_value_int8(rows, row, 0),
		.redacted_at = fs_value_time(rows, row, 1),
		.redacted_by = fs_value_text(rows, row, 2),
		.reason = fs_value_text(rows, row, 3)
	};

	return fs_redaction_list_add(target, &redaction) ? FACTSTR_OK : fs_error_no_memory(error);
}

static void
fs_begin_redactions(void *target)
{
	fs_redaction_list_release(target);
}

int
fs_postgres_redactions(fs_backend *backend, uint64_t after, size_t max_count,
					   fs_redaction_list *redactions, factstr_error *error)
{
	char		position[FS_INTEGER_SIZE];
	char		count[FS_INTEGER_SIZE];
	fs_call		call = {
		FS_STATEMENT_REDACTIONS, 2,
		{
			fs_integer_parameter(after, position),
			fs_integer_parameter(max_count < INT_MAX ? max_count : INT_MAX, count)
		}
	};
	fs_answer	answer = {fs_take_redaction, fs_begin_redactions, redactions, .one_by_one = false};
	int			code = fs_call_server(backend, &call, &answer, FS_REPEAT_ONCE, error);
	factstr_error missing;

	/* With a log goes its table. */
	if (code == FACTSTR_INCOMPATIBLE && fs_log_check(backend, &missing) == FACTSTR_NO_SUCH_LOG)
	{
		*error = missing;
		code = FACTSTR_NO_SUCH_LOG;
	}
	return code;
}
