/*
 * notify.h
 *		The notification that wakes consumers.
 */
#ifndef FACTSTR_NOTIFY_H
#define FACTSTR_NOTIFY_H

extern void factstr_notify_batch(int64 first_sequence_number, int64 last_sequence_number);
extern void factstr_notify_init(void);

#endif							/* FACTSTR_NOTIFY_H */
