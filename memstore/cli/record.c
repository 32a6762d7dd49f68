/*
 * record.c
 *		Batches as lines of text: what export writes and import reads.
 *
 * A line is read in place: strings lose their escapes where they are, and what follows a text that
 * is needed is overwritten by its NUL as soon as nobody has to look at it any more.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "canonical.h"
#include "error.h"
#include "json_jansson.h"
#include "json_text.h"
#include "json_walk.h"
#include "record.h"
#include "times.h"

#define CLI_BATCH_SHAPE \
	"A line is an object with \"first_sequence_number\", \"last_sequence_number\", " \
	"\"event_records\" and, if it has one, \"idempotency_key\"."
#define CLI_RECORD_SHAPE \
	"An event record has \"sequence_number\", \"occurred_at\", \"event_type\", \"payload\" " \
	"and, if it has some, \"metadata\"."
#define CLI_TIME_SHAPE "A time is written like 2026-01-31T08:15:30.123456Z."
#define CLI_NUMBERS_SHAPE "The facts of a batch are numbered from its first number to its last."

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
	CLI_KEY_PAYLOAD = 64
} cli_key;

static int
cli_malformed(factstr_error *error, const cli_path *path, const char *shape, const char *message)
{
	if (path->in_record)
		(void) fs_error(error, FACTSTR_MALFORMED, "invalid batch at $.event_records[%zu]: %s",
						path->record, message);
	else
		(void) fs_error(error, FACTSTR_MALFORMED, "invalid batch: %s", message);
	fs_error_detail(error, "%s", shape);
	return FACTSTR_MALFORMED;
}

static int
cli_malformed_key(factstr_error *error, const cli_path *path, const char *shape,
				  const char *problem, const char *key)
{
	fs_input_error input_error;
	fs_text		name = {key, strlen(key)};
	char		message[128];

	/* What is unknown comes from outside, and may be long, or control a terminal. */
	if (strcmp(problem, "unknown") == 0)
	{
		(void) fs_unknown_key(&input_error, "", name, shape);
		return cli_malformed(error, path, shape, input_error.message);
	}
	(void) snprintf(message, sizeof(message), "%s key \"%s\"", problem, key);
	return cli_malformed(error, path, shape, message);
}

/* Lines belong to the reader, which may write where a slice points. */
static char *
cli_writable(fs_text slice)
{
	return (char *) (uintptr_t) slice.data;
}

/* Takes the escapes out of a string; what is left is never longer. */
static char *
cli_unescape(fs_text slice)
{
	fs_input_error input_error;
	json_t	   *document = fs_json_document_load(slice.data, slice.length, &input_error);
	char	   *text = NULL;

	if (document != NULL && fs_json_kind_of(document) == FS_JSON_STRING)
	{
		fs_text		string = fs_json_string(document);

		text = cli_writable(slice);
		memcpy(text, string.data, string.length + 1);
	}
	json_decref(document);
	return text;
}

/* The text of a string, NUL-terminated in its place; NULL if it is not a JSON string. */
static char *
cli_string(fs_text slice)
{
	char	   *text = cli_writable(slice) + 1;

	if (slice.length < 2 || slice.data[0] != '"')
		return NULL;
	for (size_t i = 1; i < slice.length - 1; i++)
	{
		if (slice.data[i] == '\\')
			return cli_unescape(slice);
		if ((unsigned char) slice.data[i] < ' ')
			return NULL;
	}
	text[slice.length - 2] = '\0';
	return text;
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

static void
cli_terminate(const char *text, size_t length)
{
	((char *) (uintptr_t) text)[length] = '\0';
}

/* The slices of a record that are terminated when the record has been walked through. */
typedef struct cli_record_slices
{
	fs_text		payload;
	fs_text		metadata;
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
		slices->metadata = value;
	else
		return cli_malformed_key(error, path, CLI_RECORD_SHAPE, "unknown", key);
	return FACTSTR_OK;
}

static int
cli_check_record_keys(int found, const cli_path *path, factstr_error *error)
{
	static const struct
	{
		cli_key		key;
		const char *name;
	}			required[] = {
		{CLI_KEY_NUMBER, "sequence_number"},
		{CLI_KEY_TIME, "occurred_at"},
		{CLI_KEY_TYPE, "event_type"},
		{CLI_KEY_PAYLOAD, "payload"},
	};

	for (size_t i = 0; i < sizeof(required) / sizeof(required[0]); i++)
	{
		if ((found & (int) required[i].key) == 0)
			return cli_malformed_key(error, path, CLI_RECORD_SHAPE, "missing", required[i].name);
	}
	return FACTSTR_OK;
}

static int
cli_parse_record(fs_text record, factstr_fact *fact, const cli_path *path, factstr_error *error)
{
	cli_record_slices slices = {{NULL, 0}, {NULL, 0}};
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
		code = cli_check_record_keys(found, path, error);
	if (code != FACTSTR_OK)
		return code;
	fact->payload = slices.payload.data;
	fact->metadata = slices.metadata.data;
	cli_terminate(slices.payload.data, slices.payload.length);
	if (slices.metadata.data != NULL)
		cli_terminate(slices.metadata.data, slices.metadata.length);
	return FACTSTR_OK;
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
			return fs_error_no_memory(error);
		code = cli_parse_record(record, &parsed->facts[parsed->batch.fact_count], &path, error);
		if (code != FACTSTR_OK)
			return code;
		parsed->batch.fact_count++;
	}
	path.in_record = false;
	if (!fs_json_walk_complete(&walk))
		return cli_malformed(error, &path, CLI_BATCH_SHAPE, "\"event_records\" is not JSON");
	return FACTSTR_OK;
}

/* Takes one member of a batch. */
static int
cli_take_batch_member(const char *key, fs_text value, cli_parsed_batch *parsed, int *found,
					  factstr_error *error)
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
		return cli_parse_records(value, parsed, error);
	}
	else
		return cli_malformed_key(error, &path, CLI_BATCH_SHAPE, "unknown", key);
	return FACTSTR_OK;
}

/* Are all the keys there, and do the numbers agree? */
static int
cli_check_batch(const cli_parsed_batch *parsed, int found, factstr_error *error)
{
	static const cli_path path = {false, 0};
	const factstr_batch *batch = &parsed->batch;

	if ((found & CLI_KEY_FIRST) == 0)
		return cli_malformed_key(error, &path, CLI_BATCH_SHAPE, "missing",
								 "first_sequence_number");
	if ((found & CLI_KEY_LAST) == 0)
		return cli_malformed_key(error, &path, CLI_BATCH_SHAPE, "missing", "last_sequence_number");
	if ((found & CLI_KEY_RECORDS) == 0)
		return cli_malformed_key(error, &path, CLI_BATCH_SHAPE, "missing", "event_records");
	if (batch->last_sequence_number < batch->first_sequence_number ||
		batch->last_sequence_number - batch->first_sequence_number != batch->fact_count - 1)
		return cli_malformed(error, &path, CLI_NUMBERS_SHAPE,
							 "its first and last number do not agree with its facts");
	for (size_t i = 0; i < batch->fact_count; i++)
	{
		cli_path	record = {true, i};

		if (batch->facts[i].sequence_number != batch->first_sequence_number + i)
			return cli_malformed(error, &record, CLI_NUMBERS_SHAPE,
								 "its number does not follow the fact before");
	}
	return FACTSTR_OK;
}

int
cli_parse_batch(char *line, cli_parsed_batch *parsed, factstr_error *error)
{
	static const cli_path path = {false, 0};
	fs_json_walk walk;
	fs_text		key;
	fs_text		value;
	int			found = 0;
	int			code = FACTSTR_OK;

	parsed->batch = (factstr_batch) {0};
	if (!fs_json_is_one_value(line) || !fs_json_walk_begin(&walk, line, '{'))
		return cli_malformed(error, &path, CLI_BATCH_SHAPE, "the line is not one JSON object");
	while (code == FACTSTR_OK && fs_json_walk_member(&walk, &key, &value))
	{
		const char *name = cli_string(key);

		if (name == NULL)
			return cli_malformed(error, &path, CLI_BATCH_SHAPE, "it has a malformed key");
		code = cli_take_batch_member(name, value, parsed, &found, error);
	}
	if (code == FACTSTR_OK && !fs_json_walk_complete(&walk))
		return cli_malformed(error, &path, CLI_BATCH_SHAPE, "it is not JSON");
	parsed->batch.facts = parsed->facts;
	return code == FACTSTR_OK ? cli_check_batch(parsed, found, error) : code;
}

/* Adds a fact as an event record, with its payload and metadata in canonical form. */
static int
cli_write_canonical_record(fs_buffer *out, const factstr_fact *fact, factstr_error *error)
{
	factstr_fact canonical = *fact;
	fs_buffer	payload = {0};
	fs_buffer	metadata = {0};
	int			code;

	code = cli_write_canonical(&payload, fact->payload, error);
	if (code == FACTSTR_OK && fact->metadata != NULL)
		code = cli_write_canonical(&metadata, fact->metadata, error);
	canonical.payload = fs_finish_text(&payload);
	if (fact->metadata != NULL)
		canonical.metadata = fs_finish_text(&metadata);
	if (code == FACTSTR_OK &&
		(canonical.payload == NULL || (fact->metadata != NULL && canonical.metadata == NULL)))
		code = fs_error_no_memory(error);
	if (code == FACTSTR_OK)
		fs_write_event_record(out, &canonical);
	free(payload.data);
	free(metadata.data);
	return code;
}

static int
cli_write_record(fs_buffer *out, const factstr_fact *fact, bool canonical, factstr_error *error)
{
	if (canonical)
		return cli_write_canonical_record(out, fact, error);
	fs_write_event_record(out, fact);
	return FACTSTR_OK;
}

int
cli_write_batch(fs_buffer *out, const factstr_batch *batch, bool canonical, factstr_error *error)
{
	int			code = FACTSTR_OK;

	fs_buffer_append_text(out, "{\"first_sequence_number\": ");
	fs_write_integer(out, batch->first_sequence_number);
	fs_buffer_append_text(out, ", \"last_sequence_number\": ");
	fs_write_integer(out, batch->last_sequence_number);
	if (batch->idempotency_key != NULL)
	{
		fs_buffer_append_text(out, ", \"idempotency_key\": ");
		fs_write_string(out, batch->idempotency_key);
	}
	fs_buffer_append_text(out, ", \"event_records\": [");
	for (size_t i = 0; code == FACTSTR_OK && i < batch->fact_count; i++)
	{
		if (i > 0)
			fs_buffer_append_text(out, ", ");
		code = cli_write_record(out, &batch->facts[i], canonical, error);
	}
	fs_buffer_append_text(out, "]}");
	if (code == FACTSTR_OK && out->no_memory)
		code = fs_error_no_memory(error);
	return code;
}

int
cli_batches_equal(const factstr_batch *a, const factstr_batch *b, bool *equal,
				  factstr_error *error)
{
	fs_buffer	text_a = {0};
	fs_buffer	text_b = {0};
	int			code;

	*equal = false;
	code = cli_write_batch(&text_a, a, true, error);
	if (code == FACTSTR_OK)
		code = cli_write_batch(&text_b, b, true, error);
	if (code == FACTSTR_OK)
		*equal = text_a.length == text_b.length &&
			memcmp(text_a.data, text_b.data, text_a.length) == 0;
	free(text_a.data);
	free(text_b.data);
	return code;
}
