/*
 * workers/places.h
 *		The launcher gives slots to workers, and takes them back for others that have waited.
 */
#ifndef FACTSTR_WORKERS_PLACES_H
#define FACTSTR_WORKERS_PLACES_H

#include "datatype/timestamp.h"

extern int32 fs_places_take(Oid database);
extern void fs_places_give_back(int32 start);
extern TimestampTz fs_places_end_starts(TimestampTz now);
extern void fs_places_ask_one_to_leave(void);

#endif							/* FACTSTR_WORKERS_PLACES_H */
