/*
 * local_log.c
 *		Tests of the search that the memory and the SQLite store share.
 *
 * Thousands of random queries on random logs, each answered twice: by the search over an index that
 * is as simple as can be, and by looking at every fact.
 */
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "local_log.h"

#include "tap.h"

#define MAX_FACTS 400
#define MAX_TEXT 600

typedef struct test_fact
{
	char		event_type[16];
	char		payload[MAX_TEXT];
	json_t	   *document;
	fs_term_list terms;
	uint64_t	batch_first;
	uint64_t	batch_last;
} test_fact;

/* Facts are numbered from 1: facts[0] is number 1. */
typedef struct test_log
{
	size_t		count;
	test_fact	facts[MAX_FACTS];
	uint64_t	seeks;
	uint64_t	fetches;
	int64_t		calls_left;		/* then they fail; negative: never */
} test_log;

static test_log test;
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
 * The log under test
 */

static int
count_call(test_log *log, factstr_error *error)
{
	if (log->calls_left == 0)
		return fs_error(error, FACTSTR_STORAGE, "no more calls");
	if (log->calls_left > 0)
		log->calls_left--;
	return FACTSTR_OK;
}

static bool
has_term(const test_fact *fact, fs_term term)
{
	for (size_t i = 0; i < fact->terms.count; i++)
	{
		if (fact->terms.terms[i] == term)
			return true;
	}
	return false;
}

static int
seek_fact(void *store, fs_term term, uint64_t position, bool backwards, uint64_t *found,
		  factstr_error *error)
{
	test_log   *log = store;

	log->seeks++;
	*found = 0;
	while (position >= 1 && position <= log->count)
	{
		if (has_term(&log->facts[position - 1], term))
		{
			*found = position;
			break;
		}
		position += backwards ? -1 : 1;
	}
	return count_call(log, error);
}

/* What it gives is spoilt by the next call: whoever kept it would notice. */
static int
fetch_fact(void *store, uint64_t sequence_number, fs_stored_fact *fact, factstr_error *error)
{
	static char event_type[16];
	static char payload[MAX_TEXT];
	test_log   *log = store;
	const test_fact *stored = &log->facts[sequence_number - 1];

	log->fetches++;
	(void) strcpy(event_type, stored->event_type);
	(void) strcpy(payload, stored->payload);
	*fact = (fs_stored_fact) {
		.fact = {
			.sequence_number = sequence_number,
			.occurred_at = (int64_t) sequence_number * 1000,
			.event_type = event_type,
			.payload = payload
		},
		.batch_first = stored->batch_first
	};
	return count_call(log, error);
}

static int
find_batch_last(void *store, uint64_t batch_first, uint64_t *batch_last, factstr_error *error)
{
	test_log   *log = store;

	*batch_last = log->facts[batch_first - 1].batch_last;
	return count_call(log, error);
}

static fs_local_log
local_log(void)
{
	return (fs_local_log) {
		.store = &test,
		.head = test.count,
		.seek = seek_fact,
		.fetch = fetch_fact,
		.batch_last = find_batch_last
	};
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
		end += sprintf(end, ",\"min_sequence_number\":%d", (int) random_below(MAX_FACTS) - 5);
	(void) sprintf(end, "}");
}

static void
clear_log(void)
{
	for (size_t i = 0; i < test.count; i++)
	{
		json_decref(test.facts[i].document);
		fs_term_list_release(&test.facts[i].terms);
	}
	test.count = 0;
	test.calls_left = -1;
}

/* Adds a fact whose type and payload are filled in. */
static void
add_fact(uint64_t batch_first, uint64_t batch_last)
{
	test_fact  *fact = &test.facts[test.count++];
	fs_input_error error;

	fact->batch_first = batch_first;
	fact->batch_last = batch_last;
	fact->terms = (fs_term_list) {0};
	fact->document = fs_json_document_load(fact->payload, strlen(fact->payload), &error);
	if (fact->document == NULL ||
		!fs_terms_of_fact(fact->event_type, fact->document, &fact->terms))
	{
		printf("Bail out! a payload cannot be read: %s\n", fact->payload);
		exit(2);
	}
}

static void
fill_log(size_t count)
{
	clear_log();
	while (test.count < count)
	{
		uint64_t	first = test.count + 1;
		uint64_t	last = first + random_below(6);

		if (last > count)
			last = count;
		while (test.count < last)
		{
			test_fact  *fact = &test.facts[test.count];

			(void) sprintf(fact->event_type, "t%u", random_below(6));
			write_random_payload(fact->payload);
			add_fact(first, last);
		}
	}
}

static void
parse_query(const char *text, fs_query *query)
{
	factstr_error error;

	if (fs_query_parse(text, query, &error) == FACTSTR_OK)
		return;
	printf("Bail out! %s: %s\n", text, error.message);
	exit(2);
}

/*
 * What is right
 */

static bool
matches(const fs_query *query, uint64_t sequence_number)
{
	const test_fact *fact = &test.facts[sequence_number - 1];

	return fs_query_matches(query, fact->event_type, fact->document);
}

static uint64_t
newest_in(const fs_query *query, uint64_t after, uint64_t up_to)
{
	for (uint64_t i = up_to < test.count ? up_to : test.count; i > after; i--)
	{
		if (matches(query, i))
			return i;
	}
	return 0;
}

static bool
check_version(const fs_query *query)
{
	fs_local_log log = local_log();
	factstr_error error;
	uint64_t	after = random_below((unsigned) test.count + 3);
	uint64_t	version;
	uint64_t	newest;

	return fs_local_context_version(&log, query, &version, &error) == FACTSTR_OK &&
		version == newest_in(query, 0, test.count) &&
		fs_local_newest_after(&log, query, after, &newest, &error) == FACTSTR_OK &&
		newest == newest_in(query, after, test.count);
}

static bool
check_expected(const fs_query *query, uint64_t expected, bool expects_empty)
{
	fs_local_log log = local_log();
	uint64_t	actual = newest_in(query, 0, test.count);
	bool		as_expected = expects_empty ? actual == 0 : actual == expected && expected > 0;
	fs_append	append = {
		.context = query,
		.expects_empty = expects_empty,
		.expected_context_version = expected
	};
	factstr_error error;
	int			code = fs_local_check_context(&log, &append, &error);

	if (as_expected)
		return code == FACTSTR_OK;
	return code == FACTSTR_CONFLICT && error.expected_context_version == expected &&
		error.actual_context_version == actual;
}

static bool
check_context(const fs_query *query)
{
	uint64_t	actual = newest_in(query, 0, test.count);

	return check_expected(query, actual, false) &&
		check_expected(query, actual + 1, false) &&
		check_expected(query, actual > 0 ? actual - 1 : 0, false) &&
		check_expected(query, random_below((unsigned) test.count + 20), false) &&
		check_expected(query, INT64_MAX, false) &&
		check_expected(query, 0, false) &&
		check_expected(query, 0, true);
}

/* Is it this fact, with all that belongs to it? */
static bool
is_fact(const factstr_fact *fact, uint64_t sequence_number)
{
	const test_fact *stored = &test.facts[sequence_number - 1];

	return fact->sequence_number == sequence_number &&
		fact->occurred_at == (int64_t) sequence_number * 1000 &&
		strcmp(fact->event_type, stored->event_type) == 0 &&
		strcmp(fact->payload, stored->payload) == 0 && fact->metadata == NULL;
}

/* Are the facts those in the range that match, as many as are wanted? */
static bool
are_facts(const fs_query *query, const fs_range *range, const fs_fact_list *facts)
{
	uint64_t	up_to = range->up_to < test.count ? range->up_to : test.count;
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
	fs_local_log log = local_log();
	factstr_error error;
	fs_fact_list facts = {0};
	fs_range	range = {
		.after = random_below((unsigned) test.count + 2),
		.up_to = random_below(4) == 0 ? UINT64_MAX : random_below((unsigned) test.count + 5),
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
	fs_local_log log = local_log();
	factstr_error error;
	fs_fact_list facts = {0};
	int64_t		min = query->parsed.has_min_sequence_number ? query->parsed.min_sequence_number : 0;
	fs_range	range = {
		.after = min > 0 ? (uint64_t) min : 0,
		.up_to = test.count,
		.max_count = SIZE_MAX
	};
	uint64_t	version;
	bool		right = fs_local_query(&log, query, &facts, &version, &error) == FACTSTR_OK &&
		are_facts(query, &range, &facts) && version == newest_in(query, 0, test.count);

	fs_fact_list_release(&facts);
	return right;
}

/* Is this batch the one that begins there, with all its matches? */
static bool
is_batch(const fs_query *query, const factstr_batch *batch, const test_fact *first)
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

	while (position < test.count && found < max_batches)
	{
		const test_fact *fact = &test.facts[position++];

		if (!matches(query, position))
			continue;
		if (found >= batches->count || !is_batch(query, &batches->batches[found], fact))
			return false;
		position = fact->batch_last;
		found++;
	}
	return found == batches->count &&
		searched == (found == max_batches ? position : test.count);
}

static bool
check_batches(const fs_query *query)
{
	fs_local_log log = local_log();
	factstr_error error;
	fs_batch_list batches = {0};
	uint64_t	after = random_below((unsigned) test.count + 2);
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
			fill_log(round % 400 == 0 ? 0 : 1 + random_below(round % 80 == 0 ? 12 : MAX_FACTS));
		write_random_query(text);
		parse_query(text, &query);
		matching += newest_in(&query, 0, test.count) > 0 ? 1 : 0;
		for (size_t i = 0; i < check_count; i++)
		{
			if (checks[i].failed[0] == '\0' && !checks[i].run(&query))
				(void) strcpy(checks[i].failed, text);
		}
		fs_query_release(&query);
	}
	for (size_t i = 0; i < check_count; i++)
	{
		if (!tap_ok(checks[i].failed[0] == '\0', "4000 random queries: %s", checks[i].name))
			tap_diagnostic("%s", checks[i].failed);
	}
	(void) tap_ok(matching > 1000 && matching < 3900, "many of them match something, many nothing");
}

/* A failing log is reported, wherever it fails. */
static void
test_failures(void)
{
	fs_query	query;
	fs_local_log log;
	factstr_error error;
	int64_t		calls = 0;
	int			code;
	bool		clean = true;

	fill_log(100);
	parse_query("{\"filters\": [{\"event_types\": [\"t1\", \"t2\"],"
				"\"payload_predicates\": [1, {}]},"
				"{\"payload_predicates\": [{\"k\": 1}, [true]]}]}", &query);
	log = local_log();
	do
	{
		fs_batch_list batches = {0};
		uint64_t	searched;

		test.calls_left = calls++;
		code = fs_local_batches(&log, &query, 3, 5, &batches, &searched, &error);
		clean = clean && (code == FACTSTR_OK || code == FACTSTR_STORAGE);
		fs_batch_list_release(&batches);
	}
	while (code != FACTSTR_OK && calls < 10000);
	test.calls_left = -1;
	(void) tap_ok(clean && calls > 20 && calls < 10000, "every failure of the log is reported");
	fs_query_release(&query);
}

/* A log of one type for every ten facts, each with an account of its own and a common currency. */
static void
fill_accounts(void)
{
	clear_log();
	while (test.count < MAX_FACTS)
	{
		test_fact  *fact = &test.facts[test.count];
		uint64_t	number = test.count + 1;

		(void) sprintf(fact->event_type, "t%zu", test.count / 10);
		(void) sprintf(fact->payload, "{\"account\": \"A-%zu\", \"currency\": \"EUR\"}",
					   test.count);
		add_fact(number, number);
	}
}

static void
test_cost(const char *name, const char *text, size_t facts_found, uint64_t most_calls)
{
	fs_range	range = {.up_to = MAX_FACTS, .max_count = SIZE_MAX};
	fs_fact_list facts = {0};
	fs_local_log log = local_log();
	factstr_error error;
	fs_query	query;
	int			code;

	parse_query(text, &query);
	test.seeks = test.fetches = 0;
	code = fs_local_read(&log, &query, &range, &facts, &error);
	if (!tap_ok(code == FACTSTR_OK && facts.count == facts_found &&
				test.seeks + test.fetches <= most_calls, "cost: %s", name))
		tap_diagnostic("%zu facts, %d seeks, %d fetches", facts.count, (int) test.seeks,
					   (int) test.fetches);
	fs_fact_list_release(&facts);
	fs_query_release(&query);
}

/* Two hundred types of which 20 exist, and, if wanted, predicates. */
static const char *
many_types(const char *rest)
{
	static char text[20000];
	char	   *end = text + sprintf(text, "{\"filters\": [{\"event_types\": [");

	for (int i = 0; i < 200; i++)
		end += sprintf(end, "%s\"t%d\"", i > 0 ? "," : "", i < 20 ? i : i + 1000);
	(void) sprintf(end, "]%s}]}", rest);
	return text;
}

static void
test_costs(void)
{
	fill_accounts();
	test_cost("one of all accounts",
			  "{\"filters\": [{\"payload_predicates\": [{\"account\": \"A-7\"}]}]}", 1, 4);
	test_cost("a rare term with a common one",
			  "{\"filters\": [{\"payload_predicates\":"
			  "[{\"account\": \"A-7\", \"currency\": \"EUR\"}]}]}",
			  1, 8);
	test_cost("a type that ends early with a common term",
			  "{\"filters\": [{\"event_types\": [\"t3\"], \"payload_predicates\":"
			  "[{\"currency\": \"EUR\"}]}]}",
			  10, 45);
	test_cost("an account that does not exist",
			  "{\"filters\": [{\"event_types\": [\"t3\"], \"payload_predicates\":"
			  "[{\"account\": \"A-x\", \"currency\": \"EUR\"}]}]}",
			  0, 3);
	test_cost("hundreds of types", many_types(""), 200, 200 + 400 + 20);
	test_cost("hundreds of types, one account",
			  many_types(",\"payload_predicates\": [{\"account\": \"A-7\"}]"), 1, 4);
	test_cost("hundreds of types, a common term",
			  many_types(",\"payload_predicates\": [{\"currency\": \"EUR\"}]"), 200, 1300);
	test_cost("types of which one exists, late, with a common term",
			  "{\"filters\": [{\"event_types\": [\"x1\", \"x2\", \"t39\", \"x3\", \"x4\"],"
			  "\"payload_predicates\": [{\"currency\": \"EUR\"}]}]}", 10, 50);
	test_cost("a predicate that asks for a shape only",
			  "{\"filters\": [{\"event_types\": [\"t3\"], \"payload_predicates\":"
			  "[{\"account\": \"A-31\"}, {}]}]}",
			  10, 30);
	test_cost("nothing, twice",
			  "{\"filters\": [{\"event_types\": []}, {\"payload_predicates\": []}]}", 0, 0);
	clear_log();
}

int
main(void)
{
	test_random_queries();
	test_failures();
	test_costs();
	return tap_finish();
}
