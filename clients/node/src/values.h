/*
 * values.h
 *		Values of JavaScript: the arguments and the outcome of a call.
 */
#ifndef FACTSTR_NODE_VALUES_H
#define FACTSTR_NODE_VALUES_H

#include "calls.h"

#include <node_api.h>

/* Throws an error, unless an exception is pending.  Returns NULL. */
extern void *fn_throw(napi_env env, const char *message);

/* Takes over the handle in any case.  NULL with an exception. */
extern napi_value fn_handle_value(napi_env env, fn_handle *handle);

/* NULL unless it is a handle of this addon. */
extern fn_handle *fn_handle_of(napi_env env, napi_value value);

/* NULL with an exception. */
extern napi_value fn_text_value(napi_env env, const char *text, size_t length);

/*
 * Reads a call from its arguments: its name, its handle, its texts, and two numbers, each of which may be undefined.
 * The caller must end the call in any case.
 */
#define FN_MOST_ARGUMENTS (4 + FN_TEXTS)

typedef enum fn_reading
{
	FN_READ,
	FN_NOT_PLAIN,				/* the events do not have the form for this call */
	FN_THROWN
} fn_reading;

extern fn_reading fn_read_call(napi_env env, const napi_value *arguments, size_t count, fn_call *call);

#endif
