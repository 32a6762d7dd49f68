/*
 * mutants_partitions.c
 *		Faults of durable streams in partitions.
 */
#include <stdlib.h>
#include <string.h>

#include "mutants.h"

/* Only the one that is claimed. */
static int
make_one(fs_backend *backend, const fs_claim *claim, fs_lease **lease, uint64_t *cursor,
		 factstr_error *error)
{
	fs_claim	copy = *claim;

	copy.partitions = NULL;
	return GOOD->stream_claim(backend, &copy, lease, cursor, error);
}

/* Whatever is claimed. */
static int
claim_first(fs_backend *backend, const fs_claim *claim, fs_lease **lease, uint64_t *cursor,
			factstr_error *error)
{
	fs_claim	copy = *claim;

	if (claim->partitions != NULL)
	{
		copy.name = claim->partitions->members[0].name;
		copy.query = &claim->partitions->members[0].query;
	}
	return GOOD->stream_claim(backend, &copy, lease, cursor, error);
}

/* The first partition of a name that is no stream, in new text; or the name. */
static char *
first_of(fs_backend *backend, const char *name)
{
	fs_stream_list streams = {0};
	factstr_error error;
	char	   *first = fs_partition_name(name, 0);
	bool		found = false;

	(void) GOOD->streams(backend, &streams, &error);
	for (size_t i = 0; i < streams.count; i++)
		found = found || strcmp(streams.streams[i].name, first) == 0;
	fs_stream_list_release(&streams);
	if (found)
		return first;
	free(first);
	return strdup(name);
}

static int
cursor_of_first(fs_backend *backend, const char *name, uint64_t *cursor, factstr_error *error)
{
	char	   *first = first_of(backend, name);
	int			code = GOOD->stream_cursor(backend, first, cursor, error);

	free(first);
	return code;
}

static int
seek_first(fs_backend *backend, fs_lease *within, const char *name, uint64_t sequence_number,
		   factstr_error *error)
{
	char	   *first = first_of(backend, name);
	int			code = GOOD->stream_seek(backend, within, first, sequence_number, error);

	free(first);
	return code;
}

/* By the shared name all, but by its own name one as well. */
static int
drop_one(fs_backend *backend, fs_lease *within, const char *name, factstr_error *error)
{
	int			code = GOOD->stream_drop(backend, within, name, error);

	return code == FACTSTR_MALFORMED ? FACTSTR_OK : code;
}

const mutant mutants_of_partitions[] = {
	MUTANT("a partition is made when it is opened", "rule 46", stream_claim, make_one),
	MUTANT("every consumer gets the first partition's cursor", "rule 46", stream_claim, claim_first),
	MUTANT("the first partition is waited for instead of all", "rule 46", stream_cursor,
		   cursor_of_first),
	MUTANT("the first partition is moved instead of all", "rule 46", stream_seek, seek_first),
	MUTANT("a partition can be dropped without the others", "rule 46", stream_drop, drop_one),
	NO_MUTANT
};
