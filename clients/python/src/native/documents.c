/*
 * documents.c
 *		The calls over the JSON boundary, and others that are not called often.
 */
#include "native.h"

/* Waiting calls return so often, to let Python handle signals and another thread close the store. */
#define SLICE_MS 100

/* Ends a call, and returns the text of its document, or raises the error that it describes. */
static PyObject *
answer(store_handle *handle, int code, char *result)
{
	factstr_error error = {0};
	PyObject   *text;

	end_call(handle);
	if (code == FACTSTR_OK)
		text = PyUnicode_FromString(result == NULL ? "null" : result);
	else if (result == NULL || code == FACTSTR_INTERRUPTED)
	{
		factstr_error_set(&error, code, factstr_code_text(code));
		text = failure(handle, code, &error);
	}
	else
		text = raise_document(code, result);
	factstr_json_free(result);
	return text;
}

/* export(store, after, most) -> text of an array of exported batches */
static PyObject *
export_batches(PyObject *module, PyObject *args)
{
	PyObject   *capsule;
	uint64_t	after;
	uint64_t	most;
	char	   *result = NULL;
	store_handle *handle;
	int			code;

	(void) module;
	if (!parse(args, "OO&O&", &capsule, to_number, &after, to_number, &most) ||
		(handle = begin_call(capsule)) == NULL)
		return NULL;
	Py_BEGIN_ALLOW_THREADS
	code = factstr_json_export(handle->store, after, (size_t) most, &result);
	Py_END_ALLOW_THREADS
	return answer(handle, code, result);
}

/* redactions(store, after, most) -> text of an array of redactions */
static PyObject *
redactions(PyObject *module, PyObject *args)
{
	PyObject   *capsule;
	uint64_t	after;
	uint64_t	most;
	char	   *result = NULL;
	store_handle *handle;
	int			code;

	(void) module;
	if (!parse(args, "OO&O&", &capsule, to_number, &after, to_number, &most) ||
		(handle = begin_call(capsule)) == NULL)
		return NULL;
	Py_BEGIN_ALLOW_THREADS
	code = factstr_json_redactions(handle->store, after, (size_t) most, &result);
	Py_END_ALLOW_THREADS
	return answer(handle, code, result);
}

typedef int (*text_function) (factstr_store *, const char *, char **);

/* A function of the JSON boundary that takes a text. */
static PyObject *
call_with_text(text_function function, PyObject *args)
{
	PyObject   *capsule;
	const char *text;
	char	   *result = NULL;
	store_handle *handle;
	int			code;

	if (!parse(args, "Os", &capsule, &text) || (handle = begin_call(capsule)) == NULL)
		return NULL;
	Py_BEGIN_ALLOW_THREADS
	code = function(handle->store, text, &result);
	Py_END_ALLOW_THREADS
	return answer(handle, code, result);
}

/* import_batches(store, batches) -> text of the result of an append */
static PyObject *
import_batches(PyObject *module, PyObject *args)
{
	(void) module;
	return call_with_text(factstr_json_import, args);
}

/* import_redactions(store, batches) -> text of {"imported_count": n} */
static PyObject *
import_redactions(PyObject *module, PyObject *args)
{
	(void) module;
	return call_with_text(factstr_json_import_redactions, args);
}

typedef int (*list_function) (factstr_store *, char **);

static PyObject *
list_with(list_function function, PyObject *args)
{
	PyObject   *capsule;
	char	   *result = NULL;
	store_handle *handle;
	int			code;

	if (!parse(args, "O", &capsule) || (handle = begin_call(capsule)) == NULL)
		return NULL;
	Py_BEGIN_ALLOW_THREADS
	code = function(handle->store, &result);
	Py_END_ALLOW_THREADS
	return answer(handle, code, result);
}

/* streams(store) -> text of an array of durable streams */
static PyObject *
streams(PyObject *module, PyObject *args)
{
	(void) module;
	return list_with(factstr_json_streams, args);
}

/* logs(store) -> text of an array of logs */
static PyObject *
logs(PyObject *module, PyObject *args)
{
	(void) module;
	return list_with(factstr_json_logs, args);
}

/* create_log(store, log) -> text of {} */
static PyObject *
create_log(PyObject *module, PyObject *args)
{
	(void) module;
	return call_with_text(factstr_json_create_log, args);
}

/* seal_log(store, log) -> text of {"was_open": true} */
static PyObject *
seal_log(PyObject *module, PyObject *args)
{
	(void) module;
	return call_with_text(factstr_json_seal_log, args);
}

/* drop_log(store, log, confirmation) -> text of {"dropped_facts": n} */
static PyObject *
drop_log(PyObject *module, PyObject *args)
{
	PyObject   *capsule;
	const char *log;
	const char *confirmation;
	char	   *result = NULL;
	store_handle *handle;
	int			code;

	(void) module;
	if (!parse(args, "Oss", &capsule, &log, &confirmation) || (handle = begin_call(capsule)) == NULL)
		return NULL;
	Py_BEGIN_ALLOW_THREADS
	code = factstr_json_drop_log(handle->store, log, confirmation, &result);
	Py_END_ALLOW_THREADS
	return answer(handle, code, result);
}

/* redact(store, number, payload, reason, metadata or None) -> whether traces remain */
static PyObject *
redact(PyObject *module, PyObject *args)
{
	PyObject   *capsule;
	uint64_t	number;
	const char *payload;
	const char *metadata;
	const char *reason;
	bool		traces_remain;
	factstr_error error = {0};
	store_handle *handle;
	int			code;

	(void) module;
	if (!parse(args, "OO&ssz", &capsule, to_number, &number, &payload, &reason, &metadata) ||
		(handle = begin_call(capsule)) == NULL)
		return NULL;
	Py_BEGIN_ALLOW_THREADS
	code = factstr_redact(handle->store, number, payload, reason, metadata, &traces_remain, &error);
	Py_END_ALLOW_THREADS
	end_call(handle);
	return code == FACTSTR_OK ? PyBool_FromLong(traces_remain) : failure(handle, code, &error);
}

static PyObject *
stream_seek(PyObject *module, PyObject *args)
{
	PyObject   *capsule;
	const char *name;
	uint64_t	number;
	factstr_error error = {0};
	store_handle *handle;
	int			code;

	(void) module;
	if (!parse(args, "OsO&", &capsule, &name, to_number, &number) || (handle = begin_call(capsule)) == NULL)
		return NULL;
	Py_BEGIN_ALLOW_THREADS
	code = factstr_stream_seek(handle->store, name, number, &error);
	Py_END_ALLOW_THREADS
	end_call(handle);
	if (code != FACTSTR_OK)
		return failure(handle, code, &error);
	Py_RETURN_NONE;
}

static PyObject *
stream_drop(PyObject *module, PyObject *args)
{
	PyObject   *capsule;
	const char *name;
	factstr_error error = {0};
	store_handle *handle;
	int			code;

	(void) module;
	if (!parse(args, "Os", &capsule, &name) || (handle = begin_call(capsule)) == NULL)
		return NULL;
	Py_BEGIN_ALLOW_THREADS
	code = factstr_stream_drop(handle->store, name, &error);
	Py_END_ALLOW_THREADS
	end_call(handle);
	if (code != FACTSTR_OK)
		return failure(handle, code, &error);
	Py_RETURN_NONE;
}

/* wait(store, name, number, milliseconds or -1) */
static PyObject *
wait_for(PyObject *module, PyObject *args)
{
	PyObject   *capsule;
	const char *name;
	uint64_t	number;
	long long	left;
	int			code;

	(void) module;
	if (!parse(args, "OsO&L", &capsule, &name, to_number, &number, &left))
		return NULL;
	do
	{
		factstr_error error = {0};
		store_handle *handle = begin_call(capsule);
		long long	slice = left < 0 || left > SLICE_MS ? SLICE_MS : left;

		if (handle == NULL)
			return NULL;
		Py_BEGIN_ALLOW_THREADS
		code = factstr_wait(handle->store, name, number, slice, &error);
		Py_END_ALLOW_THREADS
		end_call(handle);
		if (left > 0)
			left -= slice;
		if (code != FACTSTR_OK && (code != FACTSTR_WAIT_TIMED_OUT || left == 0))
			return failure(handle, code, &error);
		if (PyErr_CheckSignals() != 0)
			return NULL;
	} while (code != FACTSTR_OK);
	Py_RETURN_NONE;
}

PyMethodDef documents_methods[] = {
	{"export", export_batches, METH_VARARGS, NULL},
	{"import_batches", import_batches, METH_VARARGS, NULL},
	{"import_redactions", import_redactions, METH_VARARGS, NULL},
	{"redact", redact, METH_VARARGS, NULL},
	{"redactions", redactions, METH_VARARGS, NULL},
	{"streams", streams, METH_VARARGS, NULL},
	{"stream_seek", stream_seek, METH_VARARGS, NULL},
	{"stream_drop", stream_drop, METH_VARARGS, NULL},
	{"wait", wait_for, METH_VARARGS, NULL},
	{"logs", logs, METH_VARARGS, NULL},
	{"create_log", create_log, METH_VARARGS, NULL},
	{"seal_log", seal_log, METH_VARARGS, NULL},
	{"drop_log", drop_log, METH_VARARGS, NULL},
	{NULL, NULL, 0, NULL}
};
