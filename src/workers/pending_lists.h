/*
 * workers/pending_lists.h
 *		The pending lists that are long, and the calls to shorten them.
 */
#ifndef FACTSTR_WORKERS_PENDING_LISTS_H
#define FACTSTR_WORKERS_PENDING_LISTS_H

/* The most of all databases. */
#define MAX_PENDING_LISTS 256

/* A payload index whose pending list is long. */
typedef struct PendingList
{
	Oid			index;
	bool		is_called;		/* shortening it must not wait for more entries */
} PendingList;

extern void fs_pending_lists_reserve_memory(void);

/* For sessions. */
extern bool fs_pending_lists_attend(Oid index, bool at_once);
extern void fs_pending_lists_before_lookup(Oid index);

/* For the worker of the database. */
extern int	fs_pending_lists_of_database(PendingList *lists);
extern void fs_pending_lists_take(Oid index);
extern void fs_pending_lists_return(Oid index, bool in_vain);

/* For the launcher. */
extern void fs_pending_lists_forget(Oid database);

#endif							/* FACTSTR_WORKERS_PENDING_LISTS_H */
