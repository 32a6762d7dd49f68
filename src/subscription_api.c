/*
 * subscription_api.c
 *		The SQL functions for handlers in the database.
 */
#include "postgres.h"

#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "utils/builtins.h"
#include "utils/snapmgr.h"

#include "arguments.h"
#include "delivery.h"
#include "errors.h"
#include "fact_scan.h"
#include "handler.h"
#include "launcher.h"
#include "procedure.h"
#include "settings.h"
#include "stream_lock.h"
#include "stream_opening.h"
#include "wakeup.h"

PG_FUNCTION_INFO_V1(factstr_subscribe);
PG_FUNCTION_INFO_V1(factstr_unsubscribe);
PG_FUNCTION_INFO_V1(factstr_deliver);

static bool
is_subscribed(const Stream *stream, const char *handler, const char *subscriber)
{
	return stream->handler != NULL && strcmp(stream->handler, handler) == 0 &&
		strcmp(stream->subscriber, subscriber) == 0 && stream->failure_count == 0;
}

/* The handler takes the stream over where its cursor is. */
static void
subscribe(const FactstrStore *store, text *name, const char *handler, const char *subscriber)
{
	Stream		stream;

	factstr_refuse_read_only("factstr_subscribe()");
	stream_lock(store, name, false);
	stream = stream_get(store, name);
	stream_subscribe(store, &stream, handler, subscriber);
	wakeup_at_commit(wakeup_of_facts());
}

/*
 * factstr_subscribe(name, event_query, handler, start): opens the stream, and has its batches delivered
 * to the handler from the commit on.  Returns the cursor.
 */
Datum
factstr_subscribe(PG_FUNCTION_ARGS)
{
	FactstrStore store = factstr_store(fcinfo);
	StreamOpening opening = argument_stream_opening(fcinfo, &store, 3);
	char	   *subscriber = GetUserNameFromId(GetUserId(), false);
	char	   *handler;
	Stream		stream;

	argument_refuse_null(fcinfo, 2, "handler");
	handler_check(PG_GETARG_OID(2), GetUserId());
	handler = handler_name(PG_GETARG_OID(2));
	stream = stream_open(&store, &opening, "factstr_subscribe()");
	if (!is_subscribed(&stream, handler, subscriber))
		subscribe(&store, opening.name, handler, subscriber);
	if (factstr_background_delivery && !RecoveryInProgress())
	{
		launcher_ensure();
		launcher_request_at_commit(stream_hash(opening.name));
	}
	PG_RETURN_INT64(stream.cursor);
}

/* factstr_unsubscribe(name): the stream and its cursor stay; was there a handler? */
Datum
factstr_unsubscribe(PG_FUNCTION_ARGS)
{
	text	   *name = argument_stream_name(fcinfo, 0);
	FactstrStore store = factstr_store(fcinfo);
	Stream		stream;

	factstr_refuse_read_only("factstr_unsubscribe()");
	stream_lock(&store, name, false);
	stream = stream_find(&store, name);
	if (stream.row == NULL || stream.handler == NULL)
		PG_RETURN_BOOL(false);
	stream_unsubscribe(&store, &stream);
	wakeup_at_commit(wakeup_of_facts());
	PG_RETURN_BOOL(true);
}

static void
refuse_unsubscribed(FunctionCallInfo fcinfo, text *name)
{
	FactstrStore store = factstr_store(fcinfo);

	(void) stream_get(&store, name);
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("durable stream \"%s\" has no handler", text_to_cstring(name)),
			 errhint("Subscribe one with factstr_subscribe, or consume the stream with factstr_stream_next.")));
}

/*
 * Delivers one batch, which is committed unless a transaction block encloses the call. A failure is
 * raised when it has been recorded.
 */
static DeliveryResult
deliver_one(FunctionCallInfo fcinfo, Delivery *delivery, bool atomic)
{
	FactstrStore store = factstr_store(fcinfo);
	DeliveryResult result;

	if (delivery->upto == 0)
		delivery->upto = fact_head_now(&store);
	result = delivery_next(&store, delivery);
	if (!atomic)
	{
		SPI_commit();
		SPI_start_transaction();
	}
	if (result == DELIVERY_FAILED)
		ReThrowError(delivery->error);
	return result;
}

/*
 * factstr_deliver(name): delivers to the handler, here and now, what there is.  Each batch is committed
 * with the cursor, and a failure is recorded, then raised; in a transaction block all is part of that.
 */
Datum
factstr_deliver(PG_FUNCTION_ARGS)
{
	Delivery	delivery = {0};
	bool		atomic = procedure_is_atomic(fcinfo);
	DeliveryResult result;

	factstr_refuse_read_only("factstr_deliver()");
	delivery.name = argument_stream_name(fcinfo, 0);
	delivery.by_hand = true;
	SPI_connect_ext(atomic ? 0 : SPI_OPT_NONATOMIC);
	result = deliver_one(fcinfo, &delivery, atomic);
	if (result == DELIVERY_NOT_SUBSCRIBED)
		refuse_unsubscribed(fcinfo, delivery.name);
	while (result == DELIVERY_DONE)
	{
		CHECK_FOR_INTERRUPTS();
		result = deliver_one(fcinfo, &delivery, atomic);
	}
	SPI_finish();
	PG_RETURN_VOID();
}
