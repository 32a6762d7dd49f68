/*
 * errors.c
 *		Tests of codes, of how errors are filled, and of the checks of arguments.
 */
#include <string.h>

#include "fake_store.h"
#include "utf8.h"

#include "tap.h"

static void
test_codes(void)
{
	int			named = 0;

	for (int code = -100; code < 0; code++)
	{
		if (strcmp(factstr_code_name(code), "unknown") != 0 && factstr_code_text(code)[0] != '\0')
			named++;
	}
	(void) tap_ok(named == 17, "17 codes have names and texts");
	(void) tap_ok(strcmp(factstr_code_name(FACTSTR_OK), "ok") == 0 &&
				  strcmp(factstr_code_name(FACTSTR_CONFLICT), "conditional_append_conflict") == 0 &&
				  strcmp(factstr_code_name(1), "unknown") == 0, "names");
	(void) tap_ok(strcmp(factstr_code_sqlstate(FACTSTR_CONFLICT), "FS001") == 0 &&
				  strcmp(factstr_code_sqlstate(FACTSTR_MISUSE), "") == 0, "SQLSTATEs");
	(void) tap_ok(strchr(factstr_version(), '.') != NULL, "version %s", factstr_version());
}

static void
test_filling(void)
{
	factstr_error error;
	char		text[700];

	/* A hundred times three bytes; the last that fits does not fit whole. */
	for (size_t i = 0; i < sizeof(text) - 1; i++)
		text[i] = "\342\202\254"[i % 3];
	text[sizeof(text) - 1] = '\0';
	(void) fs_error(&error, FACTSTR_STORAGE, "%s", text);
	(void) tap_ok(strlen(error.message) == 510 && fs_utf8_is_valid(error.message, 510),
				  "a long message is cut between characters");
	(void) fs_error(&error, FACTSTR_STORAGE, "short");
	(void) tap_ok(error.detail[0] == '\0' && error.hint[0] == '\0',
				  "what was there before is gone");
	(void) fs_error_no_such_stream(&error, "a\nb\177\377\303\251");
	(void) tap_ok(strcmp(error.message, "durable stream \"a b ?\303\251\" does not exist") == 0,
				  "a message is one line of UTF-8");
	(void) tap_ok(fs_error(NULL, FACTSTR_BUSY, "ignored") == FACTSTR_BUSY, "nobody has to look");
	(void) fs_error_conflict(&error, 3, 7);
	(void) tap_ok(error.expected_context_version == 3 && error.actual_context_version == 7 &&
				  strcmp(error.detail, "The context was expected to be at version 3, and is at "
						 "version 7.") == 0, "a conflict: %s", error.detail);
	(void) fs_error_conflict(&error, 0, 7);
	(void) tap_ok(strcmp(error.detail, "The context was expected to be empty, and is at version 7.")
				  == 0, "of an empty context: %s", error.detail);
}

static void
test_utf8(void)
{
	static const char *const valid[] = {"", "a", "\303\251", "\342\202\254", "\360\237\230\200",
		"\355\237\277", "\357\277\277", "\364\217\277\277", "\177"};
	static const char *const invalid[] = {"\200", "\300\200", "\301\277", "\303", "\342\202",
		"\340\237\277", "\355\240\200", "\360\217\277\277", "\364\220\200\200", "\365\200\200\200",
		"\377", "a\303(", "\360\237\230"};
	bool		right = true;

	for (size_t i = 0; i < sizeof(valid) / sizeof(valid[0]); i++)
		right = right && fs_utf8_is_valid(valid[i], strlen(valid[i]));
	for (size_t i = 0; i < sizeof(invalid) / sizeof(invalid[0]); i++)
		right = right && !fs_utf8_is_valid(invalid[i], strlen(invalid[i]));
	(void) tap_ok(right, "what is UTF-8 and what is not");
}

static void
test_opening(void)
{
	factstr_store *store = (factstr_store *) &store;
	factstr_error error;

	(void) tap_ok(factstr_open("mysql://x", &store, &error) == FACTSTR_CANNOT_OPEN &&
					  store == NULL && error.code == FACTSTR_CANNOT_OPEN,
				  "%s", error.message);
	(void) tap_ok(factstr_open("", &store, NULL) == FACTSTR_CANNOT_OPEN, "an empty URL");
	(void) tap_ok(factstr_open(NULL, &store, &error) == FACTSTR_MISUSE, "%s", error.message);
	(void) tap_ok(factstr_open("memory:", NULL, &error) == FACTSTR_MISUSE, "%s", error.message);
}

/* The error of an append with an expected version. */
static factstr_error
append_expecting(factstr_store *store, const uint64_t *expected)
{
	factstr_event event = {"a", "1", NULL};
	factstr_append_result result = {9, 9, 9};
	factstr_error error = {0};
	int			code = factstr_append_if(store, &event, 1, NULL, expected, NULL, &result, &error);

	if (code != error.code || (code != FACTSTR_OK && result.committed_count != 0))
		error.code = 1;
	return error;
}

static void
test_expected_versions(void)
{
	factstr_store *store = fake_store_open();
	uint64_t	zero = 0;
	uint64_t	one = 1;
	uint64_t	huge = UINT64_MAX;
	factstr_error error;

	error = append_expecting(store, &zero);
	(void) tap_ok(error.code == FACTSTR_CONFLICT && error.actual_context_version == 0 &&
				  strstr(error.hint, "NULL") != NULL, "0 is not the empty context: %s", error.hint);
	(void) tap_ok(append_expecting(store, NULL).code == FACTSTR_OK, "NULL is");
	(void) tap_ok(append_expecting(store, NULL).code == FACTSTR_CONFLICT, "while it is empty");
	(void) tap_ok(append_expecting(store, &one).code == FACTSTR_OK, "the version itself");
	error = append_expecting(store, &huge);
	(void) tap_ok(error.code == FACTSTR_CONFLICT && error.expected_context_version == UINT64_MAX &&
				  error.actual_context_version == 2, "what no fact can be: %s", error.detail);
	(void) factstr_close(store);
}

static void
test_arguments(void)
{
	factstr_store *store = fake_store_open();
	factstr_event event = {"a", "1", NULL};
	char		long_key[2002];
	factstr_error error;

	memset(long_key, 'x', sizeof(long_key));
	long_key[2001] = '\0';
	(void) tap_ok(factstr_append(NULL, &event, 1, NULL, NULL, &error) == FACTSTR_MISUSE, "%s",
				  error.message);
	(void) tap_ok(factstr_append(store, NULL, 1, NULL, NULL, &error) == FACTSTR_MISUSE, "%s",
				  error.message);
	(void) tap_ok(factstr_append(store, &event, 0, NULL, NULL, &error) == FACTSTR_EMPTY_APPEND,
				  "%s", error.message);
	(void) tap_ok(factstr_append(store, &event, 1, "", NULL, &error) == FACTSTR_MALFORMED, "%s",
				  error.message);
	(void) tap_ok(factstr_append(store, &event, 1, long_key, NULL, &error) == FACTSTR_MALFORMED,
				  "%s", error.message);
	(void) tap_ok(factstr_append(store, &event, 1, long_key + 1, NULL, NULL) == FACTSTR_OK,
				  "2000 bytes are a key");
	(void) tap_ok(factstr_append(store, &event, 1, "\377", NULL, &error) == FACTSTR_MALFORMED, "%s",
				  error.message);
	(void) tap_ok(factstr_append_if(store, &event, 1, "{\"filter\": []}", NULL, NULL, NULL, &error)
				  == FACTSTR_MALFORMED, "%s", error.message);
	(void) tap_ok(factstr_append_if(store, &event, 0, "[", NULL, "", NULL, &error)
				  == FACTSTR_EMPTY_APPEND, "events are looked at first");
	(void) tap_ok(factstr_context_version(store, NULL, NULL, &error) == FACTSTR_MISUSE, "%s",
				  error.message);
	(void) tap_ok(factstr_stream_seek(store, "s", UINT64_MAX, &error) == FACTSTR_MALFORMED, "%s",
				  error.message);
	(void) tap_ok(factstr_stream_seek(store, "s", 0, &error) == FACTSTR_NO_SUCH_STREAM, "%s",
				  error.message);
	(void) tap_ok(factstr_stream_drop(store, NULL, &error) == FACTSTR_MISUSE, "%s", error.message);
	(void) factstr_close(store);
}

int
main(void)
{
	test_codes();
	test_filling();
	test_utf8();
	test_opening();
	test_expected_versions();
	test_arguments();
	return tap_finish();
}
