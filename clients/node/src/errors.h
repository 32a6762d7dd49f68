/*
 * errors.h
 *		Errors as JavaScript reads them: documents like those of the JSON boundary in factstr.h.
 */
#ifndef FACTSTR_NODE_ERRORS_H
#define FACTSTR_NODE_ERRORS_H

#include <factstr.h>

/*
 * The document of an error, to be freed with free(); NULL without memory.  The condition of the append determines the
 * numbers of a conflict.
 */
extern char *fn_error_document(int code, const factstr_error *error, factstr_append_condition condition);

/* The document of a failure without a factstr_error; with the "sqlstate" of the server unless it is NULL. */
extern char *fn_failure_document(int code, const char *message, const char *sqlstate);

#endif
