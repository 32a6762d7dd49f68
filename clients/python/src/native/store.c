/*
 * store.c
 *		Opening and closing stores, and the calls in progress.
 */
#include "native.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define STORE "factstr.store"

/* Closing lets calls in progress end for so long before it interrupts them. */
#define PATIENCE_MS 200
#define PAUSE_MS 2

/* The threads that close abandoned stores. */
static atomic_int abandoned;

static void
pause_ms(long ms)
{
	struct timespec pause = {.tv_nsec = ms * 1000000};

	nanosleep(&pause, NULL);
}

static store_handle *
handle_of(PyObject *capsule)
{
	return PyCapsule_GetPointer(capsule, STORE);
}

/*
 * Begins a call, which ends with end_call; NULL, with an exception, if the store is closed.  Calls of the store's own
 * handlers work until they return, even while it is being closed, and are not counted: factstr_close waits for
 * handlers itself.
 */
store_handle *
begin_call(PyObject *capsule)
{
	store_handle *handle = handle_of(capsule);

	if (handle == NULL)
		return NULL;
	if (handle->store == NULL || (handle->closing && !is_handling(handle)))
	{
		raise_message(FACTSTR_CLOSED, "the store is closed");
		return NULL;
	}
	if (!is_handling(handle))
		handle->calls++;
	return handle;
}

void
end_call(store_handle *handle)
{
	if (!is_handling(handle))
		handle->calls--;
}

/*
 * Is this a child that was forked after the store was opened?  There the library does nothing, and calls that were in
 * progress in the parent will never end.
 */
bool
is_foreign(const store_handle *handle)
{
	return handle->process != getpid();
}

/* Raises the error of a call.  Those that closing has interrupted are told that. */
PyObject *
failure(store_handle *handle, int code, const factstr_error *error)
{
	if (code == FACTSTR_INTERRUPTED && handle->closing)
		return raise_message(FACTSTR_CLOSED, "the store was closed during the call");
	return raise_error(code, error);
}

static void
free_handle(PyObject *capsule)
{
	free(PyCapsule_GetPointer(capsule, STORE));
}

static PyObject *
open_store(PyObject *module, PyObject *args)
{
	const char *url;
	store_handle *handle;
	factstr_store *store;
	factstr_error error = {0};
	PyObject   *capsule;
	int			code;

	(void) module;
	if (!parse(args, "s", &url))
		return NULL;
	if (handlers_are_stopped())
		return raise_message(FACTSTR_CLOSED, "the interpreter is exiting");
	handle = calloc(1, sizeof(store_handle));
	if (handle == NULL)
		return PyErr_NoMemory();
	Py_BEGIN_ALLOW_THREADS
	code = factstr_open(url, &store, &error);
	Py_END_ALLOW_THREADS
	if (code != FACTSTR_OK)
	{
		free(handle);
		return raise_error(code, &error);
	}
	handle->store = store;
	handle->process = getpid();
	handle->postgres = strncmp(url, "postgres", 8) == 0;
	capsule = PyCapsule_New(handle, STORE, free_handle);
	if (capsule == NULL)
	{
		Py_BEGIN_ALLOW_THREADS
		factstr_close(store, 0);
		Py_END_ALLOW_THREADS
		free(handle);
	}
	return capsule;
}

/* Waits until no call is in progress: only then the library can be told to free the store. */
static void
end_calls(store_handle *handle)
{
	for (long waited = 0; handle->calls > 0; waited += PAUSE_MS)
	{
		Py_BEGIN_ALLOW_THREADS
		if (waited >= PATIENCE_MS)
			factstr_interrupt(handle->store);
		pause_ms(PAUSE_MS);
		Py_END_ALLOW_THREADS
	}
}

/* Returns whether the streams have finished in time. */
static PyObject *
close_store(PyObject *module, PyObject *args)
{
	PyObject   *capsule;
	long long	timeout_ms;
	store_handle *handle;
	factstr_store *store;
	int			code;

	(void) module;
	if (!parse(args, "OL", &capsule, &timeout_ms) || (handle = handle_of(capsule)) == NULL)
		return NULL;
	if (is_handling(handle))
		return raise_message(FACTSTR_MISUSE, "a handler cannot close its store, which would wait for the handler");
	while (handle->closing && handle->store != NULL && !is_foreign(handle))
	{
		Py_BEGIN_ALLOW_THREADS
		pause_ms(PAUSE_MS);
		Py_END_ALLOW_THREADS
	}
	if (handle->store == NULL || is_foreign(handle))
		Py_RETURN_TRUE;
	handle->closing = true;
	end_calls(handle);
	store = handle->store;
	Py_BEGIN_ALLOW_THREADS
	code = factstr_close(store, timeout_ms);
	Py_END_ALLOW_THREADS
	handle->store = NULL;
	return PyBool_FromLong(code == FACTSTR_OK || code == FACTSTR_MISUSE);
}

static void *
close_abandoned(void *store)
{
	factstr_close(store, 0);
	atomic_fetch_sub(&abandoned, 1);
	return NULL;
}

/*
 * Closes a store that nothing refers to any more.  The garbage collector may run on the thread of a handler, which
 * cannot wait for itself, so another thread closes.
 */
static PyObject *
abandon(PyObject *module, PyObject *args)
{
	PyObject   *capsule;
	store_handle *handle;
	factstr_store *store;
	pthread_t	thread;
	int			failed;

	(void) module;
	if (!parse(args, "O", &capsule) || (handle = handle_of(capsule)) == NULL)
		return NULL;
	if (handle->store == NULL || handle->closing || is_foreign(handle))
		Py_RETURN_NONE;
	handle->closing = true;
	store = handle->store;
	handle->store = NULL;
	atomic_fetch_add(&abandoned, 1);
	failed = pthread_create(&thread, NULL, close_abandoned, store);
	if (failed)
	{
		Py_BEGIN_ALLOW_THREADS
		close_abandoned(store);
		Py_END_ALLOW_THREADS
	}
	else
		pthread_detach(thread);
	Py_RETURN_NONE;
}

void
wait_for_abandoned(void)
{
	while (atomic_load(&abandoned) > 0)
	{
		Py_BEGIN_ALLOW_THREADS
		pause_ms(PAUSE_MS);
		Py_END_ALLOW_THREADS
	}
}

/* In a child that was forked, the threads of the parent do not exist. */
static PyObject *
forget_abandoned(PyObject *module, PyObject *args)
{
	(void) module;
	(void) args;
	atomic_store(&abandoned, 0);
	Py_RETURN_NONE;
}

static PyObject *
interrupt(PyObject *module, PyObject *args)
{
	PyObject   *capsule;
	store_handle *handle;

	(void) module;
	if (!parse(args, "O", &capsule) || (handle = begin_call(capsule)) == NULL)
		return NULL;
	Py_BEGIN_ALLOW_THREADS
	factstr_interrupt(handle->store);
	Py_END_ALLOW_THREADS
	end_call(handle);
	Py_RETURN_NONE;
}

PyMethodDef store_methods[] = {
	{"open", open_store, METH_VARARGS, NULL},
	{"close", close_store, METH_VARARGS, NULL},
	{"abandon", abandon, METH_VARARGS, NULL},
	{"forget_abandoned", forget_abandoned, METH_NOARGS, NULL},
	{"interrupt", interrupt, METH_VARARGS, NULL},
	{NULL, NULL, 0, NULL}
};
