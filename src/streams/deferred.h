/*
 * streams/deferred.h
 *		Triggers deferred to the end of the transaction, mainly those of deferred constraints.
 */
#ifndef FACTSTR_STREAMS_DEFERRED_H
#define FACTSTR_STREAMS_DEFERRED_H

extern bool fs_deferred_pending(void);
extern void fs_deferred_refuse(const char *function);
extern bool fs_deferred_fire(void);

#endif							/* FACTSTR_STREAMS_DEFERRED_H */
