/*
 * base/json_walk.c
 *		Where the values of a JSON text are, without understanding them.
 */
#include <string.h>

#include "base/json_walk.h"

#define FS_BLANKS " \t\r\n"

static const char *
fs_skip_blanks(const char *text)
{
	return text + strspn(text, FS_BLANKS);
}

/* Returns the end of the string that begins here, or NULL. */
static const char *
fs_skip_string(const char *text)
{
	text++;
	for (;;)
	{
		text += strcspn(text, "\"\\");
		if (*text == '"')
			return text + 1;
		if (text[0] == '\0' || text[1] == '\0')
			return NULL;
		text += 2;
	}
}

/* Returns the end of the array or object that begins here, or NULL. */
static const char *
fs_skip_nested(const char *text)
{
	size_t		depth = 0;

	do
	{
		text += strcspn(text, "\"[]{}");
		if (*text == '"')
		{
			text = fs_skip_string(text);
			if (text == NULL)
				return NULL;
			continue;
		}
		if (*text == '\0')
			return NULL;
		depth += *text == '[' || *text == '{' ? 1 : (size_t) -1;
		text++;
	}
	while (depth > 0);
	return text;
}

/* Returns the end of the value that begins here, or NULL. */
static const char *
fs_skip_value(const char *text)
{
	size_t		length;

	if (*text == '"')
		return fs_skip_string(text);
	if (*text == '[' || *text == '{')
		return fs_skip_nested(text);
	length = strcspn(text, ",:[]{}\"" FS_BLANKS);
	return length > 0 ? text + length : NULL;
}

bool
fs_json_is_one_value(const char *text)
{
	const char *end = fs_skip_value(fs_skip_blanks(text));

	return end != NULL && *fs_skip_blanks(end) == '\0';
}

bool
fs_json_walk_begin(fs_json_walk *walk, const char *text, char bracket)
{
	text = fs_skip_blanks(text);
	walk->end = bracket == '[' ? ']' : '}';
	walk->has_begun = false;
	walk->next = *text == bracket ? text + 1 : NULL;
	return walk->next != NULL;
}

bool
fs_json_walk_on(fs_json_walk *walk)
{
	if (walk->next == NULL)
		return false;
	walk->next = fs_skip_blanks(walk->next);
	if (*walk->next == walk->end)
		return false;
	if (walk->has_begun)
		walk->next = *walk->next == ',' ? fs_skip_blanks(walk->next + 1) : NULL;
	walk->has_begun = true;
	return walk->next != NULL;
}

bool
fs_json_walk_value(fs_json_walk *walk, fs_text *value)
{
	value->data = walk->next;
	walk->next = fs_skip_value(walk->next);
	if (walk->next == NULL)
		return false;
	value->length = (size_t) (walk->next - value->data);
	return true;
}

bool
fs_json_walk_element(fs_json_walk *walk, fs_text *value)
{
	return fs_json_walk_on(walk) && fs_json_walk_value(walk, value);
}

bool
fs_json_walk_key(fs_json_walk *walk, fs_text *key)
{
	key->data = walk->next;
	walk->next = *walk->next == '"' ? fs_skip_string(walk->next) : NULL;
	if (walk->next == NULL)
		return false;
	key->length = (size_t) (walk->next - key->data);
	walk->next = fs_skip_blanks(walk->next);
	walk->next = *walk->next == ':' ? fs_skip_blanks(walk->next + 1) : NULL;
	return walk->next != NULL;
}

bool
fs_json_walk_member(fs_json_walk *walk, fs_text *key, fs_text *value)
{
	return fs_json_walk_on(walk) && fs_json_walk_key(walk, key) && fs_json_walk_value(walk, value);
}

bool
fs_json_walk_enter(fs_json_walk *walk, fs_json_walk *inner, char bracket)
{
	return fs_json_walk_on(walk) && fs_json_walk_begin(inner, walk->next, bracket);
}

void
fs_json_walk_leave(fs_json_walk *walk, const fs_json_walk *inner)
{
	walk->next = fs_json_walk_complete(inner) ? inner->next + 1 : NULL;
}

bool
fs_json_walk_complete(const fs_json_walk *walk)
{
	return walk->next != NULL && *walk->next == walk->end;
}
