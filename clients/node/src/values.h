/*
 * values.h
 *		Values of JavaScript: what a call takes, and what it gives back.
 */
#ifndef FACTSTR_NODE_VALUES_H
#define FACTSTR_NODE_VALUES_H

#include "calls.h"

#include <node_api.h>

/* Throws an error, unless something has been thrown already.  NULL. */
extern void *fn_throw(napi_env env, const char *message);

/* Takes over the handle, whatever comes of it.  NULL with an exception. */
extern napi_value fn_handle_value(napi_env env, fn_handle *handle);

/* NULL unless it is a handle of this addon. */
extern fn_handle *fn_handle_of(napi_env env, napi_value value);

/* NULL with an exception. */
extern napi_value fn_text_value(napi_env env, const char *text, size_t length);

/*
 * A call, from its arguments: its name, its handle, its texts, and two numbers; what is missing or undefined is
 * none.  Whatever is returned, the call is to be ended.
 */
#define FN_MOST_ARGUMENTS (4 + FN_TEXTS)

typedef enum fn_reading
{
	FN_READ,
	FN_NOT_PLAIN,				/* the events are none for this call */
	FN_THROWN
} fn_reading;

extern fn_reading fn_read_call(napi_env env, const napi_value *arguments, size_t count, fn_call *call);

#endif
