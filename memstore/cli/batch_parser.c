/*
 * batch_parser.c
 *		Reading batches from lines of text.
 *
 * A line is read in place: strings are unescaped where they are, and the byte after a text is
 * overwritten by a NUL as soon as it is not needed any more.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json_walk.h"
#include "base/times.h"
#include "base/utf8.h"
#include "batch_text.h"
#include "errors.h"
#include "slice_text.h"

#define CLI_BATCH_SHAPE \
	"A line is one event, or an object with \"event_records\" and, if it has them, " \
	"\"first_sequence_number\", \"last_sequence_number\" and \"idempotency_key\"."
#define CLI_RECORD_SHAPE \
	"An event record has \"occurred_at\", \"event_type\", \"payload\" and, if it has them, " \
	"\"sequence_number\", \"metadata\" and \"redactions\"."
#define CLI_EVENT_SHAPE \
	"A line that is one event has \"occurred_at\", \"event_type\", \"payload\" and, if it has them, " \
	"\"metadata\" and \"idempotency_key\"."
#define CLI_TIME_SHAPE \
	"A time is written like 2026-01-31T08:15:30.123456Z or 2026-01-31T09:15:30+01:00."
#define CLI_NUMBERS_SHAPE \
	"The facts of a batch are numbered from its first number to its last, or none has a number."

/* The longest part of a key in a message, in bytes: an unknown key may be very long. */
#define CLI_QUOTED_KEY_BYTES 64

/* A place in a line, for errors: "$.event_records[3]", or "$". */
typedef struct cli_path
{
	bool		in_record;
	size_t		record;
} cli_path;

/* Which keys of an object were there. */
typedef enum cli_key
{
	CLI_KEY_FIRST = 1,
	CLI_KEY_LAST = 2,
	CLI_KEY_RECORDS = 4,
	CLI_KEY_NUMBER = 8,
	CLI_KEY_TIME = 16,
	CLI_KEY_TYPE = 32,
	CLI_KEY_PAYLOAD = 64,
	CLI_KEY_METADATA = 128,
	CLI_EVENT_KEYS = CLI_KEY_TIME | CLI_KEY_TYPE | CLI_KEY_PAYLOAD | CLI_KEY_METADATA
} cli_key;

static int
cli_malformed(factstr_error *error, const cli_path *path, const char *shape, const char *message)
{
	if (path->in_record)
		(void) cli_error(error, FACTSTR_MALFORMED, "invalid batch at $.event_records[%zu]: %s",
						 path->record, message);
	else
		(void) cli_error(error, FACTSTR_MALFORMED, "invalid batch: %s", message);
	cli_error_detail(error, "%s", shape);
	return FACTSTR_MALFORMED;
}

static int
cli_malformed_key(factstr_error *error, const cli_path *path, const char *shape,
				  const char *problem, const char *key)
{
	char		message[128];
	size_t		length = strlen(key);
	bool		is_long = length > CLI_QUOTED_KEY_BYTES;

	if (is_long)
		length = fs_utf8_cut(key, CLI_QUOTED_KEY_BYTES);
	(void) snprintf(message, sizeof(message), "%s key \"%.*s%s\"", problem, (int) length, key,
					is_long ? "..." : "");
	return cli_malformed(error, path, shape, message);
}

/* A number of a fact. */
static bool
cli_sequence_number(fs_text slice, uint64_t *number)
{
	size_t		digits = strspn(slice.data, "0123456789");

	if (digits != slice.length || digits > 19 || slice.data[0] == '0')
		return false;
	*number = strtoumax(slice.data, NULL, 10);
	return *number <= INT64_MAX;
}

/* The slices of a record that are terminated when the record has been walked through. */
typedef struct cli_record_slices
{
	fs_text		payload;
	fs_text		metadata;
	fs_text		redactions;
} cli_record_slices;

/* Takes one member of a record. */
static int
cli_take_record_member(const char *key, fs_text value, factstr_fact *fact,
					   cli_record_slices *slices, int *found, const cli_path *path,
					   factstr_error *error)
{
	const char *text;

	if (strcmp(key, "sequence_number") == 0)
	{
		*found |= CLI_KEY_NUMBER;
		if (!cli_sequence_number(value, &fact->sequence_number))
			return cli_malformed_key(error, path, CLI_RECORD_SHAPE, "no number in", key);
	}
	else if (strcmp(key, "occurred_at") == 0)
	{
		*found |= CLI_KEY_TIME;
		text = cli_string(value);
		if (text == NULL || !fs_parse_time(text, &fact->occurred_at))
			return cli_malformed_key(error, path, CLI_TIME_SHAPE, "no time in", key);
	}
	else if (strcmp(key, "event_type") == 0)
	{
		*found |= CLI_KEY_TYPE;
		fact->event_type = cli_string(value);
		if (fact->event_type == NULL)
			return cli_malformed_key(error, path, CLI_RECORD_SHAPE, "no string in", key);
	}
	else if (strcmp(key, "payload") == 0)
	{
		*found |= CLI_KEY_PAYLOAD;
		slices->payload = value;
	}
	else if (strcmp(key, "metadata") == 0)
	{
		*found |= CLI_KEY_METADATA;
		slices->metadata = value;
	}
	else if (strcmp(key, "redactions") == 0)
		slices->redactions = value;
	else
		return cli_malformed_key(error, path, CLI_RECORD_SHAPE, "unknown", key);
	return FACTSTR_OK;
}

static int
cli_check_record_keys(int found, const cli_path *path, const char *shape, factstr_error *error)
{
	static const struct
	{
		cli_key		key;
		const char *name;
	}			required[] = {
		{CLI_KEY_TIME, "occurred_at"},
		{CLI_KEY_TYPE, "event_type"},
		{CLI_KEY_PAYLOAD, "payload"},
	};

	for (size_t i = 0; i < sizeof(required) / sizeof(required[0]); i++)
	{
		if ((found & (int) required[i].key) == 0)
			return cli_malformed_key(error, path, shape, "missing", required[i].name);
	}
	return FACTSTR_OK;
}

/* The slices end where they are, now that all of the record has been read. */
static void
cli_end_record(factstr_fact *fact, const cli_record_slices *slices)
{
	fact->payload = slices->payload.data;
	fact->metadata = slices->metadata.data;
	cli_terminate(slices->payload.data, slices->payload.length);
	if (slices->metadata.data != NULL)
		cli_terminate(slices->metadata.data, slices->metadata.length);
}

static int
cli_parse_record(fs_text record, cli_parsed_batch *parsed, const cli_path *path, factstr_error *error)
{
	factstr_fact *fact = &parsed->facts[parsed->batch.fact_count];
	cli_record_slices slices = {{NULL, 0}, {NULL, 0}, {NULL, 0}};
	fs_json_walk walk;
	fs_text		key;
	fs_text		value;
	int			found = 0;
	int			code = FACTSTR_OK;

	*fact = (factstr_fact) {0};
	if (!fs_json_walk_begin(&walk, record.data, '{'))
		return cli_malformed(error, path, CLI_RECORD_SHAPE, "it is not an object");
	while (code == FACTSTR_OK && fs_json_walk_member(&walk, &key, &value))
	{
		const char *name = cli_string(key);

		if (name == NULL)
			return cli_malformed(error, path, CLI_RECORD_SHAPE, "it has a malformed key");
		code = cli_take_record_member(name, value, fact, &slices, &found, path, error);
	}
	if (code == FACTSTR_OK && !fs_json_walk_complete(&walk))
		return cli_malformed(error, path, CLI_RECORD_SHAPE, "it is not JSON");
	if (code == FACTSTR_OK)
		code = cli_check_record_keys(found, path, CLI_RECORD_SHAPE, error);
	if (code == FACTSTR_OK)
		code = cli_parse_redactions(slices.redactions, fact->sequence_number, parsed, error);
	if (code == FACTSTR_OK)
		cli_end_record(fact, &slices);
	return code;
}

static bool
cli_reserve_fact(cli_parsed_batch *parsed)
{
	size_t		capacity = parsed->capacity == 0 ? 16 : parsed->capacity * 2;
	factstr_fact *facts;

	if (parsed->batch.fact_count < parsed->capacity)
		return true;
	facts = realloc(parsed->facts, capacity * sizeof(factstr_fact));
	if (facts == NULL)
		return false;
	parsed->facts = facts;
	parsed->capacity = capacity;
	return true;
}

static int
cli_parse_records(fs_text records, cli_parsed_batch *parsed, factstr_error *error)
{
	cli_path	path = {false, 0};
	fs_json_walk walk;
	fs_text		record;

	parsed->batch.fact_count = 0;
	if (!fs_json_walk_begin(&walk, records.data, '['))
		return cli_malformed(error, &path, CLI_BATCH_SHAPE, "\"event_records\" is not an array");
	while (fs_json_walk_element(&walk, &record))
	{
		int			code;

		path = (cli_path) {true, parsed->batch.fact_count};
		if (!cli_reserve_fact(parsed))
			return cli_error_no_memory(error);
		code = cli_parse_record(record, parsed, &path, error);
		if (code != FACTSTR_OK)
			return code;
		parsed->batch.fact_count++;
	}
	path.in_record = false;
	if (!fs_json_walk_complete(&walk))
		return cli_malformed(error, &path, CLI_BATCH_SHAPE, "\"event_records\" is not JSON");
	return FACTSTR_OK;
}

static bool
cli_is_event_key(const char *key)
{
	return strcmp(key, "occurred_at") == 0 || strcmp(key, "event_type") == 0 ||
		strcmp(key, "payload") == 0 || strcmp(key, "metadata") == 0;
}

/* Takes one member of a line: of a batch or, if the line is one event, of that. */
static int
cli_take_member(const char *key, fs_text value, cli_parsed_batch *parsed,
				cli_record_slices *slices, int *found, factstr_error *error)
{
	static const cli_path path = {false, 0};
	factstr_batch *batch = &parsed->batch;

	if (strcmp(key, "first_sequence_number") == 0)
	{
		*found |= CLI_KEY_FIRST;
		if (!cli_sequence_number(value, &batch->first_sequence_number))
			return cli_malformed_key(error, &path, CLI_BATCH_SHAPE, "no number in", key);
	}
	else if (strcmp(key, "last_sequence_number") == 0)
	{
		*found |= CLI_KEY_LAST;
		if (!cli_sequence_number(value, &batch->last_sequence_number))
			return cli_malformed_key(error, &path, CLI_BATCH_SHAPE, "no number in", key);
	}
	else if (strcmp(key, "idempotency_key") == 0)
	{
		batch->idempotency_key = cli_string(value);
		if (batch->idempotency_key == NULL)
			return cli_malformed_key(error, &path, CLI_BATCH_SHAPE, "no string in", key);
	}
	else if (strcmp(key, "event_records") == 0)
	{
		*found |= CLI_KEY_RECORDS;
		if ((*found & CLI_EVENT_KEYS) == 0)
			return cli_parse_records(value, parsed, error);
	}
	else if (!cli_is_event_key(key))
		return cli_malformed_key(error, &path, CLI_BATCH_SHAPE, "unknown", key);
	else if ((*found & CLI_KEY_RECORDS) == 0)
		return cli_take_record_member(key, value, &parsed->facts[0], slices, found, &path, error);
	else
		*found |= CLI_EVENT_KEYS;
	return FACTSTR_OK;
}

/* A line that is one event: a separate batch, without numbers. */
static int
cli_end_event(cli_parsed_batch *parsed, const cli_record_slices *slices, int found,
			  factstr_error *error)
{
	static const cli_path path = {false, 0};

	if ((found & (CLI_KEY_RECORDS | CLI_KEY_FIRST | CLI_KEY_LAST)) != 0)
		return cli_malformed(error, &path, CLI_BATCH_SHAPE, "it has keys of an event and of a batch");
	if (cli_check_record_keys(found, &path, CLI_EVENT_SHAPE, error) != FACTSTR_OK)
		return error->code;
	cli_end_record(&parsed->facts[0], slices);
	parsed->batch.fact_count = 1;
	return FACTSTR_OK;
}

static int
cli_check_record_number(const factstr_batch *batch, size_t index, factstr_error *error)
{
	const cli_path path = {true, index};
	bool		numbered = batch->first_sequence_number != 0;
	uint64_t	number = batch->facts[index].sequence_number;

	if (number == (numbered ? batch->first_sequence_number + index : 0))
		return FACTSTR_OK;
	if (number == 0)
		return cli_malformed_key(error, &path, CLI_RECORD_SHAPE, "missing", "sequence_number");
	return cli_malformed(error, &path, CLI_NUMBERS_SHAPE, numbered ?
						 "its number does not follow the fact before" :
						 "it has a number, its batch has none");
}

/* Are all the keys there, and do the numbers agree? */
static int
cli_check_batch(const cli_parsed_batch *parsed, int found, factstr_error *error)
{
	static const cli_path path = {false, 0};
	const factstr_batch *batch = &parsed->batch;

	if ((found & CLI_KEY_RECORDS) == 0)
		return cli_malformed_key(error, &path, CLI_BATCH_SHAPE, "missing", "event_records");
	if (((found & CLI_KEY_FIRST) != 0) != ((found & CLI_KEY_LAST) != 0))
		return cli_malformed_key(error, &path, CLI_BATCH_SHAPE, "missing", (found & CLI_KEY_LAST) == 0 ?
								 "last_sequence_number" : "first_sequence_number");
	if ((found & CLI_KEY_FIRST) != 0 &&
		(batch->last_sequence_number < batch->first_sequence_number ||
		 batch->last_sequence_number - batch->first_sequence_number != batch->fact_count - 1))
		return cli_malformed(error, &path, CLI_NUMBERS_SHAPE,
							 "its first and last number do not agree with its facts");
	for (size_t i = 0; i < batch->fact_count; i++)
	{
		if (cli_check_record_number(batch, i, error) != FACTSTR_OK)
			return error->code;
	}
	return FACTSTR_OK;
}

/* Takes all members of a line. */
static int
cli_take_members(fs_json_walk *walk, cli_parsed_batch *parsed, cli_record_slices *slices, int *found,
				 factstr_error *error)
{
	static const cli_path path = {false, 0};
	fs_text		key;
	fs_text		value;

	while (fs_json_walk_member(walk, &key, &value))
	{
		const char *name = cli_string(key);

		if (name == NULL)
			return cli_malformed(error, &path, CLI_BATCH_SHAPE, "it has a malformed key");
		if (cli_take_member(name, value, parsed, slices, found, error) != FACTSTR_OK)
			return error->code;
	}
	if (!fs_json_walk_complete(walk))
		return cli_malformed(error, &path, CLI_BATCH_SHAPE, "it is not JSON");
	return FACTSTR_OK;
}

int
cli_parse_batch(char *line, cli_parsed_batch *parsed, factstr_error *error)
{
	static const cli_path path = {false, 0};
	cli_record_slices slices = {{NULL, 0}, {NULL, 0}, {NULL, 0}};
	fs_json_walk walk;
	int			found = 0;
	int			code;

	parsed->batch = (factstr_batch) {0};
	if (!cli_reserve_fact(parsed))
		return cli_error_no_memory(error);
	parsed->facts[0] = (factstr_fact) {0};
	if (!fs_json_is_one_value(line) || !fs_json_walk_begin(&walk, line, '{'))
		return cli_malformed(error, &path, CLI_BATCH_SHAPE, "the line is not one JSON object");
	code = cli_take_members(&walk, parsed, &slices, &found, error);
	parsed->batch.facts = parsed->facts;
	parsed->batch.redactions = parsed->redactions;
	if (code != FACTSTR_OK)
		return code;
	return (found & CLI_EVENT_KEYS) != 0 ? cli_end_event(parsed, &slices, found, error) :
		cli_check_batch(parsed, found, error);
}
