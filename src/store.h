/*
 * store.h
 *		Where the tables and indexes of a log are.
 */
#ifndef FACTSTR_STORE_H
#define FACTSTR_STORE_H

#include "catalog/pg_extension.h"
#include "fmgr.h"
#include "storage/lockdefs.h"
#include "utils/relcache.h"

#include "definition.h"
#include "rights.h"

/* A log as a session finds it.  Copied freely: it lasts as long as the lock on its table of events. */
typedef struct FactstrStore
{
	char		log[FACTSTR_LOG_NAME_LENGTH + 1];
	bool		is_sealed;		/* nothing is appended any more */

	Oid			events;
	Oid			by_sequence_number;
	Oid			by_event_type;
	Oid			by_payload;
	Oid			by_idempotency_key;
	Oid			redactions;		/* InvalidOid if the database has 0.1.0 */
	Oid			rights;			/* the view on which rights are granted; the same */

	/* Shared by all logs. */
	Oid			streams;
	Oid			parked;			/* InvalidOid if the database has 0.1.0 */
} FactstrStore;

extern FactstrStore fs_store_of_call(FunctionCallInfo fcinfo, int log_argument, LogRight right);
extern void fs_store_argument_log(FunctionCallInfo fcinfo, int argument, char *log);
extern bool fs_store_of_known(const char *log, FactstrStore *result);
extern FactstrStore fs_store_of_name(Oid schema, const char *log);
extern bool fs_store_find_extension(FormData_pg_extension *extension);
extern bool fs_store_of_database(const char *log, FactstrStore *result);
extern bool fs_store_glance(Oid schema, const char *log, FactstrStore *store);
extern Oid	fs_store_glance_payloads(const FactstrStore *store);
extern Oid	fs_store_require_rights(const char *log, Oid schema);
extern void fs_store_refuse_sealed(const FactstrStore *store);
extern bool fs_store_is_main(const FactstrStore *store);
extern Oid	fs_store_schema(const FactstrStore *store);
extern Oid	fs_store_owner(Oid table);
extern Relation fs_store_open_streams(const FactstrStore *store, LOCKMODE lock);
extern Oid	fs_store_index_of_streams(Relation streams);
extern Relation fs_store_open_redactions(const FactstrStore *store, LOCKMODE lock);
extern Oid	fs_store_index_of_redactions(const FactstrStore *store, Relation redactions);
extern Relation fs_store_open_parked(const FactstrStore *store, LOCKMODE lock);
extern Oid	fs_store_index_of_parked(Relation parked);
extern Oid	fs_store_subscription(const FactstrStore *store);
extern bool fs_store_is_guarded(const FactstrStore *store);

#endif							/* FACTSTR_STORE_H */
