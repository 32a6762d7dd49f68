/*
 * calls.h
 *		The calls of the library that JavaScript can make, on its own thread or on another.
 */
#ifndef FACTSTR_NODE_CALLS_H
#define FACTSTR_NODE_CALLS_H

#include "handles.h"

/* CALL(NAME, kind of its handle). JavaScript has a constant with the number of each. */
#define FN_CALLS(CALL) \
	CALL(OPEN, FN_STORE) \
	CALL(CLOSE, FN_STORE) \
	CALL(EXECUTE_SQL, FN_STORE) \
	CALL(APPEND, FN_STORE) \
	CALL(QUERY, FN_STORE) \
	CALL(NEWEST, FN_STORE) \
	CALL(CONTEXT_VERSION, FN_STORE) \
	CALL(BATCHES, FN_STORE) \
	CALL(EXPORT, FN_STORE) \
	CALL(IMPORT, FN_STORE) \
	CALL(IMPORT_REDACTIONS, FN_STORE) \
	CALL(REDACT, FN_STORE) \
	CALL(REDACTIONS, FN_STORE) \
	CALL(STREAMS, FN_STORE) \
	CALL(STREAM_SEEK, FN_STORE) \
	CALL(STREAM_DROP, FN_STORE) \
	CALL(WAIT, FN_STORE) \
	CALL(READ_OPEN, FN_STORE) \
	CALL(READ_NEXT, FN_CURSOR) \
	CALL(STREAM_OPEN, FN_STORE) \
	CALL(STREAM_NEXT, FN_STREAM) \
	CALL(STREAM_ACK, FN_STREAM) \
	CALL(STREAM_FAIL, FN_STREAM)

typedef enum fn_call_name
{
#define FN_CALL_ENUM(NAME, kind) FN_##NAME,
	FN_CALLS(FN_CALL_ENUM)
#undef FN_CALL_ENUM
	FN_CALL_COUNT
} fn_call_name;

#define FN_TEXTS 3

typedef struct fn_call
{
	fn_call_name name;
	fn_handle  *handle;			/* or NULL */
	const char *texts[FN_TEXTS];	/* or NULL */
	uint64_t	number;			/* a sequence number */
	size_t		count;

	/* The outcome. */
	int			code;
	char	   *result;			/* JSON, or NULL; for fn_call_free */
	fn_handle  *opened;			/* or NULL; the caller's */
} fn_call;

extern void fn_call_make(fn_call *call);
extern void fn_call_free_result(fn_call *call);

#endif
