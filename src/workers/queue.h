/*
 * workers/queue.h
 *		Chooses the database that gets the next worker.
 */
#ifndef FACTSTR_WORKERS_QUEUE_H
#define FACTSTR_WORKERS_QUEUE_H

#include "datatype/timestamp.h"

extern Oid	fs_queue_next(TimestampTz now, TimestampTz *next);

#endif							/* FACTSTR_WORKERS_QUEUE_H */
