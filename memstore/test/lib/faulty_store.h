/*
 * faulty_store.h
 *		The memory store, which fails on demand, and counts its calls.
 *
 * Its streams pause only for a moment after a failure, and those that pause can be kept from
 * continuing.  Transactions of deliveries are simulated: a handler's changes in one are not rolled back.
 */
#ifndef FACTSTR_TEST_FAULTY_STORE_H
#define FACTSTR_TEST_FAULTY_STORE_H

#include "stores/store.h"

#include "stores.h"

/* Of the store that was opened last.  Looked at and changed through the functions below. */
typedef struct faulty_state
{
	/* So many calls fail with FACTSTR_STORAGE. */
	int			failing_heads;
	int			failing_batches;
	int			failing_reads;
	int			failing_moves;
	int			failing_resumes;
	int			failing_begins;
	int			failing_watches;
	int			lying_moves;	/* so many are done, but fail with FACTSTR_CONNECTION_LOST */
	bool		holds_resumes;	/* they do not return until this is false */

	/* So many there were. */
	int			searches;		/* for batches */
	int			settlements;	/* moves past batches without a match */
	int			fails;
	int			resumes;
	int			begins;
	int			open_transactions;
	int			watching;
	int64_t		last_retry_at;
} faulty_state;

extern faulty_state faulty;

/* A new store; all of the state is zero then. */
factstr_store *faulty_open(void);

/* While threads may be running. */
void		faulty_set(int *member, int value);
int			faulty_get(const int *member);
int64_t		faulty_last_retry_at(void);
void		faulty_hold_resumes(bool holds);

#endif							/* FACTSTR_TEST_FAULTY_STORE_H */
