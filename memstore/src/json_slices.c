/*
 * json_slices.c
 *		Where in the text of an events document the payloads and metadata are.
 */
#include <string.h>

#include "json_slices.h"

static const char *
fs_skip_blanks(const char *text)
{
	return text + strspn(text, " \t\n\r");
}

/* Behind the string that begins here. */
static const char *
fs_skip_string(const char *text)
{
	text++;
	while (*text != '"')
		text += *text == '\\' ? 2 : 1;
	return text + 1;
}

/* Behind the array or object that begins here; only strings can hide brackets. */
static const char *
fs_skip_nested(const char *text)
{
	size_t		depth = 0;

	do
	{
		if (*text == '"')
		{
			text = fs_skip_string(text);
			continue;
		}
		if (*text == '[' || *text == '{')
			depth++;
		else if (*text == ']' || *text == '}')
			depth--;
		text++;
	}
	while (depth > 0);
	return text;
}

static const char *
fs_skip_value(const char *text)
{
	if (*text == '"')
		return fs_skip_string(text);
	if (*text == '[' || *text == '{')
		return fs_skip_nested(text);
	return text + strcspn(text, ",]} \t\n\r");
}

static int
fs_hex_digit(char digit)
{
	if (digit >= '0' && digit <= '9')
		return digit - '0';
	return (digit | 0x20) - 'a' + 10;
}

/* The next character of a key, if it is ASCII, which all keys of an event are; otherwise -1. */
static int
fs_next_key_character(const char **text)
{
	int			character = 0;

	if (**text != '\\')
		return (unsigned char) *(*text)++;
	if ((*text)[1] != 'u')
		return -1;				/* no key of an event has what the short escapes stand for */
	for (int i = 2; i < 6; i++)
		character = character * 16 + fs_hex_digit((*text)[i]);
	*text += 6;
	return character < 0x80 ? character : -1;
}

/* Is the key in quotes that begins here this one, in whatever way it is spelt? */
static bool
fs_key_is(const char *text, const char *name)
{
	text++;
	while (*text != '"' && *name != '\0')
	{
		if (fs_next_key_character(&text) != *name)
			return false;
		name++;
	}
	return *text == '"' && *name == '\0';
}

void
fs_slicer_begin(fs_slicer *slicer, const char *text)
{
	slicer->next = strchr(text, '[') + 1;
}

/* Of several members with one key the last one counts, as for the loader. */
void
fs_slicer_next(fs_slicer *slicer, fs_event_slices *slices)
{
	const char *next = fs_skip_blanks(slicer->next + strspn(slicer->next, ", \t\n\r")) + 1;

	memset(slices, 0, sizeof(*slices));
	while (*(next = fs_skip_blanks(next)) != '}')
	{
		const char *key = *next == ',' ? fs_skip_blanks(next + 1) : next;
		const char *value = fs_skip_blanks(fs_skip_blanks(fs_skip_string(key)) + 1);
		fs_text		slice = {value, 0};

		next = fs_skip_value(value);
		slice.length = (size_t) (next - value);
		if (fs_key_is(key, "payload"))
			slices->payload = slice;
		else if (fs_key_is(key, "metadata"))
			slices->metadata = slice;
	}
	slicer->next = next + 1;
}
