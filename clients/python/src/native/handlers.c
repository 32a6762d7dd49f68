/*
 * handlers.c
 *		The functions that threads of the library call.  They enter the interpreter and leave it again.
 */
#include "native.h"
#include "records.h"

#include <stdlib.h>

/* The context of a stream's handler. */
struct handler_context
{
	store_handle *store;
	PyObject   *capsule;		/* of the store; keeps the handle alive */
	PyObject   *subscription;	/* a weak reference to a Subscription */
};

/* The handlers that this thread is running, the innermost first. */
typedef struct frame
{
	const handler_context *context;
	const store_handle *store;
	struct frame *outer;
} frame;

static _Thread_local frame *innermost;

/*
 * Python's state of a thread of the library, kept from one delivery to the next.  Creating a state takes longer than a
 * small handler, and dropping it would lose the program's thread-local data.
 */
static _Thread_local PyThreadState *kept_state;
static _Thread_local PyGILState_STATE kept_before;

bool
is_handling(const store_handle *handle)
{
	for (const frame *one = innermost; one != NULL; one = one->outer)
		if (one->store == handle)
			return true;
	return false;
}

/* Is this thread running the handler with this context? */
bool
is_inside(const void *context)
{
	for (const frame *one = innermost; one != NULL; one = one->outer)
		if (one->context == context)
			return true;
	return false;
}

handler_context *
new_context(PyObject *store, PyObject *subscription)
{
	handler_context *context = calloc(1, sizeof(handler_context));
	PyObject   *reference = PyWeakref_NewRef(subscription, NULL);

	if (context == NULL || reference == NULL)
	{
		if (context == NULL)
			PyErr_NoMemory();
		Py_XDECREF(reference);
		free(context);
		return NULL;
	}
	Py_INCREF(store);
	*context = (handler_context) {.store = store_of(store), .capsule = store, .subscription = reference};
	return context;
}

static bool
is_stopped(const handler_context *context)
{
	return atomic_load(&context->store->state->stopped);
}

/* A factstr_destroy. */
void
free_context(void *pointer)
{
	handler_context *context = pointer;
	PyGILState_STATE state;

	if (is_stopped(context))
		return;
	state = PyGILState_Ensure();
	Py_DECREF(context->subscription);
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

/* Called after the last delivery of a stream, when its thread ends. */
static void
forget_thread(void)
{
	if (kept_state == NULL)
		return;
	PyEval_RestoreThread(kept_state);
	kept_state = NULL;
	PyGILState_Release(kept_before);
}

/* Sets the error for an exception that the Python sources did not expect, such as MemoryError. */
static int
unexpected(factstr_error *error)
{
	PyErr_WriteUnraisable(NULL);
	return factstr_error_set(error, FACTSTR_HANDLER_FAILED, "the handler could not be called");
}

/* Converts the result of a delivery, which is None or the message of a failure. */
static int
outcome(PyObject *result, factstr_error *error)
{
	PyObject   *message;
	int			code = FACTSTR_OK;

	if (result == NULL)
		return unexpected(error);
	if (result != Py_None)
	{
		message = PyUnicode_AsUTF8String(result);
		code = message == NULL ? unexpected(error)
			: factstr_error_set(error, FACTSTR_HANDLER_FAILED, PyBytes_AsString(message));
		Py_XDECREF(message);
	}
	return code;
}

/* Makes the record of a batch with the transaction of its delivery.  *handle receives the transaction's capsule. */
static PyObject *
record_of(module_state *state, PyObject *read, const factstr_batch *batch, bool postgres, PyObject **handle)
{
	PyObject   *transaction = Py_None;
	PyObject   *record = NULL;

	if (batch->transaction == NULL)
		return batch_record(state, read, batch, Py_None);
	*handle = new_transaction(state, batch->transaction, postgres);
	if (*handle == NULL)
		return NULL;
	transaction = PyObject_CallFunctionObjArgs(state->transaction, *handle, NULL);
	if (transaction != NULL)
		record = batch_record(state, read, batch, transaction);
	Py_XDECREF(transaction);
	return record;
}

static PyObject *
deliver(const handler_context *context, PyObject *subscription, const factstr_batch *batch)
{
	PyObject   *handle = NULL;
	PyObject   *result = NULL;
	PyObject   *read = PyObject_GetAttrString(subscription, "_read");
	PyObject   *record = read == NULL ? NULL
		: record_of(context->store->state, read, batch, context->store->postgres, &handle);

	if (record != NULL)
		result = PyObject_CallMethod(subscription, "_deliver", "O", record);
	if (handle != NULL)
		end_transaction(handle);
	Py_XDECREF(handle);
	Py_XDECREF(record);
	Py_XDECREF(read);
	return result;
}

/* Returns a new reference to the subscription, or None if it was collected. */
static PyObject *
subscription_of(const handler_context *context)
{
	return PyObject_CallObject(context->subscription, NULL);
}

/* A factstr_handler. */
int
on_batch(const factstr_batch *batch, void *pointer, factstr_error *error)
{
	handler_context *context = pointer;
	frame		here = {context, context->store, innermost};
	PyGILState_STATE state;
	PyObject   *subscription;
	PyObject   *result;
	int			code;

	if (is_stopped(context))
		return factstr_error_set(error, FACTSTR_HANDLER_FAILED, "the interpreter is exiting");
	state = enter();
	innermost = &here;
	subscription = subscription_of(context);
	if (subscription == Py_None)
		code = factstr_error_set(error, FACTSTR_HANDLER_FAILED, "its store is gone");
	else
	{
		result = subscription == NULL ? NULL : deliver(context, subscription, batch);
		code = outcome(result, error);
		Py_XDECREF(result);
	}
	Py_XDECREF(subscription);
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
	PyObject   *subscription;
	PyObject   *result = NULL;

	if (is_stopped(context))
		return;
	state = enter();
	innermost = &here;
	subscription = subscription_of(context);
	if (subscription != NULL && subscription != Py_None)
		result = PyObject_CallMethod(subscription, "_note_end", "is", reason->code, reason->message);
	if (PyErr_Occurred())
		PyErr_WriteUnraisable(NULL);
	Py_XDECREF(result);
	Py_XDECREF(subscription);
	innermost = here.outer;
	PyGILState_Release(state);
	forget_thread();
}
