/*
 * failing_calls.c
 *		Calls of the library, made again and again while another of their allocations fails.
 *
 * A handle beside the others keeps the store open: the last to close it has more to do, which
 * takes time.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "failing_calls.h"
#include "failing_libraries.h"
#include "library_calls.h"

#define MOST_DIAGNOSTICS 5

/* Which allocations fail, and the result of one call. */
typedef struct failing_run
{
	const char *what;			/* for the names of the results */
	int			step;			/* every so many allocations one is failed */
	const int  *other_codes;	/* of failures that speak of memory; NULL: none */

	call_target target;
	factstr_store *beside;
	int			next;			/* the allocation to be failed */
	int			count;			/* so many were failed */
	int			errors;			/* so many of them were told to the caller */
	int			faults;
} failing_run;

static int	errors_of_all_calls;

static void
note_fault(failing_run *run, const char *what, int code, const factstr_error *error)
{
	if (run->faults++ < MOST_DIAGNOSTICS)
		tap_diagnostic("allocation %d: %s: %s, %s", run->next, what, factstr_code_name(code),
					   error->message);
}

static uint64_t
find_head(failing_run *run, factstr_store *store)
{
	uint64_t	version = 0;
	factstr_error error;
	int			code = factstr_context_version(store, "{}", &version, &error);

	if (code != FACTSTR_OK)
		note_fault(run, "the log cannot be read", code, &error);
	return version;
}

static void
begin(failing_run *run)
{
	run->next = run->count = run->errors = run->faults = 0;
	run->beside = store_open(run->target.url);
	run->target.head = find_head(run, run->beside);
}

static void
end(failing_run *run, const char *name)
{
	(void) factstr_close(run->beside, FACTSTR_CLOSE_TIMEOUT_MS);
	ok_int(run->faults, 0, "%s: %s fails cleanly", run->what, name);
	tap_diagnostic("%d allocations failed, %d errors", run->count, run->errors);
	errors_of_all_calls += run->errors;
}

static void
new_key(failing_run *run, const char *name)
{
	(void) snprintf(run->target.key, sizeof(run->target.key), "%s: %s, %d", run->what, name,
					run->next);
}

static bool
is_other_code(const failing_run *run, int code)
{
	for (const int *other = run->other_codes; other != NULL && *other != FACTSTR_OK; other++)
	{
		if (*other == code)
			return true;
	}
	return false;
}

/* A success, or a clear answer. */
static bool
is_clean(const failing_run *run, int code, const factstr_error *error)
{
	if (code == FACTSTR_OK || error->code != code)
		return code == FACTSTR_OK;
	return code == FACTSTR_NO_MEMORY ||
		(is_other_code(run, code) && strstr(error->message, "memory") != NULL);
}

/*
 * Calls, through a handle that has not been used, and closes that; one of the allocations in it
 * fails.  False if there was none left.
 */
static bool
fail_one(failing_run *run, library_call call, int *code, factstr_error *error)
{
	call_target *on = &run->target;
	bool		has_failed;

	memset(error, 0, sizeof(*error));
	on->store = call == call_open ? NULL : store_open(on->url);
	failing_left = run->next;
	*code = call(on, error);
	(void) factstr_close(on->store, FACTSTR_CLOSE_TIMEOUT_MS);
	has_failed = failing_left < 0;
	failing_left = -1;
	if (!has_failed)
	{
		if (*code != FACTSTR_OK)
			note_fault(run, "without a failure", *code, error);
		return false;
	}
	if (*code != FACTSTR_OK)
		run->errors++;
	if (!is_clean(run, *code, error))
		note_fault(run, "not a clean error", *code, error);
	run->count++;
	run->next += run->step;
	return true;
}

/* Calls that only read: the log stays as it is. */
static void
fail_reading(failing_run *run, const char *name, library_call call)
{
	factstr_error error;
	int			code;

	begin(run);
	do
		new_key(run, name);
	while (fail_one(run, call, &code, &error));
	if (find_head(run, run->beside) != run->target.head)
		note_fault(run, "the log has changed", 0, &error);
	end(run, name);
}

/* The log as a new handle finds it after a call that appends; and the call can be repeated. */
static void
check_append(failing_run *run, library_call call, int code, const factstr_error *error)
{
	call_target *on = &run->target;
	factstr_error again;
	uint64_t	head = find_head(run, on->store);

	if (head != on->head && head != on->head + CALL_EVENT_COUNT)
		note_fault(run, "a part of an append", code, error);
	if (code == FACTSTR_OK && head == on->head)
		note_fault(run, "the append is lost", code, error);
	if (code == FACTSTR_NO_MEMORY && head != on->head)
		note_fault(run, "stored all the same", code, error);
	if ((call != call_import || head == on->head) && call(on, &again) != FACTSTR_OK)
		note_fault(run, "cannot be repeated", again.code, &again);
	if (find_head(run, on->store) != on->head + CALL_EVENT_COUNT)
		note_fault(run, "not stored once", code, error);
}

/*
 * Calls that append.  A new handle finds all of the batch or nothing, and nothing after an error that says
 * that nothing was stored; and with its key the call can be repeated.
 */
static void
fail_appending(failing_run *run, const char *name, library_call call)
{
	call_target *on = &run->target;
	factstr_error error;
	bool		goes_on;
	int			code;

	begin(run);
	do
	{
		new_key(run, name);
		goes_on = fail_one(run, call, &code, &error);
		on->store = store_open(on->url);
		check_append(run, call, code, &error);
		on->head += CALL_EVENT_COUNT;
		(void) factstr_close(on->store, FACTSTR_CLOSE_TIMEOUT_MS);
	}
	while (goes_on);
	end(run, name);
}

/* A durable stream from the beginning: after any failure, opened again, it continues without a gap. */
static void
fail_stream(failing_run *run, const char *name, library_call call)
{
	call_target *on = &run->target;
	factstr_error error;
	bool		goes_on;
	int			code;

	begin(run);
	do
	{
		on->seen = 0;
		new_key(run, name);
		goes_on = fail_one(run, call, &code, &error);
		on->store = store_open(on->url);
		if (call(on, &error) != FACTSTR_OK)
			note_fault(run, "does not continue", error.code, &error);
		if (on->has_gap || on->seen != on->head)
			note_fault(run, "has missed something", code, &error);
		if (factstr_stream_drop(on->store, on->key, &error) != FACTSTR_OK)
			note_fault(run, "cannot be dropped", error.code, &error);
		(void) factstr_close(on->store, FACTSTR_CLOSE_TIMEOUT_MS);
	}
	while (goes_on);
	end(run, name);
}

/* The calls that append nothing. */
static void
fail_reading_calls(failing_run *run)
{
	fail_reading(run, "opening", call_open);
	fail_reading(run, "a query", call_query);
	fail_reading(run, "a context version", call_context_version);
	fail_reading(run, "the newest of each", call_newest);
	fail_reading(run, "the newest of each in JSON", call_json_newest);
	fail_reading(run, "a cursor", call_cursor);
	fail_reading(run, "batches", call_batches);
	fail_reading(run, "an export", call_export);
	fail_reading(run, "a query in JSON", call_json_query);
	fail_reading(run, "a live stream", call_live_stream);
	fail_stream(run, "a durable stream", call_durable_stream);
	fail_stream(run, "a transactional stream", call_transactional_stream);

	call_make_standing_stream(&run->target);
	fail_reading(run, "the streams", call_streams);
	fail_reading(run, "the streams in JSON", call_json_streams);
	fail_reading(run, "a seek", call_seek);
	fail_reading(run, "a wait", call_wait);
	fail_reading(run, "a drop", call_drop);
	fail_stream(run, "a durable stream in JSON", call_json_stream);
}

static void
fail_appending_calls(failing_run *run)
{
	fail_appending(run, "an append", call_append);
	fail_appending(run, "a conditional append", call_append_if);
	fail_appending(run, "an append in JSON", call_json_append);
	fail_appending(run, "a conditional append in JSON", call_json_append_if);
	fail_appending(run, "an import", call_import);
}

/* Makes the log that is read: as short as can be. */
static void
make_log(const char *url)
{
	factstr_error error;
	call_target on = {.url = url, .store = store_open(url), .key = "first"};

	if (call_append(&on, &error) != FACTSTR_OK)
		tap_bail_out("%s", error.message);
	(void) factstr_close(on.store, FACTSTR_CLOSE_TIMEOUT_MS);
}

void
ok_failing_calls(const char *url, int step_in_libraries, const int *codes_of_libraries)
{
	failing_run own = {.what = "own allocations", .step = 1, .target = {.url = url}};
	failing_run with_libraries = {
		.what = "with libraries",
		.step = getenv("FACTSTR_EVERY_ALLOCATION") != NULL ? 1 : step_in_libraries,
		.other_codes = codes_of_libraries,
		.target = {.url = url}
	};

	make_log(url);
	fail_reading_calls(&own);
	failing_libraries = true;
	fail_reading_calls(&with_libraries);
	failing_libraries = false;
	fail_appending_calls(&own);
	failing_libraries = true;
	fail_appending_calls(&with_libraries);
	failing_libraries = false;
	ok_cmp(errors_of_all_calls, ">", 100, "many of the failures were told");
}
