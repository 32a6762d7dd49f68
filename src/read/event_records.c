/*
 * read/event_records.c
 *		Facts as JSON: the array of event records that queries and batches return.
 *
 * The array is written in the storage format of jsonb (utils/jsonb.h), and payloads are copied as they are.
 * Building it from parsed values would take each payload apart and put it together again, which is most of the
 * cost of a large answer.
 */
#include "postgres.h"

#include "utils/datetime.h"
#include "utils/numeric.h"
#include "utils/timestamp.h"

#include "match/json_jsonb.h"
#include "read/event_records.h"
#include "rows.h"
#include "store.h"

/* The members of a record in jsonb's order of keys: by length, then by bytes. */
typedef enum RecordMember
{
	MEMBER_PAYLOAD,
	MEMBER_METADATA,
	MEMBER_EVENT_TYPE,
	MEMBER_REDACTIONS,			/* only of exports */
	MEMBER_OCCURRED_AT,
	MEMBER_SEQUENCE_NUMBER,
	RECORD_MEMBERS
} RecordMember;

static const char *const member_names[RECORD_MEMBERS] = {
	"payload", "metadata", "event_type", "redactions", "occurred_at", "sequence_number"
};

static const char padding[sizeof(int32)] = "";

void
fs_event_records_begin(EventRecords *records)
{
	initStringInfo(&records->data);
	records->count = 0;
	records->capacity = 64;
	records->ends = palloc(records->capacity * sizeof(JEntry));
}

static void
align(StringInfo data)
{
	appendBinaryStringInfo(data, padding, INTALIGN(data->len) - data->len);
}

/* Writes a value and returns its entry: its kind, and its length with the padding before it. */
static JEntry
add_value(StringInfo data, fs_json value)
{
	int			start = data->len;
	JEntry		kind = JENTRY_ISNULL;

	switch (value.kind)
	{
		case FS_JSON_NULL:
			break;
		case FS_JSON_BOOLEAN:
			kind = value.value.boolean ? JENTRY_ISBOOL_TRUE : JENTRY_ISBOOL_FALSE;
			break;
		case FS_JSON_NUMBER:
			kind = JENTRY_ISNUMERIC;
			align(data);
			appendBinaryStringInfo(data, (char *) value.value.number,
								   VARSIZE_ANY(value.value.number));
			break;
		case FS_JSON_STRING:
			kind = JENTRY_ISSTRING;
			appendBinaryStringInfo(data, value.value.text.data, (int) value.value.text.length);
			break;
		case FS_JSON_ARRAY:
		case FS_JSON_OBJECT:
			kind = JENTRY_ISCONTAINER;
			align(data);
			appendBinaryStringInfo(data, (char *) value.value.nested.container,
								   (int) value.value.nested.length);
			break;
	}
	return kind | (JEntry) (data->len - start);
}

static fs_json
json_string(const char *data, size_t length)
{
	fs_json		result = {FS_JSON_NULL};

	result.kind = FS_JSON_STRING;
	result.value.text.data = data;
	result.value.text.length = length;
	return result;
}

static fs_json
json_integer(int64 integer)
{
	fs_json		result = {FS_JSON_NULL};

	result.kind = FS_JSON_NUMBER;
	result.value.number = DatumGetNumeric(DirectFunctionCall1(int8_numeric,
															  Int64GetDatum(integer)));
	return result;
}

/* Recorded time as text, into a buffer of OCCURRED_AT_SIZE: always UTC, always microseconds. */
char *
fs_event_records_time(TimestampTz time, char *buffer)
{
	struct pg_tm tm;
	fsec_t		microseconds;

	if (timestamp2tm(time, NULL, &tm, &microseconds, NULL, NULL) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
				 errmsg("timestamp out of range")));
	snprintf(buffer, OCCURRED_AT_SIZE, "%04d-%02d-%02dT%02d:%02d:%02d.%06dZ", tm.tm_year, tm.tm_mon,
			 tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, (int) microseconds);
	return buffer;
}

static fs_json
json_time(TimestampTz time, char *buffer)
{
	fs_event_records_time(time, buffer);
	return json_string(buffer, strlen(buffer));
}

/* Collects a row's values; *present is false for the members that the fact does not have. */
static void
collect_values(TupleTableSlot *row, Jsonb *redactions, char *time_buffer, fs_json *values,
			   bool *present)
{
	text	   *event_type;
	bool		isnull;
	Datum		metadata;

	slot_getallattrs(row);
	event_type = DatumGetTextPP(slot_getattr(row, FACTSTR_EVENT_TYPE, &isnull));
	metadata = slot_getattr(row, FACTSTR_METADATA, &isnull);

	memset(present, true, RECORD_MEMBERS * sizeof(bool));
	present[MEMBER_METADATA] = !isnull;
	present[MEMBER_REDACTIONS] = redactions != NULL;
	if (redactions != NULL)
		values[MEMBER_REDACTIONS] = fs_json_of_jsonb(redactions);
	if (!isnull)
		values[MEMBER_METADATA] = fs_json_of_jsonb(DatumGetJsonbP(metadata));
	values[MEMBER_PAYLOAD] = fs_json_of_jsonb(DatumGetJsonbP(slot_getattr(row, FACTSTR_PAYLOAD,
																		  &isnull)));
	values[MEMBER_EVENT_TYPE] = json_string(VARDATA_ANY(event_type),
											VARSIZE_ANY_EXHDR(event_type));
	values[MEMBER_OCCURRED_AT] = json_time(DatumGetTimestampTz(slot_getattr(row, FACTSTR_OCCURRED_AT,
																			&isnull)), time_buffer);
	values[MEMBER_SEQUENCE_NUMBER] = json_integer(DatumGetInt64(slot_getattr(row, FACTSTR_SEQUENCE_NUMBER,
																			 &isnull)));
}

/*
 * Writes one object: header, entries of the keys, entries of the values, keys, values.  The first entry is an end
 * offset instead of a length; for the first entry, both are the same.
 */
static void
add_record(StringInfo data, const fs_json *values, const bool *present)
{
	JEntry		keys[RECORD_MEMBERS];
	JEntry		entries[RECORD_MEMBERS] = {0};
	uint32		count = 0;
	uint32		header;
	int			start;

	for (int i = 0; i < RECORD_MEMBERS; i++)
		count += present[i] ? 1 : 0;
	header = count | JB_FOBJECT;
	appendBinaryStringInfo(data, (char *) &header, sizeof(header));

	start = data->len;
	enlargeStringInfo(data, (int) (2 * count * sizeof(JEntry)));
	data->len += (int) (2 * count * sizeof(JEntry));

	count = 0;
	for (int i = 0; i < RECORD_MEMBERS; i++)
	{
		if (present[i])
			keys[count++] = add_value(data, json_string(member_names[i], strlen(member_names[i])));
	}
	keys[0] |= JENTRY_HAS_OFF;
	count = 0;
	for (int i = 0; i < RECORD_MEMBERS; i++)
	{
		if (present[i])
			entries[count++] = add_value(data, values[i]);
	}
	memcpy(data->data + start, keys, count * sizeof(JEntry));
	memcpy(data->data + start + count * sizeof(JEntry), entries, count * sizeof(JEntry));
}

static void
refuse_oversize(const EventRecords *records)
{
	if (records->data.len > JENTRY_OFFLENMASK)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("event records exceed the maximum size of a jsonb array, %d bytes",
						JENTRY_OFFLENMASK),
				 errhint("Read the facts as rows with factstr_read.")));
}

/* An element of this kind ends here. */
static void
end_element(EventRecords *records, JEntry kind)
{
	refuse_oversize(records);
	if (records->count == records->capacity)
	{
		records->capacity *= 2;
		records->ends = repalloc_huge(records->ends, records->capacity * sizeof(JEntry));
	}
	records->ends[records->count++] = kind | (JEntry) records->data.len;
}

/*
 * Adds the fact in a row, with its redactions, unless that is NULL.  May leave a decompressed payload in
 * the current memory context.
 */
void
fs_event_records_add(EventRecords *records, TupleTableSlot *row, Jsonb *redactions)
{
	fs_json		values[RECORD_MEMBERS];
	bool		present[RECORD_MEMBERS];
	char		time_buffer[OCCURRED_AT_SIZE];
	FactContext context;

	fs_row_begin_values(&context, row);
	collect_values(row, redactions, time_buffer, values, present);
	align(&records->data);
	add_record(&records->data, values, present);
	fs_row_end_values(&context);
	end_element(records, JENTRY_ISCONTAINER);
}

/* Adds null, where there is no fact. */
void
fs_event_records_add_null(EventRecords *records)
{
	end_element(records, JENTRY_ISNULL);
}

/* The array of all records added, in the current memory context. */
Jsonb *
fs_event_records_end(EventRecords *records)
{
	Size		entries_size = records->count * sizeof(JEntry);
	Size		size = VARHDRSZ + sizeof(uint32) + entries_size + records->data.len;
	Jsonb	   *result = palloc(size);
	uint32		start = 0;

	SET_VARSIZE(result, size);
	result->root.header = records->count | JB_FARRAY;
	for (uint32 i = 0; i < records->count; i++)
	{
		JEntry		kind = records->ends[i] & JENTRY_TYPEMASK;
		uint32		end = JBE_OFFLENFLD(records->ends[i]);

		CHECK_FOR_INTERRUPTS();
		result->root.children[i] = kind |
			(i % JB_OFFSET_STRIDE == 0 ? end | JENTRY_HAS_OFF : end - start);
		start = end;
	}
	memcpy((char *) &result->root.children[records->count], records->data.data,
		   records->data.len);
	pfree(records->data.data);
	pfree(records->ends);
	return result;
}
