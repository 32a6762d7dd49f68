/*
 * json_walk.c
 *		Where the values of a JSON text are, without understanding them.
 */
#include <string.h>

#include "json_walk.h"

#define CLI_BLANKS " \t\r\n"

static const char *
cli_skip_blanks(const char *text)
{
	return text + strspn(text, CLI_BLANKS);
}

/* Behind the string that begins here, or NULL. */
static const char *
cli_skip_string(const char *text)
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

/* Behind the array or object that begins here, or NULL. */
static const char *
cli_skip_nested(const char *text)
{
	size_t		depth = 0;

	do
	{
		text += strcspn(text, "\"[]{}");
		if (*text == '"')
		{
			text = cli_skip_string(text);
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

/* Behind the value that begins here, or NULL. */
static const char *
cli_skip_value(const char *text)
{
	size_t		length;

	if (*text == '"')
		return cli_skip_string(text);
	if (*text == '[' || *text == '{')
		return cli_skip_nested(text);
	length = strcspn(text, ",:[]{}\"" CLI_BLANKS);
	return length > 0 ? text + length : NULL;
}

bool
cli_is_one_value(const char *text)
{
	const char *end = cli_skip_value(cli_skip_blanks(text));

	return end != NULL && *cli_skip_blanks(end) == '\0';
}

bool
cli_walk_begin(cli_walk *walk, const char *text, char bracket)
{
	text = cli_skip_blanks(text);
	walk->end = bracket == '[' ? ']' : '}';
	walk->has_begun = false;
	walk->next = *text == bracket ? text + 1 : NULL;
	return walk->next != NULL;
}

/* Goes to where the next element or member begins.  False at the end. */
static bool
cli_walk_on(cli_walk *walk)
{
	if (walk->next == NULL)
		return false;
	walk->next = cli_skip_blanks(walk->next);
	if (*walk->next == walk->end)
		return false;
	if (walk->has_begun)
		walk->next = *walk->next == ',' ? cli_skip_blanks(walk->next + 1) : NULL;
	walk->has_begun = true;
	return walk->next != NULL;
}

static bool
cli_walk_value(cli_walk *walk, fs_text *value)
{
	value->data = walk->next;
	walk->next = cli_skip_value(walk->next);
	if (walk->next == NULL)
		return false;
	value->length = (size_t) (walk->next - value->data);
	return true;
}

bool
cli_walk_element(cli_walk *walk, fs_text *value)
{
	return cli_walk_on(walk) && cli_walk_value(walk, value);
}

bool
cli_walk_member(cli_walk *walk, fs_text *key, fs_text *value)
{
	if (!cli_walk_on(walk))
		return false;
	key->data = walk->next;
	walk->next = *walk->next == '"' ? cli_skip_string(walk->next) : NULL;
	if (walk->next == NULL)
		return false;
	key->length = (size_t) (walk->next - key->data);
	walk->next = cli_skip_blanks(walk->next);
	walk->next = *walk->next == ':' ? cli_skip_blanks(walk->next + 1) : NULL;
	return walk->next != NULL && cli_walk_value(walk, value);
}

bool
cli_walk_complete(const cli_walk *walk)
{
	return walk->next != NULL && *walk->next == walk->end;
}
