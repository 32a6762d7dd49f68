/*
 * commit/wire.h
 *		Messages to the client, and the flush that precedes them.
 */
#ifndef FACTSTR_COMMIT_WIRE_H
#define FACTSTR_COMMIT_WIRE_H

extern void fs_wire_init(void);

#endif							/* FACTSTR_COMMIT_WIRE_H */
