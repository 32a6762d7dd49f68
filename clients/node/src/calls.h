/*
 * calls.h
 *		The calls of the library that JavaScript can make, on JavaScript's thread or on another.
 */
#ifndef FACTSTR_NODE_CALLS_H
#define FACTSTR_NODE_CALLS_H

#include "found.h"
#include "handles.h"

/* CALL(NAME, kind of its handle).  JavaScript has a constant with the number of each call. */
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

/* Most calls have short texts and few events: up to these limits, they need no allocation. */
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
	factstr_event *events;		/* of an append; their number is count */

	/* The outcome. */
	int			code;
	char	   *result;			/* JSON, or NULL */
	fn_handle  *opened;			/* or NULL */
	uint64_t	numbers[FN_NUMBERS];
	fn_found	found;

	/* The place of texts and events that need no allocation. */
	size_t		used;
	factstr_event few_events[FN_FEW_EVENTS];
	char		short_texts[FN_SHORT_TEXTS];
} fn_call;

/* Call this first. */
extern void fn_call_begin(fn_call *call);

/*
 * Splits the text of an append into its events.  Each has a type, a payload and metadata, which may be empty, and
 * U+0000 separates all of these.  Returns FACTSTR_MALFORMED if the text does not have this form.
 */
extern int	fn_call_find_events(fn_call *call);

extern void fn_call_make(fn_call *call);

/* Frees the arguments, and the outcome unless it was taken over. */
extern void fn_call_end(fn_call *call);

#endif
