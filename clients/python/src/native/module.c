/*
 * module.c
 *		The module, its errors, and the reading of arguments.
 */
#include "native.h"
#include "records.h"

#include <stdarg.h>

module_state *
state_of(PyObject *module)
{
	return PyModule_GetState(module);
}

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
raise_error(module_state *state, int code, const factstr_error *error)
{
	return raise(PyObject_CallFunction(state->make_error, "isssKKK", code, error->message, error->detail, error->hint,
									   (unsigned long long) error->expected_context_version,
									   (unsigned long long) error->actual_context_version,
									   (unsigned long long) error->after_sequence_number));
}

/* The same with the document of an error. */
PyObject *
raise_document(module_state *state, int code, const char *document)
{
	return raise(PyObject_CallFunction(state->read_error, "is", code, document));
}

PyObject *
raise_message(module_state *state, int code, const char *message)
{
	factstr_error error = {0};

	factstr_error_set(&error, code, message);
	return raise_error(state, code, &error);
}

/*
 * Reads arguments like PyArg_ParseTuple.  A text that C cannot hold is malformed input, like any text that the library
 * rejects.
 */
int
parse(PyObject *module, PyObject *args, const char *format, ...)
{
	va_list		list;
	int			ok;

	va_start(list, format);
	ok = PyArg_VaParse(args, format, list);
	va_end(list);
	if (!ok && PyErr_ExceptionMatches(PyExc_ValueError))
	{
		PyErr_Clear();
		raise_message(state_of(module), FACTSTR_MALFORMED, "a text must not contain U+0000 or an unpaired surrogate");
	}
	return ok;
}

static PyObject *
version(PyObject *module, PyObject *args)
{
	(void) module;
	(void) args;
	return PyUnicode_FromString(factstr_version());
}

/*
 * stop(milliseconds) -> have all stores been closed in time?  Called when the interpreter exits: after this, no thread
 * of the library enters it.
 */
static PyObject *
stop(PyObject *module, PyObject *args)
{
	long long	timeout_ms;
	bool		closed;

	if (!parse(module, args, "L", &timeout_ms))
		return NULL;
	closed = wait_for_closing(timeout_ms);
	atomic_store(&state_of(module)->stopped, true);
	return PyBool_FromLong(closed);
}

/* use(encode_parts, encode_slowly, Transaction, NewEvent, class of records, ...): the objects that the module uses */
static PyObject *
use(PyObject *module, PyObject *args)
{
	module_state *state = state_of(module);
	PyObject   *objects[4];
	PyObject   *classes[5];

	if (!parse(module, args, "OOOOOOOOO", &objects[0], &objects[1], &objects[2], &objects[3], &classes[0],
			   &classes[1], &classes[2], &classes[3], &classes[4]))
		return NULL;
	for (int i = 0; i < 4; i++)
		Py_INCREF(objects[i]);
	state->encode_parts = objects[0];
	state->encode_slowly = objects[1];
	state->transaction = objects[2];
	state->new_event = objects[3];
	if (use_class(&state->event_record, classes[0]) != 0 || use_class(&state->append_result, classes[1]) != 0 ||
		use_class(&state->query_result, classes[2]) != 0 || use_class(&state->newest_result, classes[3]) != 0 ||
		use_class(&state->batch, classes[4]) != 0)
		return NULL;
	Py_RETURN_NONE;
}

/* Makes a type and gives it its name in the module. */
int
add_type(PyObject *module, PyType_Spec *spec, const char *name)
{
	PyObject   *type = PyType_FromModuleAndSpec(module, spec, NULL);

	/* The module takes the reference over only if it succeeds. */
	if (type != NULL && PyModule_AddObject(module, name, type) == 0)
		return 0;
	Py_XDECREF(type);
	return -1;
}

static PyMethodDef module_methods[] = {
	{"version", version, METH_NOARGS, NULL},
	{"stop", stop, METH_VARARGS, NULL},
	{"use", use, METH_VARARGS, NULL},
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

/* The main thread of the interpreter handles signals; another thread may import the module. */
static int
find_main_thread(module_state *state)
{
	PyObject   *threading = PyImport_ImportModule("threading");
	PyObject   *thread = threading == NULL ? NULL : PyObject_CallMethod(threading, "main_thread", NULL);
	PyObject   *ident = thread == NULL ? NULL : PyObject_GetAttrString(thread, "ident");

	if (ident != NULL)
		state->main_thread = (pthread_t) PyLong_AsUnsignedLong(ident);
	Py_XDECREF(threading);
	Py_XDECREF(thread);
	Py_XDECREF(ident);
	return PyErr_Occurred() ? -1 : 0;
}

/* Finds names and objects that never change. */
static int
find_objects(module_state *state)
{
	PyObject   *errors = PyImport_ImportModule("factstr._errors");
	PyObject   *datetime = PyImport_ImportModule("datetime");
	PyObject   *class = datetime == NULL ? NULL : PyObject_GetAttrString(datetime, "datetime");
	PyObject   *zone = datetime == NULL ? NULL : PyObject_GetAttrString(datetime, "timezone");
	PyObject   *utc = zone == NULL ? NULL : PyObject_GetAttrString(zone, "utc");

	if (errors != NULL && class != NULL && utc != NULL)
	{
		state->read_error = PyObject_GetAttrString(errors, "read_error");
		state->make_error = PyObject_GetAttrString(errors, "make_error");
		state->timedelta = PyObject_GetAttrString(datetime, "timedelta");
		state->epoch = PyObject_CallFunction(class, "iiiiiiiO", 1970, 1, 1, 0, 0, 0, 0, utc);
		state->zero = PyLong_FromLong(0);
		state->nothing = PyUnicode_FromString("");
		state->event_type = PyUnicode_InternFromString("event_type");
		state->payload = PyUnicode_InternFromString("payload");
		state->metadata = PyUnicode_InternFromString("metadata");
	}
	Py_XDECREF(errors);
	Py_XDECREF(datetime);
	Py_XDECREF(class);
	Py_XDECREF(zone);
	Py_XDECREF(utc);
	return PyErr_Occurred() ? -1 : 0;
}

static int
execute(PyObject *module)
{
	PyMethodDef *groups[] = {module_methods, store_methods, table_methods, streams_methods, transaction_methods};

	/* Threads of the library can only enter the main interpreter. */
	if (PyInterpreterState_GetID(PyInterpreterState_Get()) != 0)
	{
		PyErr_SetString(PyExc_ImportError, "factstr works in the main interpreter only");
		return -1;
	}
	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++)
		if (PyModule_AddFunctions(module, groups[i]) != 0)
			return -1;
	if (add_constants(module) != 0 || add_fact_type(module) != 0 || add_cursor_type(module) != 0)
		return -1;
	return find_main_thread(state_of(module)) != 0 ? -1 : find_objects(state_of(module));
}

static int
traverse(PyObject *module, visitproc visit, void *arg)
{
	module_state *state = state_of(module);

#define VISIT(name) Py_VISIT(state->name);
	STATE_OBJECTS(VISIT)
#undef VISIT
#define VISIT(name) Py_VISIT(state->name.type); Py_VISIT(state->name.slots);
	STATE_RECORDS(VISIT)
#undef VISIT
	return 0;
}

static int
clear(PyObject *module)
{
	module_state *state = state_of(module);

#define CLEAR(name) Py_CLEAR(state->name);
	STATE_OBJECTS(CLEAR)
#undef CLEAR
#define CLEAR(name) Py_CLEAR(state->name.type); Py_CLEAR(state->name.slots);
	STATE_RECORDS(CLEAR)
#undef CLEAR
	return 0;
}

static void
free_state(void *module)
{
	(void) clear(module);
}

static PyModuleDef_Slot slots[] = {
	{Py_mod_exec, execute},
	{0, NULL}
};

static struct PyModuleDef definition = {
	PyModuleDef_HEAD_INIT,
	.m_name = "factstr._native",
	.m_doc = "libfactstr for the package factstr; not for programs.",
	.m_size = sizeof(module_state),
	.m_slots = slots,
	.m_traverse = traverse,
	.m_clear = clear,
	.m_free = free_state,
};

PyMODINIT_FUNC
PyInit__native(void)
{
	return PyModuleDef_Init(&definition);
}
