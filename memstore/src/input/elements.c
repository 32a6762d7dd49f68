/*
 * input/elements.c
 *		The elements of a JSON array, each as a separate text.
 */
#include <stdlib.h>
#include <string.h>

#include "base/json_walk.h"
#include "input/elements.h"
#include "results/error.h"

static size_t
fs_count_elements(fs_json_walk walk)
{
	fs_text		value;
	size_t		count = 0;

	while (fs_json_walk_element(&walk, &value))
		count++;
	return count;
}

static int
fs_copy_elements(fs_json_walk *walk, fs_elements *elements, factstr_error *error)
{
	fs_text		value;

	while (fs_json_walk_element(walk, &value))
	{
		elements->texts[elements->count] = strndup(value.data, value.length);
		if (elements->texts[elements->count] == NULL)
			return fs_error_no_memory(error);
		elements->count++;
	}
	return FACTSTR_OK;
}

static int
fs_take_elements(fs_json_walk *walk, const char *what, fs_elements *elements, factstr_error *error)
{
	size_t		count = fs_count_elements(*walk);
	int			code;

	/* One more, so that NULL always means no memory. */
	elements->texts = calloc(count + 1, sizeof(char *));
	if (elements->texts == NULL)
		return fs_error_no_memory(error);
	code = fs_copy_elements(walk, elements, error);
	if (code == FACTSTR_OK && !fs_json_walk_complete(walk))
		code = fs_error(error, FACTSTR_MALFORMED, "invalid %s at $[%zu]: it is not JSON", what,
						elements->count);
	return code;
}

int
fs_elements_of_json(const char *text, const char *what, fs_elements *elements, factstr_error *error)
{
	fs_json_walk walk;
	int			code;

	*elements = (fs_elements) {0};
	if (text == NULL)
		return fs_error_misuse_null(error, what);
	if (!fs_json_is_one_value(text) || !fs_json_walk_begin(&walk, text, '['))
		return fs_error(error, FACTSTR_MALFORMED, "invalid %s at $: it must be an array", what);
	code = fs_take_elements(&walk, what, elements, error);
	if (code != FACTSTR_OK)
		fs_elements_release(elements);
	return code;
}

void
fs_elements_release(fs_elements *elements)
{
	for (size_t i = 0; i < elements->count; i++)
		free(elements->texts[i]);
	free(elements->texts);
	*elements = (fs_elements) {0};
}
