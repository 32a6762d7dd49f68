/*
 * poller.h
 *		Tells JavaScript which streams may have batches.  One thread serves all streams of an environment.
 */
#ifndef FACTSTR_NODE_POLLER_H
#define FACTSTR_NODE_POLLER_H

#include "handles.h"

#include <node_api.h>

typedef struct fn_poller fn_poller;

/*
 * Starts a poller, which calls the function with the number of a stream and ends with the environment.  Returns NULL
 * with a pending exception if that fails.
 */
extern fn_poller *fn_poller_start(napi_env env, napi_value function);

/* Wakes JavaScript once when the stream may have a batch or has ended.  Returns false if it has ended already. */
extern bool fn_poller_watch(fn_poller *poller, fn_handle *stream, uint32_t number);

/* Sets whether open streams keep the program alive. */
extern void fn_poller_hold(fn_poller *poller, bool hold);

#endif
