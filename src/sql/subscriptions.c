/*
 * sql/subscriptions.c
 *		The SQL functions for handlers in the database.
 */
#include "postgres.h"

#include "access/xlog.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "commit/wakeup.h"
#include "compat.h"
#include "read/facts.h"
#include "settings.h"
#include "sql/call.h"
#include "sql/streams.h"
#include "workers/databases.h"
#include "streams/deferred.h"
#include "streams/delivery.h"
#include "streams/handler.h"
#include "workers/launcher.h"
#include "streams/lock.h"
#include "streams/partitions.h"
#include "streams/taking.h"
#include "workers/delivery_slots.h"

PG_FUNCTION_INFO_V1(factstr_subscribe);
PG_FUNCTION_INFO_V1(factstr_unsubscribe);
PG_FUNCTION_INFO_V1(factstr_deliver);
PG_FUNCTION_INFO_V1(factstr_delivery_obstacle);

static bool
is_subscribed(const Stream *stream, const char *handler, const char *subscriber)
{
	return stream->handler != NULL && strcmp(stream->handler, handler) == 0 &&
		strcmp(stream->subscriber, subscriber) == 0 && stream->failure_count == 0;
}

/* The handler starts at the stream's cursor, unless it has the stream already, and a worker is called. */
static void
subscribe(const FactstrStore *store, const Stream *opened, const char *handler, const char *subscriber)
{
	if (!is_subscribed(opened, handler, subscriber))
	{
		Stream		stream;

		fs_call_refuse_read_only("factstr_subscribe()");
		fs_stream_take_from_handler(store, opened->name, false);
		stream = fs_stream_get(store, opened->name);

		fs_stream_subscribe(store, &stream, handler, subscriber);
		fs_wakeup_at_commit(fs_wakeup_of_facts());
	}
	if (factstr_background_delivery && !RecoveryInProgress())
	{
		fs_launcher_ensure();
		fs_launcher_request_at_commit();
	}
}

/*
 * factstr_subscribe(name, event_query, handler, start, partitions, partition_key): opens the stream, and has its
 * batches delivered to the handler from the commit on.  Returns the cursor.
 */
Datum
factstr_subscribe(PG_FUNCTION_ARGS)
{
	FactstrStore store = fs_store_of_call(fcinfo, 6, RIGHT_TO_CONSUME);
	StreamOpening opening = fs_argument_stream_opening(fcinfo, &store, 3);
	char	   *subscriber = GetUserNameFromId(GetUserId(), false);
	char	   *handler;
	List	   *streams;
	ListCell   *cell;

	fs_argument_refuse_null(fcinfo, 2, "handler");
	fs_handler_check(PG_GETARG_OID(2), GetUserId());
	handler = fs_handler_name(PG_GETARG_OID(2));
	streams = fs_stream_open(&store, &opening, "factstr_subscribe()");
	foreach(cell, streams)
	{
		subscribe(&store, lfirst(cell), handler, subscriber);
	}
	PG_RETURN_INT64(fs_streams_cursor(streams));
}

/* factstr_unsubscribe(name): the stream and its cursor stay; was there a handler? */
Datum
factstr_unsubscribe(PG_FUNCTION_ARGS)
{
	text	   *name = fs_argument_stream_name(fcinfo, 0);
	FactstrStore store = fs_store_of_call(fcinfo, 1, RIGHT_TO_CONSUME);
	bool		had_handler = false;
	ListCell   *cell;

	foreach(cell, fs_stream_take_all(&store, name, false, "factstr_unsubscribe()"))
	{
		Stream	   *stream = lfirst(cell);

		if (stream->handler == NULL)
			continue;
		fs_stream_unsubscribe(&store, stream);
		had_handler = true;
	}
	if (had_handler)
		fs_wakeup_at_commit(fs_wakeup_of_facts());
	PG_RETURN_BOOL(had_handler);
}

/* The stream has no handler. */
void
fs_stream_refuse_unsubscribed(const Stream *stream)
{
	if (stream->handler != NULL)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("durable stream \"%s\" has no handler", text_to_cstring(stream->name)),
			 errhint("Subscribe one with factstr_subscribe, or consume the stream with factstr_stream_next.")));
}

static void
refuse_missing(FunctionCallInfo fcinfo, text *name)
{
	FactstrStore store = fs_store_of_call(fcinfo, 1, RIGHT_TO_CONSUME);
	Stream		stream = fs_stream_get(&store, name);

	fs_stream_refuse_unsubscribed(&stream);
}

static void
commit_and_go_on(void)
{
	SPI_commit();
	SPI_start_transaction();
}

/*
 * Delivers some batches, which are committed unless a transaction block encloses the call. A failure is
 * raised when it has been recorded.
 */
static DeliveryResult
deliver_some(FunctionCallInfo fcinfo, Delivery *delivery, bool atomic)
{
	FactstrStore store = fs_store_of_call(fcinfo, 1, RIGHT_TO_CONSUME);
	DeliveryResult result;

	if (delivery->up_to == 0)
		delivery->up_to = fs_fact_head_now_to_tell(&store);
	result = fs_delivery_deliver(&store, delivery);
	if (!atomic)
		commit_and_go_on();
	if (result == DELIVERY_FAILED)
		ReThrowError(delivery->error);
	return result;
}

/* The memory of some batches is released before the next ones. */
static void
deliver_all(FunctionCallInfo fcinfo, text *name, bool atomic, MemoryContext batch_memory)
{
	Delivery	delivery = {0};
	DeliveryResult result;

	delivery.name = name;
	delivery.by_hand = true;
	result = deliver_some(fcinfo, &delivery, atomic);
	if (result == DELIVERY_NOT_SUBSCRIBED)
		refuse_missing(fcinfo, name);
	while (result == DELIVERY_DONE)
	{
		CHECK_FOR_INTERRUPTS();
		MemoryContextReset(batch_memory);
		result = deliver_some(fcinfo, &delivery, atomic);
	}
}

/*
 * factstr_deliver(name): delivers all pending batches to the handler in this session, one partition after the
 * other. Batches are committed with the cursor, and a failure is recorded, then raised; in a transaction block
 * everything is part of it.
 */
Datum
factstr_deliver(PG_FUNCTION_ARGS)
{
	text	   *name;
	FactstrStore store;
	List	   *names;
	bool		atomic = fs_call_is_atomic(fcinfo);
	MemoryContext batch_memory;
	ListCell   *cell;

	fs_call_refuse_read_only("factstr_deliver()");
	name = fs_argument_stream_name(fcinfo, 0);
	SPI_connect_ext(atomic ? 0 : SPI_OPT_NONATOMIC);
	if (atomic)
		fs_deferred_refuse("factstr_deliver()");
	else
		commit_and_go_on();

	store = fs_store_of_call(fcinfo, 1, RIGHT_TO_CONSUME);
	names = fs_partitions_list(&store, name);
	if (names == NIL)
		refuse_missing(fcinfo, name);
	batch_memory = AllocSetContextCreate(CurrentMemoryContext, "factstr delivery",
										 ALLOCSET_DEFAULT_SIZES);
	MemoryContextSwitchTo(batch_memory);
	foreach(cell, names)
	{
		deliver_all(fcinfo, lfirst(cell), atomic, batch_memory);
	}
	SPI_finish();
	PG_RETURN_VOID();
}

/*
 * factstr_delivery_obstacle(name, subscriber, subscribers, log): the reason why no worker delivers the stream,
 * which has pending batches, or null; the database has subscriptions of so many roles.  For factstr_stream_status.
 */
Datum
factstr_delivery_obstacle(PG_FUNCTION_ARGS)
{
	int			most = fs_databases_most_workers(MyDatabaseId);
	char		log[FACTSTR_LOG_NAME_LENGTH + 1];
	const char *obstacle;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1) || PG_ARGISNULL(2))
		PG_RETURN_NULL();
	fs_store_argument_log(fcinfo, 3, log);
	if (!factstr_background_delivery)
		obstacle = "setting";
	else if (!fs_databases_have_launcher())
		obstacle = "launcher";
	else
		obstacle = fs_delivery_slots_obstacle(fs_stream_lock_hash(log, PG_GETARG_TEXT_PP(0)),
											  get_role_oid(NameStr(*PG_GETARG_NAME(1)), true), most,
											  PG_GETARG_INT64(2) > 1 ? Max(1, most - 1) : most);
	if (obstacle == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(obstacle));
}
