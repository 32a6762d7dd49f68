/*
 * module.c
 *		The addon: what lib/native.js sees.  Values go in and out as JSON texts, which V8 reads and writes faster than
 *		it makes objects for C.
 *
 *			call(name, handle, text, text, text, number, count)			now, on this thread
 *			callLater(...)						the same on another thread; a Promise
 *			watch(stream, number)				calls the function given to start() with the number, once
 *			unsubscribe(stream)
 *			hold(boolean)						whether streams keep the program alive
 *
 * A call's result is a handle, a text, null if nothing is to be told, or for a failure an array with the document of
 * the error.
 */
#include "calls.h"
#include "poller.h"

#include <stdlib.h>
#include <string.h>

#define MOST_ARGUMENTS 7
#define SHORT_TEXT 1024

/* Arguments as they are passed: which call, its handle, its texts, and two numbers. */
enum
{
	ARGUMENT_NAME,
	ARGUMENT_HANDLE,
	ARGUMENT_TEXTS,
	ARGUMENT_NUMBER = ARGUMENT_TEXTS + FN_TEXTS,
	ARGUMENT_COUNT
};

typedef struct fn_later
{
	fn_call		call;
	napi_async_work work;
	napi_deferred deferred;
} fn_later;

/* Of this addon's handles, not of another's. */
static const napi_type_tag handle_tag = {0x6c1f6a0f6d0c4a52, 0x9f3b5d9f0ae147c3};

static void *
throw_text(napi_env env, const char *message)
{
	bool		pending = true;

	(void) napi_is_exception_pending(env, &pending);
	if (!pending)
		(void) napi_throw_error(env, NULL, message);
	return NULL;
}

static void
finalize_handle(napi_env env, void *data, void *hint)
{
	(void) env;
	(void) hint;
	fn_handle_release(data);
}

static napi_value
handle_value(napi_env env, fn_handle *handle)
{
	napi_value	value;

	if (napi_create_external(env, handle, finalize_handle, NULL, &value) != napi_ok)
	{
		fn_handle_release(handle);
		return throw_text(env, "out of memory");
	}
	return napi_type_tag_object(env, value, &handle_tag) == napi_ok ? value : throw_text(env, "out of memory");
}

/* NULL unless it is a handle of ours. */
static fn_handle *
handle_of(napi_env env, napi_value value)
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

/* A copy, NULL for what is no string; false without memory.  Most texts are short, and found at once. */
static bool
copy_text(napi_env env, napi_value value, const char **text)
{
	char		start[SHORT_TEXT];
	size_t		length;
	char	   *copy;
	napi_status status = napi_get_value_string_utf8(env, value, start, sizeof(start), &length);

	*text = NULL;
	if (status == napi_string_expected)
		return true;
	if (status != napi_ok)
		return false;
	/* A character of up to four bytes may not have fitted. */
	if (length < sizeof(start) - 4)
	{
		copy = malloc(length + 1);
		if (copy != NULL)
			memcpy(copy, start, length + 1);
	}
	else
	{
		if (napi_get_value_string_utf8(env, value, NULL, 0, &length) != napi_ok)
			return false;
		copy = malloc(length + 1);
		if (copy != NULL)
			(void) napi_get_value_string_utf8(env, value, copy, length + 1, &length);
	}
	*text = copy;
	return copy != NULL;
}

static void
free_texts(fn_call *call)
{
	for (int i = 0; i < FN_TEXTS; i++)
		free((char *) call->texts[i]);
}

static bool
read_numbers(napi_env env, napi_value *arguments, size_t count, fn_call *call)
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

/* False with an exception. */
static bool
read_call(napi_env env, napi_callback_info info, fn_call *call)
{
	napi_value	arguments[MOST_ARGUMENTS];
	size_t		count = MOST_ARGUMENTS;
	uint32_t	name;

	if (napi_get_cb_info(env, info, &count, arguments, NULL, NULL) != napi_ok || count <= ARGUMENT_HANDLE ||
		napi_get_value_uint32(env, arguments[ARGUMENT_NAME], &name) != napi_ok || name >= FN_CALL_COUNT)
		return throw_text(env, "no such call") != NULL;
	call->name = (fn_call_name) name;
	call->handle = handle_of(env, arguments[ARGUMENT_HANDLE]);
	if (!read_numbers(env, arguments, count < MOST_ARGUMENTS ? count : MOST_ARGUMENTS, call))
		return throw_text(env, "a number has more than 64 bits or is negative") != NULL;
	for (size_t i = 0; i < FN_TEXTS && ARGUMENT_TEXTS + i < count; i++)
		if (!copy_text(env, arguments[ARGUMENT_TEXTS + i], &call->texts[i]))
		{
			free_texts(call);
			return throw_text(env, "out of memory") != NULL;
		}
	return true;
}

static napi_value
text_value(napi_env env, const char *text)
{
	napi_value	value;

	if (napi_create_string_utf8(env, text, NAPI_AUTO_LENGTH, &value) != napi_ok)
		return throw_text(env, "the result is longer than a string can be; ask for less at a time");
	return value;
}

static napi_value
failure_value(napi_env env, const fn_call *call)
{
	const char *document = call->result != NULL ? call->result : "{\"code\": \"unknown\", \"message\": \"the call failed\"}";
	napi_value	text = text_value(env, document);
	napi_value	array;

	if (text == NULL || napi_create_array_with_length(env, 1, &array) != napi_ok ||
		napi_set_element(env, array, 0, text) != napi_ok)
		return NULL;
	return array;
}

/* Frees what the call has. */
static napi_value
outcome_value(napi_env env, fn_call *call)
{
	napi_value	value = NULL;

	if (call->code != FACTSTR_OK)
		value = failure_value(env, call);
	else if (call->opened != NULL)
		value = handle_value(env, call->opened);
	else if (call->result != NULL)
		value = text_value(env, call->result);
	else
		(void) napi_get_null(env, &value);
	fn_call_free_result(call);
	free_texts(call);
	return value;
}

static napi_value
call_now(napi_env env, napi_callback_info info)
{
	fn_call		call = {0};

	if (!read_call(env, info, &call))
		return NULL;
	fn_call_make(&call);
	return outcome_value(env, &call);
}

static void
make_later(napi_env env, void *data)
{
	(void) env;
	fn_call_make(&((fn_later *) data)->call);
}

static void
reject_pending(napi_env env, napi_deferred deferred)
{
	napi_value	exception;

	if (napi_get_and_clear_last_exception(env, &exception) == napi_ok)
		(void) napi_reject_deferred(env, deferred, exception);
}

static void
free_later(napi_env env, fn_later *later)
{
	if (later->work != NULL)
		(void) napi_delete_async_work(env, later->work);
	fn_handle_release(later->call.handle);
	free(later);
}

/* A call that was cancelled has done nothing: the environment ends. */
static void
finish_later(napi_env env, napi_status status, void *data)
{
	fn_later   *later = data;
	napi_value	value;

	if (status != napi_ok)
		later->call.code = FACTSTR_CLOSED;
	value = outcome_value(env, &later->call);
	if (value != NULL)
		(void) napi_resolve_deferred(env, later->deferred, value);
	else
		reject_pending(env, later->deferred);
	free_later(env, later);
}

static bool
queue_later(napi_env env, fn_later *later)
{
	napi_value	name;

	return napi_create_string_utf8(env, "factstr", NAPI_AUTO_LENGTH, &name) == napi_ok
		&& napi_create_async_work(env, NULL, name, make_later, finish_later, later, &later->work) == napi_ok
		&& napi_queue_async_work(env, later->work) == napi_ok;
}

static napi_value
call_later(napi_env env, napi_callback_info info)
{
	fn_later   *later = calloc(1, sizeof(*later));
	napi_value	promise;

	if (later == NULL)
		return throw_text(env, "out of memory");
	if (!read_call(env, info, &later->call))
	{
		free(later);
		return NULL;
	}
	if (later->call.handle != NULL)
		(void) fn_handle_retain(later->call.handle);
	if (napi_create_promise(env, &later->deferred, &promise) == napi_ok && queue_later(env, later))
		return promise;
	free_texts(&later->call);
	free_later(env, later);
	return throw_text(env, "out of memory");
}

static fn_poller *
poller_of(napi_env env)
{
	void	   *poller = NULL;

	(void) napi_get_instance_data(env, &poller);
	return poller;
}

/* start(function): before anything is watched. */
static napi_value
start(napi_env env, napi_callback_info info)
{
	napi_value	function;
	size_t		count = 1;
	fn_poller  *poller;

	if (poller_of(env) != NULL)
		return NULL;
	if (napi_get_cb_info(env, info, &count, &function, NULL, NULL) != napi_ok ||
		(poller = fn_poller_start(env, function)) == NULL)
		return throw_text(env, "no thread can be started for streams");
	(void) napi_set_instance_data(env, poller, NULL, NULL);
	return NULL;
}

static napi_value
watch(napi_env env, napi_callback_info info)
{
	napi_value	arguments[2];
	size_t		count = 2;
	uint32_t	number = 0;
	fn_handle  *stream;
	napi_value	value;

	if (napi_get_cb_info(env, info, &count, arguments, NULL, NULL) != napi_ok ||
		(stream = handle_of(env, arguments[0])) == NULL || poller_of(env) == NULL ||
		napi_get_value_uint32(env, arguments[1], &number) != napi_ok)
		return throw_text(env, "there is no stream to watch");
	(void) napi_get_boolean(env, fn_poller_watch(poller_of(env), stream, number), &value);
	return value;
}

static napi_value
unsubscribe(napi_env env, napi_callback_info info)
{
	napi_value	argument;
	size_t		count = 1;
	fn_handle  *stream;

	if (napi_get_cb_info(env, info, &count, &argument, NULL, NULL) == napi_ok &&
		(stream = handle_of(env, argument)) != NULL)
		fn_handle_unsubscribe(stream);
	return NULL;
}

static napi_value
hold(napi_env env, napi_callback_info info)
{
	napi_value	argument;
	size_t		count = 1;
	bool		wanted = false;

	if (poller_of(env) != NULL && napi_get_cb_info(env, info, &count, &argument, NULL, NULL) == napi_ok &&
		napi_get_value_bool(env, argument, &wanted) == napi_ok)
		fn_poller_hold(poller_of(env), wanted);
	return NULL;
}

static bool
export_numbers(napi_env env, napi_value exports)
{
	static const char *const names[] = {
#define FN_CALL_NAME(NAME, kind) #NAME,
		FN_CALLS(FN_CALL_NAME)
#undef FN_CALL_NAME
	};
	napi_value	number;

	for (uint32_t i = 0; i < FN_CALL_COUNT; i++)
		if (napi_create_uint32(env, i, &number) != napi_ok ||
			napi_set_named_property(env, exports, names[i], number) != napi_ok)
			return false;
	return true;
}

static bool
export_codes(napi_env env, napi_value exports)
{
	napi_value	codes;
	napi_value	sqlstate;

	if (napi_create_object(env, &codes) != napi_ok)
		return false;
#define FN_EXPORT_CODE(NAME, number, json, state, text) \
	if (napi_create_string_utf8(env, state, NAPI_AUTO_LENGTH, &sqlstate) != napi_ok || \
		napi_set_named_property(env, codes, json, sqlstate) != napi_ok) \
		return false;
	FACTSTR_CODES(FN_EXPORT_CODE)
#undef FN_EXPORT_CODE
	return napi_set_named_property(env, exports, "codes", codes) == napi_ok;
}

NAPI_MODULE_INIT()
{
	const napi_property_descriptor functions[] = {
		{.utf8name = "call", .method = call_now, .attributes = napi_enumerable},
		{.utf8name = "callLater", .method = call_later, .attributes = napi_enumerable},
		{.utf8name = "start", .method = start, .attributes = napi_enumerable},
		{.utf8name = "watch", .method = watch, .attributes = napi_enumerable},
		{.utf8name = "unsubscribe", .method = unsubscribe, .attributes = napi_enumerable},
		{.utf8name = "hold", .method = hold, .attributes = napi_enumerable}};
	napi_value	version = text_value(env, factstr_version());

	if (version == NULL || napi_set_named_property(env, exports, "version", version) != napi_ok ||
		napi_define_properties(env, exports, sizeof(functions) / sizeof(functions[0]), functions) != napi_ok ||
		!export_numbers(env, exports) || !export_codes(env, exports))
		return throw_text(env, "the addon cannot be set up");
	return exports;
}
