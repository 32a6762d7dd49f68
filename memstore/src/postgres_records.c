/*
 * postgres_records.c
 *		Event records, as the extension writes them, back into facts.
 *
 * The server sends them as the text of a JSON array.  They are taken apart in place: payloads and
 * metadata stay the text that they are, each ended by a NUL where a comma or brace was.  Unlike
 * what applications pass, this text is well-formed, so only what would make the walk go astray is
 * checked.
 */
#include <stdlib.h>
#include <string.h>

#include "json_walk.h"
#include "postgres_store.h"
#include "times.h"

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

/* Where texts end that are ended when the record has been walked through. */
typedef struct fs_record_ends
{
	char	   *payload;
	char	   *metadata;		/* NULL: it has none */
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
fs_take_record(fs_json_walk *records, factstr_fact *fact)
{
	fs_record_ends ends = {NULL, NULL};
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
	return true;
}

int
fs_add_event_records(char *event_records, fs_batch_list *batches, factstr_error *error)
{
	fs_json_walk records;
	factstr_fact fact;

	if (fs_json_walk_begin(&records, event_records, '['))
	{
		while (fs_take_record(&records, &fact))
		{
			if (!fs_batch_list_add(batches, &fact))
				return fs_error_no_memory(error);
		}
		if (fs_json_walk_complete(&records))
			return FACTSTR_OK;
	}
	return fs_error(error, FACTSTR_STORAGE, "the server's answer is not understood");
}
