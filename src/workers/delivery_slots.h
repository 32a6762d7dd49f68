/*
 * workers/delivery_slots.h
 *		The workers that deliver subscriptions: their databases and streams.
 */
#ifndef FACTSTR_WORKERS_DELIVERY_SLOTS_H
#define FACTSTR_WORKERS_DELIVERY_SLOTS_H

#include "datatype/timestamp.h"

extern void fs_delivery_slots_reserve_memory(void);
extern int	fs_delivery_slots_most(void);
extern bool fs_delivery_slots_are_new(void);
extern int	fs_delivery_slots_of_database(Oid database);

/* For a worker. */
extern bool fs_delivery_slots_enter(int32 start, Oid *database);
extern void fs_delivery_slots_init_timeout(void);
extern void fs_delivery_slots_wait(bool is_waiting);
extern bool fs_delivery_slots_is_to_leave(void);
extern bool fs_delivery_slots_has_had_its_time(void);
extern bool fs_delivery_slots_begin(uint64 stream, Oid role, int most_of_role);
extern bool fs_delivery_slots_role_may_begin(Oid role, int most_of_role);
extern void fs_delivery_slots_end(void);
extern bool fs_delivery_slots_is_to_stop(void);
extern void fs_delivery_slots_will_leave(long pause, TimestampTz look_at);

/* For sessions. */
extern bool fs_delivery_slots_stop(uint64 stream, bool at_all_costs);
extern void fs_delivery_slots_end_stop(uint64 stream);
extern const char *fs_delivery_slots_obstacle(uint64 stream, Oid role, int most_workers, int most_of_role);

#endif							/* FACTSTR_WORKERS_DELIVERY_SLOTS_H */
