/*
 * replicated_log.c
 *		Is the log one that logical replication fills?
 *
 * Such a log has one writer, the worker of the subscription.  A fact that is appended beside it would
 * take a number that the publisher gives to another fact, and from there on the worker could only fail.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_subscription.h"
#include "catalog/pg_subscription_rel.h"
#include "utils/catcache.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "replicated_log.h"

/*
 * A subscription that has the log among its tables, disabled or not, or InvalidOid.  Lists are cached, empty
 * ones too, so each append can afford to ask.
 */
static Oid
subscription_of_log(const FactstrStore *store)
{
	CatCList   *list = SearchSysCacheList1(SUBSCRIPTIONRELMAP, ObjectIdGetDatum(store->events));
	Oid			subscription = InvalidOid;

	if (list->n_members > 0)
		subscription = ((Form_pg_subscription_rel)
						GETSTRUCT(&list->members[0]->tuple))->srsubid;
	ReleaseSysCacheList(list);
	return subscription;
}

bool
log_is_replicated(const FactstrStore *store)
{
	return OidIsValid(subscription_of_log(store));
}

void
replicated_log_refuse_append(const FactstrStore *store)
{
	Oid			subscription = subscription_of_log(store);
	char	   *name;

	if (likely(!OidIsValid(subscription)))
		return;
	name = get_subscription_name(subscription, true);
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("cannot append to a log that is filled by logical replication"),
			 errdetail("The facts come from subscription \"%s\".", name ? name : "?"),
			 errhint("Append where they come from. To let this log go on by itself, drop the subscription.")));
}
