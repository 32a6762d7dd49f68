/*
 * json_reader.c
 *		Tests of the short way from JSON text to a document: it reads what the long way does, and
 *		reads it alike, whatever the text.
 */
#include <stdlib.h>
#include <string.h>

#include "buffer.h"
#include "json_document.h"
#include "json_reader.h"

#include "tap.h"

#define ROUNDS 60000

static unsigned long seed = 20260131;

/* A number below a limit; always the same ones, so that a failure can be seen again. */
static unsigned
draw(unsigned limit)
{
	seed = seed * 6364136223846793005UL + 1442695040888963407UL;
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

/* A text in memory of its own size, so that reading beyond it is noticed. */
static bool
same_both_ways(const fs_buffer *text, bool *is_read)
{
	char	   *copy = malloc(text->length > 0 ? text->length : 1);
	fs_input_error error;
	json_t	   *by_short;
	json_t	   *by_long;
	bool		no_memory;
	bool		same;

	if (text->length > 0)
		memcpy(copy, text->data, text->length);
	by_short = fs_json_read(copy, text->length, &no_memory);
	by_long = fs_json_document_rewrite(copy, text->length, &error);
	*is_read = by_short != NULL;
	same = by_short == NULL ? by_long == NULL && !no_memory :
		by_long != NULL && json_equal(by_short, by_long);
	json_decref(by_short);
	json_decref(by_long);
	free(copy);
	return same;
}

static void
test_random(bool damaged)
{
	bool		all_same = true;
	int			read = 0;

	for (int i = 0; i < ROUNDS && all_same; i++)
	{
		fs_buffer	text = {0};
		bool		is_read;

		write_value(&text, 0);
		if (damaged)
			damage(&text);
		all_same = same_both_ways(&text, &is_read);
		read += is_read;
		if (!all_same)
			tap_diagnostic("%.*s", (int) text.length, text.data);
		free(text.data);
	}
	(void) tap_ok(all_same, "%s texts are read alike both ways", damaged ? "damaged" : "good");
	(void) tap_ok(damaged ? read > 0 && read < ROUNDS : read == ROUNDS,
				  damaged ? "some of them are read" : "all of them are read");
}

static void
is_read_both_ways(const char *text, bool readable, const char *name)
{
	fs_buffer	buffer = {.data = (char *) text, .length = strlen(text)};
	bool		is_read;

	(void) tap_ok(same_both_ways(&buffer, &is_read) && is_read == readable, "%s: %s", name,
				  readable ? "read" : "not read");
}

static void
test_nesting(int depth, bool readable)
{
	char		text[2 * 3000 + 1] = "";
	char		name[20];

	memset(text, '[', (size_t) depth);
	memset(text + depth, ']', (size_t) depth);
	(void) snprintf(name, sizeof(name), "%d levels", depth);
	is_read_both_ways(text, readable, name);
}

int
main(void)
{
	test_random(false);
	test_random(true);
	test_nesting(600, true);
	test_nesting(2048, true);
	test_nesting(2049, false);
	is_read_both_ways("\"\\u0001\"", true, "what begins like a number");
	is_read_both_ways("{\"\\u0001\": [\"\\u0001\\u0001\"]}", true, "keys do not");
	is_read_both_ways("[\"a\\u0000\"]", false, "NUL");
	is_read_both_ways("{\"\\u0000\": 1}", false, "NUL in a key");
	is_read_both_ways("\"\\ud800\"", false, "half a character");
	is_read_both_ways("\"\\udc00\\ud800\"", false, "halves the wrong way round");
	is_read_both_ways("1e99999999999", false, "an exponent out of range");
	is_read_both_ways("", false, "nothing");
	return tap_finish();
}
