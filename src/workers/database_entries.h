/*
 * workers/database_entries.h
 *		The entry in shared memory for each database that has subscriptions.
 */
#ifndef FACTSTR_WORKERS_DATABASE_ENTRIES_H
#define FACTSTR_WORKERS_DATABASE_ENTRIES_H

#include "datatype/timestamp.h"
#include "port/atomics.h"
#include "storage/latch.h"
#include "storage/lwlock.h"

#define MAX_DATABASES 256

/* The longest pause before another worker is started.  In ms. */
#define DATABASE_LONGEST_PAUSE 60000

/* The reasons to look at a database. */
typedef enum DatabaseCall
{
	CALL_NONE,
	CALL_LOOK,					/* an attentive worker will do */
	CALL_ANOTHER_ROLE			/* the workers that are there cannot do it */
} DatabaseCall;

typedef struct DatabaseEntry
{
	/* Read without the lock. */
	pg_atomic_uint32 database;	/* InvalidOid: the entry is free */
	pg_atomic_uint32 taken;		/* distinguishes it from earlier entries of the database */
	pg_atomic_uint32 call;
	pg_atomic_uint32 attentive; /* workers that will look, or look now */
	pg_atomic_uint32 has_prepared;	/* facts */
	pg_atomic_uint64 facts;		/* counts commits of facts and other reasons to look */
	pg_atomic_uint64 subscriptions; /* counts their changes */

	int			most_workers;	/* factstr.delivery_workers there */
	int			pause;			/* the last one, in ms */
	TimestampTz called_at;		/* 0: the launcher knows of no call */
	TimestampTz start_at;		/* no worker is started before */
	TimestampTz look_at;		/* at this time there will be work; 0: not without a wake-up */
	TimestampTz prepared_at;
} DatabaseEntry;

typedef struct Databases
{
	LWLock		lock;			/* protects the fields that are not atomic, and the allocation of
								 * entries */
	Latch	   *volatile launcher;	/* NULL: none is running */
	pg_atomic_uint32 taken;		/* counts entries that have been taken */
	DatabaseEntry entries[MAX_DATABASES];
} Databases;

extern Databases *fs_databases_memory(void);
extern DatabaseEntry *fs_database_find(Oid database);
extern DatabaseEntry *fs_database_mine(void);
extern void fs_database_call(DatabaseEntry *entry, DatabaseCall what);

#endif							/* FACTSTR_WORKERS_DATABASE_ENTRIES_H */
