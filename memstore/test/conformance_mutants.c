/*
 * conformance_mutants.c
 *		The conformance suite notices faults.
 *
 * It is run against the memory store with one fault after the other, and for each at least one case
 * has to fail; and with none.
 */
#include "factstr_conformance.h"

#include "handle.h"
#include "mutants.h"
#include "tap.h"

/* The table with a mutant's functions in place of the memory store's. */
static fs_methods
mutate(const fs_methods *changed)
{
	fs_methods	methods = fs_memory_store;

#define REPLACE(member) if (changed->member != NULL) methods.member = changed->member
	REPLACE(open);
	REPLACE(append);
	REPLACE(query);
	REPLACE(head);
	REPLACE(read);
	REPLACE(batches);
	REPLACE(export_batches);
	REPLACE(import_batches);
	REPLACE(stream_claim);
	REPLACE(stream_move);
	REPLACE(stream_fail);
	REPLACE(stream_resume);
	REPLACE(streams);
	REPLACE(stream_cursor);
	REPLACE(stream_seek);
	REPLACE(stream_drop);
#undef REPLACE
	return methods;
}

static const char *
fresh(void *context, char *message)
{
	(void) context;
	(void) message;
	return "";
}

static int
open_mutant(void *context, const char *url, factstr_store **store, factstr_error *error)
{
	return fs_open_methods(context, url, store, error);
}

/* Faults are often noticed by waiting in vain, so there is little patience. */
static factstr_conformance_target
target_for(fs_methods *methods, int patience)
{
	return (factstr_conformance_target) {
		.name = "mutant", .context = methods, .fresh = fresh, .open = open_mutant, .patience =
			patience
	};
}

/* The first selected case that fails, with its message; NULL if none does. */
static const factstr_conformance_case *
first_failure(const factstr_conformance_target *target, const char *pattern, char *message)
{
	const factstr_conformance_case *tested;

	for (size_t i = 0; (tested = factstr_conformance_case_at(i)) != NULL; i++)
	{
		if (factstr_conformance_selects(pattern, tested) &&
			factstr_conformance_run_case(target, tested, message) == FACTSTR_CONFORMANCE_FAILED)
			return tested;
	}
	return NULL;
}

static void
expect_noticed(const mutant *tested)
{
	char		message[FACTSTR_CONFORMANCE_MESSAGE_SIZE];
	fs_methods	methods = mutate(&tested->changed);
	factstr_conformance_target target = target_for(&methods, 1);
	const factstr_conformance_case *failed = first_failure(&target, tested->pattern, message);

	(void) tap_ok(failed != NULL, "noticed: %s", tested->fault);
	if (failed != NULL)
		tap_diagnostic("%s: %.250s", failed->title, message);
}

static void
expect_no_failure(void)
{
	char		message[FACTSTR_CONFORMANCE_MESSAGE_SIZE];
	fs_methods	methods = fs_memory_store;
	factstr_conformance_target target = target_for(&methods, 0);
	const factstr_conformance_case *failed = first_failure(&target, NULL, message);

	if (!tap_ok(failed == NULL, "nothing is noticed where there is no fault"))
		tap_diagnostic("%s: %.250s", failed->title, message);
}

/* MUTANT="cursor" in the environment: only the faults that are described with this text. */
int
main(void)
{
	const char *only = getenv("MUTANT");

	expect_no_failure();
	for (size_t i = 0; i < sizeof(mutants) / sizeof(mutants[0]); i++)
	{
		if (only == NULL || strstr(mutants[i].fault, only) != NULL)
			expect_noticed(&mutants[i]);
	}
	return tap_finish();
}
