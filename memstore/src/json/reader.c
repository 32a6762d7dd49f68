/*
 * json/reader.c
 *		From JSON text to a document.
 *
 * One pass, which writes the document as it reads the text.  How deep the text is nested, its author
 * decides, and a thread's stack may be small; so the arrays and objects that the reader is in are a
 * list on the heap.
 */
#include <stdlib.h>
#include <string.h>

#include "json/members.h"
#include "json/reader.h"
#include "match/nesting.h"

/* The levels around a payload are not the author's. */
#define FS_TOO_DEEP "arrays and objects are nested deeper than 1000 levels"

#define FS_UNCLOSED_ARRAY "']' expected near end of file"

#define FS_DEEPEST_DOCUMENT (FS_DEEPEST_NESTING + FS_LEVELS_AROUND)

/* The room that the document of a short text needs beyond the length of the text. */
#define FS_USUAL_ROOM 32

/* An array or object that the reader is in. */
typedef struct fs_frame
{
	size_t		start;			/* where its head will be in the document */
	size_t		count;			/* of its children so far */
	size_t		last_key;		/* where the last key is; objects only */
	bool		is_object;
	bool		is_sorted;		/* the keys so far, in ascending order */
} fs_frame;

/* Something else should stand here. */
static bool
fs_refuse_next(fs_reader *reader, const char *message, const char *message_at_end)
{
	return fs_reader_refuse(reader, reader->next, FS_JSON_SHAPE,
							reader->next == reader->end ? message_at_end : message);
}

static void
fs_skip_blanks(fs_reader *reader)
{
	while (reader->next < reader->end &&
		   (*reader->next == ' ' || *reader->next == '\t' || *reader->next == '\n' ||
			*reader->next == '\r'))
		reader->next++;
}

static bool
fs_take(fs_reader *reader, char expected)
{
	if (reader->next == reader->end || *reader->next != expected)
		return false;
	reader->next++;
	return true;
}

/*
 * Arrays and objects
 */

static fs_frame *
fs_innermost(const fs_reader *reader)
{
	return (fs_frame *) (reader->frames.data + reader->frames.length) - 1;
}

/* Enters an array or object, after its opening bracket. */
static bool
fs_enter(fs_reader *reader, bool is_object)
{
	fs_frame	frame = {
		.start = reader->document.length,
		.is_object = is_object,
		.is_sorted = true
	};

	if (reader->depth == FS_DEEPEST_DOCUMENT)
		return fs_reader_refuse(reader, reader->next - 1, FS_NESTING_SHAPE, FS_TOO_DEEP);
	reader->depth++;
	fs_buffer_append(&reader->frames, (const char *) &frame, sizeof(frame));
	return !reader->frames.no_memory && fs_reader_leave_room(reader, FS_JSON_LARGE_HEAD);
}

/* Writes the head of the value that has been read, into the space that was left for a large one. */
static void
fs_write_head(fs_reader *reader, const fs_frame *frame)
{
	unsigned char *head = (unsigned char *) reader->document.data + frame->start;
	uint64_t	size = reader->document.length - frame->start - FS_JSON_LARGE_HEAD;
	uint64_t	count = frame->count;
	unsigned char kind = frame->is_object ? FS_JSON_OBJECT : FS_JSON_ARRAY;

	if (size > FS_JSON_LARGEST_SMALL)
	{
		head[0] = (unsigned char) (kind | FS_JSON_LARGE << FS_JSON_KIND_BITS);
		memcpy(head + 1, &size, sizeof(size));
		memcpy(head + 9, &count, sizeof(count));
		return;
	}
	reader->document.length = frame->start + 1;
	head[0] = kind;
	if (size > 0)
	{
		head[0] = (unsigned char) (kind | FS_JSON_SMALL << FS_JSON_KIND_BITS);
		head[1] = (unsigned char) size;
		head[2] = (unsigned char) count;
		memmove(head + FS_JSON_SMALL_HEAD, head + FS_JSON_LARGE_HEAD, size);
		reader->document.length = frame->start + FS_JSON_SMALL_HEAD + size;
	}
}

/* Leaves an array or object, after its closing bracket. */
static bool
fs_leave(fs_reader *reader)
{
	fs_frame	frame = *fs_innermost(reader);
	size_t		start = frame.start + FS_JSON_LARGE_HEAD;
	fs_buffer  *document = &reader->document;

	reader->depth--;
	reader->frames.length -= sizeof(frame);
	if (document->no_memory || (!frame.is_sorted && !fs_members_sort(document, start, &frame.count)))
		return false;
	if (frame.is_object && document->length - start > FS_JSON_LARGEST_SMALL)
		fs_members_add_index(document, start, frame.count);
	if (document->no_memory)
		return false;
	fs_write_head(reader, &frame);
	return true;
}

/* A key and the colon. */
static bool
fs_read_key(fs_reader *reader)
{
	fs_frame   *frame = fs_innermost(reader);
	size_t		start = reader->document.length;
	fs_json		document;

	fs_skip_blanks(reader);
	if (reader->next < reader->end &&
		(*reader->next == '-' || (*reader->next >= '0' && *reader->next <= '9')))
		return fs_refuse_next(reader, "a key must be a string, not a number", NULL);
	if (!fs_take(reader, '"'))
		return fs_refuse_next(reader, "string or '}' expected",
							  "string or '}' expected near end of file");
	if (!fs_reader_take_text(reader) || reader->document.no_memory)
		return false;
	document = (fs_json) reader->document.data;
	if (frame->count > 0 && frame->is_sorted)
		frame->is_sorted = fs_text_compare(fs_json_text_of(document + frame->last_key),
										   fs_json_text_of(document + start)) < 0;
	frame->last_key = start;
	fs_skip_blanks(reader);
	return fs_take(reader, ':') ||
		fs_refuse_next(reader, "':' expected", "':' expected near end of file");
}

/* Reads a scalar, or the beginning of an array or object, which *entered says. */
static bool
fs_read_value(fs_reader *reader, bool *entered)
{
	char		c;

	*entered = false;
	fs_skip_blanks(reader);
	if (reader->next == reader->end)
		return fs_refuse_next(reader, NULL, "unexpected token near end of file");
	c = *reader->next;
	switch (c)
	{
		case '{':
		case '[':
			reader->next++;
			*entered = fs_enter(reader, c == '{');
			return *entered;
		case '"':
			reader->next++;
			return fs_reader_take_text(reader);
		case 't':
			return fs_reader_take_literal(reader, "true", FS_JSON_BOOLEAN, 1);
		case 'f':
			return fs_reader_take_literal(reader, "false", FS_JSON_BOOLEAN, 0);
		case 'n':
			return fs_reader_take_literal(reader, "null", FS_JSON_NULL, 0);
		default:
			if (c == '-' || (c >= '0' && c <= '9'))
				return fs_reader_take_number(reader);
			return fs_refuse_next(reader, c != '\0' && strchr(",:]}", c) != NULL ?
								  "unexpected token" : "invalid token", NULL);
	}
}

/* In the container that was just entered: is there any element? */
static bool
fs_begin_children(fs_reader *reader, bool *complete)
{
	const fs_frame *frame = fs_innermost(reader);

	fs_skip_blanks(reader);
	*complete = fs_take(reader, frame->is_object ? '}' : ']');
	if (*complete)
		return fs_leave(reader);
	if (frame->is_object)
		return fs_read_key(reader);
	return reader->next < reader->end || fs_refuse_next(reader, NULL, FS_UNCLOSED_ARRAY);
}

/* After a complete value, reads the ends of containers and the separator, up to the next value. */
static bool
fs_end_value(fs_reader *reader)
{
	while (reader->depth > 0)
	{
		fs_frame   *frame = fs_innermost(reader);
		bool		is_object = frame->is_object;

		frame->count++;
		fs_skip_blanks(reader);
		if (fs_take(reader, ','))
			return !is_object || fs_read_key(reader);
		if (!fs_take(reader, is_object ? '}' : ']'))
			return is_object ?
				fs_refuse_next(reader, "'}' expected", "'}' expected near end of file") :
				fs_refuse_next(reader, "']' expected", FS_UNCLOSED_ARRAY);
		if (!fs_leave(reader))
			return false;
	}
	return true;
}

static bool
fs_read_all(fs_reader *reader)
{
	do
	{
		bool		entered;
		bool		complete = true;

		if (!fs_read_value(reader, &entered) ||
			(entered && !fs_begin_children(reader, &complete)) ||
			(complete && !fs_end_value(reader)))
			return false;
	}
	while (reader->depth > 0);
	fs_skip_blanks(reader);
	return reader->next == reader->end || fs_refuse_next(reader, "end of file expected", NULL);
}

/* Room for the document of a text; most need no more. */
static bool
fs_make_room(fs_buffer *document, size_t length)
{
	if (length > SIZE_MAX - FS_USUAL_ROOM)
		return false;
	document->capacity = length + FS_USUAL_ROOM;
	document->data = malloc(document->capacity);
	return document->data != NULL;
}

/* Gives back the room that is not needed, if that is much. */
static fs_json
fs_finish(fs_buffer *document)
{
	size_t		unused = document->capacity - document->length;
	char	   *trimmed = unused > 2 * FS_USUAL_ROOM ? realloc(document->data, document->length) : NULL;

	return (fs_json) (trimmed != NULL ? trimmed : document->data);
}

fs_json
fs_json_read(const char *text, size_t length, fs_json_problem *problem)
{
	fs_reader	reader = {.next = text, .end = text + length, .problem = problem};
	bool		is_read;

	*problem = (fs_json_problem) {0};
	is_read = fs_make_room(&reader.document, length) && fs_read_all(&reader) &&
		!reader.document.no_memory;
	free(reader.frames.data);
	if (is_read)
		return fs_finish(&reader.document);
	free(reader.document.data);
	return NULL;
}
