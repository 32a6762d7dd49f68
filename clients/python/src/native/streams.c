/*
 * streams.c
 *		Opening streams and closing them.
 */
#include "calls.h"

#include <stdlib.h>
#include <time.h>

#define STREAM "factstr.stream"

#define PAUSE_MS 2

stream_handle *
stream_of(PyObject *capsule)
{
	return PyCapsule_GetPointer(capsule, STREAM);
}

static void
free_stream(PyObject *capsule)
{
	stream_handle *handle = stream_of(capsule);
	factstr_stream *stream = handle->stream;

	/* Does not wait, since this may be the thread of the handler. */
	if (stream != NULL)
	{
		Py_BEGIN_ALLOW_THREADS
		factstr_stream_close(stream, 0);
		Py_END_ALLOW_THREADS
	}
	Py_DECREF(handle->store);
	free(handle);
}

/* stream_new(store) -> a stream that is not open yet */
static PyObject *
stream_new(PyObject *module, PyObject *args)
{
	PyObject   *store;
	PyObject   *capsule;
	stream_handle *handle;

	if (!parse(module, args, "O", &store))
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

/* An opening.  The library stores the stream in its handle before the first delivery, so a handler can close it. */
typedef struct opening
{
	call		made;
	stream_handle *handle;
	handler_context *context;	/* or NULL */
	factstr_stream_options options;
} opening;

static factstr_stream_options
options_of(const call *c)
{
	factstr_stream_options options = FACTSTR_STREAM_OPTIONS_INIT;
	int64_t		partitions = c->numbers[4];

	options.partition_key = c->texts[2];
	options.ack_batches = (size_t) c->numbers[0];
	options.ack_ms = c->numbers[1];
	options.start = (factstr_stream_start) c->numbers[2];
	options.after_sequence_number = (uint64_t) c->numbers[3];
	options.partitions = partitions < 0 || partitions > UINT32_MAX ? UINT32_MAX : (uint32_t) partitions;
	options.partition = (int32_t) c->numbers[5];
	options.transactional = c->numbers[6] != 0;
	options.in_background = c->numbers[7] != 0;
	return options;
}

static int
open_stream(call *c)
{
	opening    *o = (opening *) c;
	int			code;

	o->options.timeout_ms = c->slice_ms;
	code = factstr_stream_open(c->store->store, c->texts[0], c->texts[1], o->context == NULL ? NULL : on_batch,
							   o->context, &o->options, &o->handle->stream, &c->error);
	c->is_early = code == FACTSTR_STREAM_ACTIVE;
	return code;
}

/* If opening has failed, the library does not free the context. */
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

static bool
make_opening(opening *o, PyObject *stream)
{
	bool		ok;

	o->handle = stream_of(stream);
	if (o->handle == NULL)
		return false;
	o->made.store_capsule = o->handle->store;
	o->options = options_of(&o->made);
	if (o->made.object != Py_None)
	{
		o->context = new_context(o->handle->store, o->made.object);
		if (o->context == NULL)
			return false;
		o->handle->context = o->context;
		o->options.ended = on_ended;
		o->options.destroy = free_context;
		/* A live stream would start again, at a later fact. */
		o->made.is_uninterruptible = o->made.texts[0] == NULL;
	}
	ok = call_make(&o->made, open_stream);
	if (!ok && o->context != NULL)
		free_unused(o->context);
	return ok;
}

/*
 * stream_open(stream, subscription or None, name, event query, partition key, timeout in milliseconds, batches an
 * acknowledgement, milliseconds an acknowledgement, start, after, partitions, partition, transactional, in background)
 */
static PyObject *
stream_open(PyObject *module, PyObject *args)
{
	opening		o = {0};
	PyObject   *stream = PyTuple_GetItem(args, 0);
	PyObject   *others = PyTuple_GetSlice(args, 1, PyTuple_Size(args));
	bool		ok = stream != NULL && others != NULL &&
		call_prepare(&o.made, module, others, "ozzzmniiniiii") && make_opening(&o, stream);

	call_release(&o.made);
	Py_XDECREF(others);
	if (!ok)
		return NULL;
	Py_RETURN_NONE;
}

static int
unsubscribe(call *c)
{
	factstr_stream_unsubscribe(c->stream->stream);
	return FACTSTR_OK;
}

/* Does nothing if the stream or its store is closed, which ends the stream. */
static PyObject *
stream_unsubscribe(PyObject *module, PyObject *args)
{
	call		c;

	if (!call_prepare(&c, module, args, "R"))
		return NULL;
	if (!call_make(&c, unsubscribe))
		PyErr_Clear();
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

/* stream_close(stream, milliseconds or -1) -> has its handler returned? */
static PyObject *
stream_close(PyObject *module, PyObject *args)
{
	PyObject   *capsule;
	long long	timeout_ms;
	stream_handle *handle;
	factstr_stream *stream;
	int			code;

	if (!parse(module, args, "OL", &capsule, &timeout_ms) || (handle = stream_of(capsule)) == NULL)
		return NULL;
	if (handle->stream == NULL || handle->closing)
		Py_RETURN_TRUE;
	handle->closing = true;
	if (!is_foreign(store_of(handle->store)))
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
	{"stream_unsubscribe", stream_unsubscribe, METH_VARARGS, NULL},
	{"stream_close", stream_close, METH_VARARGS, NULL},
	{NULL, NULL, 0, NULL}
};
