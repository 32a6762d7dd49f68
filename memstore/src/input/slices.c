/*
 * input/slices.c
 *		Where in the text of an events document the payloads and metadata are.
 */
#include <string.h>

#include "base/json_walk.h"
#include "input/slices.h"

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
		return -1;				/* no key of an event contains a character with a short escape */
	for (int i = 2; i < 6; i++)
		character = character * 16 + fs_hex_digit((*text)[i]);
	*text += 6;
	return character < 0x80 ? character : -1;
}

bool
fs_slice_key_is(const char *text, const char *name)
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

/* Of several members with one key the last one counts, as for the loader. */
fs_text
fs_slice_member(const char *object, const char *name)
{
	fs_json_walk members;
	fs_text		found = {NULL, 0};
	fs_text		key;
	fs_text		value;

	if (!fs_json_walk_begin(&members, object, '{'))
		return found;
	while (fs_json_walk_member(&members, &key, &value))
	{
		if (fs_slice_key_is(key.data, name))
			found = value;
	}
	return found;
}

void
fs_slicer_begin(fs_slicer *slicer, const char *text)
{
	(void) fs_json_walk_begin(&slicer->events, text, '[');
}

/* Of several members with one key the last one counts, as for the loader. */
void
fs_slicer_next(fs_slicer *slicer, fs_event_slices *slices)
{
	fs_json_walk event;
	fs_text		key;
	fs_text		value;

	memset(slices, 0, sizeof(*slices));
	if (!fs_json_walk_enter(&slicer->events, &event, '{'))
		return;
	while (fs_json_walk_member(&event, &key, &value))
	{
		if (fs_slice_key_is(key.data, "payload"))
			slices->payload = value;
		else if (fs_slice_key_is(key.data, "metadata"))
			slices->metadata = value;
	}
	fs_json_walk_leave(&slicer->events, &event);
}
