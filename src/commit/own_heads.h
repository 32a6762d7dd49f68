/*
 * commit/own_heads.h
 *		The end of each log as seen by a transaction that has appended to it.
 */
#ifndef FACTSTR_COMMIT_OWN_HEADS_H
#define FACTSTR_COMMIT_OWN_HEADS_H

typedef struct OwnHead
{
	Oid			events;			/* of the log */
	int64		sequence_number;	/* 0 if everything that the transaction appended was rolled
									 * back */
} OwnHead;

extern void fs_own_heads_init(void);
extern void fs_own_heads_moved(Oid events, int64 head);
extern int64 fs_own_heads_of(Oid events);
extern int	fs_own_heads_count(void);
extern OwnHead fs_own_heads_get(int n);
extern void fs_own_heads_forget(void);

#endif							/* FACTSTR_COMMIT_OWN_HEADS_H */
