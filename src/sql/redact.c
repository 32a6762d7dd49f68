/*
 * sql/redact.c
 *		factstr_redact and factstr_import_redactions: erasure with a record.
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/jsonb.h"

#include "append/import_parser.h"
#include "append/redaction.h"
#include "sql/call.h"
#include "streams/group.h"
#include "streams/error_messages.h"

PG_FUNCTION_INFO_V1(factstr_redact);
PG_FUNCTION_INFO_V1(factstr_import_redactions);

static text *
argument_reason(FunctionCallInfo fcinfo, int argument)
{
	fs_argument_refuse_null(fcinfo, argument, "reason");
	if (VARSIZE_ANY_EXHDR(PG_GETARG_TEXT_PP(argument)) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid reason: it must not be empty"),
				 errhint("It is kept forever, so it must not repeat the erased data.")));
	return PG_GETARG_TEXT_PP(argument);
}

/* An object; null of either kind is none, as in the events of an append. */
static Jsonb *
argument_metadata(FunctionCallInfo fcinfo, int argument)
{
	Jsonb	   *metadata;
	JsonbValue	scalar;

	if (PG_ARGISNULL(argument))
		return NULL;
	metadata = PG_GETARG_JSONB_P(argument);
	if (JB_ROOT_IS_OBJECT(metadata))
		return metadata;
	if (JB_ROOT_IS_SCALAR(metadata) && JsonbExtractScalar(&metadata->root, &scalar) &&
		scalar.type == jbvNull)
		return NULL;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("invalid metadata: it must be an object")));
}

/* factstr_redact(sequence_number, payload, reason, metadata) */
Datum
factstr_redact(PG_FUNCTION_ARGS)
{
	int64		sequence_number;
	Jsonb	   *metadata;
	text	   *reason;
	FactstrStore store;

	fs_call_refuse_read_only("factstr_redact()");
	fs_argument_refuse_null(fcinfo, 0, "sequence_number");
	sequence_number = PG_GETARG_INT64(0);
	fs_argument_refuse_null(fcinfo, 1, "payload");
	reason = argument_reason(fcinfo, 2);
	metadata = argument_metadata(fcinfo, 3);

	/*
	 * The author is the role that logged in, which SET ROLE does not change, or in a handler its
	 * subscriber.
	 */
	store = fs_store_of_call(fcinfo, 4, RIGHT_TO_ADMINISTER);
	fs_redaction_apply(&store, sequence_number, PG_GETARG_JSONB_P(1), metadata,
					   fs_group_login_user(), reason);
	fs_stream_errors_erase(&store);
	PG_RETURN_VOID();
}

/* factstr_import_redactions(batches) */
Datum
factstr_import_redactions(PG_FUNCTION_ARGS)
{
	FactstrStore store;
	ImportedBatch *batches;
	int			count;
	int64		imported = 0;

	fs_call_refuse_read_only("factstr_import_redactions()");
	fs_argument_refuse_null(fcinfo, 0, "batches");
	batches = fs_import_parse(PG_GETARG_JSONB_P(0), &count);
	store = fs_store_of_call(fcinfo, 1, RIGHT_TO_ADMINISTER);
	for (int i = 0; i < count; i++)
		imported += fs_redaction_import(&store, &batches[i]);
	if (imported > 0)
		fs_stream_errors_erase(&store);
	PG_RETURN_INT64(imported);
}
