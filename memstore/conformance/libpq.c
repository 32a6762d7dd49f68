/*
 * libpq.c
 *		Loads libpq for a target in PostgreSQL.
 */
#include "libpq.h"

#ifdef FACTSTR_LINKS_LIBPQ

bool
fc_libpq_load(char *message)
{
	(void) message;
	return true;
}

#else

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

#include "factstr_conformance.h"

/* The members of fc_libpq, in their order. */
static const char *const names[] = {
	"PQclear",
	"PQconnectdb",
	"PQerrorMessage",
	"PQexec",
	"PQfinish",
	"PQgetvalue",
	"PQresultStatus",
	"PQstatus"
};

#define COUNT (sizeof(names) / sizeof(names[0]))

_Static_assert(sizeof(fc_libpq_functions) == COUNT * sizeof(void *), "a name for each member");

fc_libpq_functions fc_libpq;

bool
fc_libpq_load(char *message)
{
	void	   *library = dlopen("libpq.so.5", RTLD_NOW | RTLD_LOCAL);
	void	   *found[COUNT] = {NULL};

	for (size_t i = 0; library != NULL && i < COUNT; i++)
		found[i] = dlsym(library, names[i]);
	if (library == NULL || found[COUNT - 1] == NULL)
	{
		(void) snprintf(message, FACTSTR_CONFORMANCE_MESSAGE_SIZE, "cannot load libpq: %s", dlerror());
		return false;
	}
	memcpy(&fc_libpq, found, sizeof(fc_libpq));
	return true;
}

#endif							/* FACTSTR_LINKS_LIBPQ */
