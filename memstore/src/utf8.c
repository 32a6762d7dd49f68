/*
 * utf8.c
 *		The little that is to be known of UTF-8 outside of JSON.
 */
#include <stdint.h>
#include <string.h>

#include "utf8.h"

static bool
fs_is_continuation(unsigned char byte)
{
	return (byte & 0xC0) == 0x80;
}

/* How many bytes a character has that begins with this one; 0: none begins with it. */
static size_t
fs_character_length(unsigned char first)
{
	if (first < 0x80)
		return 1;
	if (first < 0xC2)
		return 0;
	if (first < 0xE0)
		return 2;
	if (first < 0xF0)
		return 3;
	return first < 0xF5 ? 4 : 0;
}

static bool
fs_character_is_valid(const unsigned char *bytes, size_t length)
{
	uint32_t	character = bytes[0] & (0xFFu >> (length + 1));

	for (size_t i = 1; i < length; i++)
	{
		if (!fs_is_continuation(bytes[i]))
			return false;
		character = character << 6 | (bytes[i] & 0x3F);
	}
	if (length == 3)
		return character >= 0x800 && (character < 0xD800 || character > 0xDFFF);
	if (length == 4)
		return character >= 0x10000 && character <= 0x10FFFF;
	return true;
}

/* How many of so many bytes the character at their beginning has; 0: there is none. */
static size_t
fs_valid_length(const unsigned char *bytes, size_t length)
{
	size_t		size = fs_character_length(bytes[0]);

	if (size > length || (size > 1 && !fs_character_is_valid(bytes, size)))
		return 0;
	return size;
}

bool
fs_utf8_is_valid(const char *text, size_t length)
{
	size_t		i = 0;

	while (i < length)
	{
		size_t		size = fs_valid_length((const unsigned char *) text + i, length - i);

		if (size == 0)
			return false;
		i += size;
	}
	return true;
}

void
fs_utf8_clean(char *text)
{
	size_t		length = strlen(text);
	size_t		i = 0;

	while (i < length)
	{
		size_t		size = fs_valid_length((const unsigned char *) text + i, length - i);

		if (size == 0)
			text[i] = '?';
		else if ((unsigned char) text[i] < ' ' || text[i] == 0x7F)
			text[i] = ' ';
		i += size == 0 ? 1 : size;
	}
}

size_t
fs_utf8_cut(const char *text, size_t length)
{
	size_t		start = length;

	/* Back to where the last character begins; keep it if it is whole. */
	while (start > 0 && length - start < 4 && fs_is_continuation((unsigned char) text[start - 1]))
		start--;
	if (start == 0)
		return length;
	return fs_character_length((unsigned char) text[start - 1]) > length - (start - 1) ?
		start - 1 : length;
}
