/*
 * json_document.c
 *		Tests of the loader and of the binding: numbers, members, and refused texts.
 */
#include "json/binding.h"
#include "match/nesting.h"

#include "lib/tap.h"

static fs_json
load(const char *text)
{
	fs_input_error error;
	fs_json		document = fs_json_document_load(text, strlen(text), &error);

	if (document == NULL)
		tap_bail_out("%s is refused: %s: %s", text, error.path, error.message);
	return document;
}

static void
ok_text(fs_text got, const char *expected, const char *of)
{
	char	   *copy = strndup(got.data, got.length);

	ok_int((int64_t) got.length, (int64_t) strlen(expected), "%s has its length", of);
	ok_str(copy, expected, "the text of %s", of);
	free(copy);
}

static void
ok_canonical(const char *text, const char *expected)
{
	fs_json		document = load(text);

	if (ok_int(fs_json_kind_of(document), FS_JSON_NUMBER, "%s is a number", text))
		ok_text(fs_json_text_of(document), expected, text);
	fs_json_document_release(document);
}

static void
test_canonical_numbers(void)
{
	ok_canonical("0", "0");
	ok_canonical("-0", "0");
	ok_canonical("0.000", "0");
	ok_canonical("-0.0e-7", "0");
	ok_canonical("1", "1");
	ok_canonical("-1", "-1");
	ok_canonical("1.0", "1");
	ok_canonical("1e0", "1");
	ok_canonical("10E-1", "1");
	ok_canonical("0.1e+1", "1");
	ok_canonical("100", "1e2");
	ok_canonical("1e2", "1e2");
	ok_canonical("1e0000000000000000000002", "1e2");
	ok_canonical("1.50", "15e-1");
	ok_canonical("0.0015", "15e-4");
	ok_canonical("-1200.0340", "-1200034e-3");
	ok_canonical("1001", "1001");
	ok_canonical("0.1", "1e-1");
	ok_canonical("0.10000000000000001", "10000000000000001e-17");
	ok_canonical("9007199254740993", "9007199254740993");
	ok_canonical("9007199254740992.0", "9007199254740992");
	ok_canonical("123456789012345678901234567890", "12345678901234567890123456789e1");
	ok_canonical("1e-300", "1e-300");
	ok_canonical("1e400", "1e400");
	ok_canonical("1e131071", "1e131071");
	ok_canonical("10e131070", "1e131071");
	ok_canonical("0.1e131072", "1e131071");
	ok_canonical("1e-16383", "1e-16383");
	ok_canonical(" \n7\t", "7");
}

static const char *
int64_name(fs_int64_result result)
{
	return result == FS_INT64_OK ? "an integer" :
		result == FS_INT64_OUT_OF_RANGE ? "out of range" : "not an integer";
}

static void
ok_int64(const char *text, fs_int64_result expected, int64_t expected_value)
{
	fs_json		document = load(text);
	int64_t		value = 0;

	ok_str(int64_name(fs_json_int64(document, &value)), int64_name(expected), "%s is %s", text,
		   int64_name(expected));
	ok_int(value, expected_value, "the value of %s", text);
	fs_json_document_release(document);
}

static void
test_int64(void)
{
	ok_int64("0", FS_INT64_OK, 0);
	ok_int64("-0.0", FS_INT64_OK, 0);
	ok_int64("5", FS_INT64_OK, 5);
	ok_int64("5.0", FS_INT64_OK, 5);
	ok_int64("5e0", FS_INT64_OK, 5);
	ok_int64("50e-1", FS_INT64_OK, 5);
	ok_int64("-12000", FS_INT64_OK, -12000);
	ok_int64("9223372036854775807", FS_INT64_OK, INT64_MAX);
	ok_int64("9223372036854775807.000", FS_INT64_OK, INT64_MAX);
	ok_int64("922337203685477580.7e1", FS_INT64_OK, INT64_MAX);
	ok_int64("-9223372036854775808", FS_INT64_OK, INT64_MIN);
	ok_int64("1e18", FS_INT64_OK, INT64_C(1000000000000000000));
	ok_int64("9223372036854775808", FS_INT64_OUT_OF_RANGE, 0);
	ok_int64("-9223372036854775809", FS_INT64_OUT_OF_RANGE, 0);
	ok_int64("9999999999999999999", FS_INT64_OUT_OF_RANGE, 0);
	ok_int64("18446744073709551617", FS_INT64_OUT_OF_RANGE, 0);
	ok_int64("1e19", FS_INT64_OUT_OF_RANGE, 0);
	ok_int64("2e19", FS_INT64_OUT_OF_RANGE, 0);
	ok_int64("-1e131071", FS_INT64_OUT_OF_RANGE, 0);
	ok_int64("5.5", FS_INT64_NOT_AN_INTEGER, 0);
	ok_int64("-1e-16383", FS_INT64_NOT_AN_INTEGER, 0);
	ok_int64("9223372036854775807.5", FS_INT64_NOT_AN_INTEGER, 0);
	ok_int64("123456789012345678901234567890.5", FS_INT64_NOT_AN_INTEGER, 0);
}

static void
ok_string(const char *text, const char *expected)
{
	fs_json		document = load(text);

	if (ok_int(fs_json_kind_of(document), FS_JSON_STRING, "%s is a string", text))
		ok_text(fs_json_string(document), expected, text);
	fs_json_document_release(document);
}

static void
test_strings(void)
{
	ok_string("\"\"", "");
	ok_string("\"1e0\"", "1e0");
	ok_string("\"-1\"", "-1");
	ok_string("\"\\u0001\"", "\001");
	ok_string("\"\\u00011e0\"", "\0011e0");
	ok_string("\"\\u0001\\u0001\"", "\001\001");
	ok_string("\"\\u0001\\u00011e0\"", "\001\0011e0");
	ok_string("\"\\u0001:\"", "\001:");
	ok_string("\"\\u0002\\u0001\"", "\002\001");
	ok_string("\"\\\\u0001\"", "\\u0001");
	ok_string("\"\\\\\"", "\\");
	ok_string("\"\\\"1\\\"\"", "\"1\"");
	ok_string("\"a\\/b\\b\\f\\n\\r\\t\"", "a/b\b\f\n\r\t");
	ok_string("\"\\ud83e\\udd8a 1\"", "\xF0\x9F\xA6\x8A 1");
}

static void
ok_equal(const char *a, const char *b, bool expected)
{
	fs_json		left = load(a);
	fs_json		right = load(b);

	ok(fs_json_equal(left, right) == expected, "%s and %s are %s", a, b,
	   expected ? "equal" : "different");
	fs_json_document_release(left);
	fs_json_document_release(right);
}

static void
test_equality(void)
{
	ok_equal("1", "1.0", true);
	ok_equal("[1, 10]", "[1e0, 1.0e1]", true);
	ok_equal("1", "\"1\"", false);
	ok_equal("[\"a\", true, null]", "[\"\\u0061\" ,true,\tnull]", true);
	ok_equal("true", "false", false);
	ok_equal("{}", "[]", false);
	ok_equal("null", "[]", false);
	ok_equal("[1, 2]", "[2, 1]", false);
	ok_equal("[[1], 2]", "[[1, 2]]", false);
	ok_equal("{\"a\": 1, \"b\": {\"c\": [], \"d\": 2}}",
			 "{\"b\": {\"d\": 2.0, \"c\": []}, \"a\": 1}", true);
	ok_equal("{\"a\": 1, \"a\": 2}", "{\"a\": 2}", true);
	ok_equal("{\"a\": 2, \"b\": 3, \"a\": 1}", "{\"a\": 2, \"b\": 3}", false);
}

/* Of duplicate keys the last one counts. */
static void
test_keys(void)
{
	fs_json		document = load("{\"\\u0001b\" \r\n: \"x\", \"a\": 1, \"b\": [], \"a\": 2.0}");
	fs_json		value = NULL;

	ok_int((int64_t) fs_json_count(document), 3, "a duplicate key counts once");
	if (ok(fs_json_object_get(document, (fs_text) {"\001b", 2}, &value), "a key is found"))
		ok_text(fs_json_string(value), "x", "its value");
	if (ok(fs_json_object_get(document, (fs_text) {"abc", 1}, &value), "another one is found"))
		ok_text(fs_json_text_of(value), "2", "the last duplicate");
	ok(!fs_json_object_get(document, (fs_text) {"c", 1}, &value), "a missing key is missing");
	fs_json_document_release(document);
}

#define MANY_MEMBERS 1000

/* Each key twice, and none of them in order; value i * 2 is that of the second one. */
static fs_json
load_many_members(size_t *length)
{
	char	   *text = malloc(MANY_MEMBERS * 2 * 30);
	fs_json		document;
	size_t		end = 0;

	for (int i = 0; i < 2 * MANY_MEMBERS; i++)
		end += (size_t) sprintf(text + end, "%c\"key %d\": %d", i == 0 ? '{' : ',',
								i * 7 % MANY_MEMBERS, i * 7 % MANY_MEMBERS * (1 + i / MANY_MEMBERS));
	end += (size_t) sprintf(text + end, "}");
	document = load(text);
	*length = end;
	free(text);
	return document;
}

static void
test_many_members(void)
{
	size_t		length;
	fs_json		document = load_many_members(&length);
	int			found = 0;
	int			between = 0;

	ok_int((int64_t) fs_json_count(document), MANY_MEMBERS, "each key counts once");
	for (int i = 0; i < MANY_MEMBERS; i++)
	{
		char		key[20];
		fs_json		value;
		int64_t		number;

		(void) sprintf(key, "key %d", i);
		found += fs_json_object_get(document, (fs_text) {key, strlen(key)}, &value) &&
			fs_json_int64(value, &number) == FS_INT64_OK && number == i * 2;
		(void) sprintf(key, "key%d", i);
		between += fs_json_object_get(document, (fs_text) {key, strlen(key)}, &value);
	}
	ok_int(found, MANY_MEMBERS, "each of many keys is found, with its last value");
	ok_int(between, 0, "keys between them are not");
	ok_cmp(fs_json_behind(document) - document, "<=", (int64_t) length,
		   "the document is no larger than its text");
	fs_json_document_release(document);
}

/* An array of so many of a value. */
static void
ok_size(const char *value, size_t count, size_t expected)
{
	size_t		length = strlen(value);
	char	   *text = malloc(count * (length + 1) + 1);
	fs_input_error error;
	fs_json		document;

	for (size_t i = 0; i < count; i++)
	{
		text[i * (length + 1)] = i == 0 ? '[' : ',';
		memcpy(text + i * (length + 1) + 1, value, length);
	}
	text[count * (length + 1)] = ']';
	document = fs_json_document_load(text, count * (length + 1) + 1, &error);
	if (ok(document != NULL, "an array of many %s", value))
		ok_int(fs_json_behind(document) - document - FS_JSON_LARGE_HEAD, (int64_t) (count * expected),
			   "each %s takes so many bytes: %zu", value, expected);
	fs_json_document_release(document);
	free(text);
}

/* The memory of a document is limited by the size of its text, for any content. */
static void
test_sizes(void)
{
	ok_size("1", 100000, 2);
	ok_size("[]", 100000, 1);
	ok_size("null", 100000, 1);
	ok_size("\"\"", 100000, 1);
	ok_size("[1]", 100000, 5);
	ok_size("{\"a\":1}", 100000, 7);
	ok_size("12345.678", 100000, 12);
}

static void
ok_bytes_refused(const char *name, const char *text, size_t length, const char *place,
				 const char *message)
{
	fs_input_error error;
	fs_json		document = fs_json_document_load(text, length, &error);

	if (ok_null(document, "refused: %s", name))
	{
		ok_int(error.code, FS_INPUT_MALFORMED, "%s: the code", name);
		ok_str(error.path, place, "%s: the place", name);
		ok_str(error.message, message, "%s: the message", name);
		ok(error.expected != NULL, "%s: the expected form", name);
	}
	fs_json_document_release(document);
}

static void
ok_refused(const char *text, const char *place, const char *message)
{
	ok_bytes_refused(text, text, strlen(text), place, message);
}

static void
test_malformed_numbers(void)
{
	static const char *const numbers[] = {
		"01", "-01", "00", "-", "--1", "1.", "-.5", "1.e5", "1e", "1e+", "1e-", "1e+-1", "1e1.5",
		"1.2.3", "0x10", "1a", "1-", "1f", "-Infinity", "-NaN", "1e5e5",
		"1+1"
	};

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		ok_refused(numbers[i], "line 1, column 1", "malformed number");
	ok_refused("[1, 02]", "line 1, column 5", "malformed number");
	ok_refused("+1", "line 1, column 1", "invalid token");
	ok_refused(".5", "line 1, column 1", "invalid token");
	ok_refused("[1 2]", "line 1, column 4", "']' expected");
	ok_refused("[1 \"\\u0001\"]", "line 1, column 4", "']' expected");
	ok_refused("1_000", "line 1, column 1", "malformed number");
	ok_refused("NaN", "line 1, column 1", "invalid token");
	ok_refused("{1: 2}", "line 1, column 2", "a key must be a string, not a number");
	ok_refused("{\"a\": 1,\n 1e5\t:2}", "line 2, column 2", "a key must be a string, not a number");
	ok_refused("1e131072", "line 1, column 1", "the number is out of range");
	ok_refused("[\"\xC3\xA9\", 10e131071]", "line 1, column 7", "the number is out of range");
	ok_refused("1e18446744073709551617", "line 1, column 1", "the number is out of range");
	ok_refused("-1e-99999999999999999999999999999999999999999", "line 1, column 1",
			   "the number is out of range");
}

static void
test_malformed_texts(void)
{
	ok_refused("", "line 1, column 1", "unexpected token near end of file");
	ok_refused(" ", "line 1, column 2", "unexpected token near end of file");
	ok_refused("[1,", "line 1, column 4", "unexpected token near end of file");
	ok_refused("[1", "line 1, column 3", "']' expected near end of file");
	ok_refused("[1,]", "line 1, column 4", "unexpected token");
	ok_refused("[1}", "line 1, column 3", "']' expected");
	ok_refused("{\"a\" 1}", "line 1, column 6", "':' expected");
	ok_refused("{\"a\": 1,}", "line 1, column 9", "string or '}' expected");
	ok_refused("{\"a\": 1 \"b\"}", "line 1, column 9", "'}' expected");
	ok_refused("{", "line 1, column 2", "string or '}' expected near end of file");
	ok_refused("[1]\n[2]", "line 2, column 1", "end of file expected");
	ok_refused("[nul]", "line 1, column 2", "invalid token");
	ok_refused("'a'", "line 1, column 1", "invalid token");
	ok_bytes_refused("a zero byte", "[1,\0]", 5, "line 1, column 4", "invalid token");
}

static void
test_malformed_strings(void)
{
	ok_refused("\"\\u00e", "line 1, column 2", "invalid escape");
	ok_refused("\"\\u00eg\"", "line 1, column 2", "invalid escape");
	ok_refused("\"abc", "line 1, column 5", "premature end of input");
	ok_refused("\"abc\\", "line 1, column 5", "invalid escape");
	ok_refused("[\"a\\qb\"]", "line 1, column 4", "invalid escape");
	ok_refused("\"\\ud800\"", "line 1, column 2", "invalid Unicode");
	ok_refused("\"\\ud800\\n\"", "line 1, column 2", "invalid Unicode");
	ok_refused("\"a\\udc00\\ud800\"", "line 1, column 3", "invalid Unicode");
	ok_refused("[5, \"\\u0000\"]", "line 1, column 6", "\\u0000 cannot be kept");
	ok_refused("{\"\\u0000\": 5}", "line 1, column 3", "\\u0000 cannot be kept");
	ok_refused("\"a\tb\"", "line 1, column 3", "a control character must be escaped");
	ok_refused("\"a\\nb\n\"", "line 1, column 6", "a control character must be escaped");
	ok_refused("\"\xC3\xA9\xFF\"", "line 1, column 3", "the text is not UTF-8");
	ok_refused("\"\\n\xED\xA0\x80\"", "line 1, column 4", "the text is not UTF-8");
	ok_bytes_refused("a zero byte in a string", "\"\0\"", 3, "line 1, column 2",
					 "a control character must be escaped");
}

/* Arrays within arrays, depth of them. */
static fs_json
load_nested(size_t depth, fs_input_error *error)
{
	char	   *text = malloc(depth * 2 + 1);
	fs_json		document;

	memset(text, '[', depth);
	text[depth] = '1';
	memset(text + depth + 1, ']', depth);
	document = fs_json_document_load(text, depth * 2 + 1, error);
	free(text);
	return document;
}

static void
test_nesting(void)
{
	size_t		deepest = FS_DEEPEST_NESTING + FS_LEVELS_AROUND;
	fs_input_error error;
	fs_json		document = load_nested(deepest, &error);

	ok(document != NULL, "as deep as a payload may be, with the levels around it");
	fs_json_document_release(document);
	document = load_nested(deepest + 1, &error);
	ok_null(document, "one level more is refused");
	ok_str(error.path, "line 1, column 1005", "where they are too many");
	ok_str(error.message, "arrays and objects are nested deeper than 1000 levels", "as too deep");
	ok_str(error.expected, FS_NESTING_SHAPE, "with the rule");
	fs_json_document_release(document);
}

/* A number longer than any buffer one might have thought of. */
static void
test_long_number(void)
{
	size_t		length = 131072;
	char	   *text = malloc(length);
	fs_input_error error;
	fs_json		document;

	memset(text, '7', length);
	memset(text + length - 1000, '0', 1000);
	document = fs_json_document_load(text, length, &error);
	if (ok(document != NULL, "a number of 131,072 digits is kept"))
	{
		ok_int(fs_json_kind_of(document), FS_JSON_NUMBER, "as a number");
		ok_int((int64_t) fs_json_text_of(document).length,
			   (int64_t) (length - 1000 + strlen("e1000")), "without its zeros");
	}
	fs_json_document_release(document);
	free(text);
}

int
main(void)
{
	test_canonical_numbers();
	test_int64();
	test_strings();
	test_equality();
	test_keys();
	test_many_members();
	test_sizes();
	test_malformed_numbers();
	test_malformed_texts();
	test_malformed_strings();
	test_nesting();
	test_long_number();
	return tap_finish();
}
