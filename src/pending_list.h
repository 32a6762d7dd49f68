/*
 * pending_list.h
 *		Keeps the payload index's pending list short.
 */
#ifndef FACTSTR_PENDING_LIST_H
#define FACTSTR_PENDING_LIST_H

#include "storage/block.h"
#include "utils/relcache.h"

/*
 * How long the payload index's pending list may be, in pages: measured with 8 clients on half a
 * million facts, where longer lists cost lookups time and shorter ones are emptied too often.  A
 * transaction that has the append lock anyway lets it grow longer, for fewer and larger steps, but
 * not so long that whoever reads next would notice.
 */
#define PENDING_PAGES_ALLOWED 16
#define PENDING_PAGES_ALLOWED_UNDER_LOCK 64

extern BlockNumber pending_list_pages(Relation by_payload);
extern void pending_list_shorten(Relation by_payload, BlockNumber allowed_pages);

#endif							/* FACTSTR_PENDING_LIST_H */
