/*
 * table.c
 *		A table of the methods of the module that make one call.
 */
#include "calls.h"
#include "records.h"

#define STORE c->store->store
#define STREAM c->stream->stream
#define TEXT(i) c->texts[i]
#define NUMBER(i) ((uint64_t) c->numbers[i])
#define SIZE(i) ((size_t) c->numbers[i])

/* METHOD(name, kinds of its arguments, the call, what the method returns) */
#define METHODS(METHOD) \
	METHOD(append, "Sezznn", append_events(c), append_result(c)) \
	METHOD(query, "Soz", factstr_query(STORE, TEXT(0), &c->outcome.query, &c->error), query_result(c)) \
	METHOD(newest, "Soq", \
		   factstr_newest(STORE, c->queries, c->count, &c->outcome.newest, &c->error), newest_result(c)) \
	METHOD(context_version, "Sz", factstr_context_version(STORE, TEXT(0), &c->outcome.number, &c->error), \
		   number_or_none(c->outcome.number)) \
	METHOD(batches, "Soznn", \
		   factstr_batches(STORE, TEXT(0), NUMBER(0), SIZE(1), &c->outcome.batches, &c->error), batches_result(c)) \
	METHOD(export, "Snn", factstr_json_export(STORE, NUMBER(0), SIZE(1), &c->document), document(c)) \
	METHOD(import_batches, "St", factstr_json_import(STORE, TEXT(0), &c->document), document(c)) \
	METHOD(import_redactions, "St", factstr_json_import_redactions(STORE, TEXT(0), &c->document), document(c)) \
	METHOD(redact, "Snttz", \
		   factstr_redact(STORE, NUMBER(0), TEXT(0), TEXT(1), TEXT(2), &c->outcome.flag, &c->error), \
		   PyBool_FromLong(c->outcome.flag)) \
	METHOD(redactions, "Snn", factstr_json_redactions(STORE, NUMBER(0), SIZE(1), &c->document), document(c)) \
	METHOD(streams, "S", factstr_json_streams(STORE, &c->document), document(c)) \
	METHOD(stream_seek, "Stn", factstr_stream_seek(STORE, TEXT(0), NUMBER(0), &c->error), none()) \
	METHOD(stream_drop, "St", factstr_stream_drop(STORE, TEXT(0), &c->error), none()) \
	METHOD(wait, "Stnm", wait_for_cursor(c), none()) \
	METHOD(logs, "S", factstr_json_logs(STORE, &c->document), document(c)) \
	METHOD(create_log, "St", factstr_create_log(STORE, TEXT(0), &c->error), none()) \
	METHOD(seal_log, "St", factstr_seal_log(STORE, TEXT(0), &c->outcome.flag, &c->error), \
		   PyBool_FromLong(c->outcome.flag)) \
	METHOD(drop_log, "Stt", factstr_drop_log(STORE, TEXT(0), TEXT(1), &c->outcome.number, &c->error), \
		   PyLong_FromUnsignedLongLong(c->outcome.number)) \
	METHOD(stream_next, "Ronm", next_batches(c), batches_result(c)) \
	METHOD(stream_ack, "Rn", factstr_stream_ack(STREAM, NUMBER(0), &c->error), none()) \
	METHOD(stream_fail, "Rz", factstr_stream_fail(STREAM, TEXT(0), &c->error), none()) \
	METHOD(stream_fd, "R", factstr_stream_fd(STREAM, &c->outcome.integer, &c->error), \
		   PyLong_FromLong(c->outcome.integer)) \
	METHOD(stream_state, "R", state_of_stream(c), PyLong_FromLong(c->outcome.integer))

/* append(store, events, context query, key, condition, number) */
static int
append_events(call *c)
{
	factstr_append_options options = FACTSTR_APPEND_OPTIONS_INIT;

	options.context_query = TEXT(0);
	options.idempotency_key = TEXT(1);
	options.condition = (factstr_append_condition) c->numbers[0];
	if (options.condition == FACTSTR_APPEND_IF)
		options.expected_context_version = NUMBER(1);
	else
		options.after_sequence_number = NUMBER(1);
	return factstr_append(STORE, c->events, c->count, &options, &c->outcome.append, &c->error);
}

static PyObject *
append_result(call *c)
{
	PyObject   *members[] = {
		PyLong_FromUnsignedLongLong(c->outcome.append.first_sequence_number),
		PyLong_FromUnsignedLongLong(c->outcome.append.last_sequence_number),
		PyLong_FromUnsignedLongLong(c->outcome.append.committed_count)
	};

	return new_record(&c->state->append_result, members);
}

static PyObject *
query_result(call *c)
{
	factstr_query_result *result = c->outcome.query;
	PyObject   *members[] = {
		facts_tuple(c->state, c->object, result->facts, result->fact_count),
		number_or_none(result->last_returned_sequence_number),
		number_or_none(result->current_context_version)
	};

	factstr_query_result_free(result);
	return new_record(&c->state->query_result, members);
}

static PyObject *
newest_result(call *c)
{
	factstr_newest_result *result = c->outcome.newest;
	PyObject   *members[] = {
		facts_tuple(c->state, c->object, result->facts, result->fact_count),
		number_or_none(result->current_context_version)
	};

	factstr_newest_result_free(result);
	return new_record(&c->state->newest_result, members);
}

static PyObject *
batches_result(call *c)
{
	PyObject   *records = batch_records(c->state, c->object, c->outcome.batches);

	factstr_batch_list_free(c->outcome.batches);
	return records;
}

/* The document is NULL if there was no memory for it after the call had changed the store. */
static PyObject *
document(call *c)
{
	return PyUnicode_FromString(c->document == NULL ? "null" : c->document);
}

static PyObject *
none(void)
{
	Py_RETURN_NONE;
}

/* wait(store, name, number, milliseconds) */
static int
wait_for_cursor(call *c)
{
	int			code = factstr_wait(STORE, TEXT(0), NUMBER(0), c->slice_ms, &c->error);

	c->is_early = code == FACTSTR_WAIT_TIMED_OUT;
	return code;
}

/* stream_next(stream, read, most, milliseconds) */
static int
next_batches(call *c)
{
	int			code = factstr_stream_next(STREAM, SIZE(0), c->slice_ms, &c->outcome.batches, &c->error);

	c->is_early = code == FACTSTR_OK && c->outcome.batches->count == 0;
	if (c->is_early && c->left_ms != 0)
		factstr_batch_list_free(c->outcome.batches);
	return code;
}

static int
state_of_stream(call *c)
{
	c->outcome.integer = factstr_stream_state(STREAM, NULL);
	return FACTSTR_OK;
}

#define METHOD_FUNCTIONS(name, kinds, function, result) \
	static int \
	call_##name(call *c) \
	{ \
		return function; \
	} \
	static PyObject * \
	method_##name(PyObject *module, PyObject *args) \
	{ \
		call		made; \
		call	   *c = &made; \
		bool		ok = call_prepare(c, module, args, kinds) && call_make(c, call_##name); \
		PyObject   *answer = ok ? result : NULL; \
		call_release(c); \
		return answer; \
	}

METHODS(METHOD_FUNCTIONS)

#define METHOD_DEFINITION(name, kinds, function, result) {#name, method_##name, METH_VARARGS, NULL},

PyMethodDef table_methods[] = {
	METHODS(METHOD_DEFINITION)
	{NULL, NULL, 0, NULL}
};
