/*
 * commit/wire.h
 *		What leaves over the connection, and the flush that has to come first.
 */
#ifndef FACTSTR_COMMIT_WIRE_H
#define FACTSTR_COMMIT_WIRE_H

extern void fs_wire_init(void);

#endif							/* FACTSTR_COMMIT_WIRE_H */
