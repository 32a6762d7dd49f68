/*
 * streams/group.h
 *		Calls the handler of a durable stream with a group of batches, one after the other.
 */
#ifndef FACTSTR_STREAMS_GROUP_H
#define FACTSTR_STREAMS_GROUP_H

#include "read/batches.h"
#include "streams/delivery_state.h"
#include "streams/handler.h"
#include "streams/streams.h"

/* The batches of a transaction. */
typedef struct BatchGroup
{
	MemoryContext memory;		/* lasts longer than the calls */
	MemoryContext batch_memory; /* memory of one call */
	FactBatch  *batches;
	int			count;			/* that were read */
	int			delivered;		/* before the current batch; at the end, in total */
	bool		is_over;		/* the last delivered batch must end its transaction */
	Handler		handler;
} BatchGroup;

extern bool fs_group_deliver(const FactstrStore *store, Delivery *delivery, const Stream *stream,
							 BatchGroup *group);
extern Oid	fs_group_login_user(void);

#endif							/* FACTSTR_STREAMS_GROUP_H */
