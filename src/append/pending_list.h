/*
 * append/pending_list.h
 *		The pending list of the payload index.
 */
#ifndef FACTSTR_APPEND_PENDING_LIST_H
#define FACTSTR_APPEND_PENDING_LIST_H

#include "storage/block.h"
#include "utils/relcache.h"

extern BlockNumber fs_pending_list_pages(Relation by_payload);
extern void fs_pending_list_shorten(Relation by_payload, bool under_lock);

extern PGDLLEXPORT void factstr_pending_list_main(Datum argument);

#endif							/* FACTSTR_APPEND_PENDING_LIST_H */
