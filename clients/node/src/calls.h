/*
 * calls.h
 *		The calls of the library that JavaScript can make, on its own thread or on another.
 */
#ifndef FACTSTR_NODE_CALLS_H
#define FACTSTR_NODE_CALLS_H

#include "found.h"
#include "handles.h"

/* CALL(NAME, kind of its handle). JavaScript has a constant with the number of each. */
#define FN_CALLS(CALL) \
	CALL(OPEN, FN_STORE) \
	CALL(CLOSE, FN_STORE) \
	CALL(EXECUTE_SQL, FN_STORE) \
	CALL(APPEND, FN_STORE) \
	CALL(APPEND_IF, FN_STORE) \
	CALL(APPEND_UNLESS, FN_STORE) \
	CALL(APPEND_JSON, FN_STORE) \
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
	CALL(LOGS, FN_STORE) \
	CALL(CREATE_LOG, FN_STORE) \
	CALL(SEAL_LOG, FN_STORE) \
	CALL(DROP_LOG, FN_STORE) \
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
#define FN_NUMBERS 3

/* Texts of calls are mostly short; these many bytes of them need no memory from elsewhere, and so many events. */
#define FN_SHORT_TEXTS 1024
#define FN_FEW_EVENTS 4

typedef struct fn_call
{
	fn_call_name name;
	fn_handle  *handle;			/* or NULL */
	char	   *texts[FN_TEXTS];	/* or NULL */
	size_t		lengths[FN_TEXTS];
	uint64_t	number;			/* a sequence number */
	size_t		count;
	factstr_event *events;		/* of an append: count of them */

	/* The outcome. */
	int			code;
	char	   *result;			/* JSON, or NULL */
	fn_handle  *opened;			/* or NULL */
	uint64_t	numbers[FN_NUMBERS];
	fn_found	found;

	/* Where texts and events are, unless they have memory of their own. */
	size_t		used;
	factstr_event few_events[FN_FEW_EVENTS];
	char		short_texts[FN_SHORT_TEXTS];
} fn_call;

/* Before anything else. */
extern void fn_call_begin(fn_call *call);

/*
 * For an append, whose events are one text: a type, a payload and the metadata, which may be empty, for each of them,
 * with U+0000 between all of these.  Events that cannot be told apart so are none for this call, and FACTSTR_MALFORMED.
 */
extern int	fn_call_find_events(fn_call *call);

extern void fn_call_make(fn_call *call);

/* Frees the arguments, and the outcome that nobody has taken over. */
extern void fn_call_end(fn_call *call);

#endif
