/*
 * api/store.c
 *		Opens and closes a store; and the checks of arguments that several functions share.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "api/store.h"
#include "base/threads.h"
#include "base/utf8.h"
#include "results/error.h"
#include "stores/hub.h"
#include "stores/store.h"
#include "streams/list.h"
#include "streams/pull.h"
#include "streams/stream.h"

/* Names of streams and idempotency keys are keys of indexes.  In bytes. */
#define FS_MAX_KEY_BYTES 2000

/* The first pause of a stream after a failure, in ms. */
#define FS_FIRST_PAUSE 250

/* "make POSTGRES=no" leaves it out. */
#ifdef FACTSTR_WITHOUT_POSTGRES
#define FS_POSTGRES_STORE NULL
#else
#define FS_POSTGRES_STORE &fs_postgres_store
#endif

/* The stores that factstr_open knows. */
typedef struct fs_store_kind
{
	const char *scheme;			/* how its URLs begin */
	bool		takes_url;		/* the store gets the whole URL, not only the part after the scheme */
	const fs_methods *methods;	/* NULL: not in this build */
} fs_store_kind;

static const fs_store_kind fs_store_kinds[] = {
	{"memory:", false, &fs_memory_store},
	{"sqlite:", false, &fs_sqlite_store},
	{"postgresql://", true, FS_POSTGRES_STORE},
	{"postgres://", true, FS_POSTGRES_STORE},
	{NULL, false, NULL}
};

/* The kind of store that a URL names, or NULL. */
static const fs_store_kind *
fs_find_store_kind(const char *url)
{
	for (const fs_store_kind *kind = fs_store_kinds; kind->scheme != NULL; kind++)
	{
		if (strncmp(url, kind->scheme, strlen(kind->scheme)) == 0)
			return kind;
	}
	return NULL;
}

static void
fs_store_free(factstr_store *store)
{
	fs_calls_free(store->calls);
	fs_streams_free(store->streams);
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
	store->first_pause = FS_FIRST_PAUSE;
	store->streams = fs_streams_new(store);
	store->hub = fs_hub_new();
	store->calls = fs_calls_new();
	if (store->streams != NULL && store->hub != NULL && store->calls != NULL)
		return store;
	fs_store_free(store);
	return NULL;
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
fs_refuse_left_out(factstr_error *error)
{
	(void) fs_error(error, FACTSTR_CANNOT_OPEN, "this libfactstr was built without PostgreSQL");
	fs_error_hint(error, "Build it without POSTGRES=no; see \"The library\" in docs/getting-started.md.");
	return FACTSTR_CANNOT_OPEN;
}

/* "host=... dbname=...", the other form of connection strings that libpq knows. */
static bool
fs_has_keywords(const char *url)
{
	const char *equals = url + strspn(url, " abcdefghijklmnopqrstuvwxyz_");

	return equals > url && *equals == '=';
}

static int
fs_refuse_url_of_store(const char *url, factstr_error *error)
{
	bool		has_keywords = fs_has_keywords(url);

	(void) fs_error(error, FACTSTR_CANNOT_OPEN, "invalid URL of the store%s",
					has_keywords ? ": it is a connection string with keywords" : "");
	fs_error_detail(error, "It is \"memory:\", \"sqlite:PATH\" or \"postgresql://...\".");
	if (has_keywords)
		fs_error_hint(error, "Write \"host=HOST dbname=NAME factstr_log=LOG\" as \"postgresql://HOST/NAME?factstr_log=LOG\". "
					  "Other keywords follow as options, separated by \"&\".");
	return FACTSTR_CANNOT_OPEN;
}

static int
fs_open(const char *url, factstr_store **store, factstr_error *error)
{
	const fs_store_kind *kind = fs_find_store_kind(url);

	if (kind == NULL)
		return fs_refuse_url_of_store(url, error);
	if (kind->methods == NULL)
		return fs_refuse_left_out(error);
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

/* For tests with their own store. */
int
fs_open_methods(const fs_methods *methods, const char *location, factstr_store **store,
				factstr_error *error)
{
	*store = NULL;
	return fs_open_with(methods, location, store, error);
}

int
factstr_close(factstr_store *store, int64_t timeout_ms)
{
	int			code;

	if (store == NULL)
		return FACTSTR_OK;
	if (fs_process_check(fs_calls_process(store->calls), NULL) != FACTSTR_OK ||
		fs_within_handler_of(store))
		return FACTSTR_MISUSE;
	if (!fs_calls_begin_closing(store->calls))
		return FACTSTR_CLOSED;
	fs_streams_begin_closing(store);
	fs_calls_await_none(store->calls);
	code = fs_streams_close(store, atomic_load(&store->last_committed), fs_deadline(timeout_ms),
							fs_pull_end);
	store->methods->close(store->backend);
	fs_store_free(store);
	return code;
}

void
fs_note_commit(factstr_store *store, uint64_t last)
{
	uint64_t	known = atomic_load(&store->last_committed);

	while (known < last && !atomic_compare_exchange_weak(&store->last_committed, &known, last))
		;
}

void
factstr_interrupt(factstr_store *store)
{
	if (store != NULL)
		fs_calls_interrupt(store->calls);
}

void
factstr_set_interrupt_check(factstr_interrupt_check check, void *context)
{
	fs_current_call_set_check(check, context);
}

int
fs_enter(factstr_store *store, fs_entered *entered, factstr_error *error)
{
	if (store == NULL)
		return fs_error_misuse_null(error, "store");
	return fs_calls_enter(store->calls, fs_within_handler_of(store), entered, error);
}

void
fs_leave(fs_entered *entered)
{
	fs_calls_leave(entered);
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

int
fs_check_no_transaction(const factstr_store *store, const char *what, factstr_error *error)
{
	if (!fs_within_transaction(store))
		return FACTSTR_OK;
	(void) fs_error(error, FACTSTR_MISUSE, "a handler must not %s while it has a transaction", what);
	fs_error_hint(error, "Do it after the delivery has been committed, or in the handler of a stream "
				  "that is not transactional.");
	return FACTSTR_MISUSE;
}

int
fs_check_stream_call(factstr_store *store, const char *name, factstr_error *error)
{
	if (store == NULL)
		return fs_error_misuse_null(error, "store");
	if (name == NULL)
		return fs_error_misuse_null(error, "name");
	return fs_check_text(name, "name", error);
}
