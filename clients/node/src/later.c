/*
 * later.c
 *		See later.h.
 */
#include "later.h"

#include "values.h"

#include <stdlib.h>

typedef struct fn_later
{
	fn_environment *environment;
	uint32_t	number;
	napi_async_work work;
	fn_call		call;
} fn_later;

static void
make_later(napi_env env, void *data)
{
	(void) env;
	fn_call_make(&((fn_later *) data)->call);
}

static void
free_later(napi_env env, fn_later *later)
{
	if (later->work != NULL)
		(void) napi_delete_async_work(env, later->work);
	fn_handle_release(later->call.handle);
	if (later->environment != NULL)
		fn_environment_release(later->environment);
	free(later);
}

/* Without an outcome, passes the pending exception. */
static void
tell(napi_env env, const fn_later *later, napi_value outcome)
{
	napi_value	function;
	napi_value	undefined;
	napi_value	arguments[3];

	if (napi_get_undefined(env, &undefined) != napi_ok ||
		napi_create_uint32(env, later->number, &arguments[0]) != napi_ok)
		return;
	arguments[1] = outcome == NULL ? undefined : outcome;
	arguments[2] = undefined;
	if (outcome == NULL)
		(void) napi_get_and_clear_last_exception(env, &arguments[2]);
	if (napi_get_reference_value(env, later->environment->completed, &function) == napi_ok)
		(void) napi_call_function(env, undefined, function, 3, arguments, NULL);
}

/* A cancelled call has done nothing: the environment is ending, and its outcome is not needed. */
static void
finish_later(napi_env env, napi_status status, void *data)
{
	fn_later   *later = data;

	if (status == napi_ok && later->environment->exchange != NULL)
		tell(env, later, fn_outcome_value(env, later->environment, &later->call));
	else
		fn_call_end(&later->call);
	free_later(env, later);
}

static bool
queue(napi_env env, fn_later *later)
{
	napi_value	name;

	return napi_create_string_utf8(env, "factstr", NAPI_AUTO_LENGTH, &name) == napi_ok
		&& napi_create_async_work(env, NULL, name, make_later, finish_later, later, &later->work) == napi_ok
		&& napi_queue_async_work(env, later->work) == napi_ok;
}

/* Ends a call that was not started. */
static napi_value
give_up(napi_env env, fn_later *later, napi_value value)
{
	fn_call_end(&later->call);
	free_later(env, later);
	return value;
}

napi_value
fn_call_later(napi_env env, napi_callback_info info)
{
	napi_value	arguments[1 + FN_MOST_ARGUMENTS];
	size_t		count = 1 + FN_MOST_ARGUMENTS;
	fn_later   *later = malloc(sizeof(*later));
	fn_reading	reading;
	napi_value	value = NULL;
	void	   *data;

	if (later == NULL)
		return fn_throw(env, "out of memory");
	later->work = NULL;
	later->environment = NULL;
	fn_call_begin(&later->call);
	if (napi_get_cb_info(env, info, &count, arguments, NULL, &data) != napi_ok ||
		napi_get_value_uint32(env, arguments[0], &later->number) != napi_ok)
		return give_up(env, later, fn_throw(env, "the call has no number"));
	later->environment = fn_environment_retain(data);
	reading = fn_read_call(env, arguments + 1, count - 1, &later->call);
	if (later->call.handle != NULL)
		(void) fn_handle_retain(later->call.handle);
	if (reading == FN_NOT_PLAIN)
		(void) napi_get_boolean(env, false, &value);
	if (reading != FN_READ)
		return give_up(env, later, value);
	if (queue(env, later))
		return NULL;
	return give_up(env, later, fn_throw(env, "out of memory"));
}
