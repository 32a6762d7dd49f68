/*
 * local_log.c
 *		Tests of the search that the memory and the SQLite store share.
 *
 * Thousands of random queries on random logs, each answered twice: by the search over an index that
 * is as simple as can be, and by looking at every fact.
 */
#include <stdio.h>
#include <string.h>

#include "lib/simple_log.h"
#include "lib/matching.h"
#include "lib/tap.h"

static uint64_t random_state = 88172645463325252;

static unsigned
random_below(unsigned limit)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (unsigned) ((random_state >> 20) % limit);
}

/*
 * Random facts and queries
 */

static char *
write_scalar(char *end)
{
	static const char *const scalars[] = {
		"0", "1", "1.0", "2", "10e-1", "\"a\"", "\"b\"", "\"1\"", "true", "false", "null"
	};

	return end + sprintf(end, "%s", scalars[random_below(sizeof(scalars) / sizeof(scalars[0]))]);
}

/* Small, and made of little, so that much of it meets again. */
static char *
write_value(char *end, int depth)
{
	unsigned	kind = random_below(depth > 0 ? 4 : 1);
	unsigned	count = random_below(4);

	if (kind < 1)
		return write_scalar(end);
	*end++ = kind == 1 ? '[' : '{';
	for (unsigned i = 0; i < count; i++)
	{
		if (i > 0)
			*end++ = ',';
		if (kind > 1)
			end += sprintf(end, "\"%c\":", 'k' + random_below(3));
		end = write_value(end, depth - 1);
	}
	*end++ = kind == 1 ? ']' : '}';
	*end = '\0';
	return end;
}

static void
write_random_payload(char *text)
{
	(void) write_value(text, 2);
}

static char *
write_event_type(char *end)
{
	return end + sprintf(end, "\"t%u\"", random_below(6));
}

static char *
write_list(char *end, const char *key, unsigned count, bool of_types)
{
	end += sprintf(end, "\"%s\":[", key);
	for (unsigned i = 0; i < count; i++)
	{
		if (i > 0)
			*end++ = ',';
		end = of_types ? write_event_type(end) : write_value(end, 2);
	}
	return end + sprintf(end, "]");
}

static char *
write_filter(char *end)
{
	unsigned	shape = random_below(8);

	*end++ = '{';
	if (shape != 0 && shape != 1)
		end = write_list(end, "event_types", random_below(8) == 0 ? 0 : 1 + random_below(4), true);
	if (shape > 3)
		*end++ = ',';
	if (shape == 1 || shape > 3)
		end = write_list(end, "payload_predicates",
						 random_below(8) == 0 ? 0 : 1 + random_below(4), false);
	return end + sprintf(end, "}");
}

static void
write_random_query(char *text)
{
	unsigned	count = random_below(10) == 0 ? 0 : 1 + random_below(3);
	char	   *end = text + sprintf(text, "{\"filters\":[");

	for (unsigned i = 0; i < count; i++)
	{
		if (i > 0)
			*end++ = ',';
		end = write_filter(end);
	}
	end += sprintf(end, "]");
	if (random_below(2) == 0)
		end += sprintf(end, ",\"after\":%d", (int) random_below(SIMPLE_MAX_FACTS + 5));
	(void) sprintf(end, "}");
}

static void
fill_log(size_t count)
{
	simple_clear();
	while (simple.count < count)
	{
		uint64_t	first = simple.count + 1;
		uint64_t	last = first + random_below(6);

		if (last > count)
			last = count;
		while (simple.count < last)
		{
			simple_fact  *fact = &simple.facts[simple.count];

			(void) sprintf(fact->event_type, "t%u", random_below(6));
			write_random_payload(fact->payload);
			simple_add(first, last);
		}
	}
}

/*
 * The expected answers
 */

static bool
matches(const fs_query *query, uint64_t sequence_number)
{
	const simple_fact *fact = &simple.facts[sequence_number - 1];

	return query_matches(&query->parsed, fact->event_type, fact->document);
}

static uint64_t
newest_in(const fs_query *query, uint64_t after, uint64_t up_to)
{
	for (uint64_t i = up_to < simple.count ? up_to : simple.count; i > after; i--)
	{
		if (matches(query, i))
			return i;
	}
	return 0;
}

static bool
check_version(const fs_query *query)
{
	fs_local_log log = simple_local_log();
	factstr_error error;
	uint64_t	after = random_below((unsigned) simple.count + 3);
	uint64_t	version;
	uint64_t	newest;

	return fs_local_context_version(&log, query, &version, &error) == FACTSTR_OK &&
		version == newest_in(query, 0, simple.count) &&
		fs_local_newest_after(&log, query, after, &newest, &error) == FACTSTR_OK &&
		newest == newest_in(query, after, simple.count);
}

static bool
check_expected(const fs_query *query, uint64_t expected)
{
	fs_local_log log = simple_local_log();
	uint64_t	actual = newest_in(query, 0, simple.count);
	bool		as_expected = actual == expected;
	fs_append	append = {
		.condition = FACTSTR_APPEND_IF,
		.context = query,
		.context_number = expected
	};
	factstr_error error;
	int			code = fs_local_check_context(&log, &append, &error);

	if (as_expected)
		return code == FACTSTR_OK;
	return code == FACTSTR_CONFLICT && error.actual_context_version == actual;
}

static bool
check_position(const fs_query *query, uint64_t after)
{
	fs_local_log log = simple_local_log();
	uint64_t	newest = newest_in(query, after, simple.count);
	fs_append	append = {
		.condition = FACTSTR_APPEND_UNLESS,
		.context = query,
		.context_number = after
	};
	factstr_error error;
	int			code = fs_local_check_context(&log, &append, &error);

	if (after > simple.count)
		return code == FACTSTR_MALFORMED;
	if (newest == 0)
		return code == FACTSTR_OK;
	return code == FACTSTR_CONFLICT && error.actual_context_version == newest;
}

static bool
check_context(const fs_query *query)
{
	uint64_t	actual = newest_in(query, 0, simple.count);

	return check_expected(query, actual) &&
		check_expected(query, actual + 1) &&
		check_expected(query, actual > 0 ? actual - 1 : 0) &&
		check_expected(query, random_below((unsigned) simple.count + 20)) &&
		check_expected(query, INT64_MAX) &&
		check_expected(query, 0) &&
		check_position(query, random_below((unsigned) simple.count + 20));
}

/* Is it this fact, with all that belongs to it? */
static bool
is_fact(const factstr_fact *fact, uint64_t sequence_number)
{
	const simple_fact *stored = &simple.facts[sequence_number - 1];

	return fact->sequence_number == sequence_number &&
		fact->occurred_at == (int64_t) sequence_number * 1000 &&
		strcmp(fact->event_type, stored->event_type) == 0 &&
		strcmp(fact->payload, stored->payload) == 0 && fact->metadata == NULL;
}

/* Are the facts those in the range that match, as many as are wanted? */
static bool
are_facts(const fs_query *query, const fs_range *range, const fs_fact_list *facts)
{
	uint64_t	up_to = range->up_to < simple.count ? range->up_to : simple.count;
	size_t		found = 0;

	for (uint64_t i = range->after + 1; i <= up_to && found < range->max_count; i++)
	{
		uint64_t	sequence_number = range->backwards ? up_to + range->after + 1 - i : i;

		if (!matches(query, sequence_number))
			continue;
		if (found >= facts->count || !is_fact(&facts->facts[found], sequence_number))
			return false;
		found++;
	}
	return found == facts->count;
}

static bool
check_read(const fs_query *query)
{
	fs_local_log log = simple_local_log();
	factstr_error error;
	fs_fact_list facts = {0};
	fs_range	range = {
		.after = random_below((unsigned) simple.count + 2),
		.up_to = random_below(4) == 0 ? UINT64_MAX : random_below((unsigned) simple.count + 5),
		.max_count = random_below(2) == 0 ? SIZE_MAX : random_below(6),
		.backwards = random_below(2) == 0
	};
	bool		right = fs_local_read(&log, query, &range, &facts, &error) == FACTSTR_OK &&
		are_facts(query, &range, &facts);

	fs_fact_list_release(&facts);
	return right;
}

static bool
check_query(const fs_query *query)
{
	fs_local_log log = simple_local_log();
	factstr_error error;
	fs_fact_list facts = {0};
	int64_t		min = query->parsed.after;
	fs_range	range = {
		.after = min > 0 ? (uint64_t) min : 0,
		.up_to = simple.count,
		.max_count = SIZE_MAX
	};
	uint64_t	version;
	bool		right = fs_local_query(&log, query, &facts, &version, &error) == FACTSTR_OK &&
		are_facts(query, &range, &facts) && version == newest_in(query, 0, simple.count);

	fs_fact_list_release(&facts);
	return right;
}

/* Is this batch the one that begins there, with all its matches? */
static bool
is_batch(const fs_query *query, const factstr_batch *batch, const simple_fact *first)
{
	size_t		found = 0;

	if (batch->first_sequence_number != first->batch_first ||
		batch->last_sequence_number != first->batch_last || batch->idempotency_key != NULL)
		return false;
	for (uint64_t i = first->batch_first; i <= first->batch_last; i++)
	{
		if (!matches(query, i))
			continue;
		if (found >= batch->fact_count || !is_fact(&batch->facts[found], i))
			return false;
		found++;
	}
	return found == batch->fact_count;
}

static bool
are_batches(const fs_query *query, uint64_t after, size_t max_batches,
			const fs_batch_list *batches, uint64_t searched)
{
	uint64_t	position = after;
	size_t		found = 0;

	while (position < simple.count && found < max_batches)
	{
		const simple_fact *fact = &simple.facts[position++];

		if (!matches(query, position))
			continue;
		if (found >= batches->count || !is_batch(query, &batches->batches[found], fact))
			return false;
		position = fact->batch_last;
		found++;
	}
	return found == batches->count &&
		searched == (found == max_batches ? position : simple.count);
}

static bool
check_batches(const fs_query *query)
{
	fs_local_log log = simple_local_log();
	factstr_error error;
	fs_batch_list batches = {0};
	uint64_t	after = random_below((unsigned) simple.count + 2);
	size_t		max_batches = random_below(3) == 0 ? SIZE_MAX : 1 + random_below(4);
	uint64_t	searched = 0;
	bool		right = fs_local_batches(&log, query, after, max_batches, &batches, &searched,
										 &error) == FACTSTR_OK &&
		are_batches(query, after, max_batches, &batches, searched);

	fs_batch_list_release(&batches);
	return right;
}

/*
 * Tests
 */

typedef struct check
{
	const char *name;
	bool		(*run) (const fs_query *query);
	char		failed[4000];	/* the first query that failed */
} check;

static void
test_random_queries(void)
{
	static check checks[] = {
		{.name = "versions", .run = check_version},
		{.name = "expected versions", .run = check_context},
		{.name = "ranges", .run = check_read},
		{.name = "queries", .run = check_query},
		{.name = "batches", .run = check_batches}
	};
	size_t		check_count = sizeof(checks) / sizeof(checks[0]);
	uint64_t	matching = 0;

	for (int round = 0; round < 4000; round++)
	{
		char		text[4000];
		fs_query	query;

		if (round % 40 == 0)
			fill_log(round % 400 == 0 ? 0 : 1 + random_below(round % 80 == 0 ? 12 : SIMPLE_MAX_FACTS));
		write_random_query(text);
		simple_parse(text, &query);
		matching += newest_in(&query, 0, simple.count) > 0 ? 1 : 0;
		for (size_t i = 0; i < check_count; i++)
		{
			if (checks[i].failed[0] == '\0' && !checks[i].run(&query))
				(void) strcpy(checks[i].failed, text);
		}
		fs_query_release(&query);
	}
	for (size_t i = 0; i < check_count; i++)
		ok_str(checks[i].failed, "", "4000 random queries: %s", checks[i].name);
	ok_cmp((int64_t) matching, ">", 1000, "many of them match something");
	ok_cmp((int64_t) matching, "<", 3900, "many nothing");
	simple_clear();
}

int
main(void)
{
	test_random_queries();
	return tap_finish();
}
