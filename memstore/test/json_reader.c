/*
 * json_reader.c
 *		Tests of the reader: it accepts the same texts as jansson, with the same values.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "json/binding.h"

#include "lib/jansson_document.h"
#include "lib/tap.h"

#define ROUNDS 60000

static uint64_t seed = 20260131;

/* A number below a limit; always the same ones, so that a failure can be seen again. */
static unsigned
draw(unsigned limit)
{
	seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (unsigned) (seed >> 33) % limit;
}

static const char *const pieces[] = {
	"a", "payload", "\303\251", "\342\202\254", "\360\237\230\200", "\\n", "\\\"", "\\\\", "\\/",
	"\\u00e9", "\\u20AC", "\\ud83d\\ude00", "\\u0041", "\\u0001", " ", "\\b\\f\\r\\t", "\177",
	"]", "}"
};

static const char *const numbers[] = {
	"0", "-0", "1", "-1", "1.0", "1e0", "10e-1", "0.250", "-2.50E+3", "12345678901234567890123",
	"1e400", "0.1", "1E-400", "100", "0e7"
};

static const char *const blanks[] = {"", "", "", " ", "\n\t", " \r\n "};

#define PICK(list) (list)[draw(sizeof(list) / sizeof((list)[0]))]

static void
write_string(fs_buffer *out)
{
	fs_buffer_append_text(out, "\"");
	for (unsigned i = draw(5); i > 0; i--)
		fs_buffer_append_text(out, PICK(pieces));
	fs_buffer_append_text(out, "\"");
}

static void
write_value(fs_buffer *out, int depth)
{
	static const char *const literals[] = {"true", "false", "null"};
	unsigned	kind = draw(depth > 4 ? 3 : 6);
	bool		is_object = kind == 4;

	fs_buffer_append_text(out, PICK(blanks));
	if (kind == 0)
		write_string(out);
	else if (kind == 1)
		fs_buffer_append_text(out, PICK(numbers));
	else if (kind == 2)
		fs_buffer_append_text(out, PICK(literals));
	else
	{
		fs_buffer_append_text(out, is_object ? "{" : "[");
		for (unsigned i = draw(5), left = i; left > 0; left--)
		{
			if (left < i)
				fs_buffer_append_text(out, ",");
			if (is_object)
			{
				fs_buffer_append_text(out, PICK(blanks));
				write_string(out);
				fs_buffer_append_text(out, PICK(blanks));
				fs_buffer_append_text(out, ":");
			}
			write_value(out, depth + 1);
		}
		fs_buffer_append_text(out, PICK(blanks));
		fs_buffer_append_text(out, is_object ? "}" : "]");
	}
	fs_buffer_append_text(out, PICK(blanks));
}

/* Changes, leaves out or puts in a byte here and there, but no NUL, which ends all texts. */
static void
damage(fs_buffer *text)
{
	static const char bytes[] = "{}[]\",:\\u0aeEdD18+-. \n\t\001\200\303\360\377ntf";

	for (unsigned i = 1 + draw(3); i > 0 && text->length > 0; i--)
	{
		unsigned	place = draw((unsigned) text->length);
		char		byte = bytes[draw(sizeof(bytes) - 1)];

		switch (draw(3))
		{
			case 0:
				text->data[place] = byte;
				break;
			case 1:
				memmove(text->data + place, text->data + place + 1, text->length - place - 1);
				text->length--;
				break;
			default:
				fs_buffer_append(text, &byte, 1);
				memmove(text->data + place + 1, text->data + place, text->length - place - 1);
				text->data[place] = byte;
				break;
		}
	}
}

/* A text in memory of exactly its size, so that reading beyond it is noticed. */
static bool
reads_as_jansson(const fs_buffer *text, bool *is_read)
{
	char	   *copy = malloc(text->length > 0 ? text->length : 1);
	fs_input_error error;
	fs_json		document;
	json_t	   *expected;
	bool		agrees;

	if (text->length > 0)
		memcpy(copy, text->data, text->length);
	document = fs_json_document_load(copy, text->length, &error);
	expected = jansson_load(copy, text->length);
	*is_read = document != NULL;
	agrees = document == NULL ? expected == NULL && error.code == FS_INPUT_MALFORMED :
		expected != NULL && jansson_agrees(expected, document);
	fs_json_document_release(document);
	json_decref(expected);
	free(copy);
	return agrees;
}

static void
test_random(bool damaged)
{
	bool		all_agree = true;
	int			read = 0;

	for (int i = 0; i < ROUNDS && all_agree; i++)
	{
		fs_buffer	text = {0};
		bool		is_read;

		write_value(&text, 0);
		if (damaged)
			damage(&text);
		all_agree = reads_as_jansson(&text, &is_read);
		read += is_read;
		if (!all_agree)
			tap_diagnostic("%.*s", (int) text.length, text.data);
		free(text.data);
	}
	ok(all_agree, "%s texts are read as jansson reads them", damaged ? "damaged" : "good");
	if (!damaged)
		ok_int(read, ROUNDS, "all of them are read");
	else
	{
		ok_cmp(read, ">", 0, "some of them are read");
		ok_cmp(read, "<", ROUNDS, "and some are not");
	}
}

static void
ok_read(const char *text, bool readable, const char *name)
{
	fs_buffer	buffer = {.data = (char *) text, .length = strlen(text)};
	bool		is_read;

	ok(reads_as_jansson(&buffer, &is_read), "%s: as jansson reads it", name);
	ok(is_read == readable, "%s: %s", name, readable ? "read" : "not read");
}

/* Two spellings of a value, one of which may be changed, are equal when jansson says so. */
static void
test_equality(void)
{
	int			wrong = 0;
	int			equal = 0;

	for (int i = 0; i < ROUNDS; i++)
	{
		fs_buffer	texts[2] = {{0}, {0}};
		fs_json		documents[2];
		json_t	   *expected[2];
		fs_input_error error;

		write_value(&texts[0], 3);
		fs_buffer_append(&texts[1], texts[0].data, texts[0].length);
		damage(&texts[1]);
		for (int j = 0; j < 2; j++)
		{
			documents[j] = fs_json_document_load(texts[j].data, texts[j].length, &error);
			expected[j] = jansson_load(texts[j].data, texts[j].length);
		}
		if (documents[0] != NULL && documents[1] != NULL)
		{
			bool		is_equal = fs_json_equal(documents[0], documents[1]);

			equal += is_equal;
			wrong += is_equal != json_equal(expected[0], expected[1]);
		}
		for (int j = 0; j < 2; j++)
		{
			fs_json_document_release(documents[j]);
			json_decref(expected[j]);
			free(texts[j].data);
		}
	}
	ok_int(wrong, 0, "documents are equal when jansson says so");
	ok_cmp(equal, ">", 100, "some of them are");
}

int
main(void)
{
	test_random(false);
	test_random(true);
	test_equality();
	ok_read("\"\\u0001\"", true, "what begins like a number");
	ok_read("{\"\\u0001\": [\"\\u0001\\u0001\"]}", true, "keys do not");
	ok_read("[\"a\\u0000\"]", false, "NUL");
	ok_read("{\"\\u0000\": 1}", false, "NUL in a key");
	ok_read("\"\\ud800\"", false, "half a character");
	ok_read("\"\\udc00\\ud800\"", false, "halves the wrong way round");
	ok_read("1e99999999999", false, "an exponent out of range");
	ok_read("", false, "nothing");
	return tap_finish();
}
