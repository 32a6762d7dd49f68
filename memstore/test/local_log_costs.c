/*
 * local_log_costs.c
 *		The cost of the search that the memory and the SQLite store share, in requests to the log, and its
 *		behaviour when the log fails.
 */
#include <stdio.h>
#include <string.h>

#include "lib/simple_log.h"
#include "lib/tap.h"

/* A hundred facts of a few kinds, of which many match. */
static void
fill_kinds(void)
{
	static const char *const payloads[] = {
		"1", "{\"k\": 1}", "[true]", "{}", "{\"k\": [1, 2], \"l\": true}"
	};

	simple_clear();
	while (simple.count < 100)
	{
		simple_fact *fact = &simple.facts[simple.count];
		uint64_t	number = simple.count + 1;

		(void) sprintf(fact->event_type, "t%zu", simple.count % 3);
		(void) strcpy(fact->payload, payloads[simple.count % 5]);
		simple_add(number, number);
	}
}

/* A failure of the log in any place is reported. */
static void
test_failures(void)
{
	fs_query	query;
	fs_local_log log;
	factstr_error error;
	int64_t		calls = 0;
	int			code;
	int			unclear = 0;

	fill_kinds();
	simple_parse("{\"filters\": [{\"event_types\": [\"t1\", \"t2\"],"
				"\"payload_predicates\": [1, {}]},"
				"{\"payload_predicates\": [{\"k\": 1}, [true]]}]}", &query);
	log = simple_local_log();
	do
	{
		fs_batch_list batches = {0};
		uint64_t	searched;

		simple.calls_left = calls++;
		code = fs_local_batches(&log, &query, 3, 20, &batches, &searched, &error);
		unclear += code == FACTSTR_OK || code == FACTSTR_STORAGE ? 0 : 1;
		fs_batch_list_release(&batches);
	}
	while (code != FACTSTR_OK && calls < 10000);
	simple.calls_left = -1;
	ok_code(code, FACTSTR_OK, &error, "in the end nothing fails");
	ok_cmp(calls, ">", 20, "the log has failed at many places");
	ok_int(unclear, 0, "every failure of the log is reported");
	fs_query_release(&query);
	simple_clear();
}

/* A log of one type for every ten facts, each with another account and a common currency. */
static void
fill_accounts(void)
{
	simple_clear();
	while (simple.count < SIMPLE_MAX_FACTS)
	{
		simple_fact  *fact = &simple.facts[simple.count];
		uint64_t	number = simple.count + 1;

		(void) sprintf(fact->event_type, "t%zu", simple.count / 10);
		(void) sprintf(fact->payload, "{\"account\": \"A-%zu\", \"currency\": \"EUR\"}",
					   simple.count);
		simple_add(number, number);
	}
}

/* A search finds so many facts, and asks the log for no more than so much. */
static void
ok_cost(const char *name, const char *text, size_t facts_found, uint64_t most_calls)
{
	fs_range	range = {.up_to = SIMPLE_MAX_FACTS, .max_count = SIZE_MAX};
	fs_fact_list facts = {0};
	fs_local_log log = simple_local_log();
	factstr_error error;
	fs_query	query;
	int			code;

	simple_parse(text, &query);
	simple.seeks = simple.fetches = 0;
	code = fs_local_read(&log, &query, &range, &facts, &error);
	ok_code(code, FACTSTR_OK, &error, "%s", name);
	ok_int((int64_t) facts.count, (int64_t) facts_found, "%s: so many facts", name);
	if (!ok_cmp((int64_t) (simple.seeks + simple.fetches), "<=", (int64_t) most_calls,
				"%s: its cost", name))
		tap_diagnostic("%d seeks, %d fetches", (int) simple.seeks, (int) simple.fetches);
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
	ok_cost("one of all accounts",
			"{\"filters\": [{\"payload_predicates\": [{\"account\": \"A-7\"}]}]}", 1, 4);
	ok_cost("a rare term with a common one", "{\"filters\": [{\"payload_predicates\":"
			"[{\"account\": \"A-7\", \"currency\": \"EUR\"}]}]}", 1, 8);
	ok_cost("a type that ends early with a common term",
			"{\"filters\": [{\"event_types\": [\"t3\"], \"payload_predicates\":"
			"[{\"currency\": \"EUR\"}]}]}", 10, 45);
	ok_cost("an account that does not exist",
			"{\"filters\": [{\"event_types\": [\"t3\"], \"payload_predicates\":"
			"[{\"account\": \"A-x\", \"currency\": \"EUR\"}]}]}", 0, 3);
	ok_cost("hundreds of types", many_types(""), 200, 200 + 400 + 20);
	ok_cost("hundreds of types, one account",
			many_types(",\"payload_predicates\": [{\"account\": \"A-7\"}]"), 1, 4);
	ok_cost("hundreds of types, a common term",
			many_types(",\"payload_predicates\": [{\"currency\": \"EUR\"}]"), 200, 1300);
	ok_cost("types of which one exists, late, with a common term",
			"{\"filters\": [{\"event_types\": [\"x1\", \"x2\", \"t39\", \"x3\", \"x4\"],"
			"\"payload_predicates\": [{\"currency\": \"EUR\"}]}]}", 10, 50);
	ok_cost("a predicate that asks for a shape only",
			  "{\"filters\": [{\"event_types\": [\"t3\"], \"payload_predicates\":"
			  "[{\"account\": \"A-31\"}, {}]}]}",
			  10, 30);
	ok_cost("nothing, twice",
			  "{\"filters\": [{\"event_types\": []}, {\"payload_predicates\": []}]}", 0, 0);
	simple_clear();
}

int
main(void)
{
	test_failures();
	test_costs();
	return tap_finish();
}
