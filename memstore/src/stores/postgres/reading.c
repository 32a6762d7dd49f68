/*
 * stores/postgres/reading.c
 *		Facts and batches, as rows of the extension's functions.
 */
#include <limits.h>
#include <stdlib.h>

#include "base/buffer.h"
#include "base/json_text.h"
#include "results/error.h"
#include "results/lists.h"
#include "stores/postgres/backend.h"

/*
 * Facts
 */

/* Rows of facts, and one with the version of the context, if that was asked for. */
typedef struct fs_facts_answer
{
	fs_fact_list *facts;
	uint64_t	version;
} fs_facts_answer;

static void
fs_begin_facts(void *target)
{
	fs_facts_answer *answer = target;

	fs_fact_list_release(answer->facts);
	answer->version = 0;
}

static int
fs_take_fact(const PGresult *rows, int row, void *target, factstr_error *error)
{
	fs_facts_answer *answer = target;
	factstr_fact fact = {
		.sequence_number = (uint64_t) fs_value_int8(rows, row, 1),
		.occurred_at = fs_value_time(rows, row, 2),
		.event_type = fs_value_text(rows, row, 3),
		.payload = fs_value_jsonb(rows, row, 4),
		.metadata = fs_value_jsonb(rows, row, 5)
	};

	if (fact.sequence_number == 0)
		answer->version = (uint64_t) fs_value_int8(rows, row, 0);
	else if (!fs_fact_list_add(answer->facts, &fact))
		return fs_error_no_memory(error);
	return FACTSTR_OK;
}

int
fs_postgres_query(fs_backend *backend, const fs_query *query, fs_fact_list *facts,
				  uint64_t *version, factstr_error *error)
{
	fs_call		call = {FS_STATEMENT_QUERY, 1, {query->text}};
	fs_facts_answer found = {.facts = facts};
	fs_answer	answer = {fs_take_fact, fs_begin_facts, &found, .one_by_one = true};
	int			code = fs_call_server(backend, &call, &answer, FS_REPEAT_ONCE, error);

	*version = found.version;
	return code;
}

int
fs_postgres_read(fs_backend *backend, const fs_query *query, const fs_range *range,
				 fs_fact_list *facts, factstr_error *error)
{
	char		after[FS_INTEGER_SIZE];
	char		max_count[FS_INTEGER_SIZE];
	char		up_to[FS_INTEGER_SIZE];
	fs_call		call = {
		FS_STATEMENT_READ, 5,
		{
			query->text, fs_integer_parameter(range->after, after),
			fs_integer_parameter(range->max_count, max_count),
			range->backwards ? "true" : "false",
			fs_integer_parameter(range->up_to, up_to)
		}
	};
	fs_facts_answer found = {.facts = facts};
	fs_answer	answer = {fs_take_fact, fs_begin_facts, &found, .one_by_one = false};

	return fs_call_server(backend, &call, &answer, FS_REPEAT_ONCE, error);
}

static int
fs_take_number(const PGresult *rows, int row, void *target, factstr_error *error)
{
	(void) error;
	*(uint64_t *) target = (uint64_t) fs_value_int8(rows, row, 0);
	return FACTSTR_OK;
}

static int
fs_call_context_version(fs_backend *backend, const char *event_query, uint64_t *version,
						factstr_error *error)
{
	fs_call		call = {FS_STATEMENT_CONTEXT_VERSION, 1, {event_query}};
	fs_answer	answer = {.take = fs_take_number, .target = version};

	return fs_call_server(backend, &call, &answer, FS_REPEAT_ONCE, error);
}

int
fs_postgres_context_version(fs_backend *backend, const fs_query *query, uint64_t *version,
							factstr_error *error)
{
	return fs_call_context_version(backend, query->text, version, error);
}

int
fs_postgres_head(fs_backend *backend, uint64_t *head, factstr_error *error)
{
	return fs_call_context_version(backend, "{}", head, error);
}

/*
 * The newest of each
 */

/* The queries as one array; NULL if there is no memory. */
static char *
fs_queries_array(const fs_query *queries, size_t count)
{
	fs_buffer	out = {0};

	fs_buffer_append_text(&out, "[");
	for (size_t i = 0; i < count; i++)
	{
		fs_buffer_append_text(&out, i == 0 ? "" : ", ");
		fs_buffer_append_text(&out, queries[i].text);
	}
	fs_buffer_append_text(&out, "]");
	return fs_finish_text(&out);
}

static int
fs_take_newest(const PGresult *rows, int row, void *target, factstr_error *error)
{
	fs_facts_answer *answer = target;

	answer->version = (uint64_t) fs_value_int8(rows, row, 1);
	return fs_add_newest_records(fs_value_jsonb(rows, row, 0), answer->facts, error);
}

int
fs_postgres_newest(fs_backend *backend, const fs_query *queries, size_t count, fs_fact_list *facts,
				   uint64_t *version, factstr_error *error)
{
	char	   *array = fs_queries_array(queries, count);
	fs_call		call = {FS_STATEMENT_NEWEST, 1, {array}};
	fs_facts_answer found = {.facts = facts};
	fs_answer	answer = {fs_take_newest, fs_begin_facts, &found, .one_by_one = false};
	int			code;

	if (array == NULL)
		return fs_error_no_memory(error);
	code = fs_call_server(backend, &call, &answer, FS_REPEAT_ONCE, error);
	free(array);
	*version = found.version;
	return code;
}

/*
 * Batches
 */

/* Rows of batches, and one with the newest fact, if that was asked for. */
typedef struct fs_batches_answer
{
	fs_batch_list *batches;
	uint64_t	head;
} fs_batches_answer;

static void
fs_begin_batches(void *target)
{
	fs_batches_answer *answer = target;

	fs_batch_list_release(answer->batches);
	answer->head = 0;
}

static int
fs_take_batch(const PGresult *rows, int row, void *target, factstr_error *error)
{
	fs_batches_answer *answer = target;
	char	   *event_records = fs_value_jsonb(rows, row, 3);

	if (event_records == NULL)
	{
		answer->head = (uint64_t) fs_value_int8(rows, row, 0);
		return FACTSTR_OK;
	}
	if (!fs_batch_list_begin(answer->batches, (uint64_t) fs_value_int8(rows, row, 1),
							 (uint64_t) fs_value_int8(rows, row, 2),
							 fs_value_text(rows, row, 4)))
		return fs_error_no_memory(error);
	return fs_add_event_records(event_records, answer->batches, error);
}

static const char *
fs_batch_count_parameter(size_t max_batches, char *text)
{
	return fs_integer_parameter(max_batches < INT_MAX ? max_batches : INT_MAX, text);
}

int
fs_postgres_batches(fs_backend *backend, const fs_query *query, uint64_t after,
					size_t max_batches, fs_batch_list *batches, uint64_t *searched,
					factstr_error *error)
{
	char		position[FS_INTEGER_SIZE];
	char		count[FS_INTEGER_SIZE];
	fs_call		call = {
		FS_STATEMENT_BATCHES, 3,
		{
			query->text, fs_integer_parameter(after, position),
			fs_batch_count_parameter(max_batches, count)
		}
	};
	fs_batches_answer found = {.batches = batches};
	fs_answer	answer = {fs_take_batch, fs_begin_batches, &found, .one_by_one = false};
	int			code = fs_call_server(backend, &call, &answer, FS_REPEAT_ONCE, error);

	*searched = batches->count < max_batches ? found.head :
		batches->batches[batches->count - 1].last_sequence_number;
	return code;
}

int
fs_postgres_export(fs_backend *backend, uint64_t after, size_t max_batches,
				   fs_batch_list *batches, factstr_error *error)
{
	char		position[FS_INTEGER_SIZE];
	char		count[FS_INTEGER_SIZE];
	fs_call		call = {
		FS_STATEMENT_EXPORT, 2,
		{
			fs_integer_parameter(after, position), fs_batch_count_parameter(max_batches, count)
		}
	};
	fs_batches_answer found = {.batches = batches};
	fs_answer	answer = {fs_take_batch, fs_begin_batches, &found, .one_by_one = false};

	return fs_call_server(backend, &call, &answer, FS_REPEAT_ONCE, error);
}
