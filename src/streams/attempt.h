/*
 * streams/attempt.h
 *		One delivery by a worker, in its own transaction.
 */
#ifndef FACTSTR_STREAMS_ATTEMPT_H
#define FACTSTR_STREAMS_ATTEMPT_H

#include "streams/delivery.h"

extern void fs_attempt_commit(void);
extern DeliveryResult fs_attempt_deliver(Delivery *delivery);
extern void fs_attempt_init(void);

#endif							/* FACTSTR_STREAMS_ATTEMPT_H */
