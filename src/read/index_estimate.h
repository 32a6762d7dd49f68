/*
 * read/index_estimate.h
 *		Estimates how many candidates the payload index has for a predicate, without reading them.
 */
#ifndef FACTSTR_READ_INDEX_ESTIMATE_H
#define FACTSTR_READ_INDEX_ESTIMATE_H

#include "utils/jsonb.h"
#include "utils/relcache.h"

extern int64 fs_index_estimate_cost(Relation by_payload, Jsonb *predicate);

#endif							/* FACTSTR_READ_INDEX_ESTIMATE_H */
