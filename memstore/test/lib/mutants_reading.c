/*
 * mutants_reading.c
 *		Faults of the answers of queries and cursors.
 */
#include <string.h>
#include <unistd.h>

#include "mutants.h"

static int
version_of_rows(fs_backend *backend, const fs_query *query, fs_fact_list *facts, uint64_t *version,
				factstr_error *error)
{
	int			code = GOOD->query(backend, query, facts, version, error);

	*version = facts->count == 0 ? 0 : facts->facts[facts->count - 1].sequence_number;
	return code;
}

static int
version_of_later_moment(fs_backend *backend, const fs_query *query, fs_fact_list *facts,
						uint64_t *version, factstr_error *error)
{
	int			code = GOOD->query(backend, query, facts, version, error);
	uint64_t	moment = *version;

	/* Gives a writer its chance, if there is one. */
	for (int i = 0; i < 100 && *version == moment; i++)
	{
		(void) usleep(200);
		*version = mutant_version_of(backend, query);
	}
	return code;
}

static int
swap_first_rows(fs_backend *backend, const fs_query *query, fs_fact_list *facts, uint64_t *version,
				factstr_error *error)
{
	int			code = GOOD->query(backend, query, facts, version, error);

	if (facts->count > 1)
	{
		factstr_fact first = facts->facts[0];

		facts->facts[0] = facts->facts[1];
		facts->facts[1] = first;
	}
	return code;
}

static int
inclusive_lower_bound(fs_backend *backend, const fs_query *query, fs_fact_list *facts,
					  uint64_t *version, factstr_error *error)
{
	fs_query	copy = *query;

	if (copy.parsed.after > 0)
		copy.parsed.after--;
	return GOOD->query(backend, &copy, facts, version, error);
}

/* The facts from the first on, where the query uses the other name of its bound. */
static int
forget_other_name(fs_backend *backend, const fs_query *query, fs_fact_list *facts,
				  uint64_t *version, factstr_error *error)
{
	fs_query	copy = *query;

	if (strstr(query->text, "min_sequence_number") != NULL)
		copy.parsed.after = 0;
	return GOOD->query(backend, &copy, facts, version, error);
}

/*
 * The effect of numbers that are assigned before the commit: a reader comes before a writer has committed,
 * and misses the fact forever.
 */
static int
miss_a_fact(fs_backend *backend, const fs_query *query, fs_fact_list *facts, uint64_t *version,
			factstr_error *error)
{
	int			code = GOOD->query(backend, query, facts, version, error);

	if (facts->count > 1 && facts->facts[facts->count - 1].sequence_number > 100)
	{
		facts->facts[facts->count - 2] = facts->facts[facts->count - 1];
		facts->count--;
	}
	return code;
}

static int
alter_payload(fs_backend *backend, const fs_query *query, fs_fact_list *facts, uint64_t *version,
			  factstr_error *error)
{
	int			code = GOOD->query(backend, query, facts, version, error);

	for (size_t i = 0; i < facts->count; i++)
	{
		char	   *found = strstr(facts->facts[i].payload, "9007199254740993");

		if (found != NULL)
			found[15] = '2';
	}
	return code;
}

/* Query by query, so that a writer may come in between. */
static int
newest_one_by_one(fs_backend *backend, const fs_query *queries, size_t count, fs_fact_list *facts,
				  uint64_t *version, factstr_error *error)
{
	int			code = FACTSTR_OK;

	for (size_t i = 0; i < count && code == FACTSTR_OK; i++)
	{
		uint64_t	newest;
		uint64_t	head = mutant_head_of(backend);

		/* Gives a writer its chance, if there is one. */
		for (int wait = 0; i > 0 && wait < 20 && mutant_head_of(backend) == head; wait++)
			(void) usleep(200);
		code = GOOD->newest(backend, &queries[i], 1, facts, &newest, error);
		*version = i == 0 || newest > *version ? newest : *version;
	}
	return code;
}

static int
newest_whatever_the_bound(fs_backend *backend, const fs_query *queries, size_t count,
						  fs_fact_list *facts, uint64_t *version, factstr_error *error)
{
	fs_query	copies[64];

	for (size_t i = 0; i < count && i < 64; i++)
	{
		copies[i] = queries[i];
		copies[i].parsed.after = 0;
	}
	return GOOD->newest(backend, copies, count < 64 ? count : 64, facts, version, error);
}

/* The version of the facts that are returned. */
static int
newest_version_of_facts(fs_backend *backend, const fs_query *queries, size_t count,
						fs_fact_list *facts, uint64_t *version, factstr_error *error)
{
	int			code = GOOD->newest(backend, queries, count, facts, version, error);

	*version = 0;
	for (size_t i = 0; i < facts->count; i++)
		*version = facts->facts[i].sequence_number > *version ? facts->facts[i].sequence_number : *version;
	return code;
}

static int
read_forwards(fs_backend *backend, const fs_query *query, const fs_range *range,
			  fs_fact_list *facts, factstr_error *error)
{
	fs_range	copy = *range;

	copy.backwards = false;
	return GOOD->read(backend, query, &copy, facts, error);
}

static int
read_beyond_the_end(fs_backend *backend, const fs_query *query, const fs_range *range,
					fs_fact_list *facts, factstr_error *error)
{
	fs_range	copy = *range;

	copy.up_to = mutant_head_of(backend);
	return GOOD->read(backend, query, &copy, facts, error);
}

const mutant mutants_of_reading[] = {
	MUTANT("the version is that of the returned rows", "rule 11", query, version_of_rows),
	MUTANT("the version is of a later moment than the rows", "rule 13", query,
		   version_of_later_moment),
	MUTANT("rows are not in order", "rule 13", query, swap_first_rows),
	MUTANT("after is inclusive", "rule 11", query, inclusive_lower_bound),
	MUTANT("min_sequence_number in a query has no effect", "rule 11", query, forget_other_name),
	MUTANT("a reader misses a fact", "rule 2", query, miss_a_fact),
	MUTANT("a large integer comes back as its neighbour", "rule 4", query, alter_payload),
	MUTANT("the newest of each are of different moments", "rule 47", newest, newest_one_by_one),
	MUTANT("the newest of each pass over after", "rule 47", newest, newest_whatever_the_bound),
	MUTANT("the version of the newest is that of the returned facts", "rule 47", newest,
		   newest_version_of_facts),
	MUTANT("a cursor cannot read backwards", "reading", read, read_forwards),
	MUTANT("a cursor sees facts that were appended after it was opened", "reading", read,
		   read_beyond_the_end),
	NO_MUTANT
};
