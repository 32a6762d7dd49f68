/*
 * streams/parking.h
 *		Batches of durable streams that were set aside.
 */
#ifndef FACTSTR_STREAMS_PARKING_H
#define FACTSTR_STREAMS_PARKING_H

#include "read/batches.h"
#include "store.h"
#include "streams/streams.h"

extern bool fs_parking_is_due(const Stream *stream);
extern void fs_parking_add(const FactstrStore *store, const Stream *stream, const FactBatch *batch);
extern bool fs_parking_take(const FactstrStore *store, text *name, int64 first, int64 *last);
extern bool fs_parking_exists(const FactstrStore *store, text *name);
extern void fs_parking_forget_after(const FactstrStore *store, text *name, int64 sequence_number);

#endif							/* FACTSTR_STREAMS_PARKING_H */
