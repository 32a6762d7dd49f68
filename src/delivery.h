/*
 * delivery.h
 *		Delivers the batches of a durable stream to its handler.
 */
#ifndef FACTSTR_DELIVERY_H
#define FACTSTR_DELIVERY_H

#include "access/transam.h"
#include "datatype/timestamp.h"

#include "store.h"

typedef enum DeliveryResult
{
	DELIVERY_DONE,				/* one batch */
	DELIVERY_NOTHING_NEW,
	DELIVERY_PAUSED,			/* until retry_at */
	DELIVERY_FAILED,			/* and paused */
	DELIVERY_NOT_SUBSCRIBED,
	DELIVERY_ANOTHER_SUBSCRIBER /* than this process has been; it must not go on */
} DeliveryResult;

/* What is delivered and how; and what is known from one batch to the next. */
typedef struct Delivery
{
	text	   *name;
	int64		upto;			/* no batch beyond this fact */
	bool		by_hand;		/* in a session, not in a worker */
	Oid			subscriber;		/* who the worker has been, InvalidOid at first */

	bool		log_is_replicated;	/* so that nobody wakes the worker */

	/* Nothing matches up to this fact, as long as the stream's row is of that version. */
	int64		nothing_upto;
	TransactionId version;
	TimestampTz moved_at;		/* when the cursor was moved last */

	/* Results */
	TimestampTz retry_at;
	bool		is_behind;		/* the cursor has yet to be moved over what does not match */
	ErrorData  *error;			/* of a failure */
} Delivery;

extern DeliveryResult delivery_next(const FactstrStore *store, Delivery *delivery);
extern void delivery_record_failure(const FactstrStore *store, Delivery *delivery,
									const ErrorData *error);
extern Oid	delivery_login_user(void);

/* How long the cursor of a stream may stay behind facts that do not match, in ms. */
#define DELIVERY_SKIP_INTERVAL 20

#endif							/* FACTSTR_DELIVERY_H */
