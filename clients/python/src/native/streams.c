/*
 * streams.c
 *		Opening streams, pulling their batches, and closing them.
 */
#include "native.h"

#include <stdlib.h>
#include <time.h>

#define STREAM "factstr.stream"

/* Waiting calls return so often, to let Python handle signals and another thread close the stream or the store. */
#define SLICE_MS 100
#define PAUSE_MS 2

static stream_handle *
handle_of(PyObject *capsule)
{
	return PyCapsule_GetPointer(capsule, STREAM);
}

static void
free_stream(PyObject *capsule)
{
	stream_handle *handle = handle_of(capsule);
	factstr_stream *stream = handle->stream;

	/* Not waiting, since this may be the thread of its handler. */
	if (stream != NULL)
	{
		Py_BEGIN_ALLOW_THREADS
		factstr_stream_close(stream, 0);
		Py_END_ALLOW_THREADS
	}
	Py_DECREF(handle->store);
	free(handle);
}

/*
 * Begins a call with an open stream of an open store.  *store is for end_stream_call.  Returns NULL with an exception
 * if either is closed.
 */
static stream_handle *
begin_stream_call(PyObject *capsule, store_handle **store)
{
	stream_handle *handle = handle_of(capsule);

	if (handle == NULL)
		return NULL;
	if (handle->stream == NULL || handle->closing)
	{
		raise_message(FACTSTR_MISUSE, "the stream is closed");
		return NULL;
	}
	*store = begin_call(handle->store);
	if (*store == NULL)
		return NULL;
	handle->calls++;
	return handle;
}

static void
end_stream_call(stream_handle *handle, store_handle *store)
{
	handle->calls--;
	end_call(store);
}

/* stream_new(store) -> stream, which is closed until it is opened */
static PyObject *
stream_new(PyObject *module, PyObject *args)
{
	PyObject   *store;
	PyObject   *capsule;
	stream_handle *handle;

	(void) module;
	if (!parse(args, "O", &store))
		return NULL;
	handle = calloc(1, sizeof(stream_handle));
	if (handle == NULL)
		return PyErr_NoMemory();
	capsule = PyCapsule_New(handle, STREAM, free_stream);
	if (capsule == NULL)
	{
		free(handle);
		return NULL;
	}
	Py_INCREF(store);
	handle->store = store;
	return capsule;
}

/* What to open, as Python passes it. */
typedef struct opening
{
	PyObject   *stream;
	const char *name;
	const char *event_query;
	PyObject   *deliver;
	PyObject   *ended;
	factstr_stream_options options;
} opening;

static int
parse_opening(PyObject *args, opening *o)
{
	long long	timeout_ms;
	long long	ack_ms;
	uint64_t	ack_batches;
	int			start;
	int			partitions;
	int			partition;
	int			transactional;
	int			in_background;
	factstr_stream_options options = FACTSTR_STREAM_OPTIONS_INIT;

	if (!parse(args, "OzzOOLO&LiO&ziipp", &o->stream, &o->name, &o->event_query, &o->deliver, &o->ended, &timeout_ms,
			   to_number, &ack_batches, &ack_ms, &start, to_number, &options.after_sequence_number,
			   &options.partition_key, &partitions, &partition, &transactional, &in_background))
		return 0;
	options.timeout_ms = timeout_ms;
	options.ack_batches = (size_t) ack_batches;
	options.ack_ms = ack_ms;
	options.start = (factstr_stream_start) start;
	options.partitions = partitions < 0 ? UINT32_MAX : (uint32_t) partitions;
	options.partition = partition;
	options.transactional = transactional != 0;
	options.in_background = in_background != 0;
	o->options = options;
	return 1;
}

/*
 * Opens, waiting for another consumer in slices.  The library stores its handle before the first delivery, so a
 * handler can close the stream during the call.
 */
static int
open_in_slices(const opening *o, stream_handle *handle, handler_context *context)
{
	factstr_stream_options options = o->options;
	long long	left = options.timeout_ms;

	for (;;)
	{
		factstr_error error = {0};
		store_handle *store = begin_call(handle->store);
		int			code;

		if (store == NULL)
			return -1;
		options.timeout_ms = left < 0 || left > SLICE_MS ? SLICE_MS : left;
		Py_BEGIN_ALLOW_THREADS
		code = factstr_stream_open(store->store, o->name, o->event_query, context == NULL ? NULL : on_batch, context,
								   &options, &handle->stream, &error);
		Py_END_ALLOW_THREADS
		end_call(store);
		if (code == FACTSTR_OK)
			return 0;
		if (left > 0)
			left -= options.timeout_ms;
		if (code != FACTSTR_STREAM_ACTIVE || left == 0)
		{
			failure(store, code, &error);
			return -1;
		}
		if (PyErr_CheckSignals() != 0)
			return -1;
	}
}

/* If opening has failed, the context is still ours. */
static void
free_unused(handler_context *context)
{
	PyObject   *type;
	PyObject   *value;
	PyObject   *traceback;

	PyErr_Fetch(&type, &value, &traceback);
	free_context(context);
	PyErr_Restore(type, value, traceback);
}

/*
 * stream_open(stream, name, event query, deliver or None, ended, timeout in milliseconds, batches an acknowledgement,
 * milliseconds an acknowledgement, start, after, key, partitions, partition, transactional, in background)
 */
static PyObject *
stream_open(PyObject *module, PyObject *args)
{
	opening		o;
	handler_context *context = NULL;
	stream_handle *handle;

	(void) module;
	if (!parse_opening(args, &o) || (handle = handle_of(o.stream)) == NULL)
		return NULL;
	if (o.deliver != Py_None)
	{
		context = new_context(handle->store, o.deliver, o.ended);
		if (context == NULL)
			return NULL;
		handle->context = context;
		o.options.ended = on_ended;
		o.options.destroy = free_context;
	}
	if (open_in_slices(&o, handle, context) == 0)
		Py_RETURN_NONE;
	if (context != NULL)
		free_unused(context);
	return NULL;
}

/* stream_next(stream, most, milliseconds or -1) -> list of batches */
static PyObject *
stream_next(PyObject *module, PyObject *args)
{
	PyObject   *capsule;
	uint64_t	most;
	long long	left;

	(void) module;
	if (!parse(args, "OO&L", &capsule, to_number, &most, &left))
		return NULL;
	for (;;)
	{
		factstr_batch_list *list = NULL;
		factstr_error error = {0};
		store_handle *store;
		stream_handle *handle = begin_stream_call(capsule, &store);
		long long	slice = left < 0 || left > SLICE_MS ? SLICE_MS : left;
		int			code;

		if (handle == NULL)
			return NULL;
		Py_BEGIN_ALLOW_THREADS
		code = factstr_stream_next(handle->stream, (size_t) most, slice, &list, &error);
		Py_END_ALLOW_THREADS
		end_stream_call(handle, store);
		if (left > 0)
			left -= slice;
		if (code != FACTSTR_OK)
			return failure(store, code, &error);
		if (list->count > 0 || left == 0)
		{
			PyObject   *tuples = batch_tuples(list);

			factstr_batch_list_free(list);
			return tuples;
		}
		factstr_batch_list_free(list);
		if (PyErr_CheckSignals() != 0)
			return NULL;
	}
}

static PyObject *
stream_ack(PyObject *module, PyObject *args)
{
	PyObject   *capsule;
	uint64_t	number;
	factstr_error error = {0};
	store_handle *store;
	stream_handle *handle;
	int			code;

	(void) module;
	if (!parse(args, "OO&", &capsule, to_number, &number) || (handle = begin_stream_call(capsule, &store)) == NULL)
		return NULL;
	Py_BEGIN_ALLOW_THREADS
	code = factstr_stream_ack(handle->stream, number, &error);
	Py_END_ALLOW_THREADS
	end_stream_call(handle, store);
	if (code != FACTSTR_OK)
		return failure(store, code, &error);
	Py_RETURN_NONE;
}

static PyObject *
stream_fail(PyObject *module, PyObject *args)
{
	PyObject   *capsule;
	const char *message;
	factstr_error error = {0};
	store_handle *store;
	stream_handle *handle;
	int			code;

	(void) module;
	if (!parse(args, "Oz", &capsule, &message) || (handle = begin_stream_call(capsule, &store)) == NULL)
		return NULL;
	Py_BEGIN_ALLOW_THREADS
	code = factstr_stream_fail(handle->stream, message, &error);
	Py_END_ALLOW_THREADS
	end_stream_call(handle, store);
	if (code != FACTSTR_OK)
		return failure(store, code, &error);
	Py_RETURN_NONE;
}

static PyObject *
stream_fd(PyObject *module, PyObject *args)
{
	PyObject   *capsule;
	factstr_error error = {0};
	store_handle *store;
	stream_handle *handle;
	int			fd;
	int			code;

	(void) module;
	if (!parse(args, "O", &capsule) || (handle = begin_stream_call(capsule, &store)) == NULL)
		return NULL;
	Py_BEGIN_ALLOW_THREADS
	code = factstr_stream_fd(handle->stream, &fd, &error);
	Py_END_ALLOW_THREADS
	end_stream_call(handle, store);
	return code == FACTSTR_OK ? PyLong_FromLong(fd) : failure(store, code, &error);
}

/* stream_state(stream) -> (code, message) */
static PyObject *
stream_state(PyObject *module, PyObject *args)
{
	PyObject   *capsule;
	factstr_error error = {0};
	store_handle *store;
	stream_handle *handle;
	int			code;

	(void) module;
	if (!parse(args, "O", &capsule) || (handle = begin_stream_call(capsule, &store)) == NULL)
		return NULL;
	Py_BEGIN_ALLOW_THREADS
	code = factstr_stream_state(handle->stream, &error);
	Py_END_ALLOW_THREADS
	end_stream_call(handle, store);
	return Py_BuildValue("is", code, code == FACTSTR_OK ? "" : error.message);
}

static PyObject *
stream_unsubscribe(PyObject *module, PyObject *args)
{
	PyObject   *capsule;
	stream_handle *handle;
	store_handle *store;

	(void) module;
	if (!parse(args, "O", &capsule) || (handle = handle_of(capsule)) == NULL)
		return NULL;
	if (handle->stream == NULL || handle->closing)
		Py_RETURN_NONE;
	store = begin_call(handle->store);
	if (store == NULL)
	{
		/* Closing the store ends the stream. */
		PyErr_Clear();
		Py_RETURN_NONE;
	}
	handle->calls++;
	Py_BEGIN_ALLOW_THREADS
	factstr_stream_unsubscribe(handle->stream);
	Py_END_ALLOW_THREADS
	end_stream_call(handle, store);
	Py_RETURN_NONE;
}

static void
end_calls(stream_handle *handle)
{
	struct timespec pause = {.tv_nsec = PAUSE_MS * 1000000};

	while (handle->calls > 0)
	{
		Py_BEGIN_ALLOW_THREADS
		nanosleep(&pause, NULL);
		Py_END_ALLOW_THREADS
	}
}

/* stream_close(stream, milliseconds or -1) -> whether its handler has returned */
static PyObject *
stream_close(PyObject *module, PyObject *args)
{
	PyObject   *capsule;
	long long	timeout_ms;
	stream_handle *handle;
	factstr_stream *stream;
	int			code;

	(void) module;
	if (!parse(args, "OL", &capsule, &timeout_ms) || (handle = handle_of(capsule)) == NULL)
		return NULL;
	if (handle->stream == NULL || handle->closing)
		Py_RETURN_TRUE;
	handle->closing = true;
	if (!is_foreign(PyCapsule_GetPointer(handle->store, PyCapsule_GetName(handle->store))))
		end_calls(handle);
	stream = handle->stream;
	handle->stream = NULL;
	Py_BEGIN_ALLOW_THREADS
	code = factstr_stream_close(stream, timeout_ms);
	Py_END_ALLOW_THREADS
	/* A handler that closes its own stream does not wait for itself. */
	return PyBool_FromLong(code != FACTSTR_WAIT_TIMED_OUT || is_inside(handle->context));
}

PyMethodDef streams_methods[] = {
	{"stream_new", stream_new, METH_VARARGS, NULL},
	{"stream_open", stream_open, METH_VARARGS, NULL},
	{"stream_next", stream_next, METH_VARARGS, NULL},
	{"stream_ack", stream_ack, METH_VARARGS, NULL},
	{"stream_fail", stream_fail, METH_VARARGS, NULL},
	{"stream_fd", stream_fd, METH_VARARGS, NULL},
	{"stream_state", stream_state, METH_VARARGS, NULL},
	{"stream_unsubscribe", stream_unsubscribe, METH_VARARGS, NULL},
	{"stream_close", stream_close, METH_VARARGS, NULL},
	{NULL, NULL, 0, NULL}
};
