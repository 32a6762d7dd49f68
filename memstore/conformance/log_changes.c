/*
 * log_changes.c
 *		Rule 49: the logs of a database are listed, created, sealed and dropped; a store that is one log refuses that.
 */
#include "harness.h"

#include <string.h>

#define MADE "conformance_made"

/* Does the store have others beside it?  Then it must be able to do all of this, otherwise nothing. */
static bool
has_others(fc_test *test)
{
	factstr_log_status_list *list = NULL;
	factstr_error error;
	int			code = factstr_logs(test->store, &list, &error);

	factstr_log_status_list_free(list);
	if (code == FACTSTR_UNSUPPORTED)
		return false;
	fc_expect_ok(test, "factstr_logs", code, &error);
	return true;
}

static void
free_json(void *result)
{
	factstr_json_free(result);
}

/* The document of a call, which becomes the test's. */
static const char *
document(fc_test *test, const char *call, int code, char *result, int expected)
{
	fc_own(test, free_json, result);
	fc_expect_code(test, call, code, NULL, expected);
	return result;
}

static void
expect_document(fc_test *test, const char *call, int code, char *result, const char *expected)
{
	fc_expect_json(test, call, document(test, call, code, result, FACTSTR_OK), expected);
}

/* NULL if it is not listed. */
static const char *
listed(fc_test *test, const char *log)
{
	factstr_log_status_list *list = NULL;
	factstr_error error;
	const char *found = NULL;

	fc_expect_ok(test, "factstr_logs", factstr_logs(test->store, &list, &error), &error);
	for (size_t i = 0; i < list->count; i++)
	{
		const factstr_log_status *one = &list->logs[i];

		fc_expect(test, i == 0 || strcmp(list->logs[i - 1].log, one->log) < 0,
				  "log \"%s\" is not in the order of names", one->log);
		if (strcmp(one->log, log) == 0)
			found = fc_format(test, "created %s by %s, sealed %s by %s", one->created_at > 0 ? "at a time" : "never",
							  one->created_by == NULL ? "nobody" : "somebody", one->sealed_at > 0 ? "at a time" : "never",
							  one->sealed_by == NULL ? "nobody" : "somebody");
	}
	factstr_log_status_list_free(list);
	return found;
}

static void
expect_listed(fc_test *test, const char *log, const char *expected)
{
	const char *found = listed(test, log);

	fc_expect_text(test, log, found == NULL ? "not listed" : found, expected);
}

/* If a case has failed in between. */
static void
drop_made(void *store)
{
	(void) factstr_drop_log(store, MADE, MADE, NULL, NULL);
}

static void
create_made(fc_test *test)
{
	factstr_error error;

	fc_own(test, drop_made, test->store);
	fc_expect_ok(test, "a log is created", factstr_create_log(test->store, MADE, &error), &error);
}

static void
one_log(fc_test *test)
{
	factstr_error error;
	char	   *result;
	int			code;

	if (has_others(test))
		return;
	fc_expect_code(test, "factstr_create_log", factstr_create_log(test->store, MADE, &error), &error,
				   FACTSTR_UNSUPPORTED);
	fc_expect_code(test, "factstr_seal_log", factstr_seal_log(test->store, MADE, NULL, &error), &error,
				   FACTSTR_UNSUPPORTED);
	fc_expect_code(test, "factstr_drop_log", factstr_drop_log(test->store, MADE, MADE, NULL, &error), &error,
				   FACTSTR_UNSUPPORTED);
	code = factstr_json_logs(test->store, &result);
	(void) document(test, "factstr_json_logs", code, result, FACTSTR_UNSUPPORTED);
	code = factstr_json_create_log(test->store, MADE, &result);
	(void) document(test, "factstr_json_create_log", code, result, FACTSTR_UNSUPPORTED);
	code = factstr_json_seal_log(test->store, MADE, &result);
	(void) document(test, "factstr_json_seal_log", code, result, FACTSTR_UNSUPPORTED);
	code = factstr_json_drop_log(test->store, MADE, MADE, &result);
	(void) document(test, "factstr_json_drop_log", code, result, FACTSTR_UNSUPPORTED);
}

static void
listing(fc_test *test)
{
	factstr_error error;

	if (!has_others(test))
		return;
	expect_listed(test, "main", "created never by nobody, sealed never by nobody");
	expect_listed(test, MADE, "not listed");
	create_made(test);
	expect_listed(test, MADE, "created at a time by somebody, sealed never by nobody");
	fc_expect_code(test, "a name that exists", factstr_create_log(test->store, MADE, &error), &error,
				   FACTSTR_LOG_EXISTS);
	fc_expect_code(test, "the name of main", factstr_create_log(test->store, "main", &error), &error,
				   FACTSTR_LOG_EXISTS);
	fc_expect_code(test, "no name of a log", factstr_create_log(test->store, "Not a name", &error), &error,
				   FACTSTR_MALFORMED);
	fc_expect_code(test, "no name to be sealed", factstr_seal_log(test->store, "", NULL, &error), &error,
				   FACTSTR_MALFORMED);
	fc_expect_code(test, "no name to be dropped", factstr_drop_log(test->store, "a b", "a b", NULL, &error), &error,
				   FACTSTR_MALFORMED);
}

static void
sealing(fc_test *test)
{
	factstr_error error;
	bool		was_open = false;

	if (!has_others(test))
		return;
	create_made(test);
	fc_expect_ok(test, "a log is sealed", factstr_seal_log(test->store, MADE, &was_open, &error), &error);
	fc_expect(test, was_open, "a log was not open before it was sealed");
	expect_listed(test, MADE, "created at a time by somebody, sealed at a time by somebody");
	fc_expect_ok(test, "it is sealed again", factstr_seal_log(test->store, MADE, &was_open, &error), &error);
	fc_expect(test, !was_open, "a log was open after it was sealed");
	(void) fc_append(test, "a", "1");
	fc_expect_code(test, "a log that there is not",
				   factstr_seal_log(test->store, "conformance_none", &was_open, &error), &error, FACTSTR_NO_SUCH_LOG);
	fc_expect(test, !was_open, "a log that there is not was open");
}

static void
dropping(fc_test *test)
{
	factstr_error error;
	uint64_t	facts = 9;

	if (!has_others(test))
		return;
	create_made(test);
	fc_expect_code(test, "a drop with another confirmation",
				   factstr_drop_log(test->store, MADE, "main", &facts, &error), &error, FACTSTR_MALFORMED);
	fc_expect_number(test, "facts that it has dropped", facts, 0);
	expect_listed(test, MADE, "created at a time by somebody, sealed never by nobody");
	fc_expect_code(test, "a drop of main", factstr_drop_log(test->store, "main", "main", &facts, &error), &error,
				   FACTSTR_UNSUPPORTED);
	facts = 9;
	fc_expect_ok(test, "a drop", factstr_drop_log(test->store, MADE, MADE, &facts, &error), &error);
	fc_expect_number(test, "facts of a log without any", facts, 0);
	expect_listed(test, MADE, "not listed");
	fc_expect_code(test, "a second drop", factstr_drop_log(test->store, MADE, MADE, &facts, &error), &error,
				   FACTSTR_NO_SUCH_LOG);
	create_made(test);
	expect_listed(test, MADE, "created at a time by somebody, sealed never by nobody");
}

/* The same, as documents. */
static void
documents(fc_test *test)
{
	char	   *result;
	const char *logs;
	int			code;

	if (!has_others(test))
		return;
	fc_own(test, drop_made, test->store);
	code = factstr_json_create_log(test->store, MADE, &result);
	expect_document(test, "factstr_json_create_log", code, result, "{}");
	code = factstr_json_logs(test->store, &result);
	logs = document(test, "factstr_json_logs", code, result, FACTSTR_OK);
	fc_expect(test, strstr(logs, "{\"log\": \"main\", \"created_at\": null, \"created_by\": null, "
						   "\"sealed_at\": null, \"sealed_by\": null}") != NULL, "main is not as it must be in %s", logs);
	fc_expect(test, strstr(logs, "{\"log\": \"" MADE "\", \"created_at\": \"2") != NULL,
			  "a created log is not in %s", logs);
	code = factstr_json_seal_log(test->store, MADE, &result);
	expect_document(test, "factstr_json_seal_log", code, result, "{'was_open': true}");
	code = factstr_json_seal_log(test->store, MADE, &result);
	expect_document(test, "factstr_json_seal_log, again", code, result, "{'was_open': false}");
	code = factstr_json_drop_log(test->store, MADE, MADE, &result);
	expect_document(test, "factstr_json_drop_log", code, result, "{'dropped_facts': 0}");
	code = factstr_json_drop_log(test->store, MADE, MADE, &result);
	(void) document(test, "the log is dropped again", code, result, FACTSTR_NO_SUCH_LOG);
}

const fc_case fc_log_change_cases[] = {
	{{"logs", "49", "a store that is one log has no others"}, 0, one_log},
	{{"logs", "49", "logs are listed, and a name exists once"}, 0, listing},
	{{"logs", "49", "a log is sealed once, and others are not"}, 0, sealing},
	{{"logs", "49", "a log is dropped when its name is given twice"}, 0, dropping},
	{{"logs", "49", "changes of logs as documents"}, 0, documents},
	{{NULL, NULL, NULL}, 0, NULL}
};
