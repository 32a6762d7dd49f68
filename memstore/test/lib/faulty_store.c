/*
 * faulty_store.c
 *		The memory store, which fails on demand, and counts its calls.
 */
#include <pthread.h>

#include "results/error.h"
#include "api/store.h"

#include "await.h"
#include "faulty_store.h"

/* In ms: as good as none. */
#define FIRST_PAUSE 2

faulty_state faulty;

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

/* The lease whose delivery has a transaction; there is one at a time at most. */
static fs_lease *in_transaction;

static bool
is_told_to_fail(int *calls)
{
	bool		fails;

	(void) pthread_mutex_lock(&mutex);
	fails = *calls > 0;
	if (fails)
		(*calls)--;
	(void) pthread_mutex_unlock(&mutex);
	return fails;
}

static int
fail(factstr_error *error)
{
	return fs_error(error, FACTSTR_STORAGE, "told to fail");
}

static void
count(int *calls, int change)
{
	(void) pthread_mutex_lock(&mutex);
	*calls += change;
	(void) pthread_mutex_unlock(&mutex);
}

/*
 * Reading
 */

static int
faulty_head(fs_backend *backend, uint64_t *head, factstr_error *error)
{
	return is_told_to_fail(&faulty.failing_heads) ? fail(error) :
		fs_memory_store.head(backend, head, error);
}

static int
faulty_read(fs_backend *backend, const fs_query *query, const fs_range *range,
			fs_fact_list *facts, factstr_error *error)
{
	return is_told_to_fail(&faulty.failing_reads) ? fail(error) :
		fs_memory_store.read(backend, query, range, facts, error);
}

static int
faulty_batches(fs_backend *backend, const fs_query *query, uint64_t after, size_t max_batches,
			   fs_batch_list *batches, uint64_t *searched, factstr_error *error)
{
	count(&faulty.searches, 1);
	return is_told_to_fail(&faulty.failing_batches) ? fail(error) :
		fs_memory_store.batches(backend, query, after, max_batches, batches, searched, error);
}

static int
faulty_watch(fs_backend *backend, factstr_error *error)
{
	if (is_told_to_fail(&faulty.failing_watches))
		return fail(error);
	count(&faulty.watching, 1);
	return fs_memory_store.watch(backend, error);
}

static void
faulty_unwatch(fs_backend *backend)
{
	count(&faulty.watching, -1);
	fs_memory_store.unwatch(backend);
}

/*
 * Durable streams
 */

static int
faulty_claim(fs_backend *backend, const fs_claim *claim, fs_lease **lease, uint64_t *cursor,
			 factstr_error *error)
{
	fs_claim	ordinary = *claim;

	ordinary.transactional = false;
	return fs_memory_store.stream_claim(backend, &ordinary, lease, cursor, error);
}

static int
faulty_begin(fs_lease *lease, void **transaction, factstr_error *error)
{
	if (is_told_to_fail(&faulty.failing_begins))
		return fail(error);
	(void) pthread_mutex_lock(&mutex);
	faulty.begins++;
	faulty.open_transactions++;
	in_transaction = lease;
	(void) pthread_mutex_unlock(&mutex);
	*transaction = lease;
	return FACTSTR_OK;
}

static void
end_transaction(const fs_lease *lease)
{
	(void) pthread_mutex_lock(&mutex);
	if (in_transaction == lease)
	{
		in_transaction = NULL;
		faulty.open_transactions--;
	}
	(void) pthread_mutex_unlock(&mutex);
}

static int
faulty_move(fs_lease *lease, uint64_t cursor, bool delivered, factstr_error *error)
{
	int			code;

	if (is_told_to_fail(&faulty.failing_moves))
		return fail(error);
	end_transaction(lease);
	code = fs_memory_store.stream_move(lease, cursor, delivered, error);
	if (code == FACTSTR_OK && !delivered)
		count(&faulty.settlements, 1);
	if (code == FACTSTR_OK && is_told_to_fail(&faulty.lying_moves))
		return fs_error(error, FACTSTR_CONNECTION_LOST, "told to lose the connection");
	return code;
}

/* Counted when it is done. */
static int
faulty_fail(fs_lease *lease, const char *words, int64_t retry_at, factstr_error *error)
{
	int			code;

	end_transaction(lease);
	code = fs_memory_store.stream_fail(lease, words, retry_at, error);
	(void) pthread_mutex_lock(&mutex);
	faulty.fails++;
	faulty.last_retry_at = retry_at;
	(void) pthread_mutex_unlock(&mutex);
	return code;
}

static bool
may_resume(void)
{
	bool		may;

	(void) pthread_mutex_lock(&mutex);
	may = !faulty.holds_resumes;
	(void) pthread_mutex_unlock(&mutex);
	return may;
}

static int
faulty_resume(fs_lease *lease, uint64_t *cursor, factstr_error *error)
{
	(void) AWAIT(may_resume());
	end_transaction(lease);
	if (is_told_to_fail(&faulty.failing_resumes))
		return fail(error);
	count(&faulty.resumes, 1);
	return fs_memory_store.stream_resume(lease, cursor, error);
}

static void
faulty_release(fs_lease *lease)
{
	end_transaction(lease);
	fs_memory_store.stream_release(lease);
}

/* The memory store's functions, but for those above. */
static fs_methods
make_methods(void)
{
	fs_methods	methods = fs_memory_store;

	methods.head = faulty_head;
	methods.read = faulty_read;
	methods.batches = faulty_batches;
	methods.watch = faulty_watch;
	methods.unwatch = faulty_unwatch;
	methods.stream_claim = faulty_claim;
	methods.stream_begin = faulty_begin;
	methods.stream_move = faulty_move;
	methods.stream_fail = faulty_fail;
	methods.stream_resume = faulty_resume;
	methods.stream_release = faulty_release;
	return methods;
}

factstr_store *
faulty_open(void)
{
	static fs_methods methods;
	factstr_store *store;
	factstr_error error;

	methods = make_methods();
	faulty = (faulty_state) {0};
	in_transaction = NULL;
	if (fs_open_methods(&methods, "", &store, &error) != FACTSTR_OK)
		tap_bail_out("%s", error.message);
	store->first_pause = FIRST_PAUSE;
	return store;
}

void
faulty_set(int *member, int value)
{
	(void) pthread_mutex_lock(&mutex);
	*member = value;
	(void) pthread_mutex_unlock(&mutex);
}

int
faulty_get(const int *member)
{
	int			value;

	(void) pthread_mutex_lock(&mutex);
	value = *member;
	(void) pthread_mutex_unlock(&mutex);
	return value;
}

int64_t
faulty_last_retry_at(void)
{
	int64_t		retry_at;

	(void) pthread_mutex_lock(&mutex);
	retry_at = faulty.last_retry_at;
	(void) pthread_mutex_unlock(&mutex);
	return retry_at;
}

void
faulty_hold_resumes(bool holds)
{
	(void) pthread_mutex_lock(&mutex);
	faulty.holds_resumes = holds;
	(void) pthread_mutex_unlock(&mutex);
}
