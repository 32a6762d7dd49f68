/*
 * pending_list.h
 *		Keeps the payload index's pending list short.
 */
#ifndef FACTSTR_PENDING_LIST_H
#define FACTSTR_PENDING_LIST_H

#include "storage/block.h"
#include "utils/relcache.h"

extern void pending_list_shorten(Relation by_payload, BlockNumber allowed_pages);

#endif							/* FACTSTR_PENDING_LIST_H */
