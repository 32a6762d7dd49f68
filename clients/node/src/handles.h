/*
 * handles.h
 *		The handles of stores, streams and cursors that JavaScript holds.  They are counted, and safe to use while
 *		another thread closes them.
 */
#ifndef FACTSTR_NODE_HANDLES_H
#define FACTSTR_NODE_HANDLES_H

#include <factstr.h>

typedef enum fn_kind
{
	FN_STORE,
	FN_STREAM,
	FN_CURSOR
} fn_kind;

typedef struct fn_handle fn_handle;

/* Takes over the object, unless the result is NULL because there is no memory.  A stream or a cursor has a store. */
extern fn_handle *fn_handle_new(fn_kind kind, void *object, fn_handle *store);
extern fn_handle *fn_handle_retain(fn_handle *handle);

/* The last release closes the object. */
extern void fn_handle_release(fn_handle *handle);

/*
 * Returns the object for one call; NULL if it has another kind, or if it or its store is closed.  A store and its
 * objects are not freed before fn_handle_leave.
 */
extern void *fn_handle_enter(fn_handle *handle, fn_kind kind);
extern void fn_handle_leave(fn_handle *handle);

/* Ends the calls in progress and closes the object.  Does nothing if it is closed.  Returns a factstr_code. */
extern int	fn_handle_close(fn_handle *handle);

/* Ends a stream, but keeps its handle. */
extern void fn_handle_unsubscribe(fn_handle *handle);

/* For the poller: is a descriptor of the stream being watched? */
extern bool *fn_handle_watched(fn_handle *handle);

#endif
