/*
 * calls.h
 *		A call of the library: its arguments and its outcome.
 */
#ifndef CALLS_H
#define CALLS_H

#include "native.h"

#define MOST_TEXTS 3
#define MOST_NUMBERS 9

/* A call, on the stack of the method that makes it. */
typedef struct call
{
	module_state *state;

	/* The open store, or the store of an open stream. */
	PyObject   *store_capsule;
	PyObject   *stream_capsule; /* or NULL */
	store_handle *store;
	stream_handle *stream;

	/* The arguments of each kind, in their order. */
	const char *texts[MOST_TEXTS];	/* or NULL */
	int64_t		numbers[MOST_NUMBERS];
	PyObject   *object;
	factstr_event *events;
	const char **queries;
	size_t		count;			/* of events or queries */
	PyObject   *kept;			/* the objects that own the texts of events and queries */

	/* A waiting call is made in slices, and Python handles signals between them; negative: no limit. */
	int64_t		left_ms;
	int64_t		slice_ms;

	/* SIGINT has interrupted the call, or must not, because the call cannot be repeated. */
	bool		is_interrupted;
	bool		is_uninterruptible;

	/* The outcome. */
	int			code;
	bool		is_early;		/* the slice has ended before the wait */
	factstr_error error;
	char	   *document;		/* of a call over the JSON boundary */
	union
	{
		factstr_append_result append;
		factstr_query_result *query;
		factstr_newest_result *newest;
		factstr_batch_list *batches;
		uint64_t	number;
		bool		flag;
		int			integer;
	}			outcome;
} call;

/*
 * Reads the arguments of a method.  The text has a letter for the kind of each:
 *
 *		S	a store				R	a stream
 *		t	a text				z	a text or None
 *		n	a sequence number or a count
 *		i	an integer			m	how long to wait, in milliseconds; -1: without limit
 *		o	any object
 *		e	an event or an iterable of events
 *		q	a list of event queries
 *
 * Returns false with an exception.  Call call_release in any case.
 */
extern bool call_prepare(call *c, PyObject *module, PyObject *args, const char *kinds);
extern void call_release(call *c);

/* Makes a call without the GIL.  Returns false with an exception if it fails or a signal handler raises one. */
extern bool call_make(call *c, int (*function) (call *));

#endif							/* CALLS_H */
