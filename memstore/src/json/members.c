/*
 * json/members.c
 *		The members of an object that is being read: their order, and their index.
 */
#include <stdlib.h>

#include "json/layout.h"
#include "json/members.h"

/* Most objects have no more members. */
#define FS_FEW_MEMBERS 16

/* Members with more bytes in total are large. */
#define FS_LARGE_MEMBERS 100000

/*
 * Members that are put in order: the offset of each from the first.  Such a list may be as large as the
 * members, so its numbers are small; more than 4 GB of members count as out of memory.
 */
typedef struct fs_members
{
	fs_json		first;
	uint32_t   *offsets;
	size_t		count;
} fs_members;

static fs_text
fs_key_at(const fs_members *members, uint32_t offset)
{
	return fs_json_text_of(members->first + offset);
}

/* Orders by key; equal keys stay in their original order. */
static bool
fs_member_is_before(const fs_members *members, uint32_t a, uint32_t b)
{
	int			order = fs_text_compare(fs_key_at(members, a), fs_key_at(members, b));

	return order < 0 || (order == 0 && a < b);
}

/* Lets a member sink below the later ones of a heap, in which only it may stand too high. */
static void
fs_sink(const fs_members *members, size_t count, size_t place)
{
	uint32_t   *heap = members->offsets;
	uint32_t	sinking = heap[place];

	for (size_t child = 2 * place + 1; child < count; child = 2 * place + 1)
	{
		if (child + 1 < count && fs_member_is_before(members, heap[child], heap[child + 1]))
			child++;
		if (!fs_member_is_before(members, sinking, heap[child]))
			break;
		heap[place] = heap[child];
		place = child;
	}
	heap[place] = sinking;
}

/* In place, and n log n for any input, which qsort does not promise. */
static void
fs_sort_by_heap(const fs_members *members)
{
	uint32_t   *heap = members->offsets;

	for (size_t i = members->count / 2; i > 0; i--)
		fs_sink(members, members->count, i - 1);
	for (size_t i = members->count; i > 1; i--)
	{
		uint32_t	last = heap[0];

		heap[0] = heap[i - 1];
		heap[i - 1] = last;
		fs_sink(members, i - 1, 0);
	}
}

static void
fs_sort_few(const fs_members *members)
{
	uint32_t   *offsets = members->offsets;

	for (size_t i = 1; i < members->count; i++)
	{
		uint32_t	member = offsets[i];
		size_t		place = i;

		for (; place > 0 && fs_member_is_before(members, member, offsets[place - 1]); place--)
			offsets[place] = offsets[place - 1];
		offsets[place] = member;
	}
}

/* Copies the members in their order, but those whose key comes again; gives the size of all. */
static size_t
fs_copy_in_order(unsigned char *copy, fs_members *members)
{
	unsigned char *end = copy;
	size_t		kept = 0;

	for (size_t i = 0; i < members->count; i++)
	{
		fs_json		member = members->first + members->offsets[i];
		size_t		size = (size_t) (fs_json_behind(fs_json_behind(member)) - member);

		if (i + 1 < members->count &&
			fs_text_compare(fs_json_text_of(member),
							fs_key_at(members, members->offsets[i + 1])) == 0)
			continue;
		memcpy(end, member, size);
		end += size;
		kept++;
	}
	members->count = kept;
	return (size_t) (end - copy);
}

/* There is room for an offset of each of the members, and in the copy for all of them. */
static void
fs_sort_with(fs_buffer *document, size_t start, fs_members *members, unsigned char *copy)
{
	fs_json		next = members->first;
	size_t		size;

	for (size_t i = 0; i < members->count; i++)
	{
		members->offsets[i] = (uint32_t) (next - members->first);
		next = fs_json_behind(fs_json_behind(next));
	}
	if (members->count <= FS_FEW_MEMBERS)
		fs_sort_few(members);
	else
		fs_sort_by_heap(members);
	size = fs_copy_in_order(copy, members);
	memcpy(document->data + start, copy, size);
	document->length = start + size;
}

/* Gives back the room that the document has left: sorting needs some. */
static void
fs_trim(fs_buffer *document)
{
	char	   *trimmed = realloc(document->data, document->length);

	if (trimmed == NULL)
		return;
	document->data = trimmed;
	document->capacity = document->length;
}

bool
fs_members_sort(fs_buffer *document, size_t start, size_t *count)
{
	size_t		size = document->length - start;
	uint32_t	few_offsets[FS_FEW_MEMBERS];
	unsigned char small_copy[512];
	fs_members	members = {.count = *count};
	unsigned char *copy;
	bool		has_memory;

	if (size > FS_LARGE_MEMBERS)
		fs_trim(document);
	copy = size <= sizeof(small_copy) ? small_copy : malloc(size);
	members.first = (fs_json) document->data + start;
	members.offsets = *count <= FS_FEW_MEMBERS ? few_offsets : malloc(*count * sizeof(uint32_t));
	has_memory = members.offsets != NULL && copy != NULL && size <= UINT32_MAX;
	if (has_memory)
		fs_sort_with(document, start, &members, copy);
	*count = members.count;
	if (members.offsets != few_offsets)
		free(members.offsets);
	if (copy != small_copy)
		free(copy);
	return has_memory;
}

void
fs_members_add_index(fs_buffer *document, size_t start, size_t count)
{
	size_t		entries = (count - 1) / FS_JSON_MEMBERS_PER_ENTRY;
	fs_json		next;

	/* Now, so that the document does not move on the way. */
	if (!fs_buffer_reserve(document, entries * sizeof(uint64_t)))
		return;
	next = (fs_json) document->data + start;
	for (size_t i = 1; i < count; i++)
	{
		uint64_t	offset;

		next = fs_json_behind(fs_json_behind(next));
		offset = (uint64_t) (next - ((fs_json) document->data + start));
		if (i % FS_JSON_MEMBERS_PER_ENTRY == 0)
			fs_buffer_append(document, (const char *) &offset, sizeof(offset));
	}
}
