/*
 * stores/handle.h
 *		The object behind a factstr_store: one of the stores, and the library's state for it.
 */
#ifndef FACTSTR_STORES_HANDLE_H
#define FACTSTR_STORES_HANDLE_H

#include <stdatomic.h>

#include "stores/calls.h"
#include "stores/hub.h"
#include "stores/store.h"

/* The streams that are open; see streams/list.h. */
typedef struct fs_streams fs_streams;

struct factstr_store
{
	const fs_methods *methods;
	fs_backend *backend;
	fs_hub	   *hub;
	fs_calls   *calls;
	fs_streams *streams;
	_Atomic uint64_t last_committed;	/* the newest fact that was committed through this store */
	int64_t		first_pause;	/* of a stream after a failure, in ms; tests shorten it */
};

#endif							/* FACTSTR_STORES_HANDLE_H */
