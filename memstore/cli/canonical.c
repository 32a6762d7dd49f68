/*
 * canonical.c
 *		One spelling for each JSON value.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json_number.h"
#include "base/json_string.h"
#include "base/json_text.h"
#include "base/json_walk.h"
#include "batch_text.h"

/* Numbers are written without an exponent up to this many digits before the point. */
#define CLI_PLAIN_DIGITS 21

/* And down to this many zeros behind the point. */
#define CLI_PLAIN_ZEROS 6

/* A member of an object, once it has been written. */
typedef struct cli_member
{
	char	   *key;			/* without escapes */
	size_t		start;			/* where it is in the text, key and value */
	size_t		length;
} cli_member;

typedef struct cli_members
{
	size_t		count;
	size_t		capacity;
	cli_member *members;
} cli_members;

/* An array or object that is being written.  They lie in a list: stacks may be small. */
typedef struct cli_level
{
	fs_json_walk walk;
	bool		is_object;
	size_t		start;			/* of its children, in the text */
	cli_members members;		/* objects only */
} cli_level;

static void
cli_write_zeros(fs_buffer *out, int64_t count)
{
	for (int64_t i = 0; i < count; i++)
		fs_buffer_append(out, "0", 1);
}

/* point is where the decimal point is, counted from the first digit. */
static void
cli_write_plain(fs_buffer *out, fs_text digits, int64_t point)
{
	if (point <= 0)
	{
		fs_buffer_append_text(out, "0.");
		cli_write_zeros(out, -point);
		fs_buffer_append(out, digits.data, digits.length);
	}
	else if ((uint64_t) point >= digits.length)
	{
		fs_buffer_append(out, digits.data, digits.length);
		cli_write_zeros(out, point - (int64_t) digits.length);
	}
	else
	{
		fs_buffer_append(out, digits.data, (size_t) point);
		fs_buffer_append(out, ".", 1);
		fs_buffer_append(out, digits.data + point, digits.length - (size_t) point);
	}
}

static void
cli_write_exponential(fs_buffer *out, fs_text digits, int64_t exponent)
{
	char		written[24];

	fs_buffer_append(out, digits.data, 1);
	if (digits.length > 1)
	{
		fs_buffer_append(out, ".", 1);
		fs_buffer_append(out, digits.data + 1, digits.length - 1);
	}
	(void) snprintf(written, sizeof(written), "e%+" PRId64, exponent);
	fs_buffer_append_text(out, written);
}

/* base/json_number.h spells a number as -25e-2: digits without zeros at either end, an exponent. */
static void
cli_write_digits(fs_buffer *out, const char *spelling)
{
	bool		is_negative = *spelling == '-';
	fs_text		digits = {spelling + is_negative, 0};
	int64_t		point;

	digits.length = strcspn(digits.data, "e");
	point = (int64_t) digits.length + strtoll(digits.data + digits.length + 1, NULL, 10);
	if (is_negative)
		fs_buffer_append(out, "-", 1);
	if (point > CLI_PLAIN_DIGITS || point < -CLI_PLAIN_ZEROS)
		cli_write_exponential(out, digits, point - 1);
	else
		cli_write_plain(out, digits, point);
}

static bool
cli_write_number(fs_buffer *out, fs_text token)
{
	fs_buffer	spelling = {0};
	fs_number	number;
	bool		is_number = fs_scan_number(token, &number) && fs_write_number(&spelling, &number);

	fs_buffer_append(&spelling, "", 1);
	if (spelling.no_memory)
		out->no_memory = true;
	else if (is_number)
		cli_write_digits(out, spelling.data);
	free(spelling.data);
	return is_number;
}

static bool
cli_write_string(fs_buffer *out, fs_text string)
{
	char	   *decoded = fs_decode_string(string);

	if (decoded != NULL)
		fs_write_string(out, decoded);
	free(decoded);
	return decoded != NULL;
}

static bool
cli_write_literal(fs_buffer *out, fs_text token, const char *literal)
{
	if (token.length != strlen(literal) || strncmp(token.data, literal, token.length) != 0)
		return false;
	fs_buffer_append_text(out, literal);
	return true;
}

static bool
cli_write_scalar(fs_buffer *out, fs_json_walk *walk)
{
	fs_text		token;

	if (!fs_json_walk_value(walk, &token))
		return false;
	switch (*token.data)
	{
		case '"':
			return cli_write_string(out, token);
		case 't':
			return cli_write_literal(out, token, "true");
		case 'f':
			return cli_write_literal(out, token, "false");
		case 'n':
			return cli_write_literal(out, token, "null");
		default:
			return cli_write_number(out, token);
	}
}

/* By key; where keys are equal, as they came. */
static int
cli_compare_members(const void *a, const void *b)
{
	const cli_member *member_a = a;
	const cli_member *member_b = b;
	int			order = strcmp(member_a->key, member_b->key);

	if (order != 0)
		return order;
	return (member_a->start > member_b->start) - (member_a->start < member_b->start);
}

static cli_member *
cli_add_member(cli_members *members)
{
	if (members->count == members->capacity)
	{
		size_t		capacity = members->capacity == 0 ? 16 : members->capacity * 2;
		cli_member *grown = realloc(members->members, capacity * sizeof(cli_member));

		if (grown == NULL)
			return NULL;
		members->members = grown;
		members->capacity = capacity;
	}
	members->members[members->count] = (cli_member) {0};
	return &members->members[members->count++];
}

static bool
cli_begin_member(fs_buffer *out, cli_level *level)
{
	cli_member *member = cli_add_member(&level->members);
	fs_text		key;

	if (member == NULL)
	{
		out->no_memory = true;
		return false;
	}
	member->start = out->length;
	if (!fs_json_walk_key(&level->walk, &key) || (member->key = fs_decode_string(key)) == NULL)
		return false;
	fs_write_string(out, member->key);
	fs_buffer_append(out, ":", 1);
	return true;
}

/* Up to where a child of the array or object is to be written. */
static bool
cli_begin_child(fs_buffer *out, cli_level *level)
{
	if (level->is_object)
		return cli_begin_member(out, level);
	if (out->length > level->start)
		fs_buffer_append(out, ",", 1);
	return true;
}

static void
cli_end_child(const fs_buffer *out, cli_level *level)
{
	cli_member *member;

	if (!level->is_object)
		return;
	member = &level->members.members[level->members.count - 1];
	member->length = out->length - member->start;
}

/* The output from start on has the members in their original order, without commas. */
static void
cli_order_members(fs_buffer *out, size_t start, cli_members *members)
{
	fs_buffer	ordered = {0};

	if (members->count < 2)
		return;
	qsort(members->members, members->count, sizeof(cli_member), cli_compare_members);
	for (size_t i = 0; i < members->count; i++)
	{
		const cli_member *member = &members->members[i];

		/* Only the last of several equal keys counts. */
		if (i + 1 < members->count && strcmp(member->key, member[1].key) == 0)
			continue;
		if (ordered.length > 0)
			fs_buffer_append(&ordered, ",", 1);
		fs_buffer_append(&ordered, out->data + member->start, member->length);
	}
	out->length = start;
	out->no_memory = out->no_memory || ordered.no_memory;
	fs_buffer_append(out, ordered.data, ordered.length);
	free(ordered.data);
}

static void
cli_members_release(cli_members *members)
{
	for (size_t i = 0; i < members->count; i++)
		free(members->members[i].key);
	free(members->members);
}

static cli_level *
cli_innermost(const fs_buffer *levels)
{
	return (cli_level *) (levels->data + levels->length) - 1;
}

/* The text begins with a bracket. */
static bool
cli_enter(fs_buffer *out, fs_buffer *levels, const char *text)
{
	cli_level	level = {.is_object = *text == '{'};

	(void) fs_json_walk_begin(&level.walk, text, *text);
	fs_buffer_append(out, text, 1);
	level.start = out->length;
	fs_buffer_append(levels, (const char *) &level, sizeof(level));
	out->no_memory = out->no_memory || levels->no_memory;
	return !levels->no_memory;
}

/* After the last child; then a child of the surrounding container is complete. */
static bool
cli_leave(fs_buffer *out, fs_buffer *levels)
{
	cli_level	level = *cli_innermost(levels);
	bool		is_complete = fs_json_walk_complete(&level.walk);

	levels->length -= sizeof(level);
	if (is_complete && !out->no_memory)
		cli_order_members(out, level.start, &level.members);
	cli_members_release(&level.members);
	fs_buffer_append(out, level.is_object ? "}" : "]", 1);
	if (levels->length > 0)
	{
		fs_json_walk_leave(&cli_innermost(levels)->walk, &level.walk);
		cli_end_child(out, cli_innermost(levels));
	}
	return is_complete;
}

/* Continues with the innermost array or object: a child of it, or its end. */
static bool
cli_write_next(fs_buffer *out, fs_buffer *levels)
{
	cli_level  *level = cli_innermost(levels);

	if (!fs_json_walk_on(&level->walk))
		return cli_leave(out, levels);
	if (!cli_begin_child(out, level))
		return false;
	if (*level->walk.next == '[' || *level->walk.next == '{')
		return cli_enter(out, levels, level->walk.next);
	if (!cli_write_scalar(out, &level->walk))
		return false;
	cli_end_child(out, level);
	return true;
}

static bool
cli_write_nested(fs_buffer *out, const char *text)
{
	fs_buffer	levels = {0};
	bool		is_written = cli_enter(out, &levels, text);

	while (is_written && levels.length > 0)
		is_written = cli_write_next(out, &levels);
	for (; levels.length > 0; levels.length -= sizeof(cli_level))
		cli_members_release(&cli_innermost(&levels)->members);
	free(levels.data);
	return is_written;
}

bool
cli_write_canonical(fs_buffer *out, const char *text)
{
	fs_json_walk walk = {.next = text + strspn(text, " \t\r\n")};

	if (!fs_json_is_one_value(text))
		return false;
	return *walk.next == '[' || *walk.next == '{' ? cli_write_nested(out, walk.next) :
		cli_write_scalar(out, &walk);
}
