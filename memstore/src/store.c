/*
 * store.c
 *		Opening and closing a store, and the checks of arguments that several functions share.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "store_list.h"
#include "stream.h"
#include "utf8.h"

/* Names of streams and idempotency keys are keys of indexes.  In bytes. */
#define FS_MAX_KEY_BYTES 2000

static void
fs_store_free(factstr_store *store)
{
	fs_streams_destroy(&store->streams);
	fs_hub_free(store->hub);
	free(store);
}

static factstr_store *
fs_store_new(const fs_methods *methods)
{
	factstr_store *store = calloc(1, sizeof(factstr_store));

	if (store == NULL)
		return NULL;
	store->methods = methods;
	if (!fs_streams_init(&store->streams))
	{
		free(store);
		return NULL;
	}
	store->hub = fs_hub_new();
	if (store->hub == NULL)
	{
		fs_store_free(store);
		return NULL;
	}
	return store;
}

static int
fs_open_with(const fs_methods *methods, const char *location, factstr_store **store,
			 factstr_error *error)
{
	factstr_store *opened = fs_store_new(methods);
	int			code;

	if (opened == NULL)
		return fs_error_no_memory(error);
	code = methods->open(location, opened->hub, &opened->backend, error);
	if (code != FACTSTR_OK)
		fs_store_free(opened);
	else
		*store = opened;
	return code;
}

static int
fs_open(const char *url, factstr_store **store, factstr_error *error)
{
	const fs_store_kind *kind = fs_find_store_kind(url);

	if (kind == NULL)
	{
		(void) fs_error(error, FACTSTR_CANNOT_OPEN, "the URL of the store is not understood");
		fs_error_detail(error, "It is \"memory:\", \"sqlite:PATH\" or \"postgresql://...\".");
		return FACTSTR_CANNOT_OPEN;
	}
	return fs_open_with(kind->methods, kind->takes_url ? url : url + strlen(kind->scheme), store,
						error);
}

int
factstr_open(const char *url, factstr_store **store, factstr_error *error)
{
	factstr_error found;

	if (store == NULL)
		return fs_error_misuse_null(error, "store");
	*store = NULL;
	if (url == NULL)
		return fs_error_misuse_null(error, "url");
	return fs_report(fs_open(url, store, &found), &found, error);
}

/* For tests that bring a store of their own. */
int
fs_open_methods(const fs_methods *methods, const char *location, factstr_store **store,
				factstr_error *error)
{
	*store = NULL;
	return fs_open_with(methods, location, store, error);
}

int
factstr_close(factstr_store *store)
{
	if (store == NULL)
		return FACTSTR_OK;
	if (fs_within_handler_of(store))
		return FACTSTR_MISUSE;
	fs_streams_close(store);
	store->methods->close(store->backend);
	fs_store_free(store);
	return FACTSTR_OK;
}

int
fs_check_position(uint64_t position, const char *what, factstr_error *error)
{
	if (position <= INT64_MAX)
		return FACTSTR_OK;
	return fs_error(error, FACTSTR_MALFORMED,
					"invalid %s: %" PRIu64 " is beyond the 64-bit signed range", what, position);
}

int
fs_check_text(const char *text, const char *what, factstr_error *error)
{
	size_t		length = strlen(text);

	if (length == 0 || length > FS_MAX_KEY_BYTES)
		return fs_error(error, FACTSTR_MALFORMED, "invalid %s: it must have 1 to %d bytes", what,
						FS_MAX_KEY_BYTES);
	if (!fs_utf8_is_valid(text, length))
		return fs_error(error, FACTSTR_MALFORMED, "invalid %s: it is not UTF-8", what);
	return FACTSTR_OK;
}
