/*
 * errors.c
 *		Tests of codes, of how errors are filled, and of the checks of arguments.
 */
#include <string.h>

#include "base/utf8.h"
#include "results/error.h"

#include "lib/stores.h"

static void
test_codes(void)
{
	int			named = 0;

	for (int code = -100; code < 0; code++)
	{
		if (strcmp(factstr_code_name(code), "unknown") != 0 && factstr_code_text(code)[0] != '\0')
			named++;
	}
	ok_int(named, 25, "25 codes have names and texts");
	ok_str(factstr_code_name(FACTSTR_OK), "ok", "the name of success");
	ok_str(factstr_code_name(FACTSTR_CONFLICT), "conditional_append_conflict", "of a conflict");
	ok_str(factstr_code_name(1), "unknown", "of an unknown code");
	ok_str(factstr_code_sqlstate(FACTSTR_CONFLICT), "FS001", "a code with an SQLSTATE");
	ok_str(factstr_code_sqlstate(FACTSTR_MISUSE), "", "one without");
	ok_contains(factstr_version(), ".", "version %s", factstr_version());
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
	ok_int((int64_t) strlen(error.message), 510, "a long message is cut");
	ok(fs_utf8_is_valid(error.message, strlen(error.message)), "between characters");
	fs_error_detail(&error, "a detail");
	fs_error_hint(&error, "a hint");
	(void) fs_error(&error, FACTSTR_STORAGE, "short");
	ok_str(error.detail, "", "the detail that was there before is gone");
	ok_str(error.hint, "", "and so is the hint");
	(void) fs_error_no_such_stream(&error, "a\nb\177\377\302\233\303\251");
	ok_str(error.message, "durable stream \"a b ?  \303\251\" does not exist",
		   "a message is one line of UTF-8");
	ok_code(fs_error(NULL, FACTSTR_BUSY, "ignored"), FACTSTR_BUSY, NULL, "nobody has to look");
}

static void
ok_utf8(const char *text, bool expected)
{
	char		name[40] = "";

	for (size_t i = 0; i < 8 && text[i] != '\0'; i++)
		(void) snprintf(name + 3 * i, sizeof(name) - 3 * i, "%02x ", (unsigned char) text[i]);
	ok(fs_utf8_is_valid(text, strlen(text)) == expected, "%sis %sUTF-8", name, expected ? "" :
	   "not ");
}

static void
test_utf8(void)
{
	static const char *const valid[] = {"", "a", "\303\251", "\342\202\254", "\360\237\230\200",
		"\355\237\277", "\357\277\277", "\364\217\277\277", "\177"};
	static const char *const invalid[] = {"\200", "\300\200", "\301\277", "\303", "\342\202",
		"\340\237\277", "\355\240\200", "\360\217\277\277", "\364\220\200\200", "\365\200\200\200",
		"\377", "a\303(", "\360\237\230"};

	for (size_t i = 0; i < sizeof(valid) / sizeof(valid[0]); i++)
		ok_utf8(valid[i], true);
	for (size_t i = 0; i < sizeof(invalid) / sizeof(invalid[0]); i++)
		ok_utf8(invalid[i], false);
}

static void
test_opening(void)
{
	factstr_store *store = (factstr_store *) &store;
	factstr_error error;

	ok_code(factstr_open("mysql://x", &store, &error), FACTSTR_CANNOT_OPEN, &error, "%s",
			error.message);
	ok_null(store, "an error leaves no store");
	ok_code(error.code, FACTSTR_CANNOT_OPEN, NULL, "the error has the code, too");
	ok_code(factstr_open("", &store, NULL), FACTSTR_CANNOT_OPEN, NULL, "an empty URL");
	ok_code(factstr_open(NULL, &store, &error), FACTSTR_MISUSE, &error, "%s", error.message);
	ok_code(factstr_open("memory:", NULL, &error), FACTSTR_MISUSE, &error, "%s", error.message);
}

/* An append with an expected version; 0: to an empty context. */
static void
ok_expecting(factstr_store *store, uint64_t expected, int expected_code,
			 factstr_error *error, const char *name)
{
	factstr_event event = {.event_type = "a", .payload = "1"};
	factstr_append_result result = {9, 9, 9, {0}};

	ok_code(factstr_append(store, &event, 1, IF_VERSION(NULL, expected, NULL), &result, error),
			expected_code, error, "%s", name);
	ok_int((int64_t) result.committed_count, expected_code == FACTSTR_OK ? 1 : 0,
		   "%s: the result says so", name);
}

static void
test_expected_versions(void)
{
	factstr_store *store = store_open("memory:");
	factstr_error error;

	ok_expecting(store, 0, FACTSTR_OK, &error, "0 is the empty context");
	ok_expecting(store, 0, FACTSTR_CONFLICT, &error, "while it is empty");
	ok_str(error.detail, "The context was expected to be empty, and is at version 1.",
		   "the detail has both");
	ok_expecting(store, 1, FACTSTR_OK, &error, "the version itself");
	ok_expecting(store, 1, FACTSTR_CONFLICT, &error, "while it lasts");
	ok_int((int64_t) error.expected_context_version, 1, "the error has the expected version");
	ok_int((int64_t) error.actual_context_version, 2, "and the actual one");
	ok_str(error.detail, "The context was expected to be at version 1, and is at version 2.",
		   "in words, too");
	ok_expecting(store, UINT64_MAX, FACTSTR_CONFLICT, &error, "a number that no fact can have");
	ok_int((int64_t) error.expected_context_version, (int64_t) UINT64_MAX, "is named as given");
	ok_int((int64_t) error.actual_context_version, 2, "beside the actual version");
	(void) factstr_close(store, FACTSTR_CLOSE_TIMEOUT_MS);
}

static void
test_arguments(void)
{
	factstr_store *store = store_open("memory:");
	factstr_event event = {.event_type = "a", .payload = "1"};
	factstr_newest_result *newest;
	char		long_key[2002];
	factstr_error error;

	memset(long_key, 'x', sizeof(long_key));
	long_key[2001] = '\0';
	ok_code(factstr_append(NULL, &event, 1, NULL, NULL, &error), FACTSTR_MISUSE, &error, "%s",
			error.message);
	ok_code(factstr_append(store, NULL, 1, NULL, NULL, &error), FACTSTR_MISUSE, &error, "%s",
			error.message);
	ok_code(factstr_append(store, &event, 0, NULL, NULL, &error), FACTSTR_EMPTY_APPEND, &error,
			"%s", error.message);
	ok_code(factstr_append(store, &event, 1, WITH_KEY(""), NULL,
						   &error), FACTSTR_MALFORMED, &error, "%s",
			error.message);
	ok_code(factstr_append(store, &event, 1, WITH_KEY(long_key), NULL,
						   &error), FACTSTR_MALFORMED, &error,
			"%s", error.message);
	ok_code(factstr_append(store, &event, 1, WITH_KEY(long_key + 1), NULL, NULL), FACTSTR_OK, NULL,
			"2000 bytes are a key");
	ok_code(factstr_append(store, &event, 1, WITH_KEY("\377"), NULL,
						   &error), FACTSTR_MALFORMED, &error, "%s",
			error.message);
	ok_code(factstr_append(store, &event, 1, IF_VERSION("{\"filter\": []}", 0, NULL), NULL, &error),
			FACTSTR_MALFORMED, &error, "%s", error.message);
	ok_code(factstr_append(store, &event, 0, IF_VERSION("[", 0, ""), NULL,
						   &error), FACTSTR_EMPTY_APPEND,
			&error, "events are looked at first");
	ok_code(factstr_newest(store, NULL, 1, &newest, &error), FACTSTR_MISUSE, &error, "%s", error.message);
	ok_code(factstr_newest(store, NULL, 0, NULL, &error), FACTSTR_MISUSE, &error, "%s", error.message);
	ok_code(factstr_newest(NULL, NULL, 0, &newest, &error), FACTSTR_MISUSE, &error, "%s", error.message);
	ok_code(factstr_context_version(store, NULL, NULL, &error), FACTSTR_MISUSE, &error, "%s",
			error.message);
	ok_code(factstr_stream_seek(store, "s", UINT64_MAX, &error), FACTSTR_MALFORMED, &error, "%s",
			error.message);
	ok_code(factstr_stream_seek(store, "s", 0, &error), FACTSTR_NO_SUCH_STREAM, &error, "%s",
			error.message);
	ok_code(factstr_stream_drop(store, NULL, &error), FACTSTR_MISUSE, &error, "%s", error.message);
	(void) factstr_close(store, FACTSTR_CLOSE_TIMEOUT_MS);
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
