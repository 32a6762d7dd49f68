/*
 * values.c
 *		See values.h.
 */
#include "values.h"

#include <stdlib.h>
#include <string.h>

/* The places of arguments. */
enum
{
	ARGUMENT_NAME,
	ARGUMENT_HANDLE,
	ARGUMENT_TEXTS,
	ARGUMENT_NUMBER = ARGUMENT_TEXTS + FN_TEXTS,
	ARGUMENT_COUNT
};

/* Marks the handles of this addon. */
static const napi_type_tag handle_tag = {0x6c1f6a0f6d0c4a52, 0x9f3b5d9f0ae147c3};

void *
fn_throw(napi_env env, const char *message)
{
	bool		pending = true;

	(void) napi_is_exception_pending(env, &pending);
	if (!pending)
		(void) napi_throw_error(env, NULL, message);
	return NULL;
}

/*
 * Handles
 */

static void
finalize_handle(napi_env env, void *data, void *hint)
{
	(void) env;
	(void) hint;
	fn_handle_release(data);
}

napi_value
fn_handle_value(napi_env env, fn_handle *handle)
{
	napi_value	value;

	if (napi_create_external(env, handle, finalize_handle, NULL, &value) != napi_ok)
	{
		fn_handle_release(handle);
		return fn_throw(env, "out of memory");
	}
	return napi_type_tag_object(env, value, &handle_tag) == napi_ok ? value : fn_throw(env, "out of memory");
}

fn_handle *
fn_handle_of(napi_env env, napi_value value)
{
	napi_valuetype type;
	bool		ours = false;
	void	   *data = NULL;

	if (napi_typeof(env, value, &type) != napi_ok || type != napi_external ||
		napi_check_object_type_tag(env, value, &handle_tag, &ours) != napi_ok || !ours ||
		napi_get_value_external(env, value, &data) != napi_ok)
		return NULL;
	return data;
}

/*
 * Texts
 */

/* Reads eight bytes at a time. */
static bool
is_ascii(const char *text, size_t length)
{
	uint64_t	seen = 0;
	uint64_t	bytes;
	size_t		i = 0;

	for (; i + sizeof(bytes) <= length; i += sizeof(bytes))
	{
		memcpy(&bytes, text + i, sizeof(bytes));
		seen |= bytes;
	}
	for (; i < length; i++)
		seen |= (unsigned char) text[i];
	return (seen & UINT64_C(0x8080808080808080)) == 0;
}

/* V8 copies a text faster if it need not look for characters of several bytes. */
napi_value
fn_text_value(napi_env env, const char *text, size_t length)
{
	napi_value	value;
	napi_status status = is_ascii(text, length) ? napi_create_string_latin1(env, text, length, &value)
		: napi_create_string_utf8(env, text, length, &value);

	if (status != napi_ok)
		return fn_throw(env, "the result exceeds the maximum length of a string; request less at a time");
	return value;
}

static bool
copy_long_text(napi_env env, napi_value value, fn_call *call, size_t place)
{
	size_t		length;
	char	   *copy;

	if (napi_get_value_string_utf8(env, value, NULL, 0, &length) != napi_ok || (copy = malloc(length + 1)) == NULL)
		return false;
	call->texts[place] = copy;
	return napi_get_value_string_utf8(env, value, copy, length + 1, &call->lengths[place]) == napi_ok;
}

/*
 * The text stays NULL if the value is not a string.  Returns false without memory.  Most texts are short, and one call
 * copies them.
 */
static bool
copy_text(napi_env env, napi_value value, fn_call *call, size_t place)
{
	char	   *start = call->short_texts + call->used;
	size_t		room = FN_SHORT_TEXTS - call->used;
	size_t		length;
	napi_status status = napi_get_value_string_utf8(env, value, start, room, &length);

	if (status == napi_string_expected)
		return true;
	if (status != napi_ok)
		return false;
	/* The copy may end before a character of up to four bytes that did not fit. */
	if (length + 4 >= room)
		return copy_long_text(env, value, call, place);
	call->texts[place] = start;
	call->lengths[place] = length;
	call->used += length + 1;
	return true;
}

/*
 * Calls
 */

static bool
read_numbers(napi_env env, const napi_value *arguments, size_t count, fn_call *call)
{
	bool		lossless = true;
	int64_t		items = 0;

	if (count > ARGUMENT_NUMBER &&
		napi_get_value_bigint_uint64(env, arguments[ARGUMENT_NUMBER], &call->number, &lossless) == napi_bigint_expected)
		call->number = 0;
	if (count > ARGUMENT_COUNT)
		(void) napi_get_value_int64(env, arguments[ARGUMENT_COUNT], &items);
	call->count = items < 0 ? 0 : (size_t) items;
	return lossless;
}

static fn_reading
find_events(napi_env env, fn_call *call)
{
	switch (fn_call_find_events(call))
	{
		case FACTSTR_OK:
			return FN_READ;
		case FACTSTR_NO_MEMORY:
			(void) fn_throw(env, "out of memory");
			return FN_THROWN;
		default:
			return FN_NOT_PLAIN;
	}
}

fn_reading
fn_read_call(napi_env env, const napi_value *arguments, size_t count, fn_call *call)
{
	const char *failure = NULL;
	uint32_t	name;

	fn_call_begin(call);
	if (count <= ARGUMENT_HANDLE || napi_get_value_uint32(env, arguments[ARGUMENT_NAME], &name) != napi_ok ||
		name >= FN_CALL_COUNT)
		failure = "there is no such call";
	else
	{
		call->name = (fn_call_name) name;
		call->handle = fn_handle_of(env, arguments[ARGUMENT_HANDLE]);
		if (!read_numbers(env, arguments, count, call))
			failure = "a number is negative or has more than 64 bits";
	}
	for (size_t i = 0; failure == NULL && i < FN_TEXTS && ARGUMENT_TEXTS + i < count; i++)
		if (!copy_text(env, arguments[ARGUMENT_TEXTS + i], call, i))
			failure = "out of memory";
	if (failure != NULL)
	{
		(void) fn_throw(env, failure);
		return FN_THROWN;
	}
	return call->name >= FN_APPEND && call->name <= FN_APPEND_UNLESS ? find_events(env, call) : FN_READ;
}
