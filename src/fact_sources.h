/*
 * fact_sources.h
 *		Ordered sources of facts, merged into one stream.
 */
#ifndef FACTSTR_FACT_SOURCES_H
#define FACTSTR_FACT_SOURCES_H

#include "access/sdir.h"
#include "access/skey.h"
#include "executor/tuptable.h"
#include "utils/relcache.h"
#include "utils/snapshot.h"

#include "candidates.h"

typedef struct FactSources FactSources;

extern FactSources *fact_sources_create(Relation events, Snapshot snapshot,
										ScanDirection direction);
extern void fact_sources_add_index(FactSources *sources, Oid index, ScanKey keys, int key_count);
extern void fact_sources_add_candidates(FactSources *sources, CandidateList *candidates);
extern int	fact_sources_count(const FactSources *sources);
extern void fact_sources_start(FactSources *sources);
extern TupleTableSlot *fact_sources_next(FactSources *sources);
extern void fact_sources_clear(FactSources *sources);

extern int64 fact_sequence_number(TupleTableSlot *row);
extern int64 fact_batch_first(TupleTableSlot *row);

#endif							/* FACTSTR_FACT_SOURCES_H */
