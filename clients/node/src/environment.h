/*
 * environment.h
 *		What the addon has for each environment of Node, which is the main thread of a program or one of its workers.
 */
#ifndef FACTSTR_NODE_ENVIRONMENT_H
#define FACTSTR_NODE_ENVIRONMENT_H

#include "calls.h"
#include "poller.h"

/* Memory that JavaScript reads too: what the last call has come to, beside its outcome. */
typedef struct fn_exchange
{
	uint64_t	numbers[FN_NUMBERS];
	fn_page		page;
} fn_exchange;

typedef struct fn_environment
{
	int			references;		/* the environment itself, and calls on other threads */
	fn_exchange *exchange;		/* NULL after the end of the environment */
	napi_ref	buffer;			/* what the exchange is in */
	napi_ref	completed;		/* JavaScript's function for calls on other threads; or NULL */
	fn_poller  *poller;			/* NULL before the first stream */
	fn_text		text;			/* of the last page */
	fn_found	unread;			/* what the pages that were not asked for yet are of */
} fn_environment;

/* Exports the exchange.  Ends with the environment, but stays while it is retained.  NULL with an exception. */
extern fn_environment *fn_environment_begin(napi_env env, napi_value exports);

/*
 * A call on another thread may be completed after the end of its environment: in Node that cannot be, in Bun it can.
 * All of this happens on one thread.
 */
extern fn_environment *fn_environment_retain(fn_environment *environment);
extern void fn_environment_release(fn_environment *environment);

/*
 * What a call that was made has come to, and ends the call: a handle, a text, null if nothing is to be told, or for
 * a failure an array with the document of the error.  Of what was found, the text is the first page's.  NULL with an
 * exception.
 */
extern napi_value fn_outcome_value(napi_env env, fn_environment *environment, fn_call *call);

/* The text of the next page, null if it is empty. */
extern napi_value fn_next_page_value(napi_env env, fn_environment *environment);

#endif
