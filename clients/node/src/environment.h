/*
 * environment.h
 *		The state of the addon for each environment of Node: the main thread of a program, or one of its workers.
 */
#ifndef FACTSTR_NODE_ENVIRONMENT_H
#define FACTSTR_NODE_ENVIRONMENT_H

#include "calls.h"
#include "poller.h"

/* Memory that JavaScript also reads: the numbers and the page of the last call. */
typedef struct fn_exchange
{
	uint64_t	numbers[FN_NUMBERS];
	fn_page		page;
} fn_exchange;

typedef struct fn_environment
{
	int			references;		/* the environment itself, and calls on other threads */
	fn_exchange *exchange;		/* NULL after the end of the environment */
	napi_ref	buffer;			/* the ArrayBuffer with the exchange */
	napi_ref	completed;		/* JavaScript's function for calls on other threads; or NULL */
	fn_poller  *poller;			/* NULL before the first stream */
	fn_text		text;			/* of the last page */
	fn_found	unread;			/* the facts of pages that were not requested yet */
} fn_environment;

/*
 * Exports the exchange.  The result is freed when the environment has ended and no call retains it.  NULL with an
 * exception.
 */
extern fn_environment *fn_environment_begin(napi_env env, napi_value exports);

/*
 * In Bun, but not in Node, a call on another thread may complete after the end of its environment.  All of these
 * functions are called on JavaScript's thread.
 */
extern fn_environment *fn_environment_retain(fn_environment *environment);
extern void fn_environment_release(fn_environment *environment);

/*
 * Returns the outcome of a call and ends the call.  The outcome is a handle, a text or null, or after a failure an
 * array with the document of the error.  If facts were found, the text is that of the first page.  NULL with an
 * exception.
 */
extern napi_value fn_outcome_value(napi_env env, fn_environment *environment, fn_call *call);

/* The text of the next page, null if it is empty. */
extern napi_value fn_next_page_value(napi_env env, fn_environment *environment);

#endif
