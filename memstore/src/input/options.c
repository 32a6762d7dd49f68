/*
 * input/options.c
 *		Options that come as a JSON object.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "input/options.h"
#include "input/slices.h"
#include "json/document.h"
#include "results/error.h"

static const char *
fs_path_of(const fs_given *given, char *path, size_t size)
{
	(void) snprintf(path, size, "$.%s", given->option->key);
	return path;
}

bool
fs_refuse_option(const fs_given *given, const char *what, fs_input_error *error)
{
	char		path[64];

	return fs_malformed(error, fs_path_of(given, path, sizeof(path)), NULL, "%s %s",
						given->option->key, what);
}

static bool
fs_require_kind(const fs_given *given, fs_json_kind kind, fs_input_error *error)
{
	char		path[64];

	return fs_json_kind_of(given->value) == kind ||
		fs_wrong_kind(error, fs_path_of(given, path, sizeof(path)), given->shape, given->option->key,
					  kind, fs_json_kind_of(given->value));
}

static bool
fs_copy(fs_text text, void *member, fs_input_error *error)
{
	char	  **copy = member;

	*copy = strndup(text.data, text.length);
	return *copy != NULL || fs_out_of_memory(error);
}

bool
fs_take_text(const fs_given *given, void *member, fs_input_error *error)
{
	return fs_require_kind(given, FS_JSON_STRING, error) &&
		fs_copy(fs_json_string(given->value), member, error);
}

/* Its parser checks the content. */
bool
fs_take_query(const fs_given *given, void *member, fs_input_error *error)
{
	return fs_copy(given->text, member, error);
}

bool
fs_take_flag(const fs_given *given, void *member, fs_input_error *error)
{
	if (!fs_require_kind(given, FS_JSON_BOOLEAN, error))
		return false;
	*(bool *) member = fs_json_boolean(given->value);
	return true;
}

bool
fs_take_int64(const fs_given *given, void *member, fs_input_error *error)
{
	return fs_require_kind(given, FS_JSON_NUMBER, error) &&
		(fs_json_int64(given->value, member) == FS_INT64_OK ||
		 fs_refuse_option(given, "must be an integer of 64 bits", error));
}

/* A number from 0 to a limit. */
static bool
fs_take_number(const fs_given *given, uint64_t limit, uint64_t *number, fs_input_error *error)
{
	int64_t		taken = 0;

	if (!fs_take_int64(given, &taken, error))
		return false;
	if (taken < 0)
		return fs_refuse_option(given, "must not be negative", error);
	if ((uint64_t) taken > limit)
		return fs_refuse_option(given, "is too large", error);
	*number = (uint64_t) taken;
	return true;
}

bool
fs_take_uint64(const fs_given *given, void *member, fs_input_error *error)
{
	return fs_take_number(given, INT64_MAX, member, error);
}

bool
fs_take_uint32(const fs_given *given, void *member, fs_input_error *error)
{
	uint64_t	number = 0;

	if (!fs_take_number(given, INT32_MAX, &number, error))
		return false;
	*(uint32_t *) member = (uint32_t) number;
	return true;
}

bool
fs_take_size(const fs_given *given, void *member, fs_input_error *error)
{
	uint64_t	number = 0;

	if (!fs_take_number(given, SIZE_MAX, &number, error))
		return false;
	*(size_t *) member = (size_t) number;
	return true;
}

bool
fs_take_optional_number(const fs_given *given, void *member, fs_input_error *error)
{
	fs_optional_number *optional = member;

	optional->is_given = true;
	return fs_json_kind_of(given->value) == FS_JSON_NULL ||
		fs_take_uint64(given, &optional->number, error);
}

static bool
fs_refuse_unknown_keys(fs_json document, const fs_option *options, const char *shape,
					   fs_input_error *error)
{
	fs_json_iterator members;
	fs_text		key;
	fs_json		value;

	fs_json_iterate(document, &members);
	while (fs_json_next_member(&members, &key, &value))
	{
		const fs_option *option = options;

		while (option->key != NULL && !fs_text_is(key, option->key))
			option++;
		if (option->key == NULL)
			return fs_unknown_key(error, "$", key, shape);
	}
	return true;
}

static bool
fs_take_all(const char *text, fs_json document, const fs_option *options, const char *shape,
			void *target, fs_input_error *error)
{
	for (const fs_option *option = options; option->key != NULL; option++)
	{
		fs_given	given = {.option = option, .shape = shape};
		fs_text		key = {option->key, strlen(option->key)};

		if (!fs_json_object_get(document, key, &given.value) ||
			(fs_json_kind_of(given.value) == FS_JSON_NULL && !option->takes_null))
			continue;
		given.text = fs_slice_member(text, option->key);
		if (!option->take(&given, (char *) target + option->offset, error))
			return false;
	}
	return true;
}

int
fs_options_of_json(const char *text, const fs_option *options, const char *shape, void *target,
				   factstr_error *error)
{
	fs_input_error input_error;
	fs_json		document;
	bool		success;

	if (text == NULL)
		return FACTSTR_OK;
	document = fs_json_document_load(text, strlen(text), &input_error);
	success = document != NULL;
	if (success && fs_json_kind_of(document) != FS_JSON_OBJECT)
		success = fs_wrong_kind(&input_error, "$", shape, "options", FS_JSON_OBJECT,
								fs_json_kind_of(document));
	success = success && fs_refuse_unknown_keys(document, options, shape, &input_error) &&
		fs_take_all(text, document, options, shape, target, &input_error);
	fs_json_document_release(document);
	return success ? FACTSTR_OK : fs_error_of_input(error, "options", &input_error);
}
