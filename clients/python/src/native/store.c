/*
 * store.c
 *		Opening, interrupting and closing stores.
 */
#include "calls.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define STORE "factstr.store"

/* Closing waits this long for calls in progress before it interrupts them. */
#define PATIENCE_MS 200
#define PAUSE_MS 2

/* The number of threads that close stores.  The exit of the interpreter waits for them. */
static atomic_int closing_threads;

/* A store that such a thread closes. */
typedef struct closing
{
	factstr_store *store;
	int64_t		timeout_ms;
} closing;

static void
pause_ms(long ms)
{
	struct timespec pause = {.tv_nsec = ms * 1000000};

	Py_BEGIN_ALLOW_THREADS
	nanosleep(&pause, NULL);
	Py_END_ALLOW_THREADS
}

store_handle *
store_of(PyObject *capsule)
{
	return PyCapsule_GetPointer(capsule, STORE);
}

/*
 * Is this a child that was forked after the store was opened?  There the library does nothing, and calls that were in
 * progress at the fork never end.
 */
bool
is_foreign(const store_handle *handle)
{
	return handle->process != getpid();
}

static void
free_store(PyObject *capsule)
{
	store_handle *handle = store_of(capsule);

	Py_XDECREF(handle->module);
	free(handle);
}

/* open(url) -> store */
static PyObject *
open_store(PyObject *module, PyObject *args)
{
	const char *url;
	store_handle *handle;
	factstr_error error = {0};
	PyObject   *capsule;
	int			code;

	if (!parse(module, args, "s", &url))
		return NULL;
	if (atomic_load(&state_of(module)->stopped))
		return raise_message(state_of(module), FACTSTR_CLOSED, "the interpreter is exiting");
	handle = calloc(1, sizeof(store_handle));
	capsule = handle == NULL ? PyErr_NoMemory() : PyCapsule_New(handle, STORE, free_store);
	if (capsule == NULL)
	{
		free(handle);
		return NULL;
	}
	Py_INCREF(module);
	handle->module = module;
	handle->state = state_of(module);
	handle->process = getpid();
	handle->postgres = strncmp(url, "postgres", 8) == 0;
	Py_BEGIN_ALLOW_THREADS
	code = factstr_open(url, &handle->store, &error);
	Py_END_ALLOW_THREADS
	if (code == FACTSTR_OK)
		return capsule;
	Py_DECREF(capsule);
	return raise_error(state_of(module), code, &error);
}

/*
 * Prevents new calls and waits until none is in progress, because the library must not free the store before.  Returns
 * false if a call is still in progress after the limit; a negative limit waits without limit.
 */
static bool
end_calls(store_handle *handle, int64_t limit_ms)
{
	handle->closing = true;
	for (int64_t waited = 0; handle->calls > 0; waited += PAUSE_MS)
	{
		if (limit_ms >= 0 && waited >= limit_ms)
			return false;
		if (waited >= PATIENCE_MS)
			factstr_interrupt(handle->store);
		pause_ms(PAUSE_MS);
	}
	return true;
}

/* close(store, milliseconds) -> have the streams finished in time? */
static PyObject *
close_store(PyObject *module, PyObject *args)
{
	PyObject   *capsule;
	long long	timeout_ms;
	store_handle *handle;
	factstr_store *store;
	int			code;

	if (!parse(module, args, "OL", &capsule, &timeout_ms) || (handle = store_of(capsule)) == NULL)
		return NULL;
	if (is_handling(handle))
		return raise_message(handle->state, FACTSTR_MISUSE,
							 "a handler cannot close its store, because closing waits for the handler");
	while (handle->closing && handle->store != NULL && !handle->left && !is_foreign(handle))
		pause_ms(PAUSE_MS);
	if (handle->store == NULL || handle->left || is_foreign(handle))
		Py_RETURN_TRUE;
	(void) end_calls(handle, -1);
	store = handle->store;
	Py_BEGIN_ALLOW_THREADS
	code = factstr_close(store, timeout_ms);
	Py_END_ALLOW_THREADS
	handle->store = NULL;
	return PyBool_FromLong(code == FACTSTR_OK || code == FACTSTR_MISUSE);
}

static void *
run_closing(void *argument)
{
	closing		one = *(closing *) argument;

	free(argument);
	factstr_close(one.store, one.timeout_ms);
	atomic_fetch_sub(&closing_threads, 1);
	return NULL;
}

/*
 * let_close(store, milliseconds for the deliveries, milliseconds for the calls in progress) -> have the calls ended?
 *
 * If so, another thread closes the store: the exit of the interpreter must not wait without limit, and the garbage
 * collector may run on the thread of a handler, which cannot wait for itself.
 */
static PyObject *
let_close(PyObject *module, PyObject *args)
{
	PyObject   *capsule;
	long long	timeout_ms;
	long long	limit_ms;
	store_handle *handle;
	closing    *one;
	pthread_t	thread;
	bool		started;

	if (!parse(module, args, "OLL", &capsule, &timeout_ms, &limit_ms) || (handle = store_of(capsule)) == NULL)
		return NULL;
	if (handle->store == NULL || handle->closing || is_foreign(handle))
		Py_RETURN_TRUE;
	if (!end_calls(handle, limit_ms))
		Py_RETURN_FALSE;
	one = malloc(sizeof(closing));
	if (one == NULL)
		return PyErr_NoMemory();
	*one = (closing) {handle->store, timeout_ms};
	/* The store stays until its handlers have returned, since they may still call it. */
	handle->left = true;
	atomic_fetch_add(&closing_threads, 1);
	started = pthread_create(&thread, NULL, run_closing, one) == 0;
	if (started)
		pthread_detach(thread);
	else
	{
		Py_BEGIN_ALLOW_THREADS
		run_closing(one);
		Py_END_ALLOW_THREADS
	}
	Py_RETURN_TRUE;
}

/* Waits until other threads have closed their stores.  Returns false after the timeout. */
bool
wait_for_closing(int64_t timeout_ms)
{
	for (int64_t waited = 0; atomic_load(&closing_threads) > 0; waited += PAUSE_MS)
	{
		if (waited >= timeout_ms)
			return false;
		pause_ms(PAUSE_MS);
	}
	return true;
}

/* Called in a forked child, on its only thread, which is the main thread. */
static PyObject *
after_fork(PyObject *module, PyObject *args)
{
	(void) args;
	state_of(module)->main_thread = pthread_self();
	atomic_store(&closing_threads, 0);
	Py_RETURN_NONE;
}

static int
interrupt_calls(call *c)
{
	factstr_interrupt(c->store->store);
	return FACTSTR_OK;
}

static PyObject *
interrupt(PyObject *module, PyObject *args)
{
	call		c;
	bool		ok = call_prepare(&c, module, args, "S") && call_make(&c, interrupt_calls);

	call_release(&c);
	if (!ok)
		return NULL;
	Py_RETURN_NONE;
}

PyMethodDef store_methods[] = {
	{"open", open_store, METH_VARARGS, NULL},
	{"close", close_store, METH_VARARGS, NULL},
	{"let_close", let_close, METH_VARARGS, NULL},
	{"after_fork", after_fork, METH_NOARGS, NULL},
	{"interrupt", interrupt, METH_VARARGS, NULL},
	{NULL, NULL, 0, NULL}
};
