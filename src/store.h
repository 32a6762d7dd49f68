/*
 * store.h
 *		Where the store's tables and indexes are.
 */
#ifndef FACTSTR_STORE_H
#define FACTSTR_STORE_H

#include "catalog/pg_extension.h"
#include "fmgr.h"
#include "storage/lockdefs.h"
#include "utils/relcache.h"

#include "definition.h"

typedef struct FactstrStore
{
	Oid			events;
	Oid			by_sequence_number;
	Oid			by_event_type;
	Oid			by_payload;
	Oid			by_idempotency_key;
	Oid			streams;
	Oid			redactions;		/* InvalidOid if the database has 0.1.0 */
	Oid			parked;			/* the same */
} FactstrStore;

extern void fs_store_init(void);
extern FactstrStore fs_store_of_call(FunctionCallInfo fcinfo);
extern bool fs_store_find_extension(FormData_pg_extension *extension);
extern bool fs_store_of_database(FactstrStore *result);
extern Relation fs_store_open_streams(const FactstrStore *store, LOCKMODE lock);
extern Oid	fs_store_index_of_streams(Relation streams);
extern Relation fs_store_open_redactions(const FactstrStore *store, LOCKMODE lock);
extern Oid	fs_store_index_of_redactions(Relation redactions);
extern Relation fs_store_open_parked(const FactstrStore *store, LOCKMODE lock);
extern Oid	fs_store_index_of_parked(Relation parked);
extern Oid	fs_store_subscription(const FactstrStore *store);
extern bool fs_store_is_guarded(const FactstrStore *store);

#endif							/* FACTSTR_STORE_H */
