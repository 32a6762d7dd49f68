/*
 * cursor.c
 *		The base of Reader: an iterator over the facts of a cursor.  It reads them page by page.
 */
#include "calls.h"
#include "records.h"

#include <stdlib.h>

/* The number of facts in a page, which is read without the GIL. */
#define PAGE_FACTS 256

typedef struct cursor_object
{
	PyObject_HEAD
	factstr_cursor *cursor;		/* NULL: closed */
	PyObject   *store;			/* NULL: not opened */
	PyObject   *read;
	module_state *state;
	bool		busy;
	size_t		next;			/* index of the next fact in the page */
	size_t		count;
	kept_fact	facts[PAGE_FACTS];
} cursor_object;

static cursor_object *
cursor_of(PyObject *self)
{
	return (cursor_object *) self;
}

/* A call with its cursor. */
typedef struct cursor_call
{
	call		made;
	cursor_object *self;
	factstr_cursor *opened;
} cursor_call;

static int
open_cursor(call *c)
{
	factstr_read_options options = FACTSTR_READ_OPTIONS_INIT;

	options.max_count = (uint64_t) c->numbers[0];
	options.backwards = c->numbers[1] != 0;
	return factstr_read_open(c->store->store, c->texts[0], &options, &((cursor_call *) c)->opened, &c->error);
}

/* __init__(store, read, event query, most or 0, backwards) */
static int
init_cursor(PyObject *self, PyObject *args, PyObject *keywords)
{
	cursor_object *cursor = cursor_of(self);
	PyObject   *module = PyType_GetModule(PyType_GetSlot(Py_TYPE(self), Py_tp_base));
	cursor_call c = {.self = cursor};
	bool		ok;

	(void) keywords;
	if (module == NULL)
		return -1;
	ok = call_prepare(&c.made, module, args, "Soznn") && call_make(&c.made, open_cursor);
	if (ok && cursor->store != NULL)
	{
		factstr_read_close(c.opened);
		PyErr_SetString(PyExc_RuntimeError, "the cursor is already open");
		ok = false;
	}
	if (ok)
	{
		cursor->cursor = c.opened;
		cursor->state = c.made.state;
		cursor->store = c.made.store_capsule;
		cursor->read = c.made.object;
		Py_INCREF(cursor->store);
		Py_INCREF(cursor->read);
	}
	call_release(&c.made);
	return ok ? 0 : -1;
}

/* Reads a page.  No record refers to its texts yet, so this does not need the GIL. */
static int
read_page(call *c)
{
	cursor_object *cursor = ((cursor_call *) c)->self;
	text_page  *page = NULL;
	int			code = FACTSTR_OK;

	while (code == FACTSTR_OK && cursor->count < PAGE_FACTS)
	{
		const factstr_fact *fact;

		code = factstr_read_next(cursor->cursor, &fact, &c->error);
		if (code != FACTSTR_OK || fact == NULL)
			break;
		if (keep_fact(&page, fact, &cursor->facts[cursor->count]))
			cursor->count++;
		else
			code = factstr_error_set(&c->error, FACTSTR_NO_MEMORY, "there is no memory for a fact");
	}
	release_page(page);
	/* If there are facts before an error, the next page reports the error. */
	return cursor->count > 0 ? FACTSTR_OK : code;
}

static bool
next_page(cursor_object *cursor)
{
	cursor_call c = {.made = {.state = cursor->state, .store_capsule = cursor->store}, .self = cursor};
	bool		ok;

	cursor->next = 0;
	cursor->count = 0;
	/* An iteration in C, such as list(), does not handle signals between facts. */
	if (PyErr_CheckSignals() != 0)
		return false;
	cursor->busy = true;
	ok = call_make(&c.made, read_page);
	cursor->busy = false;
	return ok;
}

static void
release_facts(cursor_object *cursor)
{
	while (cursor->next < cursor->count)
		release_page(cursor->facts[cursor->next++].page);
}

static void
end_cursor(cursor_object *cursor)
{
	factstr_cursor *ended = cursor->cursor;

	release_facts(cursor);
	cursor->cursor = NULL;
	if (ended == NULL)
		return;
	Py_BEGIN_ALLOW_THREADS
	factstr_read_close(ended);
	Py_END_ALLOW_THREADS
}

static PyObject *
next_fact(PyObject *self)
{
	cursor_object *cursor = cursor_of(self);

	if (cursor->busy)
		return raise_message(cursor->state, FACTSTR_MISUSE, "another thread is reading with this cursor");
	if (cursor->next == cursor->count && (cursor->cursor == NULL || !next_page(cursor)))
		return NULL;
	if (cursor->next < cursor->count && cursor->read != NULL)
		return fact_record(cursor->state, cursor->read, &cursor->facts[cursor->next++]);
	end_cursor(cursor);
	return NULL;
}

static PyObject *
close_cursor(PyObject *self, PyObject *ignored)
{
	(void) ignored;
	if (cursor_of(self)->busy)
		return raise_message(cursor_of(self)->state, FACTSTR_MISUSE, "another thread is reading with this cursor");
	end_cursor(cursor_of(self));
	Py_RETURN_NONE;
}

static int
traverse_cursor(PyObject *self, visitproc visit, void *arg)
{
	Py_VISIT(Py_TYPE(self));
	Py_VISIT(cursor_of(self)->read);
	Py_VISIT(cursor_of(self)->store);
	return 0;
}

static int
clear_cursor(PyObject *self)
{
	Py_CLEAR(cursor_of(self)->read);
	return 0;
}

static void
free_cursor(PyObject *self)
{
	PyTypeObject *type = Py_TYPE(self);
	freefunc	release = PyType_GetSlot(type, Py_tp_free);

	PyObject_GC_UnTrack(self);
	end_cursor(cursor_of(self));
	(void) clear_cursor(self);
	Py_CLEAR(cursor_of(self)->store);
	release(self);
	Py_DECREF(type);
}

static PyMethodDef methods[] = {
	{"close", close_cursor, METH_NOARGS, "Ends reading. May be repeated."},
	{NULL, NULL, 0, NULL}
};

static PyType_Slot slots[] = {
	{Py_tp_doc, "The facts of a cursor."},
	{Py_tp_methods, methods},
	{Py_tp_init, init_cursor},
	{Py_tp_iter, PyObject_SelfIter},
	{Py_tp_iternext, next_fact},
	{Py_tp_traverse, traverse_cursor},
	{Py_tp_clear, clear_cursor},
	{Py_tp_dealloc, free_cursor},
	{0, NULL}
};

static PyType_Spec spec = {
	.name = "factstr._native.Cursor",
	.basicsize = sizeof(cursor_object),
	.flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC,
	.slots = slots,
};

int
add_cursor_type(PyObject *module)
{
	return add_type(module, &spec, "Cursor");
}
