/*
 * store_list.h
 *		The stores that factstr_open knows.
 */
#ifndef FACTSTR_STORE_LIST_H
#define FACTSTR_STORE_LIST_H

#include "store.h"

typedef struct fs_store_kind
{
	const char *scheme;			/* how its URLs begin */
	bool		takes_url;		/* the store is given the whole URL, not what follows */
	const fs_methods *methods;
} fs_store_kind;

/* The kind of store that a URL names, or NULL. */
const fs_store_kind *fs_find_store_kind(const char *url);

#endif							/* FACTSTR_STORE_LIST_H */
