/*
 * transaction.c
 *		SQL in the transaction of a delivery, through the sqlite3 or PGconn that the library passes.
 */
#include "native.h"

#include <dlfcn.h>
#include <libpq-fe.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <time.h>

#define TRANSACTION "factstr.transaction"
#define PAUSE_MS 2

typedef struct transaction_handle
{
	module_state *state;
	void	   *connection;		/* NULL: its delivery has ended */
	bool		postgres;
	bool		busy;
} transaction_handle;

/* Functions of the libpq that the library has loaded. */
static struct
{
	PGresult   *(*exec_params) (PGconn *, const char *, int, const Oid *, const char *const *, const int *,
								const int *, int);
	ExecStatusType (*result_status) (const PGresult *);
	char	   *(*result_field) (const PGresult *, int);
	char	   *(*error_message) (const PGconn *);
	int			(*ntuples) (const PGresult *);
	int			(*nfields) (const PGresult *);
	char	   *(*fname) (const PGresult *, int);
	Oid			(*ftype) (const PGresult *, int);
	int			(*getisnull) (const PGresult *, int, int);
	char	   *(*getvalue) (const PGresult *, int, int);
	char	   *(*cmd_tuples) (PGresult *);
	void		(*clear) (PGresult *);
} pq;

static void
free_transaction(PyObject *capsule)
{
	free(PyCapsule_GetPointer(capsule, TRANSACTION));
}

PyObject *
new_transaction(module_state *state, void *connection, bool postgres)
{
	transaction_handle *handle = calloc(1, sizeof(transaction_handle));
	PyObject   *capsule;

	if (handle == NULL)
		return PyErr_NoMemory();
	handle->state = state;
	handle->connection = connection;
	handle->postgres = postgres;
	capsule = PyCapsule_New(handle, TRANSACTION, free_transaction);
	if (capsule == NULL)
		free(handle);
	return capsule;
}

/* Called when the delivery has ended.  Waits for a statement of another thread. */
void
end_transaction(PyObject *transaction)
{
	transaction_handle *handle = PyCapsule_GetPointer(transaction, TRANSACTION);
	struct timespec pause = {.tv_nsec = PAUSE_MS * 1000000};

	while (handle->busy)
	{
		Py_BEGIN_ALLOW_THREADS
		nanosleep(&pause, NULL);
		Py_END_ALLOW_THREADS
	}
	handle->connection = NULL;
}

/* SQLite */

static PyObject *
sqlite_failure(module_state *state, sqlite3 *database)
{
	return raise_message(state, FACTSTR_STORAGE, sqlite3_errmsg(database));
}

/* Binds a parameter, which is None, int, float, str or bytes. */
static bool
bind(module_state *state, sqlite3 *database, sqlite3_stmt *statement, int index, PyObject *value)
{
	int			code;

	if (value == Py_None)
		code = sqlite3_bind_null(statement, index);
	else if (PyLong_Check(value))
	{
		long long	number = PyLong_AsLongLong(value);

		if (number == -1 && PyErr_Occurred())
			return false;
		code = sqlite3_bind_int64(statement, index, number);
	}
	else if (PyFloat_Check(value))
		code = sqlite3_bind_double(statement, index, PyFloat_AsDouble(value));
	else
	{
		bool		is_text = PyUnicode_Check(value);
		PyObject   *bytes = is_text ? PyUnicode_AsUTF8String(value) : PyBytes_FromObject(value);

		if (bytes == NULL)
			return false;
		if (is_text)
			code = sqlite3_bind_text64(statement, index, PyBytes_AsString(bytes), (sqlite3_uint64) PyBytes_Size(bytes),
									   SQLITE_TRANSIENT, SQLITE_UTF8);
		else
			code = sqlite3_bind_blob64(statement, index, PyBytes_AsString(bytes), (sqlite3_uint64) PyBytes_Size(bytes),
									   SQLITE_TRANSIENT);
		Py_DECREF(bytes);
	}
	if (code != SQLITE_OK)
		sqlite_failure(state, database);
	return code == SQLITE_OK;
}

static PyObject *
sqlite_value(sqlite3_stmt *statement, int column)
{
	switch (sqlite3_column_type(statement, column))
	{
		case SQLITE_INTEGER:
			return PyLong_FromLongLong(sqlite3_column_int64(statement, column));
		case SQLITE_FLOAT:
			return PyFloat_FromDouble(sqlite3_column_double(statement, column));
		case SQLITE_TEXT:
			return PyUnicode_FromStringAndSize((const char *) sqlite3_column_text(statement, column),
											   sqlite3_column_bytes(statement, column));
		case SQLITE_BLOB:
			return PyBytes_FromStringAndSize(sqlite3_column_blob(statement, column),
											 sqlite3_column_bytes(statement, column));
		default:
			Py_RETURN_NONE;
	}
}

static bool
add_row(PyObject *rows, PyObject *row)
{
	bool		ok = row != NULL && PyList_Append(rows, row) == 0;

	Py_XDECREF(row);
	return ok;
}

static PyObject *
sqlite_row(sqlite3_stmt *statement, int columns)
{
	PyObject   *row = PyTuple_New(columns);

	for (int i = 0; row != NULL && i < columns; i++)
	{
		PyObject   *value = sqlite_value(statement, i);

		if (value == NULL || PyTuple_SetItem(row, i, value) != 0)
			Py_CLEAR(row);
	}
	return row;
}

/* Runs a statement, and collects its rows. */
static PyObject *
sqlite_rows(module_state *state, sqlite3 *database, sqlite3_stmt *statement)
{
	PyObject   *rows = PyList_New(0);
	int			columns = sqlite3_column_count(statement);

	while (rows != NULL)
	{
		int			code;

		Py_BEGIN_ALLOW_THREADS
		code = sqlite3_step(statement);
		Py_END_ALLOW_THREADS
		if (code == SQLITE_DONE)
			break;
		if (code != SQLITE_ROW)
			sqlite_failure(state, database);
		if (code != SQLITE_ROW || !add_row(rows, sqlite_row(statement, columns)))
			Py_CLEAR(rows);
	}
	return rows;
}

static PyObject *
sqlite_execute(module_state *state, sqlite3 *database, const char *sql, PyObject *parameters)
{
	sqlite3_stmt *statement;
	PyObject   *rows = NULL;
	int			count = (int) PyTuple_Size(parameters);
	int			bound = 0;

	if (sqlite3_prepare_v2(database, sql, -1, &statement, NULL) != SQLITE_OK)
		return sqlite_failure(state, database);
	if (statement == NULL)
		return raise_message(state, FACTSTR_MALFORMED, "there is no statement");
	while (bound < count && bind(state, database, statement, bound + 1, PyTuple_GetItem(parameters, bound)))
		bound++;
	if (bound == count)
		rows = sqlite_rows(state, database, statement);
	sqlite3_finalize(statement);
	return rows == NULL ? NULL : Py_BuildValue("[]iN", sqlite3_changes(database), rows);
}

/* PostgreSQL */

static bool
find(void *library, const char *name, void *function)
{
	*(void **) function = dlsym(library, name);
	return *(void **) function != NULL;
}

/* Finds the functions.  libpq is already loaded, since there is a PGconn. */
static bool
load_pq(void)
{
	void	   *library;

	if (pq.clear != NULL)
		return true;
	library = dlopen("libpq.so.5", RTLD_NOW | RTLD_LOCAL);
	return library != NULL && find(library, "PQexecParams", &pq.exec_params) &&
		find(library, "PQresultStatus", &pq.result_status) && find(library, "PQresultErrorField", &pq.result_field) &&
		find(library, "PQerrorMessage", &pq.error_message) && find(library, "PQntuples", &pq.ntuples) &&
		find(library, "PQnfields", &pq.nfields) && find(library, "PQfname", &pq.fname) &&
		find(library, "PQftype", &pq.ftype) && find(library, "PQgetisnull", &pq.getisnull) &&
		find(library, "PQgetvalue", &pq.getvalue) && find(library, "PQcmdTuples", &pq.cmd_tuples) &&
		find(library, "PQclear", &pq.clear);
}

static PyObject *
pq_row(const PGresult *result, int row)
{
	int			columns = pq.nfields(result);
	PyObject   *tuple = PyTuple_New(columns);

	for (int i = 0; tuple != NULL && i < columns; i++)
	{
		const char *text = pq.getisnull(result, row, i) ? NULL : pq.getvalue(result, row, i);
		PyObject   *value = Py_BuildValue("z", text);

		if (value == NULL || PyTuple_SetItem(tuple, i, value) != 0)
			Py_CLEAR(tuple);
	}
	return tuple;
}

/* Returns ([type, ...], number of changed rows, rows of texts). */
static PyObject *
pq_answer(PGresult *result)
{
	PyObject   *types = PyList_New(0);
	PyObject   *rows = PyList_New(0);

	for (int i = 0; types != NULL && i < pq.nfields(result); i++)
		if (!add_row(types, PyLong_FromUnsignedLong(pq.ftype(result, i))))
			Py_CLEAR(types);
	for (int i = 0; rows != NULL && i < pq.ntuples(result); i++)
		if (!add_row(rows, pq_row(result, i)))
			Py_CLEAR(rows);
	if (types == NULL || rows == NULL)
	{
		Py_XDECREF(types);
		Py_XDECREF(rows);
		return NULL;
	}
	return Py_BuildValue("NiN", types, atoi(pq.cmd_tuples(result)), rows);
}

/* Parameters are texts or None. */
static PyObject *
pq_execute(PyObject *module, PGconn *connection, const char *sql, PyObject *parameters)
{
	int			count = (int) PyTuple_Size(parameters);
	const char **values;
	PGresult   *result;
	PyObject   *answer = NULL;

	if (!load_pq())
		return raise_message(state_of(module), FACTSTR_STORAGE, "libpq.so.5 does not have all required functions");
	values = calloc((size_t) count + 1, sizeof(char *));
	if (values == NULL)
		return PyErr_NoMemory();
	for (int i = 0; i < count; i++)
	{
		PyObject   *one = PyTuple_GetSlice(parameters, i, i + 1);
		bool		ok = one != NULL && parse(module, one, "z", &values[i]);

		/* The texts belong to the parameters. */
		Py_XDECREF(one);
		if (!ok)
		{
			free(values);
			return NULL;
		}
	}
	Py_BEGIN_ALLOW_THREADS
	result = pq.exec_params(connection, sql, count, NULL, values, NULL, NULL, 0);
	Py_END_ALLOW_THREADS
	free(values);
	if (pq.result_status(result) == PGRES_TUPLES_OK || pq.result_status(result) == PGRES_COMMAND_OK)
		answer = pq_answer(result);
	else
	{
		const char *message = pq.result_field(result, PG_DIAG_MESSAGE_PRIMARY);

		raise_message(state_of(module), FACTSTR_STORAGE, message != NULL ? message : pq.error_message(connection));
	}
	pq.clear(result);
	return answer;
}

/* execute(transaction, statement, tuple of parameters) -> (types, number of changed rows, rows) */
static PyObject *
execute(PyObject *module, PyObject *args)
{
	PyObject   *capsule;
	const char *sql;
	PyObject   *parameters;
	PyObject   *answer;
	transaction_handle *handle;

	if (!parse(module, args, "OsO!", &capsule, &sql, &PyTuple_Type, &parameters) ||
		(handle = PyCapsule_GetPointer(capsule, TRANSACTION)) == NULL)
		return NULL;
	if (handle->connection == NULL)
		return raise_message(handle->state, FACTSTR_MISUSE, "the transaction has ended with its delivery");
	if (handle->busy)
		return raise_message(handle->state, FACTSTR_MISUSE, "another thread is using the transaction");
	handle->busy = true;
	answer = handle->postgres ? pq_execute(module, handle->connection, sql, parameters)
		: sqlite_execute(handle->state, handle->connection, sql, parameters);
	handle->busy = false;
	return answer;
}

static PyObject *
is_postgres(PyObject *module, PyObject *args)
{
	PyObject   *capsule;
	transaction_handle *handle;

	if (!parse(module, args, "O", &capsule) || (handle = PyCapsule_GetPointer(capsule, TRANSACTION)) == NULL)
		return NULL;
	return PyBool_FromLong(handle->postgres);
}

PyMethodDef transaction_methods[] = {
	{"execute", execute, METH_VARARGS, NULL},
	{"is_postgres", is_postgres, METH_VARARGS, NULL},
	{NULL, NULL, 0, NULL}
};
