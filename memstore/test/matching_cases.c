/*
 * matching_cases.c
 *		Runs the table of matching cases, which every implementation of the matcher must pass.
 *
 * Its argument is the file: a JSON object a line, {"name", "payload", "predicate", "matches"},
 * where payload and predicate are JSON texts, so that their spelling reaches the parser.
 */
#define _POSIX_C_SOURCE 200809L

#include "json/binding.h"

#include "lib/matching.h"
#include "lib/tap.h"

typedef enum outcome
{
	OUTCOME_DIFFERENT,
	OUTCOME_MATCH,
	OUTCOME_REFUSED
} outcome;

static const char *
outcome_name(outcome result)
{
	return result == OUTCOME_MATCH ? "a match" : result == OUTCOME_DIFFERENT ? "no match" :
		"a text is refused";
}

static fs_json
load(fs_text text)
{
	fs_input_error error;
	fs_json		document = fs_json_document_load(text.data, text.length, &error);

	if (document == NULL)
		tap_diagnostic("%s: %s", error.path, error.message);
	return document;
}

static outcome
match(fs_text payload_text, fs_text predicate_text)
{
	fs_json		payload = load(payload_text);
	fs_json		predicate = load(predicate_text);
	outcome		result = OUTCOME_REFUSED;

	if (payload != NULL && predicate != NULL)
		result = payload_matches(payload, predicate) ? OUTCOME_MATCH : OUTCOME_DIFFERENT;
	fs_json_document_release(payload);
	fs_json_document_release(predicate);
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
	fs_json		document = load(line);
	fs_text		name;
	fs_json		matches;
	fs_text		payload;
	fs_text		predicate;
	outcome		wanted;

	if (document == NULL || fs_json_kind_of(document) != FS_JSON_OBJECT ||
		!get_string(document, "name", &name) ||
		!get_string(document, "payload", &payload) ||
		!get_string(document, "predicate", &predicate) ||
		!fs_json_object_get(document, (fs_text) {"matches", 7}, &matches) ||
		fs_json_kind_of(matches) != FS_JSON_BOOLEAN)
	{
		ok(false, "line %d is a case", line_number);
		fs_json_document_release(document);
		return;
	}
	wanted = fs_json_boolean(matches) ? OUTCOME_MATCH : OUTCOME_DIFFERENT;
	ok_str(outcome_name(match(payload, predicate)), outcome_name(wanted), "%.*s", (int) name.length,
		   name.data);
	fs_json_document_release(document);
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
		tap_bail_out("usage: matching_cases FILE, a readable one");
	while ((length = getline(&line, &capacity, cases)) >= 0)
		run_case((fs_text) {line, (size_t) length}, ++line_number);
	free(line);
	(void) fclose(cases);
	return tap_finish();
}
