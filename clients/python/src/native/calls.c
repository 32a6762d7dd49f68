/*
 * calls.c
 *		See calls.h.
 */
#include "calls.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

/* The length of a slice of a waiting call, and the interval at which calls check for signals. */
#define SLICE_MS 100
#define LOOK_MS 50

/* The number of objects that are kept for an event: its type, and the texts of its payload and its metadata. */
#define KEPT_OF_EVENT 3

/* Takes a text without U+0000, in UTF-8.  It lives as long as its object. */
static bool
take_text(module_state *state, PyObject *object, bool is_optional, const char **text)
{
	Py_ssize_t	size;

	*text = NULL;
	if (is_optional && object == Py_None)
		return true;
	if (!PyUnicode_Check(object))
	{
		PyErr_Format(PyExc_TypeError, "a text must be a str, not %R", (PyObject *) Py_TYPE(object));
		return false;
	}
	*text = PyUnicode_AsUTF8AndSize(object, &size);
	if (*text != NULL && strlen(*text) == (size_t) size)
		return true;
	if (*text == NULL && !PyErr_ExceptionMatches(PyExc_UnicodeError))
		return false;
	PyErr_Clear();
	raise_message(state, FACTSTR_MALFORMED, "a text must not contain U+0000 or an unpaired surrogate");
	return false;
}

static bool
take_integer(PyObject *object, int64_t *integer)
{
	*integer = PyLong_AsLongLong(object);
	return *integer != -1 || !PyErr_Occurred();
}

static bool
take_number(module_state *state, PyObject *object, int64_t *number)
{
	if (!PyLong_Check(object))
	{
		PyErr_Format(PyExc_TypeError, "a number must be an int, not %R", (PyObject *) Py_TYPE(object));
		return false;
	}
	if (take_integer(object, number) && *number >= 0)
		return true;
	PyErr_Clear();
	raise_message(state, FACTSTR_MALFORMED, "a number must be between 0 and 9223372036854775807");
	return false;
}

/* Keeps an object, taking over the reference, and takes its text. */
static bool
keep_text(call *c, size_t place, PyObject *object, bool is_optional, const char **text)
{
	return object != NULL && PyList_SetItem(c->kept, (Py_ssize_t) place, object) == 0 &&
		take_text(c->state, object, is_optional, text);
}

/* Writes a value as JSON: with the encoder of the json module, if there is one and it can. */
static PyObject *
encode(module_state *state, PyObject *value)
{
	PyObject   *parts = NULL;
	PyObject   *text;

	if (state->encode_parts != Py_None)
		parts = PyObject_CallFunctionObjArgs(state->encode_parts, value, state->zero, NULL);
	if (parts == NULL)
	{
		if (PyErr_Occurred() && !PyErr_ExceptionMatches(PyExc_Exception))
			return NULL;
		PyErr_Clear();
		return PyObject_CallFunctionObjArgs(state->encode_slowly, value, NULL);
	}
	text = PyUnicode_Join(state->nothing, parts);
	Py_DECREF(parts);
	return text;
}

/* Takes an attribute of an event as JSON. */
static bool
take_json(call *c, size_t place, PyObject *event, PyObject *attribute, bool is_optional, const char **text)
{
	PyObject   *value = PyObject_GetAttr(event, attribute);
	PyObject   *json = value;

	if (value != NULL && !(is_optional && value == Py_None))
	{
		json = encode(c->state, value);
		Py_DECREF(value);
	}
	return keep_text(c, place, json, is_optional, text);
}

static bool
take_event(call *c, size_t i, PyObject *event)
{
	factstr_event *taken = &c->events[i];
	size_t		place = i * KEPT_OF_EVENT;
	int			is_event = PyObject_IsInstance(event, c->state->new_event);

	if (is_event == 0)
		PyErr_Format(PyExc_TypeError, "an event must be a NewEvent, not %R", (PyObject *) Py_TYPE(event));
	return is_event == 1 &&
		keep_text(c, place, PyObject_GetAttr(event, c->state->event_type), false, &taken->event_type) &&
		take_json(c, place + 1, event, c->state->payload, false, &taken->payload) &&
		take_json(c, place + 2, event, c->state->metadata, true, &taken->metadata);
}

/* Makes a tuple of an event or an iterable of events, so that no other thread changes it meanwhile. */
static PyObject *
tuple_of_events(call *c, PyObject *events)
{
	int			is_event = PyObject_IsInstance(events, c->state->new_event);
	PyObject   *iterator;

	if (is_event != 0)
		return is_event < 0 ? NULL : PyTuple_Pack(1, events);
	iterator = PyObject_GetIter(events);
	if (iterator == NULL)
	{
		PyErr_Format(PyExc_TypeError, "events must be a NewEvent or an iterable of them, not %R",
					 (PyObject *) Py_TYPE(events));
		return NULL;
	}
	Py_DECREF(iterator);
	return PySequence_Tuple(events);
}

static bool
take_events(call *c, PyObject *object)
{
	PyObject   *events = tuple_of_events(c, object);
	bool		ok = events != NULL;

	if (!ok)
		return false;
	c->count = (size_t) PyTuple_Size(events);
	c->events = calloc(c->count + 1, sizeof(factstr_event));
	c->kept = PyList_New((Py_ssize_t) (c->count * KEPT_OF_EVENT));
	if (c->events == NULL)
		PyErr_NoMemory();
	ok = c->events != NULL && c->kept != NULL;
	for (size_t i = 0; ok && i < c->count; i++)
		ok = take_event(c, i, PyTuple_GetItem(events, (Py_ssize_t) i));
	Py_DECREF(events);
	return ok;
}

static bool
take_queries(call *c, PyObject *queries)
{
	bool		ok;

	c->kept = PySequence_Tuple(queries);
	if (c->kept == NULL)
		return false;
	c->count = (size_t) PyTuple_Size(c->kept);
	c->queries = calloc(c->count + 1, sizeof(char *));
	ok = c->queries != NULL;
	if (!ok)
		PyErr_NoMemory();
	for (size_t i = 0; ok && i < c->count; i++)
		ok = take_text(c->state, PyTuple_GetItem(c->kept, (Py_ssize_t) i), false, &c->queries[i]);
	return ok;
}

static bool
take_stream(call *c, PyObject *object)
{
	stream_handle *stream = stream_of(object);

	c->stream_capsule = object;
	c->store_capsule = stream == NULL ? NULL : stream->store;
	return stream != NULL;
}

static bool
take_argument(call *c, char kind, PyObject *object, size_t *texts, size_t *numbers)
{
	switch (kind)
	{
		case 'S':
			c->store_capsule = object;
			return store_of(object) != NULL;
		case 'R':
			return take_stream(c, object);
		case 't':
		case 'z':
			return take_text(c->state, object, kind == 'z', &c->texts[(*texts)++]);
		case 'n':
			return take_number(c->state, object, &c->numbers[(*numbers)++]);
		case 'i':
			return take_integer(object, &c->numbers[(*numbers)++]);
		case 'm':
			return take_integer(object, &c->left_ms);
		case 'e':
			return take_events(c, object);
		case 'q':
			return take_queries(c, object);
		default:
			c->object = object;
			return true;
	}
}

bool
call_prepare(call *c, PyObject *module, PyObject *args, const char *kinds)
{
	Py_ssize_t	count = PyTuple_Size(args);
	size_t		texts = 0;
	size_t		numbers = 0;
	bool		ok = count == (Py_ssize_t) strlen(kinds);

	/* Everything except the error, which a failure fills. */
	memset(c, 0, offsetof(call, error));
	c->document = NULL;
	memset(&c->outcome, 0, sizeof(c->outcome));
	c->state = state_of(module);
	if (!ok)
		PyErr_Format(PyExc_TypeError, "%zd arguments instead of %zu", count, strlen(kinds));
	for (Py_ssize_t i = 0; ok && i < count; i++)
		ok = take_argument(c, kinds[i], PyTuple_GetItem(args, i), &texts, &numbers);
	return ok;
}

void
call_release(call *c)
{
	free(c->events);
	free(c->queries);
	Py_XDECREF(c->kept);
	factstr_json_free(c->document);
}

/*
 * Counts the call as in progress.  Returns false if the store or the stream is closed.  Calls from handlers of the
 * store are allowed even while it is being closed, and are not counted, because factstr_close waits for handlers.
 */
static bool
begin(call *c)
{
	bool		is_handlers;

	c->store = store_of(c->store_capsule);
	c->stream = c->stream_capsule == NULL ? NULL : stream_of(c->stream_capsule);
	is_handlers = is_handling(c->store);
	if (c->stream != NULL && (c->stream->stream == NULL || c->stream->closing))
	{
		raise_message(c->state, FACTSTR_MISUSE, "the stream is closed");
		return false;
	}
	if (c->store->store == NULL || (c->store->closing && !is_handlers))
	{
		raise_message(c->state, FACTSTR_CLOSED, "the store is closed");
		return false;
	}
	if (!is_handlers)
		c->store->calls++;
	if (c->stream != NULL)
		c->stream->calls++;
	return true;
}

static void
end(call *c)
{
	if (c->stream != NULL)
		c->stream->calls--;
	if (!is_handling(c->store))
		c->store->calls--;
}

/* Raises the error of a call.  If closing has interrupted the call, the error says so. */
static bool
fail(call *c)
{
	if (c->code == FACTSTR_INTERRUPTED && c->store->closing)
		raise_message(c->state, FACTSTR_CLOSED, "the store was closed during the call");
	else if (c->document != NULL)
		raise_document(c->state, c->code, c->document);
	else
		raise_error(c->state, c->code, &c->error);
	return false;
}

/* The call that this thread makes without the GIL. */
static _Thread_local call *current;

/*
 * A factstr_interrupt_check, on the thread that handles signals.  It only notes a SIGINT, since a signal handler in
 * Python may use or close the store.
 */
static bool
is_interrupted(void *unused)
{
	static _Thread_local struct timespec looked_at;
	struct timespec now;
	PyGILState_STATE state;

	(void) unused;
	if (current == NULL || current->is_uninterruptible || current->is_interrupted)
		return current != NULL && current->is_interrupted;
	clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	if ((now.tv_sec - looked_at.tv_sec) * 1000 + (now.tv_nsec - looked_at.tv_nsec) / 1000000 < LOOK_MS)
		return false;
	looked_at = now;
	state = PyGILState_Ensure();
	current->is_interrupted = PyOS_InterruptOccurred() != 0;
	PyGILState_Release(state);
	return current->is_interrupted;
}

/* Runs without the GIL. */
static void
run(call *c, int (*function) (call *))
{
	call	   *outer = current;

	current = c;
	c->code = function(c);
	current = outer;
}

/* Takes the next slice from the remaining time. */
static void
next_slice(call *c)
{
	c->slice_ms = c->left_ms < 0 || c->left_ms > SLICE_MS ? SLICE_MS : c->left_ms;
	if (c->left_ms > 0)
		c->left_ms -= c->slice_ms;
}

/*
 * A call that a signal has interrupted has done nothing.  It is repeated unless the signal handler raises an exception.
 * If the call had completed, the handler runs after it.
 */
static bool
is_to_be_repeated(call *c)
{
	bool		interrupted = c->is_interrupted;

	c->is_interrupted = false;
	if (interrupted)
		PyErr_SetInterrupt();
	return interrupted ? c->code == FACTSTR_INTERRUPTED : c->is_early && c->left_ms != 0;
}

bool
call_make(call *c, int (*function) (call *))
{
	if (pthread_equal(pthread_self(), c->state->main_thread))
		factstr_set_interrupt_check(is_interrupted, NULL);
	for (;;)
	{
		c->is_early = false;
		next_slice(c);
		if (!begin(c))
			return false;
		Py_BEGIN_ALLOW_THREADS
		run(c, function);
		Py_END_ALLOW_THREADS
		end(c);
		if (!is_to_be_repeated(c))
			return c->code == FACTSTR_OK || fail(c);
		if (PyErr_CheckSignals() != 0)
			return false;
	}
}
