/*
 * json_document.c
 *		Tests of the loader and of the binding: numbers, tags, and what is refused.
 */
#include "json_jansson.h"

#include "tap.h"

static json_t *
load(const char *text)
{
	fs_input_error error;
	json_t	   *document = fs_json_document_load(text, strlen(text), &error);

	if (document == NULL)
		tap_diagnostic("%s refused: %s: %s", text, error.path, error.message);
	return document;
}

/* A number, as the text of its canonical form. */
static void
canonical(const char *text, const char *wanted)
{
	json_t	   *document = load(text);
	const char *found = json_string_value(document);

	if (!tap_ok(found != NULL && fs_json_kind_of(document) == FS_JSON_NUMBER &&
				strcmp(found + 1, wanted) == 0, "%s is kept as %s", text, wanted))
		tap_diagnostic("found %s", found != NULL ? found + 1 : "no string");
	json_decref(document);
}

static void
test_canonical_numbers(void)
{
	canonical("0", "0e0");
	canonical("-0", "0e0");
	canonical("0.000", "0e0");
	canonical("-0.0e-7", "0e0");
	canonical("0E+99999999999999999999", "0e0");
	canonical("1", "1e0");
	canonical("-1", "-1e0");
	canonical("1.0", "1e0");
	canonical("1e0", "1e0");
	canonical("10E-1", "1e0");
	canonical("0.1e+1", "1e0");
	canonical("100", "1e2");
	canonical("1e2", "1e2");
	canonical("1e0000000000000000000002", "1e2");
	canonical("1.50", "15e-1");
	canonical("0.0015", "15e-4");
	canonical("-1200.0340", "-1200034e-3");
	canonical("1001", "1001e0");
	canonical("0.1", "1e-1");
	canonical("0.10000000000000001", "10000000000000001e-17");
	canonical("9007199254740993", "9007199254740993e0");
	canonical("9007199254740992.0", "9007199254740992e0");
	canonical("123456789012345678901234567890", "12345678901234567890123456789e1");
	canonical("1e-300", "1e-300");
	canonical("1e400", "1e400");
	canonical("1e2147483647", "1e2147483647");
	canonical("10e2147483646", "1e2147483647");
	canonical("0.1e2147483648", "1e2147483647");
	canonical("1e-2147483648", "1e-2147483648");
	canonical(" \n7\t", "7e0");
}

static const char *
int64_name(fs_int64_result result)
{
	return result == FS_INT64_OK ? "an integer" :
		result == FS_INT64_OUT_OF_RANGE ? "out of range" : "not an integer";
}

static void
int64(const char *text, fs_int64_result wanted, int64_t wanted_value)
{
	json_t	   *document = load(text);
	int64_t		value = 0;
	fs_int64_result result = FS_INT64_NOT_AN_INTEGER;

	if (document != NULL)
		result = fs_json_int64(document, &value);
	(void) tap_ok(document != NULL && result == wanted && value == wanted_value,
				  "%s is %s", text, int64_name(wanted));
	json_decref(document);
}

static void
test_int64(void)
{
	int64("0", FS_INT64_OK, 0);
	int64("-0.0", FS_INT64_OK, 0);
	int64("5", FS_INT64_OK, 5);
	int64("5.0", FS_INT64_OK, 5);
	int64("5e0", FS_INT64_OK, 5);
	int64("50e-1", FS_INT64_OK, 5);
	int64("-12000", FS_INT64_OK, -12000);
	int64("9223372036854775807", FS_INT64_OK, INT64_MAX);
	int64("9223372036854775807.000", FS_INT64_OK, INT64_MAX);
	int64("922337203685477580.7e1", FS_INT64_OK, INT64_MAX);
	int64("-9223372036854775808", FS_INT64_OK, INT64_MIN);
	int64("1e18", FS_INT64_OK, INT64_C(1000000000000000000));
	int64("9223372036854775808", FS_INT64_OUT_OF_RANGE, 0);
	int64("-9223372036854775809", FS_INT64_OUT_OF_RANGE, 0);
	int64("9999999999999999999", FS_INT64_OUT_OF_RANGE, 0);
	int64("18446744073709551617", FS_INT64_OUT_OF_RANGE, 0);
	int64("1e19", FS_INT64_OUT_OF_RANGE, 0);
	int64("2e19", FS_INT64_OUT_OF_RANGE, 0);
	int64("-1e2147483647", FS_INT64_OUT_OF_RANGE, 0);
	int64("5.5", FS_INT64_NOT_AN_INTEGER, 0);
	int64("-1e-2147483648", FS_INT64_NOT_AN_INTEGER, 0);
	int64("9223372036854775807.5", FS_INT64_NOT_AN_INTEGER, 0);
	int64("123456789012345678901234567890.5", FS_INT64_NOT_AN_INTEGER, 0);
}

/* A string stays that string, whatever it begins with. */
static void
string(const char *text, const char *wanted)
{
	json_t	   *document = load(text);
	fs_text		found = {"", 0};

	if (document != NULL && fs_json_kind_of(document) == FS_JSON_STRING)
		found = fs_json_string(document);
	(void) tap_ok(document != NULL && fs_json_kind_of(document) == FS_JSON_STRING &&
				  found.length == strlen(wanted) && memcmp(found.data, wanted, found.length) == 0,
				  "%s is a string as written", text);
	json_decref(document);
}

static void
test_strings(void)
{
	string("\"\"", "");
	string("\"1e0\"", "1e0");
	string("\"-1\"", "-1");
	string("\"\\u0001\"", "\001");
	string("\"\\u00011e0\"", "\0011e0");
	string("\"\\u0001\\u0001\"", "\001\001");
	string("\"\\u0001\\u00011e0\"", "\001\0011e0");
	string("\"\\u0001:\"", "\001:");
	string("\"\\u0002\\u0001\"", "\002\001");
	string("\"\\\\u0001\"", "\\u0001");
	string("\"\\\\\"", "\\");
	string("\"\\\"1\\\"\"", "\"1\"");
	string("\"a\\/b\\b\\f\\n\\r\\t\"", "a/b\b\f\n\r\t");
	string("\"\\ud83e\\udd8a 1\"", "\xF0\x9F\xA6\x8A 1");
}

static bool
equal(fs_json a, fs_json b)
{
	return fs_json_kind_of(a) == fs_json_kind_of(b) && fs_json_scalar_equal(a, b);
}

static void
test_equality(void)
{
	json_t	   *values = load("[1, 1.0, \"\\u00011e0\", \"1\", \"1\", true, false, null, null]");

#define VALUE(index) json_array_get(values, (index))
	(void) tap_ok(equal(VALUE(0), VALUE(1)), "1 equals 1.0");
	(void) tap_ok(!equal(VALUE(0), VALUE(2)), "1 is not a string in its canonical form");
	(void) tap_ok(!equal(VALUE(0), VALUE(3)), "1 is not its text");
	(void) tap_ok(equal(VALUE(3), VALUE(4)), "equal strings");
	(void) tap_ok(!equal(VALUE(5), VALUE(6)), "true is not false");
	(void) tap_ok(equal(VALUE(7), VALUE(8)), "null equals null");
#undef VALUE
	json_decref(values);
}

/* A key that begins with the tag is left alone, a value behind it is not. */
static void
test_keys(void)
{
	json_t	   *document = load("{\"\\u00011e0\" \r\n: \"\\u0001x\", \"a\": 1, \"a\": 2.0}");
	fs_json		value = NULL;

	(void) tap_ok(document != NULL && fs_json_count(document) == 2, "a duplicate key counts once");
	(void) tap_ok(document != NULL &&
				  fs_json_object_get(document, (fs_text) {"\0011e0", 4}, &value) &&
				  fs_text_is(fs_json_string(value), "\001x"), "a tagged key keeps its text");
	(void) tap_ok(document != NULL && fs_json_object_get(document, (fs_text) {"abc", 1}, &value) &&
				  strcmp(json_string_value(value), "\0012e0") == 0, "the last duplicate counts");
	(void) tap_ok(document != NULL && !fs_json_object_get(document, (fs_text) {"b", 1}, &value),
				  "a missing key is missing");
	json_decref(document);
}

static void
refused_bytes(const char *name, const char *text, size_t length, const char *place,
			  const char *message)
{
	fs_input_error error;
	json_t	   *document = fs_json_document_load(text, length, &error);

	if (!tap_ok(document == NULL && error.code == FS_INPUT_MALFORMED &&
				strcmp(error.path, place) == 0 && strcmp(error.message, message) == 0 &&
				error.expected != NULL, "refused: %s", name) && document == NULL)
		tap_diagnostic("%s: %s", error.path, error.message);
	json_decref(document);
}

static void
refused(const char *text, const char *place, const char *message)
{
	refused_bytes(text, text, strlen(text), place, message);
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
		refused(numbers[i], "line 1, column 1", "malformed number");
	refused("[1, 02]", "line 1, column 5", "malformed number");
	refused("+1", "line 1, column 1", "invalid token");
	refused(".5", "line 1, column 1", "invalid token");
	refused("[1 2]", "line 1, column 4", "']' expected");
	refused("[1 \"\\u0001\"]", "line 1, column 4", "']' expected");
	refused("1_000", "line 1, column 1", "malformed number");
	refused("NaN", "line 1, column 3", "invalid token");
	refused("{1: 2}", "line 1, column 2", "a key must be a string, not a number");
	refused("{\"a\": 1,\n 1e5\t:2}", "line 2, column 2", "a key must be a string, not a number");
	refused("1e2147483648", "line 1, column 1",
			"the exponent of the number 1e2147483648 is out of range");
	refused("[\"\xC3\xA9\", 10e2147483647]", "line 1, column 7",
			"the exponent of the number 10e2147483647 is out of range");
	refused("1e18446744073709551617", "line 1, column 1",
			"the exponent of the number 1e18446744073709551617 is out of range");
	refused("-1e-99999999999999999999999999999999999999999", "line 1, column 1",
			"the exponent of the number -1e-999999999999999999999999999999999999... "
			"is out of range");
}

static void
test_malformed_texts(void)
{
	refused("", "line 1, column 1", "unexpected token near end of file");
	refused(" ", "line 1, column 2", "unexpected token near end of file");
	refused("[1,", "line 1, column 4", "']' expected near end of file");
	refused("{\"a\" 1}", "line 1, column 6", "':' expected");
	refused("{\"a\": 1,}", "line 1, column 9", "string or '}' expected");
	refused("[1]\n[2]", "line 2, column 1", "end of file expected");
	refused("\"\\u00e", "line 1, column 6", "invalid escape");
	refused("\"abc", "line 1, column 5", "premature end of input");
	refused("\"abc\\", "line 1, column 5", "invalid escape");
	refused("[\"a\\qb\"]", "line 1, column 5", "invalid escape");
	refused("\"\\ud800\"", "line 1, column 8", "invalid Unicode '\\uD800'");
	refused("[5, \"\\u0000\"]", "line 1, column 12", "\\u0000 cannot be kept");
	refused("{\"\\u0000\": 5}", "line 1, column 9", "\\u0000 cannot be kept");
	refused("\"a\tb\"", "line 1, column 2", "control character 0x9");
	refused("\"a\xFF\"", "line 1, column 3", "unable to decode byte 0xff");
	refused("'a'", "line 1, column 1", "invalid token");
	refused_bytes("a zero byte", "[1,\0]", 5, "line 1, column 4", "invalid token");
	refused_bytes("a zero byte in a string", "\"\0\"", 3, "line 1, column 1",
				  "control character 0x0");
}

/* Arrays within arrays, depth of them. */
static json_t *
load_nested(size_t depth, fs_input_error *error)
{
	char	   *text = malloc(depth * 2 + 1);
	json_t	   *document;

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
	fs_input_error error;
	json_t	   *document = load_nested(2000, &error);

	(void) tap_ok(document != NULL, "2000 levels are accepted");
	json_decref(document);
	document = load_nested(3000, &error);
	if (!tap_ok(document == NULL && strcmp(error.path, "line 1, column 2049") == 0 &&
				strcmp(error.message, "arrays and objects are nested deeper than 2048 levels") == 0,
				"3000 levels are refused"))
		tap_diagnostic("%s: %s", error.path, error.message);
	json_decref(document);
}

/* A number longer than any buffer one might have thought of. */
static void
test_long_number(void)
{
	size_t		length = 1000000;
	char	   *text = malloc(length);
	fs_input_error error;
	json_t	   *document;

	memset(text, '7', length);
	text[1] = '.';
	memset(text + length - 1000, '0', 1000);
	document = fs_json_document_load(text, length, &error);
	(void) tap_ok(document != NULL && fs_json_kind_of(document) == FS_JSON_NUMBER &&
				  json_string_length(document) == length - 1000 - 1 + strlen("\001e-998998"),
				  "a number of a million digits is kept");
	json_decref(document);
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
	test_malformed_numbers();
	test_malformed_texts();
	test_nesting();
	test_long_number();
	return tap_finish();
}
