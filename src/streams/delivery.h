/*
 * streams/delivery.h
 *		Delivers the batches of a durable stream to its handler.
 */
#ifndef FACTSTR_STREAMS_DELIVERY_H
#define FACTSTR_STREAMS_DELIVERY_H

#include "streams/delivery_state.h"
#include "streams/streams.h"

extern DeliveryResult fs_delivery_deliver(const FactstrStore *store, Delivery *delivery);
extern bool fs_delivery_redeliver(const FactstrStore *store, const Stream *stream, int64 first);
extern void fs_delivery_refuse_foreign_subscription(const Stream *stream);

/* How long the cursor of a stream may stay before facts that do not match, in ms. */
#define DELIVERY_SKIP_INTERVAL 20

#endif							/* FACTSTR_STREAMS_DELIVERY_H */
