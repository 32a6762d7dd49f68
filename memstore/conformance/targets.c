/*
 * targets.c
 *		The library's own stores as targets: how each of them makes an empty store for a case.
 */
#include "factstr_conformance.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "targets.h"

static const char *
fresh_memory(void *context, char *message)
{
	(void) context;
	(void) message;
	return "memory:";
}

static bool
make_memory(factstr_conformance_target *target, const char *url, char *message)
{
	(void) url;
	(void) message;
	target->name = "memory";
	target->fresh = fresh_memory;
	return true;
}

static const struct
{
	const char *prefix;
	bool		(*make) (factstr_conformance_target *target, const char *url, char *message);
}			kinds[] =
{
	{"memory:", make_memory},
	{"sqlite:", fc_make_sqlite_target},
#ifndef FACTSTR_WITHOUT_POSTGRES
	{"postgresql://", fc_make_postgres_target},
	{"postgres://", fc_make_postgres_target},
#endif
};

factstr_conformance_target *
factstr_conformance_target_for_url(const char *url, char *message)
{
	factstr_conformance_target *target = calloc(1, sizeof(*target));

	if (target == NULL)
		abort();
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
	{
		if (strncmp(url, kinds[i].prefix, strlen(kinds[i].prefix)) != 0)
			continue;
		if (kinds[i].make(target, url, message))
			return target;
		free(target);
		return NULL;
	}
	free(target);
	(void) snprintf(message, FACTSTR_CONFORMANCE_MESSAGE_SIZE,
					"a URL begins with memory:, sqlite: or postgresql://");
	return NULL;
}

void
factstr_conformance_target_free(factstr_conformance_target *target)
{
	if (target == NULL)
		return;
	if (target->free != NULL)
		target->free(target->context);
	free(target);
}
