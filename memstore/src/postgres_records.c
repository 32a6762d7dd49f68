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

#include "postgres_store.h"
#include "times.h"

static char *
fs_skip_blanks(char *text)
{
	return text + strspn(text, " ");
}

/* Behind the string that begins here, or NULL if it has no end. */
static char *
fs_skip_string(char *text)
{
	for (text++; *text != '"'; text++)
	{
		if (*text == '\\')
			text++;
		if (*text == '\0')
			return NULL;
	}
	return text + 1;
}

/* Behind the array or object that begins here; only strings can hide brackets. */
static char *
fs_skip_nested(char *text)
{
	size_t		depth = 0;

	do
	{
		text += strcspn(text, "\"[]{}");
		if (*text == '\0')
			return NULL;
		if (*text == '"')
		{
			text = fs_skip_string(text);
			if (text == NULL)
				return NULL;
			continue;
		}
		if (*text == '[' || *text == '{')
			depth++;
		else
			depth--;
		text++;
	}
	while (depth > 0);
	return text;
}

static char *
fs_skip_value(char *text)
{
	if (*text == '"')
		return fs_skip_string(text);
	if (*text == '[' || *text == '{')
		return fs_skip_nested(text);
	return text + strcspn(text, ",]}");
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

/* The text of a string in quotes that ends before end, in its place. */
static char *
fs_unquote(char *text, const char *end)
{
	static const char escapes[] = "b\bf\fn\nr\rt\t";
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

/* Gives a fact one member of its record, whose value is ended by a NUL. */
static bool
fs_set_member(factstr_fact *fact, const char *key, char *value, const char *end)
{
	if (strncmp(key, "\"payload\"", 9) == 0)
		fact->payload = value;
	else if (strncmp(key, "\"metadata\"", 10) == 0)
		fact->metadata = value;
	else if (strncmp(key, "\"event_type\"", 12) == 0)
		fact->event_type = fs_unquote(value, end);
	else if (strncmp(key, "\"sequence_number\"", 17) == 0)
		fact->sequence_number = strtoull(value, NULL, 10);
	else if (strncmp(key, "\"occurred_at\"", 13) == 0)
		return fs_parse_time(fs_unquote(value, end), &fact->occurred_at);
	return true;
}

/* Takes the record that begins here apart.  Behind it, or NULL if it is not one. */
static char *
fs_take_record(char *text, factstr_fact *fact)
{
	char		delimiter = ',';

	memset(fact, 0, sizeof(*fact));
	if (*text++ != '{')
		return NULL;
	while (delimiter == ',')
	{
		char	   *key = fs_skip_blanks(text);
		char	   *value = *key == '"' ? fs_skip_string(key) : NULL;
		char	   *end;

		if (value == NULL || *value != ':')
			return NULL;
		value = fs_skip_blanks(value + 1);
		end = fs_skip_value(value);
		if (end == NULL || (*end != ',' && *end != '}'))
			return NULL;
		delimiter = *end;
		*end = '\0';
		if (!fs_set_member(fact, key, value, end))
			return NULL;
		text = end + 1;
	}
	return fact->event_type != NULL && fact->payload != NULL ? text : NULL;
}

int
fs_add_event_records(char *event_records, fs_batch_list *batches, factstr_error *error)
{
	char	   *text = event_records;
	factstr_fact fact;

	while (text != NULL && (*text == '[' || *text == ','))
	{
		text = fs_take_record(fs_skip_blanks(text + 1), &fact);
		if (text != NULL && !fs_batch_list_add(batches, &fact))
			return fs_error_no_memory(error);
	}
	if (text == NULL || *text != ']')
		return fs_error(error, FACTSTR_STORAGE, "the server's answer is not understood");
	return FACTSTR_OK;
}
