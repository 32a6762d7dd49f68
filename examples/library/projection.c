/*
 * projection.c
 *		A projection: how many students each course has, kept by a stream of the facts that matter to it.
 *
 *		examples/library/build/projection				(in memory; or: projection sqlite:facts.db)
 *
 * The stream is durable, so in a file or a database the next run goes on after the last fact that was seen.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <factstr.h>
#include <jansson.h>

#define COURSES 3

/* Only the stream's handler writes it, one batch after the other. */
typedef struct Enrolments
{
	int			students[COURSES];
} Enrolments;

static int
course_number(const char *payload)
{
	json_t	   *document = json_loads(payload, 0, NULL);
	int			course = -1;

	(void) json_unpack(document, "{s:i}", "course", &course);
	json_decref(document);
	return course;
}

/* A handler takes one committed batch; whatever it returns but 0 brings the batch again. */
static int
count_students(const factstr_batch *batch, void *context)
{
	Enrolments *enrolments = context;

	for (size_t i = 0; i < batch->fact_count; i++)
	{
		int			course = course_number(batch->facts[i].payload);

		if (course < 0 || course >= COURSES)
			return -1;
		enrolments->students[course]++;
		printf("fact %" PRIu64 ": course %d now has %d students\n",
			   batch->facts[i].sequence_number, course, enrolments->students[course]);
	}
	return 0;
}

/* A batch of three facts, of which the projection sees two. */
static int
enrol(factstr_store *store, int course, uint64_t *last, factstr_error *error)
{
	char		payload[64];
	factstr_append_result result;
	int			code;

	(void) snprintf(payload, sizeof(payload), "{\"course\": %d}", course);
	code = factstr_append(store, (factstr_event[]) {
		{.event_type = "student-enrolled", .payload = payload},
		{.event_type = "letter-sent", .payload = payload},
		{.event_type = "student-enrolled", .payload = payload}
	}, 3, NULL, &result, error);
	if (code == FACTSTR_OK)
		*last = result.last_sequence_number;
	return code;
}

int
main(int argc, char **argv)
{
	const char *url = argc > 1 ? argv[1] : "memory:";
	Enrolments	enrolments = {{0}};
	factstr_store *store = NULL;
	factstr_stream *stream = NULL;
	factstr_error error = {0};
	uint64_t	last = 0;
	int			code = factstr_open(url, &store, &error);

	if (code == FACTSTR_OK)
		code = factstr_stream_to_durable(store, "enrolments",
										 "{\"filters\": [{\"event_types\": [\"student-enrolled\"]}]}",
										 NULL, count_students, &enrolments, &stream, &error);
	for (int i = 0; code == FACTSTR_OK && i < 4; i++)
		code = enrol(store, i % COURSES, &last, &error);

	/* Deliveries come on a thread of the stream.  This waits until it has seen all of the above. */
	if (code == FACTSTR_OK)
		code = factstr_wait(store, last, "enrolments", 10000, &error);
	if (code != FACTSTR_OK)
		fprintf(stderr, "projection: %s\n", error.message);

	factstr_stream_free(stream);
	factstr_close(store);
	return code == FACTSTR_OK ? 0 : 1;
}
