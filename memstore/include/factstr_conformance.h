/*
 * factstr_conformance.h
 *		The conformance suite of libfactstr: does a store keep the contract?
 *
 * The suite is a list of cases, each for one or a few rules of the contract.  It uses nothing but
 * factstr.h, so it can be run against any store that stands behind it:
 *
 *		factstr_conformance_target *target;
 *		char		message[FACTSTR_CONFORMANCE_MESSAGE_SIZE];
 *
 *		target = factstr_conformance_target_for_url("sqlite:/tmp/conformance", message);
 *		if (target == NULL)
 *			fprintf(stderr, "%s\n", message);
 *		else
 *			failures = factstr_conformance_run(target, NULL, stdout);
 *		factstr_conformance_target_free(target);
 *
 * Each case gets a new empty store, so cases do not depend on each other, and any selection of
 * them can be run.
 *
 * Cases wait for required events as long as the target's patience, and never conclude from a mere
 * timeout that an event does not happen: a missing delivery is shown by the delivery of a later
 * fact.
 *
 * Link with -lfactstr_conformance -lfactstr -lsqlite3 -ldl -lpthread.  Cases of several processes
 * fork before the store is opened, so call the suite while the program has no other threads.
 */
#ifndef FACTSTR_CONFORMANCE_H
#define FACTSTR_CONFORMANCE_H

#include <stdio.h>

#include "factstr.h"

#ifdef __cplusplus
extern "C" {
#endif

#define FACTSTR_CONFORMANCE_MESSAGE_SIZE 1024

/*
 * The tested store.  To test your own store, fill one in, zeroed first: members may stay NULL or
 * false, and cases that need them are skipped, with the reason.
 */
typedef struct factstr_conformance_target
{
	const char *name;
	void	   *context;		/* passed to the functions */

	/*
	 * Makes an empty store and gives its URL, which stays valid until discard.  NULL on failure,
	 * with the reason in message, of FACTSTR_CONFORMANCE_MESSAGE_SIZE bytes.
	 */
	const char *(*fresh) (void *context, char *message);

	/* Removes a store that fresh made; it is not open any more. */
	void		(*discard) (void *context, const char *url);

	/*
	 * The URL of another empty store that is as close to a store that fresh made as can be, such as another log of
	 * its database.  It goes with that store.  NULL: one that fresh makes.
	 */
	const char *(*beside) (void *context, const char *url, char *message);

	/* Opens a store; NULL: factstr_open. */
	int			(*open) (void *context, const char *url, factstr_store **store,
						 factstr_error *error);

	/*
	 * A closed store can be opened again by its URL, and another handle or process can open it at
	 * the same time.
	 */
	bool		persistent;

	/*
	 * Writes a number into the store's database, in the transaction of a delivery; and counts how
	 * often a number is there, seen from outside.  effect returns whether it succeeded, effects -1
	 * on failure.  Both or none.
	 */
	bool		(*effect) (void *context, void *transaction, int number);
	long		(*effects) (void *context, const char *url, int number);

	/*
	 * Options that open a store of this kind to be read only, to follow a "?" or "&" in its URL; NULL:
	 * there are none.
	 */
	const char *read_only;

	int			patience;		/* how long to wait for required events, in s; 0: twenty */

	void		(*free) (void *context);	/* or NULL */
} factstr_conformance_target;

/*
 * A target for one of the library's own stores:
 *
 *		memory:					each case opens a new store
 *		sqlite:DIRECTORY		each case creates a file below the directory, which is created if it
 *								does not exist, and must be empty otherwise
 *		postgresql://...		cases use separate databases, with names that begin with
 *								factstr_conformance_; the role must be allowed to create databases
 *								and the extension
 *
 * All of these are removed again, the last of them by factstr_conformance_target_free.
 *
 * NULL on failure, with the reason in message, of FACTSTR_CONFORMANCE_MESSAGE_SIZE bytes.
 */
FACTSTR_API factstr_conformance_target *
factstr_conformance_target_for_url(const char *url, char *message);

/* Calls target->free; for targets that the function above made.  NULL is harmless. */
FACTSTR_API void factstr_conformance_target_free(factstr_conformance_target *target);

/* One case of the suite. */
typedef struct factstr_conformance_case
{
	const char *subject;		/* "facts", "append", "streams" and so on */
	const char *rules;			/* of the contract: "12", "2, 17" */
	const char *title;			/* the rule: "a prefix of a string does not match it" */
} factstr_conformance_case;

/* Case number i, in the order in which they are run; NULL beyond the last. */
FACTSTR_API const factstr_conformance_case *factstr_conformance_case_at(size_t i);

/*
 * Does a pattern select a case?  It does if it is NULL, the subject, "rule 12" for one of its
 * rules, or a shell pattern for, or a part of, the title.
 */
FACTSTR_API bool
factstr_conformance_selects(const char *pattern, const factstr_conformance_case *tested);

typedef enum factstr_conformance_verdict
{
	FACTSTR_CONFORMANCE_PASSED,
	FACTSTR_CONFORMANCE_FAILED,
	FACTSTR_CONFORMANCE_SKIPPED
} factstr_conformance_verdict;

/*
 * Takes the result of a case.  message: the expected and the actual value, or why it was skipped;
 * otherwise empty.
 */
typedef void (*factstr_conformance_reporter) (const factstr_conformance_case *tested,
											  factstr_conformance_verdict verdict,
											  const char *message, void *context);

/*
 * Runs one case, which factstr_conformance_case_at has given.  message, which may be NULL, has
 * FACTSTR_CONFORMANCE_MESSAGE_SIZE bytes.
 */
FACTSTR_API factstr_conformance_verdict
factstr_conformance_run_case(const factstr_conformance_target *target,
							 const factstr_conformance_case *tested, char *message);

/*
 * Runs the cases that a pattern selects, and reports each.  Returns how many failed; -1 if none was
 * selected.
 */
FACTSTR_API int
factstr_conformance_report(const factstr_conformance_target *target, const char *pattern,
						   factstr_conformance_reporter reporter, void *context);

/* The same, as a TAP stream. */
FACTSTR_API int
factstr_conformance_run(const factstr_conformance_target *target, const char *pattern, FILE *tap);

#ifdef __cplusplus
}
#endif

#endif							/* FACTSTR_CONFORMANCE_H */
