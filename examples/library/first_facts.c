/*
 * first_facts.c
 *		The shortest program: open a store, append two facts, read them again.
 *
 *		make -C examples/library
 *		examples/library/build/first_facts				(in memory; or: first_facts sqlite:facts.db)
 */
#include <inttypes.h>
#include <stdio.h>

#include <factstr.h>

int
main(int argc, char **argv)
{
	const char *url = argc > 1 ? argv[1] : "memory:";
	const factstr_event events[] = {
		{.event_type = "course-defined", .payload = "{\"course\": \"c1\", \"seats\": 3}"},
		{.event_type = "student-subscribed", .payload = "{\"course\": \"c1\", \"student\": \"ada\"}"}
	};
	factstr_store *store = NULL;
	factstr_query_result *result = NULL;
	factstr_error error = {0};

	if (factstr_open(url, &store, &error) == FACTSTR_OK &&
		factstr_append(store, events, 2, NULL, NULL, &error) == FACTSTR_OK &&
		factstr_query(store, "{\"filters\": [{\"payload_predicates\": [{\"course\": \"c1\"}]}]}",
					  &result, &error) == FACTSTR_OK)
	{
		for (size_t i = 0; i < result->fact_count; i++)
			printf("%" PRIu64 " %s %s\n", result->facts[i].sequence_number,
				   result->facts[i].event_type, result->facts[i].payload);
	}
	else
		fprintf(stderr, "first_facts: %s\n", error.message);

	factstr_query_result_free(result);
	factstr_close(store);
	return error.code == FACTSTR_OK ? 0 : 1;
}
