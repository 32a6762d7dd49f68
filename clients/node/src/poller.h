/*
 * poller.h
 *		Tells JavaScript which streams may have batches: one thread for all streams of an environment, which is
 *		the main thread of a program or one of its workers.
 */
#ifndef FACTSTR_NODE_POLLER_H
#define FACTSTR_NODE_POLLER_H

#include "handles.h"

#include <node_api.h>

typedef struct fn_poller fn_poller;

/*
 * Starts a poller, which calls the function with the number of a stream.  It ends with the environment.  NULL and a
 * pending exception if that fails.
 */
extern fn_poller *fn_poller_start(napi_env env, napi_value function);

/* Wakes JavaScript once when the stream may have a batch or has ended, now or later.  False: it has ended. */
extern bool fn_poller_watch(fn_poller *poller, fn_handle *stream, uint32_t number);

/* Whether the program waits for streams before it ends. */
extern void fn_poller_hold(fn_poller *poller, bool hold);

#endif
