/*
 * imported_batches.c
 *		Batches of another log, as an import is given them.
 *
 * The document is what factstr_export returns, its rows as objects in an array.  All of it is checked
 * here, but for what only the log can tell: whether the first batch continues it.
 */
#include "postgres.h"

#include "utils/builtins.h"
#include "utils/datetime.h"
#include "utils/timestamp.h"

#include "idempotency.h"
#include "imported_batches.h"
#include "match/input_error.h"

#define BATCHES_SHAPE "Batches are an array of rows of factstr_export, as objects."
#define BATCH_KEYS \
	"The keys of a batch are \"first_sequence_number\", \"last_sequence_number\", " \
	"\"event_records\" and, if it has one, \"idempotency_key\"."
#define RECORD_KEYS \
	"The keys of an event record are \"sequence_number\", \"occurred_at\", \"event_type\", " \
	"\"payload\" and, if it has one, \"metadata\"."
#define NUMBERS_SHAPE \
	"The facts of a batch have consecutive numbers, and each batch continues the one before."
#define TIME_SHAPE "\"occurred_at\" is a time in UTC such as \"2026-01-31T08:15:30.123456Z\"."
#define TYPE_SHAPE "\"event_type\" is a non-empty string of at most 2000 bytes."

static void
require_kind(fs_json value, fs_json_kind kind, const char *path, const char *name,
			 const char *shape)
{
	factstr_require_kind(value, kind, "batches", path, name, shape);
}

/* So that numbers of facts in a document can be computed without overflow. */
#define LAST_FIRST (PG_INT64_MAX - PG_UINT32_MAX)

/* A key that an object may have, and its value if it has. */
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
	factstr_raise_input_error(&error, "batches");
}

/* Finds the members of an object: all that are not optional, and no others. */
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
			factstr_refuse_input("batches", path, shape, "missing key \"%s\"", members[i].key);
	}
}

/* The number must be this one. */
static void
require_number(const Member *member, const char *path, int64 expected)
{
	int64_t		number;

	require_kind(member->value, FS_JSON_NUMBER, path, member->key, NUMBERS_SHAPE);
	if (fs_json_int64(member->value, &number) != FS_INT64_OK || number != expected)
		factstr_refuse_input("batches", path, NUMBERS_SHAPE, "%s must be " INT64_FORMAT,
							 member->key, expected);
}

static int
two_digits(const char *digits)
{
	return (digits[0] - '0') * 10 + (digits[1] - '0');
}

/* Reads a time as event records have it, and in no other form. */
static bool
parse_time(fs_text value, TimestampTz *time)
{
	static const char form[] = "0000-00-00T00:00:00.000000Z";
	struct pg_tm tm = {0};
	const char *digits = value.data;
	int			microseconds = 0;

	if (value.length != sizeof(form) - 1)
		return false;
	for (size_t i = 0; i < value.length; i++)
	{
		if (form[i] == '0' ? !isdigit((unsigned char) digits[i]) : digits[i] != form[i])
			return false;
	}
	tm.tm_year = two_digits(digits) * 100 + two_digits(digits + 2);
	tm.tm_mon = two_digits(digits + 5);
	tm.tm_mday = two_digits(digits + 8);
	tm.tm_hour = two_digits(digits + 11);
	tm.tm_min = two_digits(digits + 14);
	tm.tm_sec = two_digits(digits + 17);
	for (int i = 20; i < 26; i += 2)
		microseconds = microseconds * 100 + two_digits(digits + i);

	return tm.tm_year > 0 && tm.tm_mon >= 1 && tm.tm_mon <= MONTHS_PER_YEAR && tm.tm_mday >= 1 &&
		tm.tm_mday <= day_tab[isleap(tm.tm_year)][tm.tm_mon - 1] &&
		tm.tm_hour < HOURS_PER_DAY && tm.tm_min < MINS_PER_HOUR && tm.tm_sec < SECS_PER_MINUTE &&
		tm2timestamp(&tm, microseconds, NULL, time) == 0;
}

static void
parse_record(fs_json document, const char *path, int64 sequence_number, fs_new_event *event,
			 TimestampTz *occurred_at)
{
	Member		members[] = {
		{"sequence_number"}, {"occurred_at"}, {"event_type"}, {"payload"}, {"metadata", true}
	};
	fs_json		type;

	take_members(document, path, members, lengthof(members), RECORD_KEYS);
	require_number(&members[0], path, sequence_number);
	require_kind(members[1].value, FS_JSON_STRING, path, "occurred_at", TIME_SHAPE);
	if (!parse_time(fs_json_string(members[1].value), occurred_at))
		factstr_refuse_input("batches", path, TIME_SHAPE, "occurred_at is not a time");

	type = members[2].value;
	require_kind(type, FS_JSON_STRING, path, "event_type", TYPE_SHAPE);
	if (type.value.text.length == 0 || type.value.text.length > FS_EVENT_TYPE_MAX_BYTES)
		factstr_refuse_input("batches", path, TYPE_SHAPE, "event_type is %zu bytes long",
							 type.value.text.length);
	event->event_type = fs_json_string(type);
	event->payload = members[3].value;
	event->has_metadata = members[4].found;
	event->metadata = members[4].value;
	if (event->has_metadata)
		require_kind(event->metadata, FS_JSON_OBJECT, path, "metadata",
					 "\"metadata\" is an object, or absent.");
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
	idempotency_check_key(key);
	return key;
}

/* Parses the records of a batch, the first of which has this number; their times go into *times. */
static FactstrNewEvents
parse_records(fs_json list, const char *path, int64 first, TimestampTz **times)
{
	FactstrNewEvents events = {0};
	fs_json_iterator elements;
	fs_json		element;
	char		record_path[64];

	require_kind(list, FS_JSON_ARRAY, path, "event_records", BATCH_KEYS);
	if (fs_json_count(list) == 0)
		factstr_refuse_input("batches", path, BATCH_KEYS, "a batch has at least one event record");
	events.events = MemoryContextAllocHuge(CurrentMemoryContext,
										   fs_json_count(list) * sizeof(fs_new_event));
	*times = MemoryContextAllocHuge(CurrentMemoryContext,
									fs_json_count(list) * sizeof(TimestampTz));
	fs_json_iterate(list, &elements);
	while (fs_json_next_element(&elements, &element))
	{
		CHECK_FOR_INTERRUPTS();
		snprintf(record_path, sizeof(record_path), "%s.event_records[%zu]", path, events.count);
		parse_record(element, record_path, first + (int64) events.count,
					 &events.events[events.count], &(*times)[events.count]);
		events.count++;
	}
	return events;
}

/* Parses one batch, which has to continue the one that ends with this number, or 0 for any. */
static void
parse_batch(fs_json document, const char *path, int64 previous, ImportedBatch *batch)
{
	Member		members[] = {
		{"first_sequence_number"},
		{"last_sequence_number"},
		{"event_records"},
		{"idempotency_key", true}
	};
	FactstrNewEvents events;
	TimestampTz *times;
	int64_t		first = 0;

	take_members(document, path, members, lengthof(members), BATCH_KEYS);
	require_kind(members[0].value, FS_JSON_NUMBER, path, members[0].key, NUMBERS_SHAPE);
	if (fs_json_int64(members[0].value, &first) != FS_INT64_OK || first < 1 || first > LAST_FIRST)
		factstr_refuse_input("batches", path, NUMBERS_SHAPE,
							 "first_sequence_number is not the number of a fact");
	if (previous > 0)
		require_number(&members[0], path, previous + 1);

	events = parse_records(members[2].value, path, first, &times);
	require_number(&members[1], path, first + (int64) events.count - 1);
	batch->first_sequence_number = first;
	batch->facts = new_facts_build(&events, parse_key(&members[3], path));
	batch->facts.occurred_at = times;
}

/* Parses the batches of an import, at least one; they live in the current memory context. */
ImportedBatch *
imported_batches_parse(Jsonb *document, int *count)
{
	fs_json		list = fs_json_of_jsonb(document);
	ImportedBatch *batches;
	fs_json_iterator elements;
	fs_json		element;
	int64		previous = 0;

	require_kind(list, FS_JSON_ARRAY, "$", "batches", BATCHES_SHAPE);
	if (fs_json_count(list) == 0)
		factstr_refuse_input("batches", "$", BATCHES_SHAPE, "there is no batch to import");

	batches = MemoryContextAllocHuge(CurrentMemoryContext,
									 fs_json_count(list) * sizeof(ImportedBatch));
	*count = 0;
	fs_json_iterate(list, &elements);
	while (fs_json_next_element(&elements, &element))
	{
		char		path[32];

		snprintf(path, sizeof(path), "$[%d]", *count);
		parse_batch(element, path, previous, &batches[*count]);
		previous = batches[*count].first_sequence_number +
			(int64) batches[*count].facts.count - 1;
		(*count)++;
	}
	return batches;
}
