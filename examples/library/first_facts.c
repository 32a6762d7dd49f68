/*
 * first_facts.c
 *		The shortest program: append two facts, read them again, and decide.
 *
 *		make -C examples/library
 *		examples/library/build/first_facts				(in memory; or: first_facts sqlite:facts.db)
 */
#include <inttypes.h>
#include <stdio.h>

#include <factstr.h>

#define COURSE_C1 "{\"filters\": [{\"payload_predicates\": [{\"course\": \"c1\"}]}]}"

static int
append(factstr_store *store, factstr_error *error)
{
	const factstr_event events[] = {
		{.event_type = "course-defined", .payload = "{\"course\": \"c1\", \"seats\": 3}"},
		{.event_type = "student-subscribed", .payload = "{\"course\": \"c1\", \"student\": \"ada\"}"}
	};
	factstr_append_result result;
	int			code = factstr_append(store, events, 2, NULL, &result, error);

	if (code == FACTSTR_OK)
		printf("appended facts %" PRIu64 " to %" PRIu64 "\n",
			   result.first_sequence_number, result.last_sequence_number);
	return code;
}

/* A decision on these facts names their version. */
static int
read_again(factstr_store *store, uint64_t *version, factstr_error *error)
{
	factstr_query_result *result;
	int			code = factstr_query(store, COURSE_C1, &result, error);

	if (code != FACTSTR_OK)
		return code;
	for (size_t i = 0; i < result->fact_count; i++)
		printf("%" PRIu64 " %s %s\n", result->facts[i].sequence_number,
			   result->facts[i].event_type, result->facts[i].payload);
	*version = result->current_context_version;
	printf("the context of course c1 is at version %" PRIu64 "\n", *version);
	factstr_query_result_free(result);
	return FACTSTR_OK;
}

/* Accepted if the context is still at that version. */
static int
subscribe(factstr_store *store, const char *payload, uint64_t version, factstr_error *error)
{
	const factstr_event event = {.event_type = "student-subscribed", .payload = payload};
	const factstr_append_options options = {
		.size = sizeof(options),
		.condition = FACTSTR_APPEND_IF,
		.context_query = COURSE_C1,
		.expected_context_version = version
	};
	factstr_append_result result;
	int			code = factstr_append(store, &event, 1, &options, &result, error);

	if (code == FACTSTR_OK)
		printf("accepted at version %" PRIu64 ": fact %" PRIu64 " %s\n",
			   version, result.last_sequence_number, payload);
	else if (code == FACTSTR_CONFLICT)
		printf("refused at version %" PRIu64 ", since the context is at %" PRIu64 ": %s\n",
			   error->expected_context_version, error->actual_context_version, payload);
	return code == FACTSTR_CONFLICT ? FACTSTR_OK : code;
}

int
main(int argc, char **argv)
{
	factstr_store *store = NULL;
	factstr_error error;
	uint64_t	version;
	int			code = factstr_open(argc > 1 ? argv[1] : "memory:", &store, &error);

	if (code == FACTSTR_OK)
		code = append(store, &error);
	if (code == FACTSTR_OK)
		code = read_again(store, &version, &error);
	if (code == FACTSTR_OK)
		code = subscribe(store, "{\"course\": \"c1\", \"student\": \"bob\"}", version, &error);
	if (code == FACTSTR_OK)
		code = subscribe(store, "{\"course\": \"c1\", \"student\": \"eve\"}", version, &error);
	if (code != FACTSTR_OK)
		fprintf(stderr, "first_facts: %s\n", error.message);

	factstr_close(store, FACTSTR_CLOSE_TIMEOUT_MS);
	return code == FACTSTR_OK ? 0 : 1;
}
