/*
 * mutants.c
 *		The memory store with one fault each: the list of mutants, and functions that several share.
 */
#include <stdlib.h>

#include "mutants.h"

static const mutant *const subjects[] = {
	mutants_of_appends,
	mutants_of_matching,
	mutants_of_reading,
	mutants_of_deliveries,
	mutants_of_durable_streams,
	mutants_of_partitions,
	mutants_of_import_export,
	mutants_of_api,
	mutants_of_pulling,
	mutants_of_redaction,
	mutants_of_logs,
	mutants_of_log_changes,
	mutants_of_json
};

const mutant *
mutant_at(size_t i)
{
	for (size_t subject = 0; subject < sizeof(subjects) / sizeof(subjects[0]); subject++)
	{
		for (const mutant *one = subjects[subject]; one->fault != NULL; one++)
		{
			if (i-- == 0)
				return one;
		}
	}
	return NULL;
}

fs_methods
mutant_methods(const mutant *of)
{
	fs_methods	methods = *GOOD;
	const fs_methods *changed = &of->changed;

#define REPLACE(member) if (changed->member != NULL) methods.member = changed->member
	REPLACE(open);
	REPLACE(append);
	REPLACE(query);
	REPLACE(newest);
	REPLACE(head);
	REPLACE(read);
	REPLACE(batches);
	REPLACE(export_batches);
	REPLACE(import_batches);
	REPLACE(redact);
	REPLACE(redactions);
	REPLACE(import_redactions);
	REPLACE(stream_claim);
	REPLACE(stream_move);
	REPLACE(stream_fail);
	REPLACE(stream_resume);
	REPLACE(streams);
	REPLACE(stream_cursor);
	REPLACE(stream_seek);
	REPLACE(stream_drop);
	REPLACE(logs);
	REPLACE(create_log);
	REPLACE(seal_log);
	REPLACE(drop_log);
#undef REPLACE
	return methods;
}

fs_query
mutant_every_fact(void)
{
	fs_query	query;
	factstr_error error;

	if (fs_query_parse(NULL, &query, &error) != FACTSTR_OK)
		abort();
	return query;
}

uint64_t
mutant_version_of(fs_backend *backend, const fs_query *query)
{
	uint64_t	version = 0;
	factstr_error error;

	if (GOOD->context_version(backend, query, &version, &error) != FACTSTR_OK)
		abort();
	return version;
}

uint64_t
mutant_head_of(fs_backend *backend)
{
	uint64_t	head = 0;
	factstr_error error;

	if (GOOD->head(backend, &head, &error) != FACTSTR_OK)
		abort();
	return head;
}
