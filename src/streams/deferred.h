/*
 * streams/deferred.h
 *		Triggers that the transaction has put off to its end, those of deferred constraints above all.
 */
#ifndef FACTSTR_STREAMS_DEFERRED_H
#define FACTSTR_STREAMS_DEFERRED_H

extern bool fs_deferred_pending(void);
extern void fs_deferred_refuse(const char *function);
extern bool fs_deferred_fire(void);

#endif							/* FACTSTR_STREAMS_DEFERRED_H */
