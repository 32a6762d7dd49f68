/*
 * commit/own_heads.h
 *		Where logs end for the transaction that has appended to them.
 */
#ifndef FACTSTR_COMMIT_OWN_HEADS_H
#define FACTSTR_COMMIT_OWN_HEADS_H

typedef struct OwnHead
{
	Oid			events;			/* of the log */
	int64		sequence_number;	/* 0 if all was rolled back that the transaction has appended
									 * there */
} OwnHead;

extern void fs_own_heads_init(void);
extern void fs_own_heads_moved(Oid events, int64 head);
extern int64 fs_own_heads_of(Oid events);
extern int	fs_own_heads_count(void);
extern OwnHead fs_own_heads_get(int n);
extern void fs_own_heads_forget(void);

#endif							/* FACTSTR_COMMIT_OWN_HEADS_H */
