/*
 * errors.h
 *		The SQLSTATEs of factstr: class FS, published in docs/sql-reference.md.
 */
#ifndef FACTSTR_ERRORS_H
#define FACTSTR_ERRORS_H

#include "utils/elog.h"

#define FACTSTR_ERRCODE_APPEND_CONFLICT			MAKE_SQLSTATE('F', 'S', '0', '0', '1')
#define FACTSTR_ERRCODE_EMPTY_APPEND			MAKE_SQLSTATE('F', 'S', '0', '0', '2')
#define FACTSTR_ERRCODE_STREAM_QUERY_DIFFERS	MAKE_SQLSTATE('F', 'S', '0', '0', '3')
#define FACTSTR_ERRCODE_STREAM_ACTIVE			MAKE_SQLSTATE('F', 'S', '0', '0', '4')
#define FACTSTR_ERRCODE_NO_SUCH_STREAM			MAKE_SQLSTATE('F', 'S', '0', '0', '5')
#define FACTSTR_ERRCODE_IDEMPOTENCY_KEY_REUSED	MAKE_SQLSTATE('F', 'S', '0', '0', '6')
#define FACTSTR_ERRCODE_WAIT_TIMED_OUT			MAKE_SQLSTATE('F', 'S', '0', '0', '7')
#define FACTSTR_ERRCODE_NO_SUCH_LOG				MAKE_SQLSTATE('F', 'S', '0', '0', '8')
#define FACTSTR_ERRCODE_LOG_SEALED				MAKE_SQLSTATE('F', 'S', '0', '0', '9')

#endif							/* FACTSTR_ERRORS_H */
