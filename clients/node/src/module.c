/*
 * module.c
 *		The addon: the functions that lib/native.js loads.
 *
 *			call(name, handle, text, text, text, number, count)			now, on this thread
 *			callLater(...)						on another thread: see later.h
 *			listen(function)					sets the function that callLater calls; once
 *			nextPage()							the next page of the facts that the last call has found
 *			start(function)						sets the function that watch calls; once
 *			watch(stream, number)				calls the function once with the number when the stream may have a batch
 *			unsubscribe(stream)
 *			hold(boolean)						whether streams keep the program alive
 *
 * A payload is a JSON text on both sides, because V8 reads and writes JSON faster than C makes objects.  The rest of
 * frequent calls does not use JSON: see calls.h and found.h.
 */
#include "later.h"
#include "values.h"

/* Reads the state of the environment, and the given number of arguments. */
static bool
read_arguments(napi_env env, napi_callback_info info, size_t count, napi_value *arguments, fn_environment **environment)
{
	size_t		found = count;
	void	   *data = NULL;

	if (napi_get_cb_info(env, info, &found, arguments, NULL, &data) != napi_ok)
		return false;
	*environment = data;
	return found >= count;
}

static napi_value
call_now(napi_env env, napi_callback_info info)
{
	napi_value	arguments[FN_MOST_ARGUMENTS];
	size_t		count = FN_MOST_ARGUMENTS;
	void	   *environment;
	fn_call		call;
	fn_reading	reading;
	napi_value	value = NULL;

	if (napi_get_cb_info(env, info, &count, arguments, NULL, &environment) != napi_ok)
		return NULL;
	reading = fn_read_call(env, arguments, count, &call);
	if (reading == FN_READ)
	{
		fn_call_make(&call);
		return fn_outcome_value(env, environment, &call);
	}
	fn_call_end(&call);
	if (reading == FN_NOT_PLAIN)
		(void) napi_get_boolean(env, false, &value);
	return value;
}

static napi_value
next_page(napi_env env, napi_callback_info info)
{
	fn_environment *environment;

	return read_arguments(env, info, 0, NULL, &environment) ? fn_next_page_value(env, environment) : NULL;
}

static napi_value
listen(napi_env env, napi_callback_info info)
{
	fn_environment *environment;
	napi_value	function;

	if (!read_arguments(env, info, 1, &function, &environment) || environment->completed != NULL ||
		napi_create_reference(env, function, 1, &environment->completed) != napi_ok)
		return fn_throw(env, "a function is already listening");
	return NULL;
}

static napi_value
start(napi_env env, napi_callback_info info)
{
	fn_environment *environment;
	napi_value	function;

	if (!read_arguments(env, info, 1, &function, &environment))
		return NULL;
	if (environment->poller == NULL)
		environment->poller = fn_poller_start(env, function);
	return environment->poller != NULL ? NULL : fn_throw(env, "the thread for streams cannot be started");
}

static napi_value
watch(napi_env env, napi_callback_info info)
{
	fn_environment *environment;
	napi_value	arguments[2];
	uint32_t	number = 0;
	fn_handle  *stream;
	napi_value	value;

	if (!read_arguments(env, info, 2, arguments, &environment) || environment->poller == NULL ||
		(stream = fn_handle_of(env, arguments[0])) == NULL ||
		napi_get_value_uint32(env, arguments[1], &number) != napi_ok)
		return fn_throw(env, "there is no stream to watch");
	(void) napi_get_boolean(env, fn_poller_watch(environment->poller, stream, number), &value);
	return value;
}

static napi_value
unsubscribe(napi_env env, napi_callback_info info)
{
	fn_environment *environment;
	napi_value	argument;
	fn_handle  *stream;

	if (read_arguments(env, info, 1, &argument, &environment) && (stream = fn_handle_of(env, argument)) != NULL)
		fn_handle_unsubscribe(stream);
	return NULL;
}

static napi_value
hold(napi_env env, napi_callback_info info)
{
	fn_environment *environment;
	napi_value	argument;
	bool		wanted = false;

	if (read_arguments(env, info, 1, &argument, &environment) && environment->poller != NULL &&
		napi_get_value_bool(env, argument, &wanted) == napi_ok)
		fn_poller_hold(environment->poller, wanted);
	return NULL;
}

static bool
export_functions(napi_env env, napi_value exports, fn_environment *environment)
{
#define FUNCTION(name, function) \
	{.utf8name = (name), .method = (function), .attributes = napi_enumerable, .data = environment}
	const napi_property_descriptor functions[] = {
		FUNCTION("call", call_now),
		FUNCTION("callLater", fn_call_later),
		FUNCTION("listen", listen),
		FUNCTION("nextPage", next_page),
		FUNCTION("start", start),
		FUNCTION("watch", watch),
		FUNCTION("unsubscribe", unsubscribe),
		FUNCTION("hold", hold)};
#undef FUNCTION

	return napi_define_properties(env, exports, sizeof(functions) / sizeof(functions[0]), functions) == napi_ok;
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
export_text(napi_env env, napi_value object, const char *name, const char *text)
{
	napi_value	value;

	return napi_create_string_utf8(env, text, NAPI_AUTO_LENGTH, &value) == napi_ok
		&& napi_set_named_property(env, object, name, value) == napi_ok;
}

static bool
export_codes(napi_env env, napi_value exports)
{
	napi_value	codes;

	if (napi_create_object(env, &codes) != napi_ok)
		return false;
#define FN_EXPORT_CODE(NAME, number, json, state, text) \
	if (!export_text(env, codes, json, state)) \
		return false;
	FACTSTR_CODES(FN_EXPORT_CODE)
#undef FN_EXPORT_CODE
	return napi_set_named_property(env, exports, "codes", codes) == napi_ok;
}

NAPI_MODULE_INIT()
{
	fn_environment *environment = fn_environment_begin(env, exports);

	if (environment == NULL)
		return NULL;
	if (!export_text(env, exports, "version", factstr_version()) || !export_functions(env, exports, environment) ||
		!export_numbers(env, exports) || !export_codes(env, exports))
		return fn_throw(env, "the addon cannot be set up");
	return exports;
}
