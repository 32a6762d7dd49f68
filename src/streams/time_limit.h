/*
 * streams/time_limit.h
 *		Limits the time of a handler in a worker.
 */
#ifndef FACTSTR_STREAMS_TIME_LIMIT_H
#define FACTSTR_STREAMS_TIME_LIMIT_H

extern void fs_time_limit_init(void);
extern void fs_time_limit_begin(int own_statement_timeout);
extern void fs_time_limit_end(void);
extern bool fs_time_limit_is_over(void);

#endif							/* FACTSTR_STREAMS_TIME_LIMIT_H */
