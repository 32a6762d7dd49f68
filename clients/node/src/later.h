/*
 * later.h
 *		Calls on another thread.
 */
#ifndef FACTSTR_NODE_LATER_H
#define FACTSTR_NODE_LATER_H

#include "environment.h"

/*
 * callLater(number, name, handle, text, text, text, number, count): makes a call on another thread, and then calls
 * JavaScript's function with the call's own number and its outcome; or, instead of the latter, with undefined and
 * an exception.  False if the events are none for this call.
 */
extern napi_value fn_call_later(napi_env env, napi_callback_info info);

#endif
