/*
 * streams/delivery_state.h
 *		What is known of the delivery of a durable stream, from one batch to the next.
 */
#ifndef FACTSTR_STREAMS_DELIVERY_STATE_H
#define FACTSTR_STREAMS_DELIVERY_STATE_H

#include "access/transam.h"

#include "read/facts.h"
#include "store.h"

typedef enum DeliveryResult
{
	DELIVERY_DONE,				/* some batches, or fewer are to be tried next */
	DELIVERY_NOTHING_NEW,
	DELIVERY_PAUSED,			/* after a failure */
	DELIVERY_FAILED,			/* and paused */
	DELIVERY_NOT_SUBSCRIBED,

	/* Of workers only: */
	DELIVERY_ANNOUNCED,			/* it is on record that a batch is going to be delivered */
	DELIVERY_BUSY,				/* another consumer has the stream */
	DELIVERY_STOPPED,			/* somebody wants the stream */
	DELIVERY_FOR_ANOTHER_ROLE	/* there is a batch, but its handler is not the role's that this
								 * process is */
} DeliveryResult;

/* What is delivered and how; and what is known from one batch to the next. */
typedef struct Delivery
{
	char		log[FACTSTR_LOG_NAME_LENGTH + 1];	/* of a worker's; in a session the call says
													 * which */
	text	   *name;
	int64		up_to;			/* no batch beyond this fact */
	bool		by_hand;		/* in a session, not in a worker */
	Oid			role;			/* as whom the worker delivers; InvalidOid: it only looks */
	bool		is_announced;	/* this process has the attempt on record */
	bool		has_succeeded;	/* this process has delivered before, and need not announce it
								 * again */
	Oid			subscriber;		/* of the stream, as its row said last; InvalidOid if there is no
								 * such role */

	int			most;			/* so many batches in the next transaction; 0: it is the first one */
	int			delivered;		/* so many in this one */
	bool		tries_first;	/* the handler has the first batch of this one, or had no other:
								 * what fails now is that batch */
	int			alone;			/* so many more, each in a transaction of its own */

	bool		log_is_replicated;	/* so that nobody wakes the worker */

	/* Nothing matches up to this fact, as long as the stream's row is of that version. */
	FactPosition nothing_up_to;
	TransactionId version;
	int64		skip_at;		/* not before, on clock.h's clock */

	/* What it reads of facts may be from before redactions of this transaction id and later ones. */
	TransactionId oldest_unknown;

	/* Results */
	long		pause;			/* how much is left of it, in ms */
	bool		is_behind;		/* the cursor has yet to be moved over what does not match */
	ErrorData  *error;			/* of a failure */
} Delivery;

#endif							/* FACTSTR_STREAMS_DELIVERY_STATE_H */
