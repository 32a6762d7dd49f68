/*
 * calls.h
 *		A call of the library: its arguments, how it is made, and its outcome.
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

	/* What it is made with: an open store, or a stream of one. */
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
	PyObject   *kept;			/* the objects whose texts events and queries have */

	/* A call that waits is made in slices, between which Python handles signals; negative: without limit. */
	int64_t		left_ms;
	int64_t		slice_ms;

	/* SIGINT has come, or must not end the call, since it cannot be repeated. */
	bool		is_interrupted;
	bool		is_uninterruptible;

	/* The outcome. */
	int			code;
	bool		is_early;		/* what it waits for has not come */
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
 * Reads the arguments of a method by their kinds, of which the text has a letter each:
 *
 *		S	a store				R	a stream
 *		t	a text				z	a text or None
 *		n	a sequence number or a count
 *		i	an integer			m	how long to wait, in milliseconds; -1: without limit
 *		o	any object
 *		e	an event or an iterable of events
 *		q	a list of event queries
 *
 * False with an exception; call_release is necessary in any case.
 */
extern bool call_prepare(call *c, PyObject *module, PyObject *args, const char *kinds);
extern void call_release(call *c);

/* Makes a call without the GIL.  False with an exception, if it has failed or a signal handler has raised one. */
extern bool call_make(call *c, int (*function) (call *));

#endif							/* CALLS_H */
