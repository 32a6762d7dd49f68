/*
 * pending_list.c
 *		Keeps the payload index's pending list short.
 *
 * The index collects new entries in a list that each lookup has to read through.  PostgreSQL would
 * empty it when some append fills it, under that append's lock; the index is created with a limit
 * far away, and appends empty the list here instead, before they take the lock.
 */
#include "postgres.h"

#include "access/gin.h"
#include "access/gin_private.h"

#include "pending_list.h"

BlockNumber
pending_list_pages(Relation by_payload)
{
	GinStatsData statistics;

	ginGetStats(by_payload, &statistics);
	return statistics.nPendingPages;
}

/* Empties the list if it has more pages than allowed, unless somebody else is at it already. */
void
pending_list_shorten(Relation by_payload, BlockNumber allowed_pages)
{
	GinState	state;

	if (pending_list_pages(by_payload) <= allowed_pages)
		return;
	initGinState(&state, by_payload);
	ginInsertCleanup(&state, false, true, false, NULL);
}
