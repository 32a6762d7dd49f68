/*
 * stores/local/sort.c
 *		Sorts many terms in place.
 *
 * The items are split by the highest bit in which they differ, and the parts by theirs (radix exchange).  That
 * takes few steps for hashes, is bounded by the bits of an item for any input, and needs no second list as large
 * as the first.
 */
#include "stores/local/sort.h"

/* Up to here inserting is faster. */
#define FS_SORTED_BY_INSERTION 24

/* Terms are in the order of signed integers. */
#define FS_SIGN (UINT64_C(1) << 63)

static inline void
fs_swap(uint64_t *a, uint64_t *b, size_t width)
{
	for (size_t i = 0; i < width; i++)
	{
		uint64_t	word = a[i];

		a[i] = b[i];
		b[i] = word;
	}
}

static inline int
fs_is_before(const uint64_t *a, const uint64_t *b, size_t width)
{
	if (a[0] != b[0])
		return (a[0] ^ FS_SIGN) < (b[0] ^ FS_SIGN);
	return width > 1 && a[1] < b[1];
}

static void
fs_sort_by_insertion(uint64_t *words, size_t count, size_t width)
{
	for (size_t i = 1; i < count; i++)
	{
		for (uint64_t *place = words + i * width;
			 place > words && fs_is_before(place, place - width, width); place -= width)
			fs_swap(place, place - width, width);
	}
}

/* The bits of one word in which the items differ. */
static uint64_t
fs_differing_bits(const uint64_t *words, size_t count, size_t width)
{
	uint64_t	differing = 0;

	for (size_t i = 1; i < count; i++)
		differing |= words[i * width] ^ words[0];
	return differing;
}

/* Moves the items with the bit behind those without, and returns the number of those without. */
static size_t
fs_split(uint64_t *words, size_t count, size_t width, size_t word, uint64_t bit, uint64_t sign)
{
	size_t		low = 0;
	size_t		high = count;

	while (low < high)
	{
		if (((words[low * width + word] ^ sign) & bit) == 0)
			low++;
		else
			fs_swap(words + low * width, words + --high * width, width);
	}
	return low;
}

/* word is the current one; those before it are equal.  The recursion is as deep as an item has bits. */
static void
fs_sort_by_word(uint64_t *words, size_t count, size_t width, size_t word)
{
	while (count > FS_SORTED_BY_INSERTION && word < width)
	{
		uint64_t	differing = fs_differing_bits(words + word, count, width);
		size_t		low;

		if (differing == 0)
		{
			word++;
			continue;
		}
		low = fs_split(words, count, width, word, FS_SIGN >> __builtin_clzll(differing),
					   word == 0 ? FS_SIGN : 0);
		fs_sort_by_word(words, low, width, word);
		words += low * width;
		count -= low;
	}
	if (word < width)
		fs_sort_by_insertion(words, count, width);
}

void
fs_sort_words(uint64_t *words, size_t count, size_t width)
{
	fs_sort_by_word(words, count, width, 0);
}
