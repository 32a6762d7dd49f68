/*
 * base/utf8.c
 *		The little that is to be known of UTF-8.
 */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"

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

/* The length of the character at the beginning of the bytes; 0: it is invalid. */
static size_t
fs_valid_length(const unsigned char *bytes, size_t length)
{
	size_t		size = fs_character_length(bytes[0]);

	if (size > length || (size > 1 && !fs_character_is_valid(bytes, size)))
		return 0;
	return size;
}

size_t
fs_utf8_valid_part(const char *text, size_t length)
{
	size_t		i = 0;

	while (i < length)
	{
		size_t		size = fs_valid_length((const unsigned char *) text + i, length - i);

		if (size == 0)
			break;
		i += size;
	}
	return i;
}

bool
fs_utf8_is_valid(const char *text, size_t length)
{
	return fs_utf8_valid_part(text, length) == length;
}

/* U+0080 to U+009F are control characters too. */
static bool
fs_is_control(const unsigned char *character)
{
	return character[0] < ' ' || character[0] == 0x7F ||
		(character[0] == 0xC2 && character[1] < 0xA0);
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
		else if (fs_is_control((const unsigned char *) text + i))
			memset(text + i, ' ', size);
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

void
fs_utf8_format(char *text, size_t size, const char *format, va_list arguments)
{
	int			length = vsnprintf(text, size, format, arguments);

	if (length < 0)
		text[0] = '\0';
	else if ((size_t) length >= size)
		text[fs_utf8_cut(text, size - 1)] = '\0';
	fs_utf8_clean(text);
}
