/*
 * streams/failures.h
 *		Records failed deliveries, and the time of the next attempt.
 */
#ifndef FACTSTR_STREAMS_FAILURES_H
#define FACTSTR_STREAMS_FAILURES_H

#include "streams/delivery_state.h"
#include "streams/streams.h"

extern long fs_failure_rest_of_pause(const Stream *stream);
extern void fs_failure_record(const FactstrStore *store, Delivery *delivery, const ErrorData *error);
extern void fs_failure_record_lost_process(const FactstrStore *store, Delivery *delivery,
										   const Stream *stream);
extern void fs_failure_record_end(const FactstrStore *store, Delivery *delivery);

#endif							/* FACTSTR_STREAMS_FAILURES_H */
