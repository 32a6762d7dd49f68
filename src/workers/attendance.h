/*
 * workers/attendance.h
 *		The workers of a database: how many are attentive, and which work they leave to others.
 */
#ifndef FACTSTR_WORKERS_ATTENDANCE_H
#define FACTSTR_WORKERS_ATTENDANCE_H

#include "datatype/timestamp.h"

typedef struct DatabaseChanges
{
	uint64		facts;
	uint64		subscriptions;
} DatabaseChanges;

extern uint32 fs_attendance_expect_worker(Oid database);
extern void fs_attendance_enter(uint32 entry);
extern DatabaseChanges fs_attendance_begin_look(void);
extern DatabaseChanges fs_attendance_changes(void);
extern void fs_attendance_limit_workers(int most);
extern void fs_attendance_ask_for_another_role(void);
extern void fs_attendance_be_late(void);
extern void fs_attendance_be_in_time(void);
extern void fs_attendance_leave(Oid database, uint32 number, bool is_attentive, long pause, TimestampTz look_at);
extern void fs_attendance_worker_works(void);
extern void fs_attendance_have_no_subscriptions(const DatabaseChanges *seen);

#endif							/* FACTSTR_WORKERS_ATTENDANCE_H */
