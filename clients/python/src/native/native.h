/*
 * native.h
 *		The module factstr._native: libfactstr for the Python sources of the package.
 *
 * It is written against the limited API of CPython 3.9, so that one binary serves every version since.  C was chosen
 * over cffi because callbacks come from threads of the library, must not outlive the interpreter, and the package
 * needs nothing else at run time.  Appends, queries and deliveries use the structs of factstr.h, since they are
 * called most; the rest uses its JSON boundary.
 *
 * Three rules keep the interpreter safe:
 *
 *	- No function of the library is called while this thread holds the GIL, since it may wait for a handler.
 *	- A handle counts its calls in progress, under the GIL.  Whoever frees it first waits until there are none.
 *	- The library never holds an object that has a reference to a store.  What it calls refers to the
 *	  subscription weakly (factstr._streams), so the garbage collector sees all cycles.
 */
#ifndef NATIVE_H
#define NATIVE_H

#define PY_SSIZE_T_CLEAN
#define Py_LIMITED_API 0x03090000
#include <Python.h>

#include <stdbool.h>
#include <sys/types.h>

#include "factstr.h"

/* An open store.  The GIL protects all members. */
typedef struct store_handle
{
	factstr_store *store;		/* NULL: closed */
	int			calls;			/* in progress, without those of its own handlers */
	bool		closing;
	bool		postgres;
	pid_t		process;		/* that opened it */
} store_handle;

/* An open stream.  Its capsule keeps that of the store alive. */
typedef struct stream_handle
{
	factstr_stream *stream;		/* NULL: closed */
	PyObject   *store;
	const void *context;		/* of its handler; only to be compared */
	int			calls;
	bool		closing;
} stream_handle;

/* An open cursor. */
typedef struct cursor_handle
{
	factstr_cursor *cursor;
	PyObject   *store;
	bool		busy;
} cursor_handle;

/* module.c */
extern PyObject *raise_error(int code, const factstr_error *error);
extern PyObject *raise_document(int code, const char *document);
extern PyObject *raise_message(int code, const char *message);
extern int	parse(PyObject *args, const char *format, ...);
extern int	to_number(PyObject *object, void *number);

/* store.c */
extern store_handle *begin_call(PyObject *capsule);
extern void end_call(store_handle *handle);
extern PyObject *failure(store_handle *handle, int code, const factstr_error *error);
extern bool is_foreign(const store_handle *handle);
extern void wait_for_abandoned(void);
extern PyMethodDef store_methods[];

/* facts.c */
extern PyObject *fact_tuple(const factstr_fact *fact);
extern PyObject *batch_tuple(const factstr_batch *batch);
extern PyObject *batch_tuples(const factstr_batch_list *list);
extern PyMethodDef facts_methods[];

/* documents.c */
extern PyMethodDef documents_methods[];

/* handlers.c */
typedef struct handler_context handler_context;
extern bool is_handling(const store_handle *handle);
extern bool is_inside(const void *context);
extern handler_context *new_context(PyObject *store, PyObject *deliver, PyObject *ended);
extern void free_context(void *context);
extern int	on_batch(const factstr_batch *batch, void *context, factstr_error *error);
extern void on_ended(const factstr_error *reason, void *context);
extern void stop_handlers(void);
extern bool handlers_are_stopped(void);

/* streams.c */
extern PyMethodDef streams_methods[];

/* transaction.c */
extern PyObject *new_transaction(void *connection, bool postgres);
extern void end_transaction(PyObject *transaction);
extern PyMethodDef transaction_methods[];

#endif							/* NATIVE_H */
