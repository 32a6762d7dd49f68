/*
 * module.c
 *		The module, its errors, and how arguments are read.
 */
#include "native.h"

#include <stdarg.h>

/* Functions of factstr._errors, which are kept for the life of the process. */
static PyObject *make_error;
static PyObject *read_error;

static PyObject *
raise(PyObject *exception)
{
	if (exception != NULL)
	{
		PyErr_SetObject((PyObject *) Py_TYPE(exception), exception);
		Py_DECREF(exception);
	}
	return NULL;
}

/* Raises the exception of a code, and returns NULL. */
PyObject *
raise_error(int code, const factstr_error *error)
{
	return raise(PyObject_CallFunction(make_error, "isssKKK", code, error->message, error->detail, error->hint,
									   (unsigned long long) error->expected_context_version,
									   (unsigned long long) error->actual_context_version,
									   (unsigned long long) error->after_sequence_number));
}

/* The same, from the document of an error. */
PyObject *
raise_document(int code, const char *document)
{
	return raise(PyObject_CallFunction(read_error, "is", code, document));
}

PyObject *
raise_message(int code, const char *message)
{
	factstr_error error = {0};

	factstr_error_set(&error, code, message);
	return raise_error(code, &error);
}

/*
 * Reads arguments as PyArg_ParseTuple does.  A text that C cannot hold is malformed input, like any other text
 * that the library rejects.
 */
int
parse(PyObject *args, const char *format, ...)
{
	va_list		list;
	int			ok;

	va_start(list, format);
	ok = PyArg_VaParse(args, format, list);
	va_end(list);
	if (!ok && PyErr_ExceptionMatches(PyExc_ValueError))
	{
		PyErr_Clear();
		raise_message(FACTSTR_MALFORMED, "a text must not contain U+0000 or an unpaired surrogate");
	}
	return ok;
}

/* A converter for "O&": a sequence number or a count. */
int
to_number(PyObject *object, void *number)
{
	long long	value;

	if (!PyLong_Check(object))
	{
		PyErr_Format(PyExc_TypeError, "a number must be an int, not %R", (PyObject *) Py_TYPE(object));
		return 0;
	}
	value = PyLong_AsLongLong(object);
	if (PyErr_Occurred())
		PyErr_Clear();
	else if (value >= 0)
	{
		*(uint64_t *) number = (uint64_t) value;
		return 1;
	}
	raise_message(FACTSTR_MALFORMED, "a number must be between 0 and 9223372036854775807");
	return 0;
}

static PyObject *
version(PyObject *module, PyObject *args)
{
	(void) module;
	(void) args;
	return PyUnicode_FromString(factstr_version());
}

/* Called when the interpreter exits and all stores are closed: no thread of the library enters it from here on. */
static PyObject *
stop(PyObject *module, PyObject *args)
{
	(void) module;
	(void) args;
	stop_handlers();
	wait_for_abandoned();
	Py_RETURN_NONE;
}

static PyMethodDef module_methods[] = {
	{"version", version, METH_NOARGS, NULL},
	{"stop", stop, METH_NOARGS, NULL},
	{NULL, NULL, 0, NULL}
};

static int
add_constants(PyObject *module)
{
	PyObject   *codes = PyDict_New();

#define ADD_CODE(NAME, number, json, sqlstate, text) \
	if (codes != NULL) \
	{ \
		PyObject   *value = Py_BuildValue("iss", number, json, text); \
		if (value == NULL || PyDict_SetItemString(codes, #NAME, value) != 0) \
			Py_CLEAR(codes); \
		Py_XDECREF(value); \
	}
	FACTSTR_CODES(ADD_CODE)
#undef ADD_CODE
	if (codes == NULL || PyModule_AddObject(module, "CODES", codes) != 0)
	{
		Py_XDECREF(codes);
		return -1;
	}
	return 0;
}

static int
execute(PyObject *module)
{
	PyMethodDef *groups[] = {module_methods, store_methods, facts_methods, documents_methods, streams_methods,
	transaction_methods};
	PyObject   *errors;

	/* Threads of the library can only enter the main interpreter. */
	if (PyInterpreterState_GetID(PyInterpreterState_Get()) != 0)
	{
		PyErr_SetString(PyExc_ImportError, "factstr works in the main interpreter only");
		return -1;
	}
	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++)
		if (PyModule_AddFunctions(module, groups[i]) != 0)
			return -1;
	if (add_constants(module) != 0)
		return -1;
	if (make_error != NULL)
		return 0;
	errors = PyImport_ImportModule("factstr._errors");
	if (errors == NULL)
		return -1;
	read_error = PyObject_GetAttrString(errors, "read_error");
	make_error = PyObject_GetAttrString(errors, "make_error");
	Py_DECREF(errors);
	return read_error == NULL || make_error == NULL ? -1 : 0;
}

static PyModuleDef_Slot slots[] = {
	{Py_mod_exec, execute},
	{0, NULL}
};

static struct PyModuleDef definition = {
	PyModuleDef_HEAD_INIT,
	.m_name = "factstr._native",
	.m_doc = "libfactstr for the package factstr; not for programs.",
	.m_size = 0,
	.m_slots = slots,
};

PyMODINIT_FUNC
PyInit__native(void)
{
	return PyModuleDef_Init(&definition);
}
