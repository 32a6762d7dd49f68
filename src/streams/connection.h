/*
 * streams/connection.h
 *		The session of a worker: its database and its role.
 */
#ifndef FACTSTR_STREAMS_CONNECTION_H
#define FACTSTR_STREAMS_CONNECTION_H

extern void fs_connection_open(Oid database);
extern void fs_connection_become(Oid role);
extern bool fs_connection_is_current(Oid role);
extern void fs_connection_clean(void);

#endif							/* FACTSTR_STREAMS_CONNECTION_H */
