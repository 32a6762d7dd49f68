/*
 * store_known.h
 *		The logs that this session has found, until a change makes this outdated.
 */
#ifndef FACTSTR_STORE_KNOWN_H
#define FACTSTR_STORE_KNOWN_H

#include "store.h"

/* A log that this session has used. */
typedef struct KnownLog
{
	char		log[FACTSTR_LOG_NAME_LENGTH + 1];	/* the key */
	FactstrStore store;
	bool		is_known;		/* if the generation is the present one */
	uint64		generation;
	Oid			index_of_redactions;	/* InvalidOid as long as it is not known */
} KnownLog;

/* Indexes of the tables that all logs share. */
typedef enum SharedIndex
{
	SHARED_INDEX_OF_STREAMS,
	SHARED_INDEX_OF_PARKED,
	SHARED_INDEXES
} SharedIndex;

extern void fs_store_known_init(void);
extern KnownLog *fs_store_known_find(const char *log);
extern KnownLog *fs_store_known_find_or_add(Oid schema, const char *log);
extern bool fs_store_known_is_current(const KnownLog *known);
extern uint64 fs_store_known_changes(void);

extern void fs_store_known_begin(KnownLog *known);
extern void fs_store_known_shared_table(TableId id, Oid table);
extern void fs_store_known_relation(KnownLog *known, Oid relation);
extern void fs_store_known_end(KnownLog *known, bool found);

extern Oid *fs_store_known_shared_index(SharedIndex index);

#endif							/* FACTSTR_STORE_KNOWN_H */
