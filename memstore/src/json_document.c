/*
 * json_document.c
 *		From JSON text to a jansson document that keeps every number exactly.
 *
 * Texts are read by the short way, json_reader.h.  What is wrong goes the long way, which finds the
 * words for it: the text is rewritten token by token, numbers as tagged strings (json_document.h),
 * and jansson parses the result.  Only numbers are understood here; all other grammar is jansson's
 * business.  Nothing that is not JSON becomes JSON by the rewriting, because a string may stand
 * wherever a number may, and the one place where only a string may stand, a key, is looked after.
 */
#include <stdlib.h>
#include <string.h>

#include "buffer.h"
#include "json_document.h"
#include "json_number.h"
#include "json_reader.h"

#define FS_JSON_SHAPE "A document is one JSON value in UTF-8 (RFC 8259)."
#define FS_NUMBER_SHAPE \
	"A number has no leading zero, no plus sign, and digits on both sides of its point, if any."
#define FS_EXPONENT_SHAPE \
	"The exponent of a number written as an integer is in the 32-bit signed range."

/* How much of a number an error quotes. */
#define FS_QUOTED_NUMBER_BYTES 40

/* One walk over the text.  A step returns false with *error filled. */
typedef struct fs_rewriter
{
	const char *text;
	const char *next;
	const char *end;
	fs_buffer	out;
	fs_input_error *error;
} fs_rewriter;

/* Errors say where in the caller's text; a column counts characters, not bytes. */
static void
fs_describe_place(const fs_rewriter *rewriter, const char *place, char *description, size_t size)
{
	size_t		line = 1;
	size_t		column = 1;

	for (const char *c = rewriter->text; c < place; c++)
	{
		if (*c == '\n')
		{
			line++;
			column = 1;
		}
		else if (((unsigned char) *c & 0xC0) != 0x80)
			column++;
	}
	(void) snprintf(description, size, "line %zu, column %zu", line, column);
}

static bool
fs_refuse(fs_rewriter *rewriter, const char *place, const char *expected, const char *message)
{
	char		description[64];

	fs_describe_place(rewriter, place, description, sizeof(description));
	return fs_malformed(rewriter->error, description, expected, "%s", message);
}

/* A colon follows a key and nothing else. */
static bool
fs_colon_follows(const fs_rewriter *rewriter, const char *after)
{
	while (after < rewriter->end &&
		   (*after == ' ' || *after == '\t' || *after == '\n' || *after == '\r'))
		after++;
	return after < rewriter->end && *after == ':';
}

static bool
fs_rewrite_number(fs_rewriter *rewriter)
{
	fs_text		token = fs_number_token(rewriter->next, rewriter->end);
	fs_number	number;
	char		message[128];

	if (!fs_scan_number(token, &number))
		return fs_refuse(rewriter, token.data, FS_NUMBER_SHAPE, "malformed number");
	if (fs_colon_follows(rewriter, token.data + token.length))
		return fs_refuse(rewriter, token.data, FS_JSON_SHAPE,
						 "a key must be a string, not a number");

	fs_buffer_append_text(&rewriter->out, "\"" FS_JSON_TAG_ESCAPE);
	if (!fs_write_number(&rewriter->out, &number))
	{
		(void) snprintf(message, sizeof(message),
						"the exponent of the number %.*s%s is out of range",
						(int) (token.length > FS_QUOTED_NUMBER_BYTES ?
							   FS_QUOTED_NUMBER_BYTES : token.length), token.data,
						token.length > FS_QUOTED_NUMBER_BYTES ? "..." : "");
		return fs_refuse(rewriter, token.data, FS_EXPONENT_SHAPE, message);
	}
	fs_buffer_append_text(&rewriter->out, "\"");
	rewriter->next += token.length;
	return true;
}

/* Copies a string, quotes included, or what there is of it. */
static void
fs_rewrite_string(fs_rewriter *rewriter)
{
	const char *start = rewriter->next++;
	size_t		tag_length = strlen(FS_JSON_TAG_ESCAPE);
	bool		tagged;

	while (rewriter->next < rewriter->end && *rewriter->next != '"')
	{
		if (*rewriter->next == '\\' && rewriter->next + 1 < rewriter->end)
			rewriter->next++;
		rewriter->next++;
	}
	if (rewriter->next < rewriter->end)
		rewriter->next++;

	tagged = (size_t) (rewriter->next - start) > tag_length &&
		memcmp(start + 1, FS_JSON_TAG_ESCAPE, tag_length) == 0;
	if (tagged && !fs_colon_follows(rewriter, rewriter->next))
	{
		fs_buffer_append_text(&rewriter->out, "\"" FS_JSON_TAG_ESCAPE);
		start++;
	}
	fs_buffer_append(&rewriter->out, start, (size_t) (rewriter->next - start));
}

/* Copies up to the next string or number. */
static void
fs_rewrite_other(fs_rewriter *rewriter)
{
	const char *start = rewriter->next;

	do
		rewriter->next++;
	while (rewriter->next < rewriter->end && *rewriter->next != '"' && *rewriter->next != '-' &&
		   !(*rewriter->next >= '0' && *rewriter->next <= '9'));
	fs_buffer_append(&rewriter->out, start, (size_t) (rewriter->next - start));
}

/* One token, or one stretch between tokens. */
static bool
fs_rewrite_step(fs_rewriter *rewriter)
{
	char		c = *rewriter->next;

	if (c == '-' || (c >= '0' && c <= '9'))
		return fs_rewrite_number(rewriter);
	if (c == '"')
		fs_rewrite_string(rewriter);
	else
		fs_rewrite_other(rewriter);
	return true;
}

/*
 * Where in the caller's text is this offset of the rewritten one?  Found by rewriting once more:
 * errors are rare, and bookkeeping for them would cost every document.
 */
static const char *
fs_original_place(fs_rewriter *rewriter, size_t offset)
{
	rewriter->next = rewriter->text;
	rewriter->out.length = 0;
	while (rewriter->next < rewriter->end)
	{
		const char *start = rewriter->next;
		size_t		before = rewriter->out.length;
		size_t		inside;

		if (!fs_rewrite_step(rewriter) || rewriter->out.no_memory)
			return start;
		if (offset < rewriter->out.length)
		{
			inside = offset > before ? offset - before : 0;

			/* A rewritten token is longer than the original: then its start must do. */
			return rewriter->out.length - before == (size_t) (rewriter->next - start) ?
				start + inside : start;
		}
	}
	return rewriter->end;
}

/* jansson stops behind the offending token, before a byte that is not UTF-8, or at the end. */
static const char *
fs_offending_place(fs_rewriter *rewriter, const json_error_t *parse_error)
{
	size_t		position = parse_error->position > 0 ? (size_t) parse_error->position : 0;

	if (json_error_code(parse_error) == json_error_premature_end_of_input &&
		position >= rewriter->out.length)
		return rewriter->end;
	if (position > 0 && json_error_code(parse_error) != json_error_invalid_utf8)
		position--;
	return fs_original_place(rewriter, position);
}

/* Translates jansson's complaint about the rewritten text to one about the caller's. */
static void
fs_refuse_parsed(fs_rewriter *rewriter, json_error_t *parse_error)
{
	const char *place = fs_offending_place(rewriter, parse_error);
	const char *message = parse_error->text;
	char	   *quote = strstr(parse_error->text, " near ");

	/* What it quotes is the rewritten text, and values do not belong into messages. */
	if (quote != NULL && (place < rewriter->end || strchr(quote, '\'') != NULL))
		*quote = '\0';
	switch (json_error_code(parse_error))
	{
		case json_error_stack_overflow:
			message = "arrays and objects are nested deeper than 2048 levels";
			break;
		case json_error_null_character:
		case json_error_null_byte_in_key:
			message = "\\u0000 cannot be kept";
			break;
		default:
			break;
	}
	(void) fs_refuse(rewriter, place, FS_JSON_SHAPE, message);
}

/*
 * Is there memory for what jansson keeps of the text beside the document?  Up to 2.14 its lexer
 * does not notice when its buffer for a token cannot grow, and then reads and writes beyond the
 * ends of its buffers.  So see before; only another thread can take the memory away in between.
 */
static bool
fs_has_room_for_tokens(const fs_rewriter *rewriter)
{
	void	   *room = rewriter->out.length > SIZE_MAX / 8 ? NULL :
		malloc(4 * rewriter->out.length + 64);

	free(room);
	return room != NULL;
}

static json_t *
fs_parse_rewritten(fs_rewriter *rewriter)
{
	json_error_t parse_error;
	json_t	   *document;

	if (!fs_has_room_for_tokens(rewriter))
	{
		(void) fs_out_of_memory(rewriter->error);
		return NULL;
	}

	/* jansson takes no NULL, not even for an empty text. */
	document = json_loadb(rewriter->out.length > 0 ? rewriter->out.data : "",
						  rewriter->out.length, JSON_DECODE_ANY, &parse_error);
	if (document != NULL)
		return document;

	/* It says nothing when it runs out of memory. */
	if (parse_error.text[0] == '\0' ||
		json_error_code(&parse_error) == json_error_out_of_memory)
		(void) fs_out_of_memory(rewriter->error);
	else
		fs_refuse_parsed(rewriter, &parse_error);
	return NULL;
}

/* The long way. */
json_t *
fs_json_document_rewrite(const char *text, size_t length, fs_input_error *error)
{
	fs_rewriter rewriter = {.text = text, .next = text, .end = text + length, .error = error};
	json_t	   *document = NULL;

	error->code = FS_INPUT_OK;

	/* Numbers get longer; this is enough for most texts, and one allocation instead of several. */
	if (length < SIZE_MAX / 4)
		(void) fs_buffer_reserve(&rewriter.out, length + length / 2 + 32);
	while (rewriter.next < rewriter.end && !rewriter.out.no_memory)
	{
		if (!fs_rewrite_step(&rewriter))
			break;
	}
	if (rewriter.out.no_memory)
		(void) fs_out_of_memory(error);
	else if (error->code == FS_INPUT_OK)
		document = fs_parse_rewritten(&rewriter);
	free(rewriter.out.data);
	return document;
}

json_t *
fs_json_document_load(const char *text, size_t length, fs_input_error *error)
{
	bool		no_memory;
	json_t	   *document = fs_json_read(text, length, &no_memory);

	error->code = FS_INPUT_OK;
	if (document != NULL)
		return document;
	if (no_memory)
	{
		(void) fs_out_of_memory(error);
		return NULL;
	}
	return fs_json_document_rewrite(text, length, error);
}
