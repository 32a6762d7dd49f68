/*
 * append/import_parser.c
 *		Parses the batches of an import.
 *
 * The document is the result of factstr_export, its rows as objects in an array, or the same without numbers,
 * which the log then assigns.  Everything is checked here except the relation to the log: whether the first batch
 * continues it, and which keys it has.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "append/idempotency.h"
#include "append/import_parser.h"
#include "match/time_parser.h"
#include "match/value_limits.h"
#include "read/matching.h"

#define BATCHES_SHAPE "Batches are an array of rows of factstr_export, as objects."
#define BATCH_KEYS \
	"The keys of a batch are \"event_records\" and, if it has them, \"first_sequence_number\", " \
	"\"last_sequence_number\" and \"idempotency_key\"."
#define RECORD_KEYS \
	"The keys of an event record are \"occurred_at\", \"event_type\", \"payload\" and, if it has " \
	"them, \"sequence_number\", \"metadata\" and \"redactions\"."
#define REDACTION_KEYS \
	"The redactions of a fact are an array of objects with \"redacted_at\", \"redacted_by\" and \"reason\", by time."
#define NUMBERS_SHAPE \
	"Either the facts of a batch have consecutive numbers, and each batch continues the one before, or no number is given."
#define TIME_SHAPE "\"occurred_at\" is a time of ISO 8601 with its offset, such as \"2026-01-31T08:15:30.123456Z\" or \"2026-01-31T09:15:30+01:00\"."
#define TYPE_SHAPE "\"event_type\" is a non-empty string of at most 2000 bytes."

static void
require_kind(fs_json value, fs_json_kind kind, const char *path, const char *name,
			 const char *shape)
{
	fs_input_require_kind(value, kind, "batches", path, name, shape);
}

/* Prevents overflows when the numbers of facts in a document are computed. */
#define LAST_FIRST (PG_INT64_MAX - PG_UINT32_MAX)

/* In microseconds since 1970. */
#define START_OF_YEAR(year) (fs_day_of_date(year, 1, 1) * USECS_PER_DAY)

/* A key that an object may have, and its value if present. */
typedef struct Member
{
	const char *key;
	bool		optional;		/* then null is the same as absent */
	bool		found;
	fs_json		value;
} Member;

static void
take_member(fs_text key, fs_json value, const char *path, Member *members, int count,
			const char *shape)
{
	fs_input_error error;

	for (int i = 0; i < count; i++)
	{
		if (!fs_text_is(key, members[i].key))
			continue;
		members[i].value = value;
		members[i].found = !members[i].optional || value.kind != FS_JSON_NULL;
		return;
	}
	(void) fs_unknown_key(&error, path, key, shape);
	fs_input_raise_error(&error, "batches");
}

/* Finds the members of an object: all that are required, and no unknown ones. */
static void
take_members(fs_json object, const char *path, Member *members, int count, const char *shape)
{
	fs_json_iterator iterator;
	fs_text		key;
	fs_json		value;

	require_kind(object, FS_JSON_OBJECT, path, "the value", shape);
	fs_json_iterate(object, &iterator);
	while (fs_json_next_member(&iterator, &key, &value))
		take_member(key, value, path, members, count, shape);
	for (int i = 0; i < count; i++)
	{
		if (!members[i].found && !members[i].optional)
			fs_input_refuse("batches", path, shape, "missing key \"%s\"", members[i].key);
	}
}

/* The number must be this one. */
static void
require_number(const Member *member, const char *path, int64 expected)
{
	int64_t		number;

	if (!member->found)
		fs_input_refuse("batches", path, NUMBERS_SHAPE, "missing key \"%s\"", member->key);
	require_kind(member->value, FS_JSON_NUMBER, path, member->key, NUMBERS_SHAPE);
	if (fs_json_int64(member->value, &number) != FS_INT64_OK || number != expected)
		fs_input_refuse("batches", path, NUMBERS_SHAPE, "%s must be " INT64_FORMAT,
						member->key, expected);
}

static void
require_nesting(fs_json value, const char *path, const char *name)
{
	fs_input_error error;

	if (!fs_check_nesting(value, path, name, &error))
		fs_input_raise_error(&error, "batches");
}

/* Either the whole document has numbers, or none of it. */
static void
refuse_number(const Member *member, const char *path)
{
	if (member->found)
		fs_input_refuse("batches", path, NUMBERS_SHAPE,
						"%s is given, but first_sequence_number of the first batch is not", member->key);
}

/* The number must be this one; for 0, there must be none. */
static void
check_number(const Member *member, const char *path, int64 expected)
{
	if (expected == 0)
		refuse_number(member, path);
	else
		require_number(member, path, expected);
}

/* Reads a time, whose year in UTC has four digits, as in event records. */
static bool
parse_time(fs_text value, TimestampTz *time)
{
	int64_t		since_1970;

	if (!fs_time_parse(value.data, value.length, &since_1970) || since_1970 < START_OF_YEAR(1) ||
		since_1970 >= START_OF_YEAR(10000))
		return false;
	*time = since_1970 - (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * USECS_PER_DAY;
	return true;
}

static void
parse_time_member(const Member *member, const char *path, TimestampTz *time)
{
	require_kind(member->value, FS_JSON_STRING, path, member->key, TIME_SHAPE);
	if (!parse_time(fs_json_string(member->value), time))
		fs_input_refuse("batches", path, TIME_SHAPE, "%s is not a time", member->key);
}

/* A text that is not empty. */
static text *
parse_text_member(const Member *member, const char *path)
{
	fs_text		found;

	require_kind(member->value, FS_JSON_STRING, path, member->key, REDACTION_KEYS);
	found = fs_json_string(member->value);
	if (found.length == 0)
		fs_input_refuse("batches", path, REDACTION_KEYS, "%s must not be empty", member->key);
	return cstring_to_text_with_len(found.data, (int) found.length);
}

static Redaction *
parse_redaction(fs_json document, const char *path, int64 sequence_number)
{
	Member		members[] = {{"redacted_at"}, {"redacted_by"}, {"reason"}};
	Redaction  *redaction = palloc(sizeof(Redaction));
	text	   *by;

	take_members(document, path, members, lengthof(members), REDACTION_KEYS);
	redaction->sequence_number = sequence_number;
	parse_time_member(&members[0], path, &redaction->redacted_at);
	by = parse_text_member(&members[1], path);
	if (VARSIZE_ANY_EXHDR(by) >= NAMEDATALEN)
		fs_input_refuse("batches", path, REDACTION_KEYS, "redacted_by is longer than a name");
	namestrcpy(&redaction->redacted_by, text_to_cstring(by));
	redaction->reason = parse_text_member(&members[2], path);
	return redaction;
}

/* Adds the redactions of a fact, if any, to those of its batch. */
static List *
parse_redactions(const Member *member, const char *path, int64 sequence_number, List *redactions)
{
	TimestampTz previous = DT_NOBEGIN;
	fs_json_iterator elements;
	fs_json		element;

	if (!member->found)
		return redactions;
	require_kind(member->value, FS_JSON_ARRAY, path, member->key, REDACTION_KEYS);
	if (sequence_number == 0)
		fs_input_refuse("batches", path, NUMBERS_SHAPE, "a fact without number has redactions");
	fs_json_iterate(member->value, &elements);
	while (fs_json_next_element(&elements, &element))
	{
		Redaction  *redaction = parse_redaction(element, path, sequence_number);

		if (redaction->redacted_at < previous)
			fs_input_refuse("batches", path, REDACTION_KEYS, "redactions are not in order");
		previous = redaction->redacted_at;
		redactions = lappend(redactions, redaction);
	}
	return redactions;
}

/* Returns the redactions of the batch together with those of the fact. */
static List *
parse_record(fs_json document, const char *path, int64 sequence_number, fs_new_event *event,
			 TimestampTz *occurred_at, List *redactions)
{
	Member		members[] = {
		{"sequence_number", true}, {"occurred_at"}, {"event_type"}, {"payload"}, {"metadata", true},
		{"redactions", true}
	};
	fs_json		type;

	take_members(document, path, members, lengthof(members), RECORD_KEYS);
	check_number(&members[0], path, sequence_number);
	parse_time_member(&members[1], path, occurred_at);

	type = members[2].value;
	require_kind(type, FS_JSON_STRING, path, "event_type", TYPE_SHAPE);
	if (type.value.text.length == 0 || type.value.text.length > FS_EVENT_TYPE_MAX_BYTES)
		fs_input_refuse("batches", path, TYPE_SHAPE, "event_type is %zu bytes long",
						type.value.text.length);
	require_nesting(members[3].value, path, "payload");
	require_nesting(members[4].value, path, "metadata");
	event->event_type = fs_json_string(type);
	event->payload = members[3].value;
	event->has_metadata = members[4].found;
	event->metadata = members[4].value;
	if (event->has_metadata)
		require_kind(event->metadata, FS_JSON_OBJECT, path, "metadata",
					 "\"metadata\" is an object, or absent.");
	return parse_redactions(&members[5], path, sequence_number, redactions);
}

static text *
parse_key(const Member *member, const char *path)
{
	text	   *key;
	fs_text		found;

	if (!member->found)
		return NULL;
	require_kind(member->value, FS_JSON_STRING, path, member->key,
				 "\"idempotency_key\" is a non-empty string, or absent.");
	found = fs_json_string(member->value);
	key = cstring_to_text_with_len(found.data, (int) found.length);
	fs_idempotency_check_key(key);
	return key;
}

/*
 * Parses the records of a batch.  The first one has this number, or none has one for 0; their times go into *times,
 * their redactions into *redactions.
 */
static FactstrNewEvents
parse_records(fs_json list, const char *path, int64 first, TimestampTz **times, List **redactions)
{
	FactstrNewEvents events = {0};
	uint64_t	size = 0;
	fs_input_error error;
	fs_json_iterator elements;
	fs_json		element;
	char		record_path[64];

	require_kind(list, FS_JSON_ARRAY, path, "event_records", BATCH_KEYS);
	if (fs_json_count(list) == 0)
		fs_input_refuse("batches", path, BATCH_KEYS, "a batch has at least one event record");
	events.events = MemoryContextAllocHuge(CurrentMemoryContext,
										   fs_json_count(list) * sizeof(fs_new_event));
	*times = MemoryContextAllocHuge(CurrentMemoryContext,
									fs_json_count(list) * sizeof(TimestampTz));
	fs_json_iterate(list, &elements);
	while (fs_json_next_element(&elements, &element))
	{
		CHECK_FOR_INTERRUPTS();
		snprintf(record_path, sizeof(record_path), "%s.event_records[%zu]", path, events.count);
		*redactions = parse_record(element, record_path, first == 0 ? 0 : first + (int64) events.count,
								   &events.events[events.count], &(*times)[events.count], *redactions);
		if (!fs_add_to_batch(&size, &events.events[events.count], record_path, &error))
			fs_input_raise_error(&error, "batches");
		events.count++;
	}
	return events;
}

/* The first number of a batch: any for the first batch of the document, then the next one; 0 for none. */
static int64
parse_first_number(const Member *member, const char *path, const ImportedBatch *previous)
{
	int64_t		first = 0;

	if (previous != NULL)
	{
		first = previous->first_sequence_number;
		if (first > 0)
			first += (int64) previous->facts.count;
		check_number(member, path, first);
	}
	else if (member->found)
	{
		require_kind(member->value, FS_JSON_NUMBER, path, member->key, NUMBERS_SHAPE);
		if (fs_json_int64(member->value, &first) != FS_INT64_OK || first < 1 || first > LAST_FIRST)
			fs_input_refuse("batches", path, NUMBERS_SHAPE,
							"first_sequence_number is not the number of a fact");
	}
	return first;
}

/* Parses one batch, which must continue the previous one, unless it is the first of the document. */
static void
parse_batch(fs_json document, const char *path, const ImportedBatch *previous, ImportedBatch *batch)
{
	Member		members[] = {
		{"first_sequence_number", true},
		{"last_sequence_number", true},
		{"event_records"},
		{"idempotency_key", true}
	};
	FactstrNewEvents events;
	TimestampTz *times;
	int64		first;

	take_members(document, path, members, lengthof(members), BATCH_KEYS);
	first = parse_first_number(&members[0], path, previous);
	batch->redactions = NIL;
	events = parse_records(members[2].value, path, first, &times, &batch->redactions);
	check_number(&members[1], path, first == 0 ? 0 : first + (int64) events.count - 1);
	batch->first_sequence_number = first;
	batch->facts = fs_new_facts_of_events(&events);
	batch->facts.idempotency_key = PointerGetDatum(parse_key(&members[3], path));
	batch->facts.occurred_at = times;
}

/* Parses the batches of an import, at least one; they live in the current memory context. */
ImportedBatch *
fs_import_parse(Jsonb *document, int *count)
{
	fs_json		list = fs_json_of_jsonb(document);
	ImportedBatch *batches;
	fs_json_iterator elements;
	fs_json		element;

	require_kind(list, FS_JSON_ARRAY, "$", "batches", BATCHES_SHAPE);
	if (fs_json_count(list) == 0)
		fs_input_refuse("batches", "$", BATCHES_SHAPE, "there is no batch to import");

	batches = MemoryContextAllocHuge(CurrentMemoryContext,
									 fs_json_count(list) * sizeof(ImportedBatch));
	*count = 0;
	fs_json_iterate(list, &elements);
	while (fs_json_next_element(&elements, &element))
	{
		char		path[32];

		CHECK_FOR_INTERRUPTS();
		snprintf(path, sizeof(path), "$[%d]", *count);
		parse_batch(element, path, *count == 0 ? NULL : &batches[*count - 1], &batches[*count]);
		(*count)++;
	}
	return batches;
}
