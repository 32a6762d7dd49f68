/*
 * native.h
 *		The module factstr._native: libfactstr for the Python sources of the package.
 *
 * It uses the limited API of CPython 3.9, so that one binary works with every later version.  It is written in C, not
 * with cffi, because threads of the library make callbacks, callbacks must not outlive the interpreter, and the
 * package then needs nothing else at run time.  Appends, queries and deliveries use the structs of factstr.h, since
 * they are the most frequent calls; the rest uses its JSON boundary.
 *
 * Three rules keep the interpreter safe:
 *
 *	- No function of the library is called while this thread holds the GIL, since it may wait for a handler.
 *	- A handle counts its calls in progress, under the GIL.  It is freed only after they have ended.
 *	- The library never holds an object that has a reference to a store.  A callback has a weak
 *	  reference to its subscription, so the garbage collector sees all cycles.
 */
#ifndef NATIVE_H
#define NATIVE_H

#define PY_SSIZE_T_CLEAN
#define Py_LIMITED_API 0x03090000
#include <Python.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/types.h>

#include "factstr.h"

/*
 * CPython 3.9 exports this function, but does not declare it in its limited API; the same is true of
 * PyType_FromModuleAndSpec, PyType_GetModule and PyType_GetModuleState.  All four are in the stable ABI since 3.10.
 */
extern const char *PyUnicode_AsUTF8AndSize(PyObject *text, Py_ssize_t *size);

/* A class of frozen records with slots, which are made without __init__. */
typedef struct record_class
{
	PyObject   *type;
	PyObject   *slots;			/* the names of its members */
	allocfunc	allocate;
} record_class;

/* Objects from the Python sources that the module uses. */
#define STATE_OBJECTS(OBJECT) \
	OBJECT(make_error) \
	OBJECT(read_error) \
	OBJECT(encode_parts) \
	OBJECT(encode_slowly) \
	OBJECT(zero) \
	OBJECT(nothing) \
	OBJECT(new_event) \
	OBJECT(transaction) \
	OBJECT(event_type) \
	OBJECT(payload) \
	OBJECT(metadata) \
	OBJECT(epoch) \
	OBJECT(timedelta)

#define STATE_RECORDS(RECORD) \
	RECORD(event_record) \
	RECORD(append_result) \
	RECORD(query_result) \
	RECORD(newest_result) \
	RECORD(batch)

/* The state of a module.  Each copy of the package that a process imports has one. */
typedef struct module_state
{
#define STATE_OBJECT(name) PyObject *name;
	STATE_OBJECTS(STATE_OBJECT)
#undef STATE_OBJECT
#define STATE_RECORD(name) record_class name;
	STATE_RECORDS(STATE_RECORD)
#undef STATE_RECORD

	pthread_t	main_thread;	/* which handles signals */

	/* The interpreter is exiting; no thread of the library may enter it. */
	atomic_bool stopped;
} module_state;

/* An open store.  The GIL protects all members. */
typedef struct store_handle
{
	factstr_store *store;		/* NULL: closed */
	PyObject   *module;
	module_state *state;		/* of the module */
	int			calls;			/* in progress, without calls from its handlers */
	bool		closing;
	bool		left;			/* another thread is closing it */
	bool		postgres;
	pid_t		process;		/* that opened it */
} store_handle;

/* An open stream.  Its capsule keeps the capsule of the store alive. */
typedef struct stream_handle
{
	factstr_stream *stream;		/* NULL: closed */
	PyObject   *store;
	const void *context;		/* of its handler; only for comparisons */
	int			calls;
	bool		closing;
} stream_handle;

/* module.c */
extern int	add_type(PyObject *module, PyType_Spec *spec, const char *name);
extern PyObject *raise_error(module_state *state, int code, const factstr_error *error);
extern PyObject *raise_document(module_state *state, int code, const char *document);
extern PyObject *raise_message(module_state *state, int code, const char *message);
extern int	parse(PyObject *module, PyObject *args, const char *format, ...);
extern module_state *state_of(PyObject *module);

/* store.c */
extern store_handle *store_of(PyObject *capsule);
extern bool is_foreign(const store_handle *handle);
extern bool wait_for_closing(int64_t timeout_ms);
extern PyMethodDef store_methods[];

/* streams.c */
extern stream_handle *stream_of(PyObject *capsule);
extern PyMethodDef streams_methods[];

/* table.c */
extern PyMethodDef table_methods[];

/* cursor.c */
extern int	add_cursor_type(PyObject *module);

/* handlers.c */
typedef struct handler_context handler_context;
extern bool is_handling(const store_handle *handle);
extern bool is_inside(const void *context);
extern handler_context *new_context(PyObject *store, PyObject *subscription);
extern void free_context(void *context);
extern int	on_batch(const factstr_batch *batch, void *context, factstr_error *error);
extern void on_ended(const factstr_error *reason, void *context);

/* transaction.c */
extern PyObject *new_transaction(module_state *state, void *connection, bool postgres);
extern void end_transaction(PyObject *transaction);
extern PyMethodDef transaction_methods[];

#endif							/* NATIVE_H */
