/*
 * streams/last_written.h
 *		The location of the stream's row that this session wrote last.
 */
#ifndef FACTSTR_STREAMS_LAST_WRITTEN_H
#define FACTSTR_STREAMS_LAST_WRITTEN_H

#include "access/htup.h"
#include "executor/tuptable.h"
#include "utils/relcache.h"
#include "utils/snapshot.h"

extern void fs_last_written_remember(Relation streams, const char *log, HeapTuple written);
extern bool fs_last_written_find(Relation streams, const char *log, text *name, Snapshot snapshot, TupleTableSlot *row);

#endif							/* FACTSTR_STREAMS_LAST_WRITTEN_H */
