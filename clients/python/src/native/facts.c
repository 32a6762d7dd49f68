/*
 * facts.c
 *		Appending and reading facts, with the structs of the library.
 */
#include "native.h"

#include <stdlib.h>
#include <string.h>

#define CURSOR "factstr.cursor"

/* (sequence number, microseconds since 1970, type, payload, metadata or None) */
PyObject *
fact_tuple(const factstr_fact *fact)
{
	return Py_BuildValue("KLssz", (unsigned long long) fact->sequence_number, (long long) fact->occurred_at,
						 fact->event_type, fact->payload, fact->metadata);
}

/* A list of facts; None in the place of one that is not there. */
static PyObject *
fact_list(const factstr_fact *facts, size_t count)
{
	PyObject   *list = PyList_New((Py_ssize_t) count);

	for (size_t i = 0; list != NULL && i < count; i++)
	{
		PyObject   *fact = facts[i].sequence_number == 0 ? Py_BuildValue("") : fact_tuple(&facts[i]);

		if (fact == NULL || PyList_SetItem(list, (Py_ssize_t) i, fact) != 0)
			Py_CLEAR(list);
	}
	return list;
}

/* (first number, last number, facts) */
PyObject *
batch_tuple(const factstr_batch *batch)
{
	return Py_BuildValue("KKN", (unsigned long long) batch->first_sequence_number,
						 (unsigned long long) batch->last_sequence_number,
						 fact_list(batch->facts, batch->fact_count));
}

PyObject *
batch_tuples(const factstr_batch_list *list)
{
	PyObject   *tuples = PyList_New((Py_ssize_t) list->count);

	for (size_t i = 0; tuples != NULL && i < list->count; i++)
	{
		PyObject   *batch = batch_tuple(&list->batches[i]);

		if (batch == NULL || PyList_SetItem(tuples, (Py_ssize_t) i, batch) != 0)
			Py_CLEAR(tuples);
	}
	return tuples;
}

/* The events of a list of (type, payload, metadata or None), whose texts they share; NULL with an exception. */
static factstr_event *
events_of(PyObject *list, size_t count)
{
	factstr_event *events = calloc(count > 0 ? count : 1, sizeof(factstr_event));

	if (events == NULL)
	{
		PyErr_NoMemory();
		return NULL;
	}
	for (size_t i = 0; i < count; i++)
	{
		PyObject   *event = PyList_GetItem(list, (Py_ssize_t) i);

		if (event == NULL || !parse(event, "ssz", &events[i].event_type, &events[i].payload, &events[i].metadata))
		{
			free(events);
			return NULL;
		}
	}
	return events;
}

/* append(store, events, condition, context query, number, key) -> (first, last, count) */
static PyObject *
append(PyObject *module, PyObject *args)
{
	PyObject   *capsule;
	PyObject   *list;
	int			condition;
	uint64_t	number;
	factstr_append_options options = FACTSTR_APPEND_OPTIONS_INIT;
	factstr_append_result result;
	factstr_error error = {0};
	factstr_event *events;
	store_handle *handle;
	size_t		count;
	int			code;

	(void) module;
	if (!parse(args, "OO!izO&z", &capsule, &PyList_Type, &list, &condition, &options.context_query, to_number, &number,
			   &options.idempotency_key))
		return NULL;
	options.condition = (factstr_append_condition) condition;
	if (condition == FACTSTR_APPEND_IF)
		options.expected_context_version = number;
	else
		options.after_sequence_number = number;
	count = (size_t) PyList_Size(list);
	events = events_of(list, count);
	if (events == NULL)
		return NULL;
	handle = begin_call(capsule);
	if (handle == NULL)
	{
		free(events);
		return NULL;
	}
	Py_BEGIN_ALLOW_THREADS
	code = factstr_append(handle->store, events, count, &options, &result, &error);
	Py_END_ALLOW_THREADS
	free(events);
	end_call(handle);
	if (code != FACTSTR_OK)
		return failure(handle, code, &error);
	return Py_BuildValue("KKK", (unsigned long long) result.first_sequence_number,
						 (unsigned long long) result.last_sequence_number,
						 (unsigned long long) result.committed_count);
}

/* query(store, event query) -> (facts, last returned number, version); 0: none */
static PyObject *
query(PyObject *module, PyObject *args)
{
	PyObject   *capsule;
	PyObject   *answer;
	const char *event_query;
	factstr_query_result *result = NULL;
	factstr_error error = {0};
	store_handle *handle;
	int			code;

	(void) module;
	if (!parse(args, "Oz", &capsule, &event_query) || (handle = begin_call(capsule)) == NULL)
		return NULL;
	Py_BEGIN_ALLOW_THREADS
	code = factstr_query(handle->store, event_query, &result, &error);
	Py_END_ALLOW_THREADS
	end_call(handle);
	if (code != FACTSTR_OK)
		return failure(handle, code, &error);
	answer = Py_BuildValue("NKK", fact_list(result->facts, result->fact_count),
						   (unsigned long long) result->last_returned_sequence_number,
						   (unsigned long long) result->current_context_version);
	factstr_query_result_free(result);
	return answer;
}

/* The texts of a list of str, which they share; NULL with an exception. */
static const char **
texts_of(PyObject *list, size_t count)
{
	const char **texts = calloc(count > 0 ? count : 1, sizeof(char *));

	if (texts == NULL)
	{
		PyErr_NoMemory();
		return NULL;
	}
	for (size_t i = 0; i < count; i++)
	{
		PyObject   *one = PyList_GetItem(list, (Py_ssize_t) i);
		PyObject   *tuple = one == NULL ? NULL : PyTuple_Pack(1, one);
		bool		ok = tuple != NULL && parse(tuple, "s", &texts[i]);

		Py_XDECREF(tuple);
		if (!ok)
		{
			free(texts);
			return NULL;
		}
	}
	return texts;
}

/* newest(store, event queries) -> (facts or None, version) */
static PyObject *
newest(PyObject *module, PyObject *args)
{
	PyObject   *capsule;
	PyObject   *list;
	PyObject   *answer;
	const char **queries;
	factstr_newest_result *result = NULL;
	factstr_error error = {0};
	store_handle *handle;
	size_t		count;
	int			code;

	(void) module;
	if (!parse(args, "OO!", &capsule, &PyList_Type, &list))
		return NULL;
	count = (size_t) PyList_Size(list);
	queries = texts_of(list, count);
	if (queries == NULL)
		return NULL;
	handle = begin_call(capsule);
	if (handle == NULL)
	{
		free(queries);
		return NULL;
	}
	Py_BEGIN_ALLOW_THREADS
	code = factstr_newest(handle->store, queries, count, &result, &error);
	Py_END_ALLOW_THREADS
	free(queries);
	end_call(handle);
	if (code != FACTSTR_OK)
		return failure(handle, code, &error);
	answer = Py_BuildValue("NK", fact_list(result->facts, result->fact_count),
						   (unsigned long long) result->current_context_version);
	factstr_newest_result_free(result);
	return answer;
}

/* context_version(store, event query) -> number; 0: the context is empty */
static PyObject *
context_version(PyObject *module, PyObject *args)
{
	PyObject   *capsule;
	const char *event_query;
	uint64_t	version;
	factstr_error error = {0};
	store_handle *handle;
	int			code;

	(void) module;
	if (!parse(args, "Oz", &capsule, &event_query) || (handle = begin_call(capsule)) == NULL)
		return NULL;
	Py_BEGIN_ALLOW_THREADS
	code = factstr_context_version(handle->store, event_query, &version, &error);
	Py_END_ALLOW_THREADS
	end_call(handle);
	if (code != FACTSTR_OK)
		return failure(handle, code, &error);
	return PyLong_FromUnsignedLongLong(version);
}

/* batches(store, event query, after, most) -> list of batches */
static PyObject *
batches(PyObject *module, PyObject *args)
{
	PyObject   *capsule;
	PyObject   *answer;
	const char *event_query;
	uint64_t	after;
	uint64_t	most;
	factstr_batch_list *list = NULL;
	factstr_error error = {0};
	store_handle *handle;
	int			code;

	(void) module;
	if (!parse(args, "OzO&O&", &capsule, &event_query, to_number, &after, to_number, &most) ||
		(handle = begin_call(capsule)) == NULL)
		return NULL;
	Py_BEGIN_ALLOW_THREADS
	code = factstr_batches(handle->store, event_query, after, (size_t) most, &list, &error);
	Py_END_ALLOW_THREADS
	end_call(handle);
	if (code != FACTSTR_OK)
		return failure(handle, code, &error);
	answer = batch_tuples(list);
	factstr_batch_list_free(list);
	return answer;
}

static void
close_cursor(cursor_handle *handle)
{
	factstr_cursor *cursor = handle->cursor;

	handle->cursor = NULL;
	Py_BEGIN_ALLOW_THREADS
	factstr_read_close(cursor);
	Py_END_ALLOW_THREADS
}

static void
free_cursor(PyObject *capsule)
{
	cursor_handle *handle = PyCapsule_GetPointer(capsule, CURSOR);

	close_cursor(handle);
	Py_DECREF(handle->store);
	free(handle);
}

/* read_open(store, event query, most or 0, backwards) -> cursor */
static PyObject *
read_open(PyObject *module, PyObject *args)
{
	PyObject   *capsule;
	PyObject   *cursor;
	const char *event_query;
	int			backwards;
	factstr_read_options options = FACTSTR_READ_OPTIONS_INIT;
	factstr_error error = {0};
	store_handle *handle;
	cursor_handle *reading;
	int			code;

	(void) module;
	if (!parse(args, "OzO&p", &capsule, &event_query, to_number, &options.max_count, &backwards))
		return NULL;
	options.backwards = backwards != 0;
	reading = calloc(1, sizeof(cursor_handle));
	if (reading == NULL)
		return PyErr_NoMemory();
	cursor = NULL;
	handle = begin_call(capsule);
	if (handle != NULL)
	{
		Py_BEGIN_ALLOW_THREADS
		code = factstr_read_open(handle->store, event_query, &options, &reading->cursor, &error);
		Py_END_ALLOW_THREADS
		end_call(handle);
		if (code != FACTSTR_OK)
			failure(handle, code, &error);
		else
			cursor = PyCapsule_New(reading, CURSOR, free_cursor);
	}
	if (cursor == NULL)
	{
		close_cursor(reading);
		free(reading);
		return NULL;
	}
	Py_INCREF(capsule);
	reading->store = capsule;
	return cursor;
}

/* A copy of a fact of a cursor, which lasts only until its next call; free its event_type to free it. */
static bool
copy_fact(factstr_fact *copy, const factstr_fact *fact)
{
	size_t		type = strlen(fact->event_type) + 1;
	size_t		payload = strlen(fact->payload) + 1;
	size_t		metadata = fact->metadata == NULL ? 0 : strlen(fact->metadata) + 1;
	char	   *texts = malloc(type + payload + metadata);

	if (texts == NULL)
		return false;
	*copy = *fact;
	memcpy(texts, fact->event_type, type);
	copy->event_type = texts;
	copy->payload = memcpy(texts + type, fact->payload, payload);
	if (metadata > 0)
		copy->metadata = memcpy(texts + type + payload, fact->metadata, metadata);
	return true;
}

/* Reads at most so many facts, without the GIL. */
static int
read_some(factstr_cursor *cursor, factstr_fact *facts, size_t most, size_t *count, factstr_error *error)
{
	while (*count < most)
	{
		const factstr_fact *fact;
		int			code = factstr_read_next(cursor, &fact, error);

		if (code != FACTSTR_OK || fact == NULL)
			return code;
		if (!copy_fact(&facts[*count], fact))
			return factstr_error_set(error, FACTSTR_NO_MEMORY, "there is no memory for a fact");
		++*count;
	}
	return FACTSTR_OK;
}

/* read_next(cursor, most) -> list of facts, empty at the end */
static PyObject *
read_next(PyObject *module, PyObject *args)
{
	PyObject   *capsule;
	PyObject   *list;
	uint64_t	most;
	cursor_handle *reading;
	store_handle *handle;
	factstr_fact *facts;
	size_t		count = 0;
	factstr_error error = {0};
	int			code;

	(void) module;
	if (!parse(args, "OO&", &capsule, to_number, &most) ||
		(reading = PyCapsule_GetPointer(capsule, CURSOR)) == NULL)
		return NULL;
	if (reading->busy)
		return raise_message(FACTSTR_MISUSE, "another thread is reading with this cursor");
	if (reading->cursor == NULL)
		return raise_message(FACTSTR_MISUSE, "the cursor is closed");
	facts = calloc((size_t) most, sizeof(factstr_fact));
	if (facts == NULL)
		return PyErr_NoMemory();
	handle = begin_call(reading->store);
	if (handle == NULL)
	{
		free(facts);
		return NULL;
	}
	reading->busy = true;
	Py_BEGIN_ALLOW_THREADS
	code = read_some(reading->cursor, facts, (size_t) most, &count, &error);
	Py_END_ALLOW_THREADS
	reading->busy = false;
	end_call(handle);
	/* An error after some facts comes again with the next call. */
	list = code != FACTSTR_OK && count == 0 ? failure(handle, code, &error) : fact_list(facts, count);
	for (size_t i = 0; i < count; i++)
		free((char *) facts[i].event_type);
	free(facts);
	return list;
}

static PyObject *
read_close(PyObject *module, PyObject *args)
{
	PyObject   *capsule;
	cursor_handle *reading;

	(void) module;
	if (!parse(args, "O", &capsule) || (reading = PyCapsule_GetPointer(capsule, CURSOR)) == NULL)
		return NULL;
	if (reading->busy)
		return raise_message(FACTSTR_MISUSE, "another thread is reading with this cursor");
	close_cursor(reading);
	Py_RETURN_NONE;
}

PyMethodDef facts_methods[] = {
	{"append", append, METH_VARARGS, NULL},
	{"query", query, METH_VARARGS, NULL},
	{"newest", newest, METH_VARARGS, NULL},
	{"context_version", context_version, METH_VARARGS, NULL},
	{"batches", batches, METH_VARARGS, NULL},
	{"read_open", read_open, METH_VARARGS, NULL},
	{"read_next", read_next, METH_VARARGS, NULL},
	{"read_close", read_close, METH_VARARGS, NULL},
	{NULL, NULL, 0, NULL}
};
