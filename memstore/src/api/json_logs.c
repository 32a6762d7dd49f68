/*
 * api/json_logs.c
 *		The JSON boundary: the logs of the store's database.
 */
#include "api/json_answers.h"
#include "base/json_text.h"

static void
fs_write_role_or_null(fs_buffer *out, const char *role)
{
	if (role == NULL)
		fs_buffer_append_text(out, "null");
	else
		fs_write_string(out, role);
}

static char *
fs_logs_document(const factstr_log_status_list *list)
{
	fs_buffer	out = {0};

	fs_buffer_append_text(&out, "[");
	for (size_t i = 0; i < list->count; i++)
	{
		const factstr_log_status *log = &list->logs[i];

		fs_buffer_append_text(&out, i == 0 ? "{\"log\": " : ", {\"log\": ");
		fs_write_string(&out, log->log);
		fs_buffer_append_text(&out, ", \"created_at\": ");
		fs_write_time_or_null(&out, log->created_at);
		fs_buffer_append_text(&out, ", \"created_by\": ");
		fs_write_role_or_null(&out, log->created_by);
		fs_buffer_append_text(&out, ", \"sealed_at\": ");
		fs_write_time_or_null(&out, log->sealed_at);
		fs_buffer_append_text(&out, ", \"sealed_by\": ");
		fs_write_role_or_null(&out, log->sealed_by);
		fs_buffer_append_text(&out, "}");
	}
	fs_buffer_append_text(&out, "]");
	return fs_finish_text(&out);
}

int
factstr_json_logs(factstr_store *store, char **result)
{
	factstr_log_status_list *list = NULL;
	factstr_error error;
	char	   *document = NULL;
	int			code;

	if (result == NULL)
		return FACTSTR_MISUSE;
	code = factstr_logs(store, &list, &error);
	if (code == FACTSTR_OK)
		document = fs_logs_document(list);
	factstr_log_status_list_free(list);
	return fs_answer(code, document, &error, result);
}

int
factstr_json_create_log(factstr_store *store, const char *log, char **result)
{
	factstr_error error;

	if (result == NULL)
		return FACTSTR_MISUSE;
	return fs_answer_nothing(factstr_create_log(store, log, &error), &error, result);
}

int
factstr_json_seal_log(factstr_store *store, const char *log, char **result)
{
	fs_buffer	out = {0};
	factstr_error error;
	bool		was_open;
	char	   *document = NULL;
	int			code;

	if (result == NULL)
		return FACTSTR_MISUSE;
	code = factstr_seal_log(store, log, &was_open, &error);
	if (code == FACTSTR_OK)
	{
		fs_buffer_append_text(&out, was_open ? "{\"was_open\": true}" : "{\"was_open\": false}");
		document = fs_finish_text(&out);
	}
	return fs_answer_done(code, document, &error, result);
}

int
factstr_json_drop_log(factstr_store *store, const char *log, const char *confirmation, char **result)
{
	fs_buffer	out = {0};
	factstr_error error;
	uint64_t	dropped_facts;
	char	   *document = NULL;
	int			code;

	if (result == NULL)
		return FACTSTR_MISUSE;
	code = factstr_drop_log(store, log, confirmation, &dropped_facts, &error);
	if (code == FACTSTR_OK)
	{
		fs_buffer_append_text(&out, "{\"dropped_facts\": ");
		fs_write_integer(&out, dropped_facts);
		fs_buffer_append_text(&out, "}");
		document = fs_finish_text(&out);
	}
	return fs_answer_done(code, document, &error, result);
}
