/*
 * store_list.c
 *		The stores that factstr_open knows.
 */
#include <string.h>

#include "store_list.h"

static const fs_store_kind fs_store_kinds[] = {
	{"memory:", false, &fs_memory_store},
	{"sqlite:", false, &fs_sqlite_store},
	{"postgresql://", true, &fs_postgres_store},
	{"postgres://", true, &fs_postgres_store},
	{NULL, false, NULL}
};

const fs_store_kind *
fs_find_store_kind(const char *url)
{
	for (const fs_store_kind *kind = fs_store_kinds; kind->scheme != NULL; kind++)
	{
		if (strncmp(url, kind->scheme, strlen(kind->scheme)) == 0)
			return kind;
	}
	return NULL;
}
