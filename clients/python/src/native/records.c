/*
 * records.c
 *		See records.h.
 */
#include "records.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* The first page of a result, and the largest that several facts share. */
#define FIRST_PAGE 512
#define LARGEST_PAGE 32768

struct text_page
{
	Py_ssize_t	references;
	size_t		used;
	size_t		size;
	char		texts[];
};

static text_page *
new_page(size_t size)
{
	text_page  *page = malloc(offsetof(text_page, texts) + size);

	if (page != NULL)
		*page = (text_page) {.references = 1, .size = size};
	return page;
}

void
release_page(text_page *page)
{
	if (page != NULL && --page->references == 0)
		free(page);
}

/* Provides a page with room for the given number of bytes.  A large fact has a separate page. */
static bool
make_room(text_page **page, size_t size)
{
	text_page  *before = *page;
	size_t		next = before == NULL ? FIRST_PAGE : before->size * 2;

	if (before != NULL && before->size - before->used >= size)
		return true;
	if (next > LARGEST_PAGE)
		next = LARGEST_PAGE;
	*page = new_page(size > next / 2 ? size : next);
	if (*page == NULL)
	{
		*page = before;
		return false;
	}
	release_page(before);
	return true;
}

static const char *
put_text(text_page *page, const char *text, size_t size)
{
	char	   *copy = &page->texts[page->used];

	page->used += size;
	return memcpy(copy, text, size);
}

bool
keep_fact(text_page **page, const factstr_fact *fact, kept_fact *kept)
{
	size_t		type = strlen(fact->event_type) + 1;
	size_t		payload = strlen(fact->payload) + 1;
	size_t		metadata = fact->metadata == NULL ? 0 : strlen(fact->metadata) + 1;

	if (!make_room(page, type + payload + metadata))
		return false;
	(*page)->references++;
	*kept = (kept_fact) {
		.sequence_number = fact->sequence_number,
		.occurred_at = fact->occurred_at,
		.page = *page,
		.event_type = put_text(*page, fact->event_type, type),
		.payload = put_text(*page, fact->payload, payload),
		.metadata = metadata == 0 ? NULL : put_text(*page, fact->metadata, metadata)
	};
	return true;
}

/* The members of a fact, in the order of EventRecord. */
enum
{
	NUMBER,
	TIME,
	TYPE,
	PAYLOAD,
	METADATA,
	MEMBERS
};

#define BIT(member) (1u << (member))
#define TEXTS (BIT(TYPE) | BIT(PAYLOAD) | BIT(METADATA))

/* The base of EventRecord. */
typedef struct fact_object
{
	PyObject_HEAD
	text_page  *page;			/* of the texts; NULL: all members are read */
	PyObject   *read;
	unsigned int unread;		/* has a bit for each member */
	union
	{
		PyObject   *object;		/* of a member that has been read, or NULL */
		uint64_t	number;
		int64_t		time;
		const char *text;
	}			members[MEMBERS];
} fact_object;

static PyObject *
read_time(module_state *state, int64_t microseconds)
{
	PyObject   *delta = PyObject_CallFunction(state->timedelta, "iiL", 0, 0, (long long) microseconds);
	PyObject   *time = delta == NULL ? NULL : PyNumber_Add(state->epoch, delta);

	Py_XDECREF(delta);
	return time;
}

static PyObject *
read_json(PyObject *read, const char *json)
{
	PyObject   *text = PyUnicode_FromString(json);
	PyObject   *value = text == NULL ? NULL : PyObject_CallFunctionObjArgs(read, text, NULL);

	Py_XDECREF(text);
	return value;
}

/* Python defines the class of a fact, and the module its base class. */
static module_state *
state_of_fact(fact_object *fact)
{
	PyTypeObject *type = Py_TYPE((PyObject *) fact);
	module_state *state;

	do
	{
		PyErr_Clear();
		type = PyType_GetSlot(type, Py_tp_base);
	} while ((state = PyType_GetModuleState(type)) == NULL);
	return state;
}

static PyObject *
read_member(fact_object *fact, unsigned int member)
{
	switch (member)
	{
		case NUMBER:
			return PyLong_FromUnsignedLongLong(fact->members[NUMBER].number);
		case TIME:
			return read_time(state_of_fact(fact), fact->members[TIME].time);
		case TYPE:
			return PyUnicode_FromString(fact->members[TYPE].text);
		default:
			return read_json(fact->read, fact->members[member].text);
	}
}

/* The collector does not need to track a record of texts and numbers only, as most are. */
static void
set_member(fact_object *fact, unsigned int member, PyObject *value)
{
	PyObject   *before = fact->unread & BIT(member) ? NULL : fact->members[member].object;

	fact->members[member].object = value;
	fact->unread &= ~BIT(member);
	if (member >= PAYLOAD && !PyObject_GC_IsTracked((PyObject *) fact))
		PyObject_GC_Track(fact);
	if (!(fact->unread & TEXTS))
	{
		release_page(fact->page);
		fact->page = NULL;
		Py_CLEAR(fact->read);
	}
	Py_XDECREF(before);
}

static PyObject *
get_member(PyObject *self, void *closure)
{
	fact_object *fact = (fact_object *) self;
	unsigned int member = (unsigned int) (uintptr_t) closure;

	if (fact->unread & BIT(member))
	{
		text_page  *page = fact->page;
		PyObject   *value;

		/* Reading JSON calls Python; meanwhile another thread may read the same member and set it first. */
		if (page != NULL)
			page->references++;
		value = read_member(fact, member);
		release_page(page);
		if (value == NULL)
			return NULL;
		if (fact->unread & BIT(member))
			set_member(fact, member, value);
		else
			Py_DECREF(value);
	}
	if (fact->members[member].object == NULL)
	{
		PyErr_SetString(PyExc_AttributeError, "the record does not have this member yet");
		return NULL;
	}
	Py_INCREF(fact->members[member].object);
	return fact->members[member].object;
}

/* Called only by __init__ of the frozen dataclass. */
static int
init_member(PyObject *self, PyObject *value, void *closure)
{
	Py_XINCREF(value);
	set_member((fact_object *) self, (unsigned int) (uintptr_t) closure, value);
	return 0;
}

static int
traverse_fact(PyObject *self, visitproc visit, void *arg)
{
	fact_object *fact = (fact_object *) self;

	Py_VISIT(Py_TYPE(self));
	Py_VISIT(fact->read);
	for (unsigned int i = 0; i < MEMBERS; i++)
		if (!(fact->unread & BIT(i)))
			Py_VISIT(fact->members[i].object);
	return 0;
}

static int
clear_fact(PyObject *self)
{
	fact_object *fact = (fact_object *) self;

	Py_CLEAR(fact->read);
	for (unsigned int i = 0; i < MEMBERS; i++)
		if (!(fact->unread & BIT(i)))
			Py_CLEAR(fact->members[i].object);
	return 0;
}

static void
free_fact(PyObject *self)
{
	fact_object *fact = (fact_object *) self;
	PyTypeObject *type = Py_TYPE(self);
	freefunc	release = PyType_GetSlot(type, Py_tp_free);

	PyObject_GC_UnTrack(self);
	release_page(fact->page);
	(void) clear_fact(self);
	release(self);
	Py_DECREF(type);
}

PyObject *
fact_record(module_state *state, PyObject *read, const kept_fact *kept)
{
	PyObject   *self = state->event_record.allocate((PyTypeObject *) state->event_record.type, 0);
	fact_object *fact = (fact_object *) self;

	if (self == NULL)
	{
		release_page(kept->page);
		return NULL;
	}
	PyObject_GC_UnTrack(self);
	fact->page = kept->page;
	Py_INCREF(read);
	fact->read = read;
	fact->unread = BIT(NUMBER) | BIT(TIME) | TEXTS;
	fact->members[NUMBER].number = kept->sequence_number;
	fact->members[TIME].time = kept->occurred_at;
	fact->members[TYPE].text = kept->event_type;
	fact->members[PAYLOAD].text = kept->payload;
	if (kept->metadata != NULL)
		fact->members[METADATA].text = kept->metadata;
	else
	{
		Py_INCREF(Py_None);
		fact->members[METADATA].object = Py_None;
		fact->unread &= ~BIT(METADATA);
	}
	return self;
}

/* A missing fact becomes None. */
PyObject *
facts_tuple(module_state *state, PyObject *read, const factstr_fact *facts, size_t count)
{
	PyObject   *tuple = PyTuple_New((Py_ssize_t) count);
	text_page  *page = NULL;

	for (size_t i = 0; tuple != NULL && i < count; i++)
	{
		kept_fact	kept;
		PyObject   *record;

		if (facts[i].sequence_number == 0)
		{
			Py_INCREF(Py_None);
			record = Py_None;
		}
		else if (keep_fact(&page, &facts[i], &kept))
			record = fact_record(state, read, &kept);
		else
			record = PyErr_NoMemory();
		if (record == NULL || PyTuple_SetItem(tuple, (Py_ssize_t) i, record) != 0)
			Py_CLEAR(tuple);
	}
	release_page(page);
	return tuple;
}

PyObject *
batch_record(module_state *state, PyObject *read, const factstr_batch *batch, PyObject *transaction)
{
	PyObject   *members[] = {
		PyLong_FromUnsignedLongLong(batch->first_sequence_number),
		PyLong_FromUnsignedLongLong(batch->last_sequence_number),
		facts_tuple(state, read, batch->facts, batch->fact_count),
		transaction
	};

	Py_INCREF(transaction);
	return new_record(&state->batch, members);
}

PyObject *
batch_records(module_state *state, PyObject *read, const factstr_batch_list *list)
{
	PyObject   *records = PyList_New((Py_ssize_t) list->count);

	for (size_t i = 0; records != NULL && i < list->count; i++)
	{
		PyObject   *record = batch_record(state, read, &list->batches[i], Py_None);

		if (record == NULL || PyList_SetItem(records, (Py_ssize_t) i, record) != 0)
			Py_CLEAR(records);
	}
	return records;
}

PyObject *
new_record(const record_class *class, PyObject *const *members)
{
	PyObject   *record = class->allocate((PyTypeObject *) class->type, 0);
	Py_ssize_t	count = PyTuple_Size(class->slots);

	for (Py_ssize_t i = 0; i < count; i++)
	{
		if (record != NULL && (members[i] == NULL ||
							   PyObject_GenericSetAttr(record, PyTuple_GetItem(class->slots, i), members[i]) != 0))
			Py_CLEAR(record);
		Py_XDECREF(members[i]);
	}
	return record;
}

PyObject *
number_or_none(uint64_t number)
{
	if (number == 0)
		Py_RETURN_NONE;
	return PyLong_FromUnsignedLongLong(number);
}

/* Prepares a class, so that C can make its records. */
int
use_class(record_class *record, PyObject *class)
{
	PyObject   *slots = PyObject_GetAttrString(class, "__slots__");

	if (slots == NULL)
		return -1;
	Py_INCREF(class);
	Py_XDECREF(record->type);
	Py_XDECREF(record->slots);
	*record = (record_class) {class, slots, PyType_GetSlot((PyTypeObject *) class, Py_tp_alloc)};
	return 0;
}

static PyGetSetDef members[] = {
	{"sequence_number", get_member, init_member, NULL, (void *) NUMBER},
	{"occurred_at", get_member, init_member, NULL, (void *) TIME},
	{"event_type", get_member, init_member, NULL, (void *) TYPE},
	{"payload", get_member, init_member, NULL, (void *) PAYLOAD},
	{"metadata", get_member, init_member, NULL, (void *) METADATA},
	{0}
};

static PyType_Slot slots[] = {
	{Py_tp_doc, "The members of a fact.  Each is decoded on first use."},
	{Py_tp_getset, members},
	{Py_tp_traverse, traverse_fact},
	{Py_tp_clear, clear_fact},
	{Py_tp_dealloc, free_fact},
	{0, NULL}
};

static PyType_Spec spec = {
	.name = "factstr._native.Fact",
	.basicsize = sizeof(fact_object),
	.flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC,
	.slots = slots,
};

int
add_fact_type(PyObject *module)
{
	return add_type(module, &spec, "Fact");
}
