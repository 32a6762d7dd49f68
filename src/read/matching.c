/*
 * read/matching.c
 *		Event queries in the server: the shared code over jsonb, with errors raised.
 */
#include "postgres.h"

#include "errors.h"
#include "read/matching.h"
#include "match/event_query_parser.h"
#include "match/query_equality.h"
#include "match/query_matcher.h"
#include "rows.h"
#include "store.h"

const fs_event_query fs_query_every_fact = {0};

void
fs_input_raise_error(const fs_input_error *error, const char *argument)
{
	switch (error->code)
	{
		case FS_INPUT_EMPTY_APPEND:
			ereport(ERROR,
					(errcode(FACTSTR_ERRCODE_EMPTY_APPEND),
					 errmsg("%s", error->message)));
			break;
		case FS_INPUT_NO_MEMORY:
			ereport(ERROR,
					(errcode(ERRCODE_OUT_OF_MEMORY),
					 errmsg("%s", error->message)));
			break;
		default:
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("invalid %s: %s", argument, error->message),
					 error->path[0] == '\0' ? 0 : errdetail("JSON path: %s", error->path),
					 errhint("%s", error->expected)));
	}
}

/* The value at the path is not as expected. */
void
fs_input_refuse(const char *argument, const char *path, const char *expected,
				const char *format,...)
{
	fs_input_error error = {FS_INPUT_MALFORMED};
	va_list		arguments;

	error.expected = expected;
	strlcpy(error.path, path, sizeof(error.path));
	va_start(arguments, format);
	(void) vsnprintf(error.message, sizeof(error.message), format, arguments);
	va_end(arguments);
	fs_input_raise_error(&error, argument);
}

void
fs_input_require_kind(fs_json value, fs_json_kind kind, const char *argument, const char *path,
					  const char *name, const char *expected)
{
	if (fs_json_kind_of(value) != kind)
		fs_input_refuse(argument, path, expected, "%s must be %s, not %s", name,
						fs_json_kind_name(kind), fs_json_kind_name(fs_json_kind_of(value)));
}

/*
 * Parses an event query; argument is the SQL argument's name, for the error.  The query borrows from
 * the document and lives in the current memory context.
 */
fs_event_query *
fs_query_parse(Jsonb *document, const char *argument)
{
	fs_event_query *query = palloc(sizeof(fs_event_query));
	fs_input_error error;

	if (!fs_event_query_parse(fs_json_of_jsonb(document), query, &error))
		fs_input_raise_error(&error, argument);
	return query;
}

static fs_text
text_of(text *value)
{
	fs_text		result = {VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value)};

	return result;
}

/* Over jsonb, anything that prevents an answer is raised as an error. */
static void
expect_completed(fs_completion completion)
{
	if (completion != FS_COMPLETED)
		elog(ERROR, "matching ended without an answer: %d", completion);
}

static bool
fact_matches(const fs_event_query *query, fs_text event_type, Jsonb *payload)
{
	bool		matches;

	expect_completed(fs_event_query_matches(query, event_type, fs_json_of_jsonb(payload),
											&matches));
	return matches;
}

/* Does a fact match that says this? */
bool
fs_query_matches(const fs_event_query *query, text *event_type, Jsonb *payload)
{
	return fact_matches(query, text_of(event_type), payload);
}

static bool
values_match(const fs_event_query *query, TupleTableSlot *row)
{
	bool		isnull;
	Jsonb	   *payload;
	fs_text		type;

	type = text_of(DatumGetTextPP(slot_getattr(row, FACTSTR_EVENT_TYPE, &isnull)));
	switch (fs_event_type_verdict(query, type))
	{
		case FS_NO_MATCH:
			return false;
		case FS_MATCH:
			return true;
		case FS_PAYLOAD_DECIDES:
			break;
	}
	payload = DatumGetJsonbP(slot_getattr(row, FACTSTR_PAYLOAD, &isnull));
	return fact_matches(query, type, payload);
}

/* Does the fact in this row match?  May leave a decompressed payload in the current context. */
bool
fs_query_matches_row(const fs_event_query *query, TupleTableSlot *row)
{
	FactContext context;
	bool		matches;

	if (fs_event_query_wants_all(query))
		return true;
	fs_row_begin_values(&context, row);
	matches = values_match(query, row);
	fs_row_end_values(&context);
	return matches;
}

/* Are the queries equal, except for the start of the returned facts? */
bool
fs_query_equal(const fs_event_query *a, const fs_event_query *b)
{
	bool		equal;

	expect_completed(fs_event_query_equal(a, b, &equal));
	return equal;
}

/* Can the payload index find the candidates of this predicate?  It contains scalars with their paths. */
bool
fs_query_predicate_is_indexable(fs_json predicate)
{
	return fs_has_scalar(predicate);
}
