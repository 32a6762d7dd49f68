/*
 * matching.c
 *		Event queries and new events in the server: the shared code over jsonb, with errors raised.
 */
#include "postgres.h"

#include "fmgr.h"

#include "errors.h"
#include "matching.h"
#include "match/event_query_parser.h"
#include "match/new_events_parser.h"
#include "match/query_matcher.h"
#include "match/query_equality.h"
#include "store.h"

PG_FUNCTION_INFO_V1(factstr_matches);

const fs_event_query factstr_every_fact = {0};

void
factstr_raise_input_error(const fs_input_error *error, const char *argument)
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
					 errdetail("JSON path: %s", error->path),
					 errhint("%s", error->expected)));
	}
}

/* What is at the path is not as expected. */
void
factstr_refuse_input(const char *argument, const char *path, const char *expected,
					 const char *format,...)
{
	fs_input_error error = {FS_INPUT_MALFORMED};
	va_list		arguments;

	error.expected = expected;
	strlcpy(error.path, path, sizeof(error.path));
	va_start(arguments, format);
	(void) vsnprintf(error.message, sizeof(error.message), format, arguments);
	va_end(arguments);
	factstr_raise_input_error(&error, argument);
}

void
factstr_require_kind(fs_json value, fs_json_kind kind, const char *argument, const char *path,
					 const char *name, const char *expected)
{
	if (fs_json_kind_of(value) != kind)
		factstr_refuse_input(argument, path, expected, "%s must be %s, not %s", name,
							 fs_json_kind_name(kind), fs_json_kind_name(fs_json_kind_of(value)));
}

/*
 * Parses an event query; argument is the SQL argument's name, for the error.  The query borrows from
 * the document and lives in the current memory context.
 */
fs_event_query *
factstr_parse_event_query(Jsonb *document, const char *argument)
{
	fs_event_query *query = palloc(sizeof(fs_event_query));
	fs_input_error error;

	if (!fs_event_query_parse(fs_json_of_jsonb(document), query, &error))
		factstr_raise_input_error(&error, argument);
	return query;
}

FactstrNewEvents
factstr_parse_new_events(Jsonb *document)
{
	FactstrNewEvents result;
	fs_input_error error;

	if (!fs_new_events_parse(fs_json_of_jsonb(document), &result.events, &result.count, &error))
		factstr_raise_input_error(&error, "events");
	return result;
}

/* Does the fact in this row match?  May leave a decompressed payload in the current context. */
bool
factstr_row_matches(const fs_event_query *query, TupleTableSlot *row)
{
	bool		isnull;
	text	   *event_type;
	Jsonb	   *payload;
	fs_text		type;

	if (query->filter_count == 0)
		return true;

	event_type = DatumGetTextPP(slot_getattr(row, FACTSTR_EVENT_TYPE, &isnull));
	type.data = VARDATA_ANY(event_type);
	type.length = VARSIZE_ANY_EXHDR(event_type);
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
	return fs_event_query_matches(query, type, fs_json_of_jsonb(payload));
}

/* Do the queries ask the same, but for their min_sequence_number? */
bool
factstr_queries_equal(const fs_event_query *a, const fs_event_query *b)
{
	return fs_event_query_equal(a, b);
}

/* Can the payload index find the candidates of this predicate?  It holds scalars with their paths. */
bool
factstr_predicate_is_indexable(fs_json predicate)
{
	return fs_has_scalar(predicate);
}

/* A value within a document as a document of its own, in the current memory context. */
Jsonb *
factstr_jsonb_of(fs_json value)
{
	JsonbValue	result;

	switch (value.kind)
	{
		case FS_JSON_NULL:
			result.type = jbvNull;
			break;
		case FS_JSON_BOOLEAN:
			result.type = jbvBool;
			result.val.boolean = value.value.boolean;
			break;
		case FS_JSON_NUMBER:
			result.type = jbvNumeric;
			result.val.numeric = value.value.number;
			break;
		case FS_JSON_STRING:
			result.type = jbvString;
			result.val.string.val = unconstify(char *, value.value.text.data);
			result.val.string.len = (int) value.value.text.length;
			break;
		case FS_JSON_ARRAY:
		case FS_JSON_OBJECT:
			result.type = jbvBinary;
			result.val.binary.data = value.value.nested.container;
			result.val.binary.len = (int) value.value.nested.length;
			break;
	}
	return JsonbValueToJsonb(&result);
}

/* factstr_matches(event_query, event_type, payload): the matcher, for tests, views and triggers. */
Datum
factstr_matches(PG_FUNCTION_ARGS)
{
	fs_event_query *query = factstr_parse_event_query(PG_GETARG_JSONB_P(0), "event_query");
	text	   *event_type = PG_GETARG_TEXT_PP(1);
	Jsonb	   *payload = PG_GETARG_JSONB_P(2);
	fs_text		type = {VARDATA_ANY(event_type), VARSIZE_ANY_EXHDR(event_type)};

	PG_RETURN_BOOL(fs_event_query_matches(query, type, fs_json_of_jsonb(payload)));
}
