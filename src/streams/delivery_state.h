/*
 * streams/delivery_state.h
 *		The state of the delivery of a durable stream, from one batch to the next.
 */
#ifndef FACTSTR_STREAMS_DELIVERY_STATE_H
#define FACTSTR_STREAMS_DELIVERY_STATE_H

#include "access/transam.h"
#include "storage/lock.h"

#include "read/facts.h"
#include "store.h"

typedef enum DeliveryResult
{
	DELIVERY_DONE,				/* some batches were delivered, or fewer are to be tried next */
	DELIVERY_NOTHING_NEW,
	DELIVERY_PAUSED,			/* after a failure */
	DELIVERY_FAILED,			/* and paused */
	DELIVERY_NOT_SUBSCRIBED,

	/* Of workers only: */
	DELIVERY_ANNOUNCED,			/* the delivery of a batch has been announced */
	DELIVERY_BUSY,				/* another consumer has the stream */
	DELIVERY_STOPPED,			/* somebody wants the stream */
	DELIVERY_FOR_ANOTHER_ROLE	/* there is a batch, but its handler belongs to another role than
								 * this process */
} DeliveryResult;

/* The subject of the delivery, and its state between batches. */
typedef struct Delivery
{
	char		log[FACTSTR_LOG_NAME_LENGTH + 1];	/* for a worker; in a session the call names it */
	text	   *name;
	int64		up_to;			/* no batch beyond this fact */
	bool		by_hand;		/* in a session, not in a worker */
	Oid			role;			/* the role for which the worker delivers; InvalidOid: it only
								 * looks */
	LOCKTAG		lock;			/* the stream's, which the worker's transaction took */
	bool		is_announced;	/* this process has the attempt on record */
	bool		has_succeeded;	/* this process has delivered before, and need not announce it */
	Oid			subscriber;		/* of the stream, according to its row; InvalidOid if the role does
								 * not exist */

	int			most;			/* the number of batches for the next transaction; 0: it is the
								 * first one */
	int			delivered;		/* so many in this one */
	bool		tries_first;	/* the handler has the first batch of this transaction, or had no
								 * other: a failure is that batch's */
	int64		first;			/* of the first batch of this transaction; 0: it is not known yet */
	TransactionId first_version;	/* the version of the stream's row for which it is the first */
	int			alone;			/* the number of further batches that each get their own
								 * transaction */

	bool		log_is_replicated;	/* so that no commit wakes the worker */

	/* Nothing matches up to this fact, as long as the stream's row has this version. */
	FactPosition nothing_up_to;
	TransactionId version;
	int64		skip_at;		/* not before, on clock.h's clock */

	/* The facts that it reads may be older than redactions by this transaction id and later ones. */
	TransactionId oldest_unknown;

	/* Results */
	long		pause;			/* how much is left of it, in ms */
	bool		is_behind;		/* the cursor has yet to move past facts that do not match */
	ErrorData  *error;			/* of a failure */
} Delivery;

#endif							/* FACTSTR_STREAMS_DELIVERY_STATE_H */
