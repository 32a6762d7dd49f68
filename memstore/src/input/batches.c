/*
 * input/batches.c
 *		The batches of an import that come as a JSON document.
 *
 * The document, which is parsed as a whole, has the values; where it spells payloads and metadata, a walk
 * through the text beside it finds.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json_walk.h"
#include "base/times.h"
#include "input/batches.h"
#include "input/slices.h"
#include "json/binding.h"
#include "json/document.h"
#include "match/input_error.h"
#include "results/error.h"

#define FS_BATCHES_SHAPE "Batches are an array of objects, as factstr_json_export returns them."
#define FS_BATCH_SHAPE \
	"The keys of a batch are event_records and, if it has them, first_sequence_number, last_sequence_number " \
	"and idempotency_key."
#define FS_RECORD_SHAPE \
	"The keys of an event record are occurred_at, event_type, payload and, if it has them, sequence_number, " \
	"metadata and redactions."
#define FS_REDACTION_SHAPE "The keys of a redaction are redacted_at, redacted_by and reason."
#define FS_TIME_SHAPE \
	"A time is written like \"2026-01-31T08:15:30.123456Z\" or \"2026-01-31T09:15:30+01:00\"."

#define FS_PATH_SIZE 96

/* A key that an object may have, and its value: NULL if it is absent or null. */
typedef struct fs_member
{
	const char *key;
	fs_json		value;
} fs_member;

/* The input, and the position in it. */
typedef struct fs_place
{
	char		path[FS_PATH_SIZE];
	const char *shape;			/* of the object there */
	fs_input_error *error;
} fs_place;

static bool
fs_take_member(const fs_place *place, fs_text key, fs_json value, fs_member *members, size_t count)
{
	for (size_t i = 0; i < count; i++)
	{
		if (!fs_text_is(key, members[i].key))
			continue;
		members[i].value = fs_json_kind_of(value) == FS_JSON_NULL ? NULL : value;
		return true;
	}
	return fs_unknown_key(place->error, place->path, key, place->shape);
}

/* Takes an object apart; the first of the members are required. */
static bool
fs_take_members(const fs_place *place, fs_json object, fs_member *members, size_t count,
				size_t required)
{
	fs_json_iterator iterator;
	fs_text		key;
	fs_json		value;

	if (fs_json_kind_of(object) != FS_JSON_OBJECT)
		return fs_wrong_kind(place->error, place->path, place->shape, "the value", FS_JSON_OBJECT,
							 fs_json_kind_of(object));
	fs_json_iterate(object, &iterator);
	while (fs_json_next_member(&iterator, &key, &value))
	{
		if (!fs_take_member(place, key, value, members, count))
			return false;
	}
	for (size_t i = 0; i < required; i++)
	{
		if (members[i].value == NULL)
			return fs_malformed(place->error, place->path, place->shape, "missing key \"%s\"",
								members[i].key);
	}
	return true;
}

static bool
fs_require_kind(const fs_place *place, const fs_member *member, fs_json_kind kind)
{
	return fs_json_kind_of(member->value) == kind ||
		fs_wrong_kind(place->error, place->path, place->shape, member->key, kind,
					  fs_json_kind_of(member->value));
}

/* The number of a fact; an absent one stays 0. */
static bool
fs_number_of(const fs_place *place, const fs_member *member, uint64_t *number)
{
	int64_t		taken;

	*number = 0;
	if (member->value == NULL)
		return true;
	if (!fs_require_kind(place, member, FS_JSON_NUMBER))
		return false;
	if (fs_json_int64(member->value, &taken) != FS_INT64_OK || taken <= 0)
		return fs_malformed(place->error, place->path, place->shape, "%s is not the number of a fact",
							member->key);
	*number = (uint64_t) taken;
	return true;
}

/* A copy, to be freed; an absent one stays NULL. */
static bool
fs_string_of(const fs_place *place, const fs_member *member, char **copy)
{
	fs_text		text;

	if (member->value == NULL)
		return true;
	if (!fs_require_kind(place, member, FS_JSON_STRING))
		return false;
	text = fs_json_string(member->value);
	*copy = strndup(text.data, text.length);
	return *copy != NULL || fs_out_of_memory(place->error);
}

static bool
fs_time_of(const fs_place *place, const fs_member *member, int64_t *time)
{
	char	   *text = NULL;
	bool		is_time;

	if (!fs_string_of(place, member, &text))
		return false;
	is_time = fs_parse_time(text, time);
	free(text);
	return is_time || fs_malformed(place->error, place->path, FS_TIME_SHAPE, "%s is not a time",
								   member->key);
}

/*
 * Redactions
 */

static bool
fs_add_redaction(const fs_place *place, fs_json object, uint64_t sequence_number,
				 fs_batch_list *batches)
{
	fs_member	members[] = {{"redacted_at", NULL}, {"redacted_by", NULL}, {"reason", NULL}};
	factstr_redaction redaction = {.sequence_number = sequence_number};
	char	   *redacted_by = NULL;
	char	   *reason = NULL;
	bool		added;

	added = fs_take_members(place, object, members, 3, 3) &&
		fs_time_of(place, &members[0], &redaction.redacted_at) &&
		fs_string_of(place, &members[1], &redacted_by) &&
		fs_string_of(place, &members[2], &reason);
	redaction.redacted_by = redacted_by;
	redaction.reason = reason;
	if (added && !fs_batch_list_add_redaction(batches, &redaction))
		added = fs_out_of_memory(place->error);
	free(redacted_by);
	free(reason);
	return added;
}

static bool
fs_add_redactions(const fs_place *record, const fs_member *member, uint64_t sequence_number,
				  fs_batch_list *batches)
{
	fs_place	place = {.shape = FS_REDACTION_SHAPE, .error = record->error};
	fs_json_iterator iterator;
	fs_json		redaction;
	size_t		index = 0;

	if (member->value == NULL)
		return true;
	if (!fs_require_kind(record, member, FS_JSON_ARRAY))
		return false;
	if (sequence_number == 0)
		return fs_malformed(record->error, record->path, FS_RECORD_SHAPE,
							"a fact without a number has redactions");
	fs_json_iterate(member->value, &iterator);
	while (fs_json_next_element(&iterator, &redaction))
	{
		(void) snprintf(place.path, sizeof(place.path), "%.60s.redactions[%zu]", record->path, index++);
		if (!fs_add_redaction(&place, redaction, sequence_number, batches))
			return false;
	}
	return true;
}

/*
 * Event records
 */

/* A copy of how a member is spelt; an absent one stays NULL. */
static bool
fs_spelling_of(const fs_place *place, const fs_member *member, const char *object, char **copy)
{
	fs_text		text;

	if (member->value == NULL)
		return true;
	text = fs_slice_member(object, member->key);
	*copy = strndup(text.data, text.length);
	return *copy != NULL || fs_out_of_memory(place->error);
}

/* The payload may be null, which is a value like any other. */
static bool
fs_require_payload(const fs_place *place, fs_json record, fs_member *payload)
{
	const fs_text key = {"payload", strlen("payload")};

	return fs_json_object_get(record, key, &payload->value) ||
		fs_malformed(place->error, place->path, place->shape, "missing key \"payload\"");
}

/* text is where the record begins. */
static bool
fs_add_record(const fs_place *place, fs_json record, const char *text, fs_batch_list *batches)
{
	fs_member	members[] = {
		{"occurred_at", NULL}, {"event_type", NULL}, {"payload", NULL}, {"sequence_number", NULL},
		{"metadata", NULL}, {"redactions", NULL}
	};
	factstr_fact fact = {.sequence_number = 0};
	char	   *event_type = NULL;
	char	   *payload = NULL;
	char	   *metadata = NULL;
	bool		added;

	added = fs_take_members(place, record, members, 6, 2) &&
		fs_require_payload(place, record, &members[2]) &&
		fs_time_of(place, &members[0], &fact.occurred_at) &&
		fs_string_of(place, &members[1], &event_type) &&
		fs_spelling_of(place, &members[2], text, &payload) &&
		fs_number_of(place, &members[3], &fact.sequence_number) &&
		fs_spelling_of(place, &members[4], text, &metadata);
	fact.event_type = event_type;
	fact.payload = payload;
	fact.metadata = metadata;
	if (added && !fs_batch_list_add(batches, &fact))
		added = fs_out_of_memory(place->error);
	free(event_type);
	free(payload);
	free(metadata);
	return added && fs_add_redactions(place, &members[5], fact.sequence_number, batches);
}

/* text is where the array of records begins. */
static bool
fs_add_records(const fs_place *batch, const fs_member *member, const char *text,
			   fs_batch_list *batches)
{
	fs_place	place = {.shape = FS_RECORD_SHAPE, .error = batch->error};
	fs_json_iterator iterator;
	fs_json_walk walk;
	fs_json		record;
	fs_text		slice;
	size_t		index = 0;

	if (!fs_require_kind(batch, member, FS_JSON_ARRAY))
		return false;
	(void) fs_json_walk_begin(&walk, text, '[');
	fs_json_iterate(member->value, &iterator);
	while (fs_json_next_element(&iterator, &record) && fs_json_walk_element(&walk, &slice))
	{
		(void) snprintf(place.path, sizeof(place.path), "%.40s.event_records[%zu]", batch->path, index++);
		if (!fs_add_record(&place, record, slice.data, batches))
			return false;
	}
	return true;
}

/*
 * Batches
 */

/* text is where the batch begins. */
static bool
fs_add_batch(const fs_place *place, fs_json batch, const char *text, fs_batch_list *batches)
{
	fs_member	members[] = {
		{"event_records", NULL}, {"first_sequence_number", NULL}, {"last_sequence_number", NULL},
		{"idempotency_key", NULL}
	};
	uint64_t	first;
	uint64_t	last;
	char	   *key = NULL;
	bool		added;

	added = fs_take_members(place, batch, members, 4, 1) &&
		fs_number_of(place, &members[1], &first) && fs_number_of(place, &members[2], &last) &&
		fs_string_of(place, &members[3], &key);
	if (added && !fs_batch_list_begin(batches, first, last, key))
		added = fs_out_of_memory(place->error);
	free(key);
	return added &&
		fs_add_records(place, &members[0], fs_slice_member(text, "event_records").data, batches);
}

static bool
fs_add_batches(fs_json document, const char *text, fs_batch_list *batches, fs_input_error *error)
{
	fs_place	place = {.shape = FS_BATCH_SHAPE, .error = error};
	fs_json_iterator iterator;
	fs_json_walk walk;
	fs_json		batch;
	fs_text		slice;

	if (fs_json_kind_of(document) != FS_JSON_ARRAY)
		return fs_wrong_kind(error, "$", FS_BATCHES_SHAPE, "batches", FS_JSON_ARRAY,
							 fs_json_kind_of(document));
	(void) fs_json_walk_begin(&walk, text, '[');
	fs_json_iterate(document, &iterator);
	while (fs_json_next_element(&iterator, &batch) && fs_json_walk_element(&walk, &slice))
	{
		(void) snprintf(place.path, sizeof(place.path), "$[%zu]", batches->count);
		if (!fs_add_batch(&place, batch, slice.data, batches))
			return false;
	}
	return true;
}

int
fs_batches_of_json(const char *text, fs_batch_list *batches, factstr_error *error)
{
	fs_input_error input_error;
	fs_json		document;
	bool		success;

	if (text == NULL)
		return fs_error_misuse_null(error, "batches");
	document = fs_json_document_load(text, strlen(text), &input_error);
	success = document != NULL && fs_add_batches(document, text, batches, &input_error);
	fs_json_document_release(document);
	return success ? FACTSTR_OK : fs_error_of_input(error, "batches", &input_error);
}
