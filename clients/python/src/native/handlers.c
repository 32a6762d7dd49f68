/*
 * handlers.c
 *		What threads of the library call: they enter the interpreter, and leave it again.
 */
#include "native.h"

#include <stdatomic.h>
#include <stdlib.h>

/* What a stream calls.  The functions refer to their subscription weakly. */
struct handler_context
{
	store_handle *store;
	PyObject   *capsule;		/* of the store; keeps the handle alive */
	PyObject   *deliver;		/* (batch, transaction or None) -> None or the message of a failure */
	PyObject   *ended;			/* (code, message) */
};

/* The handlers that this thread is in, from the innermost on. */
typedef struct frame
{
	const handler_context *context;
	const store_handle *store;
	struct frame *outer;
} frame;

static _Thread_local frame *innermost;

/*
 * The state with which Python knows a thread of the library, kept from one delivery to the next: making one costs
 * more than a small handler, and thread-local data of the program would be lost with it.
 */
static _Thread_local PyThreadState *kept_state;
static _Thread_local PyGILState_STATE kept_before;

/* The interpreter is exiting; nothing may enter it. */
static atomic_bool stopped;

bool
is_handling(const store_handle *handle)
{
	for (const frame *one = innermost; one != NULL; one = one->outer)
		if (one->store == handle)
			return true;
	return false;
}

/* Is this thread in the handler with this context? */
bool
is_inside(const void *context)
{
	for (const frame *one = innermost; one != NULL; one = one->outer)
		if (one->context == context)
			return true;
	return false;
}

void
stop_handlers(void)
{
	atomic_store(&stopped, true);
}

bool
handlers_are_stopped(void)
{
	return atomic_load(&stopped);
}

handler_context *
new_context(PyObject *store, PyObject *deliver, PyObject *ended)
{
	handler_context *context = calloc(1, sizeof(handler_context));

	if (context == NULL)
	{
		PyErr_NoMemory();
		return NULL;
	}
	context->store = PyCapsule_GetPointer(store, PyCapsule_GetName(store));
	Py_INCREF(store);
	context->capsule = store;
	Py_INCREF(deliver);
	context->deliver = deliver;
	Py_INCREF(ended);
	context->ended = ended;
	return context;
}

/* A factstr_destroy. */
void
free_context(void *pointer)
{
	handler_context *context = pointer;
	PyGILState_STATE state;

	if (atomic_load(&stopped))
		return;
	state = PyGILState_Ensure();
	Py_DECREF(context->deliver);
	Py_DECREF(context->ended);
	Py_DECREF(context->capsule);
	PyGILState_Release(state);
	free(context);
}

static PyGILState_STATE
enter(void)
{
	if (kept_state == NULL && PyGILState_GetThisThreadState() == NULL)
	{
		kept_before = PyGILState_Ensure();
		kept_state = PyEval_SaveThread();
	}
	return PyGILState_Ensure();
}

/* After the last delivery of a stream, whose thread ends. */
static void
forget_thread(void)
{
	if (kept_state == NULL)
		return;
	PyEval_RestoreThread(kept_state);
	kept_state = NULL;
	PyGILState_Release(kept_before);
}

/* What factstr_error says of an exception that the Python sources did not expect, such as that of no memory. */
static int
unexpected(factstr_error *error, PyObject *object)
{
	PyErr_WriteUnraisable(object);
	return factstr_error_set(error, FACTSTR_HANDLER_FAILED, "the handler could not be called");
}

/* The result of a delivery, which is None or the message of a failure. */
static int
outcome(PyObject *result, PyObject *deliver, factstr_error *error)
{
	PyObject   *message;
	int			code = FACTSTR_OK;

	if (result == NULL)
		return unexpected(error, deliver);
	if (result != Py_None)
	{
		message = PyUnicode_AsUTF8String(result);
		code = message == NULL ? unexpected(error, deliver)
			: factstr_error_set(error, FACTSTR_HANDLER_FAILED, PyBytes_AsString(message));
		Py_XDECREF(message);
	}
	return code;
}

/* A factstr_handler. */
int
on_batch(const factstr_batch *batch, void *pointer, factstr_error *error)
{
	handler_context *context = pointer;
	frame		here = {context, context->store, innermost};
	PyGILState_STATE state;
	PyObject   *transaction = NULL;
	PyObject   *tuple;
	PyObject   *result = NULL;
	int			code;

	if (atomic_load(&stopped))
		return factstr_error_set(error, FACTSTR_HANDLER_FAILED, "the interpreter is exiting");
	state = enter();
	innermost = &here;
	tuple = batch_tuple(batch);
	if (batch->transaction != NULL)
		transaction = new_transaction(batch->transaction, context->store->postgres);
	if (tuple != NULL && (transaction != NULL || batch->transaction == NULL))
		result = PyObject_CallFunctionObjArgs(context->deliver, tuple, transaction == NULL ? Py_None : transaction,
											  NULL);
	code = outcome(result, context->deliver, error);
	if (transaction != NULL)
		end_transaction(transaction);
	Py_XDECREF(result);
	Py_XDECREF(transaction);
	Py_XDECREF(tuple);
	innermost = here.outer;
	PyGILState_Release(state);
	return code;
}

/* A factstr_ended. */
void
on_ended(const factstr_error *reason, void *pointer)
{
	handler_context *context = pointer;
	frame		here = {context, context->store, innermost};
	PyGILState_STATE state;
	PyObject   *result;

	if (atomic_load(&stopped))
		return;
	state = enter();
	innermost = &here;
	result = PyObject_CallFunction(context->ended, "is", reason->code, reason->message);
	if (result == NULL)
		PyErr_WriteUnraisable(context->ended);
	Py_XDECREF(result);
	innermost = here.outer;
	PyGILState_Release(state);
	forget_thread();
}
