/*
 * subscription_worker.h
 *		The process that delivers a durable stream to its handler.
 */
#ifndef FACTSTR_SUBSCRIPTION_WORKER_H
#define FACTSTR_SUBSCRIPTION_WORKER_H

extern PGDLLEXPORT void factstr_subscription_main(Datum argument);

#endif							/* FACTSTR_SUBSCRIPTION_WORKER_H */
