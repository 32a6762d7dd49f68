/*
 * stores/postgres/records.c
 *		Event records, as the extension writes them, back into facts.
 *
 * The server sends them as the text of a JSON array.  They are taken apart in place: payloads and
 * metadata stay the text that they are, each ended by a NUL where a comma or brace was.  Unlike the
 * input of applications, this text is well-formed, so only the parts that the walk depends on are
 * checked.
 */
#include <stdlib.h>
#include <string.h>

#include "base/json_walk.h"
#include "base/times.h"
#include "results/error.h"
#include "results/lists.h"
#include "stores/postgres/backend.h"

/* The result is the reader's own, which may write where a slice points. */
static char *
fs_writable(fs_text slice)
{
	return (char *) (uintptr_t) slice.data;
}

/* Writes a character as UTF-8; only control characters come as \u escapes. */
static char *
fs_put_character(char *out, unsigned long character)
{
	if (character < 0x80)
		*out++ = (char) character;
	else
	{
		*out++ = (char) (0xC0 | character >> 6);
		*out++ = (char) (0x80 | (character & 0x3F));
	}
	return out;
}

/* The text of a string in quotes, in its place. */
static char *
fs_unquote(fs_text string)
{
	static const char escapes[] = "b\bf\fn\nr\rt\t";
	char	   *text = fs_writable(string);
	const char *end = string.data + string.length;
	char	   *in = text + 1;
	char	   *out = text;

	while (in < end - 1)
	{
		const char *escape;

		if (*in != '\\')
		{
			*out++ = *in++;
			continue;
		}
		if (in[1] == 'u')
		{
			char		digits[5] = {in[2], in[3], in[4], in[5], '\0'};

			out = fs_put_character(out, strtoul(digits, NULL, 16));
			in += 6;
			continue;
		}
		escape = strchr(escapes, in[1]);
		*out++ = escape != NULL ? escape[1] : in[1];
		in += 2;
	}
	*out = '\0';
	return text;
}

/* The ends of texts, which are terminated only after the whole record has been read. */
typedef struct fs_record_ends
{
	char	   *payload;
	char	   *metadata;		/* NULL: it has none */
	fs_text		redactions;		/* an array, in an export */
} fs_record_ends;

/* Gives a fact one member of its record.  Strings lose their quotes, and are ended, at once. */
static bool
fs_set_member(factstr_fact *fact, fs_text key, fs_text value, fs_record_ends *ends)
{
	if (fs_text_is(key, "\"payload\""))
	{
		fact->payload = value.data;
		ends->payload = fs_writable(value) + value.length;
	}
	else if (fs_text_is(key, "\"metadata\""))
	{
		fact->metadata = value.data;
		ends->metadata = fs_writable(value) + value.length;
	}
	else if (fs_text_is(key, "\"redactions\""))
		ends->redactions = value;
	else if (fs_text_is(key, "\"event_type\""))
		fact->event_type = fs_unquote(value);
	else if (fs_text_is(key, "\"sequence_number\""))
		fact->sequence_number = strtoull(value.data, NULL, 10);
	else if (fs_text_is(key, "\"occurred_at\""))
		return fs_parse_time(fs_unquote(value), &fact->occurred_at);
	return true;
}

/* The next record as a fact; false at the end, and if it is not one. */
static bool
fs_take_record(fs_json_walk *records, factstr_fact *fact, fs_text *redactions)
{
	fs_record_ends ends = {NULL, NULL, {NULL, 0}};
	fs_json_walk record;
	fs_text		key;
	fs_text		value;

	memset(fact, 0, sizeof(*fact));
	if (!fs_json_walk_enter(records, &record, '{'))
		return false;
	while (fs_json_walk_member(&record, &key, &value))
	{
		if (!fs_set_member(fact, key, value, &ends))
			return false;
	}
	if (fact->event_type == NULL || fact->payload == NULL)
		return false;
	fs_json_walk_leave(records, &record);
	*ends.payload = '\0';
	if (ends.metadata != NULL)
		*ends.metadata = '\0';
	*redactions = ends.redactions;
	return true;
}

static int
fs_error_not_understood(factstr_error *error)
{
	return fs_error(error, FACTSTR_STORAGE, "the server's answer is invalid");
}

/* The next redaction of a fact; false at the end, and if it is not one. */
static bool
fs_take_redaction(fs_json_walk *redactions, factstr_redaction *redaction)
{
	fs_json_walk members;
	fs_text		key;
	fs_text		value;

	if (!fs_json_walk_enter(redactions, &members, '{'))
		return false;
	while (fs_json_walk_member(&members, &key, &value))
	{
		if (fs_text_is(key, "\"redacted_by\""))
			redaction->redacted_by = fs_unquote(value);
		else if (fs_text_is(key, "\"reason\""))
			redaction->reason = fs_unquote(value);
		else if (fs_text_is(key, "\"redacted_at\"") &&
				 !fs_parse_time(fs_unquote(value), &redaction->redacted_at))
			return false;
	}
	fs_json_walk_leave(redactions, &members);
	return redaction->redacted_by != NULL && redaction->reason != NULL;
}

/* Adds the redactions of a fact, whose record has been walked through. */
static int
fs_add_redactions(uint64_t sequence_number, fs_text array, fs_batch_list *batches,
				  factstr_error *error)
{
	factstr_redaction redaction = {.sequence_number = sequence_number};
	fs_json_walk redactions;

	if (array.data == NULL)
		return FACTSTR_OK;
	if (!fs_json_walk_begin(&redactions, array.data, '['))
		return fs_error_not_understood(error);
	while (fs_take_redaction(&redactions, &redaction))
	{
		if (!fs_batch_list_add_redaction(batches, &redaction))
			return fs_error_no_memory(error);
		redaction = (factstr_redaction) {.sequence_number = sequence_number};
	}
	return fs_json_walk_complete(&redactions) ? FACTSTR_OK : fs_error_not_understood(error);
}

int
fs_add_event_records(char *event_records, fs_batch_list *batches, factstr_error *error)
{
	fs_json_walk records;
	factstr_fact fact;
	fs_text		redactions;

	if (fs_json_walk_begin(&records, event_records, '['))
	{
		while (fs_take_record(&records, &fact, &redactions))
		{
			if (!fs_batch_list_add(batches, &fact))
				return fs_error_no_memory(error);
			if (fs_add_redactions(fact.sequence_number, redactions, batches, error) != FACTSTR_OK)
				return error->code;
		}
		if (fs_json_walk_complete(&records))
			return FACTSTR_OK;
	}
	return fs_error_not_understood(error);
}

/* The next element as a fact, which has no number if it is null; false at the end, and if it is neither. */
static bool
fs_take_record_or_null(fs_json_walk *records, factstr_fact *fact)
{
	fs_json_walk ahead = *records;
	fs_text		redactions;
	fs_text		value;

	if (!fs_json_walk_on(&ahead) || *ahead.next != 'n')
		return fs_take_record(records, fact, &redactions);
	*fact = (factstr_fact) {.sequence_number = 0};
	(void) fs_json_walk_on(records);
	return fs_json_walk_value(records, &value);
}

int
fs_add_newest_records(char *event_records, fs_fact_list *facts, factstr_error *error)
{
	fs_json_walk records;
	factstr_fact fact;

	if (event_records == NULL || !fs_json_walk_begin(&records, event_records, '['))
		return fs_error_not_understood(error);
	while (fs_take_record_or_null(&records, &fact))
	{
		if (!fs_fact_list_add(facts, &fact))
			return fs_error_no_memory(error);
	}
	return fs_json_walk_complete(&records) ? FACTSTR_OK : fs_error_not_understood(error);
}
