/*
 * matching_cases.c
 *		Runs the table of matching cases, which every implementation of the matcher must pass.
 *
 * Its argument is the file: a JSON object a line, {"name", "payload", "predicate", "matches"},
 * where payload and predicate are JSON texts, so that their spelling reaches the parser.
 */
#define _POSIX_C_SOURCE 200809L

#include "json_jansson.h"
#include "match/matcher.h"

#include "tap.h"

typedef enum outcome
{
	OUTCOME_DIFFERENT,
	OUTCOME_MATCH,
	OUTCOME_REFUSED
} outcome;

static json_t *
load(fs_text text)
{
	fs_input_error error;
	json_t	   *document = fs_json_document_load(text.data, text.length, &error);

	if (document == NULL)
		tap_diagnostic("%s: %s", error.path, error.message);
	return document;
}

static outcome
match(fs_text payload_text, fs_text predicate_text)
{
	json_t	   *payload = load(payload_text);
	json_t	   *predicate = load(predicate_text);
	outcome		result = OUTCOME_REFUSED;

	if (payload != NULL && predicate != NULL)
		result = fs_payload_matches(payload, predicate) ? OUTCOME_MATCH : OUTCOME_DIFFERENT;
	json_decref(payload);
	json_decref(predicate);
	return result;
}

static bool
get_string(fs_json object, const char *name, fs_text *text)
{
	fs_text		key = {name, strlen(name)};
	fs_json		value;

	if (!fs_json_object_get(object, key, &value) || fs_json_kind_of(value) != FS_JSON_STRING)
		return false;
	*text = fs_json_string(value);
	return true;
}

static void
run_case(fs_text line, int line_number)
{
	json_t	   *document = load(line);
	fs_text		name;
	fs_text		payload;
	fs_text		predicate;
	outcome		wanted;

	if (document == NULL || !json_is_object(document) || !get_string(document, "name", &name) ||
		!get_string(document, "payload", &payload) ||
		!get_string(document, "predicate", &predicate) ||
		!json_is_boolean(json_object_get(document, "matches")))
	{
		(void) tap_ok(false, "line %d is a case", line_number);
		json_decref(document);
		return;
	}
	wanted = json_is_true(json_object_get(document, "matches")) ? OUTCOME_MATCH : OUTCOME_DIFFERENT;
	(void) tap_ok(match(payload, predicate) == wanted, "%.*s", (int) name.length, name.data);
	json_decref(document);
}

int
main(int argc, char **argv)
{
	FILE	   *cases = argc == 2 ? fopen(argv[1], "r") : NULL;
	char	   *line = NULL;
	size_t		capacity = 0;
	ssize_t		length;
	int			line_number = 0;

	if (cases == NULL)
	{
		printf("Bail out! usage: matching_cases FILE, a readable one\n");
		return 2;
	}
	while ((length = getline(&line, &capacity, cases)) >= 0)
		run_case((fs_text) {line, (size_t) length}, ++line_number);
	free(line);
	(void) fclose(cases);
	return tap_finish();
}
