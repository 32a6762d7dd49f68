/*
 * later.h
 *		Calls on another thread.
 */
#ifndef FACTSTR_NODE_LATER_H
#define FACTSTR_NODE_LATER_H

#include "environment.h"

/*
 * callLater(number, name, handle, text, text, text, number, count): makes a call on another thread, and then calls
 * JavaScript's function with the number and the outcome of the call, or with the number, undefined and an exception.
 * Returns false if the events do not have the form that fn_call_find_events expects.
 */
extern napi_value fn_call_later(napi_env env, napi_callback_info info);

#endif
