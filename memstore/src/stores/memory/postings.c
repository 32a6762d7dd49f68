/*
 * stores/memory/postings.c
 *		The inverted index of the memory store: the ordered numbers of the facts with each term.
 *
 * It is a hash table of lists, split into shards by the highest bits of the term, so that a table that grows is a
 * small part of the whole, and readers do not obstruct each other.
 */
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "stores/local/redactions.h"
#include "stores/memory/postings.h"

#define FS_SHARDS ((size_t) 1 << FS_POSTING_SHARD_BITS)
#define FS_FIRST_CAPACITY 16

/* The list itself contains up to this many numbers: most terms are rare. */
#define FS_FEW_BITS 1
#define FS_FEW (1 << FS_FEW_BITS)

/* No list of this length fits into memory. */
#define FS_LARGEST_BITS 48

/* room_bits is 0 in a place of the table that is free. */
typedef struct fs_posting_list
{
	fs_term		term;
	uint64_t	count:56;
	uint64_t	room_bits:8;	/* there is room for 2 to this power */
	union
	{
		uint64_t	few[FS_FEW];
		uint64_t   *many;		/* if there is room for more than a few */
	}			numbers;
} fs_posting_list;

bool
fs_postings_init(fs_postings *postings)
{
	for (size_t i = 0; i < FS_SHARDS; i++)
	{
		if (pthread_rwlock_init(&postings->shards[i].lock, NULL) == 0)
			continue;
		while (i-- > 0)
			(void) pthread_rwlock_destroy(&postings->shards[i].lock);
		return false;
	}
	return true;
}

void
fs_postings_destroy(fs_postings *postings)
{
	for (size_t i = 0; i < FS_SHARDS; i++)
	{
		fs_posting_shard *shard = &postings->shards[i];

		for (size_t j = 0; j < shard->capacity; j++)
		{
			if (shard->lists[j].room_bits > FS_POOLED_LIST_BITS)
				free(shard->lists[j].numbers.many);
		}
		free(shard->lists);
		(void) pthread_rwlock_destroy(&shard->lock);
	}
}

static inline fs_posting_shard *
fs_shard_of(fs_postings *postings, fs_term term)
{
	return &postings->shards[term >> (64 - FS_POSTING_SHARD_BITS)];
}

/* The place of a term in a table, which has free ones: its list, or a free place. */
static fs_posting_list *
fs_find_place(fs_posting_list *lists, size_t capacity, fs_term term)
{
	size_t		place = (size_t) term & (capacity - 1);

	while (lists[place].room_bits != 0 && lists[place].term != term)
		place = (place + 1) & (capacity - 1);
	return &lists[place];
}

static const uint64_t *
fs_numbers_of(const fs_posting_list *list)
{
	return list->room_bits > FS_FEW_BITS ? list->numbers.many : list->numbers.few;
}

/* Doubles a table.  Only the exchange keeps readers out. */
static bool
fs_grow_shard(fs_posting_shard *shard)
{
	size_t		capacity = shard->capacity == 0 ? FS_FIRST_CAPACITY : shard->capacity * 2;
	fs_posting_list *grown = calloc(capacity, sizeof(fs_posting_list));
	fs_posting_list *old = shard->lists;

	if (grown == NULL)
		return false;
	for (size_t i = 0; i < shard->capacity; i++)
	{
		if (old[i].room_bits != 0)
			*fs_find_place(grown, capacity, old[i].term) = old[i];
	}
	(void) pthread_rwlock_wrlock(&shard->lock);
	shard->lists = grown;
	shard->capacity = capacity;
	(void) pthread_rwlock_unlock(&shard->lock);
	free(old);
	return true;
}

/* The list of a term, which is created if there is none; NULL if there is no memory. */
static fs_posting_list *
fs_provide_list(fs_posting_shard *shard, fs_term term)
{
	fs_posting_list *list;

	if (shard->used >= shard->capacity / 4 * 3 && !fs_grow_shard(shard))
		return NULL;
	list = fs_find_place(shard->lists, shard->capacity, term);
	if (list->room_bits != 0)
		return list;
	(void) pthread_rwlock_wrlock(&shard->lock);
	list->term = term;
	list->count = 0;
	list->room_bits = FS_FEW_BITS;
	(void) pthread_rwlock_unlock(&shard->lock);
	shard->used++;
	return list;
}

/* Room for 2^bits numbers, new or outgrown by another list; NULL if there is no memory. */
static uint64_t *
fs_take_numbers(fs_postings *postings, unsigned bits)
{
	uint64_t   *numbers;

	if (bits > FS_POOLED_LIST_BITS)
		return malloc(sizeof(uint64_t) << bits);
	numbers = postings->outgrown[bits];
	if (numbers == NULL)
		return fs_arena_allocate_words(postings->pool, sizeof(uint64_t) << bits);
	memcpy(&postings->outgrown[bits], numbers, sizeof(postings->outgrown[bits]));
	return numbers;
}

static void
fs_give_numbers(fs_postings *postings, uint64_t *numbers, unsigned bits)
{
	if (bits > FS_POOLED_LIST_BITS)
	{
		free(numbers);
		return;
	}
	memcpy(numbers, &postings->outgrown[bits], sizeof(postings->outgrown[bits]));
	postings->outgrown[bits] = numbers;
}

/* Gives a list room for 2^room_bits numbers.  Only the exchange keeps readers out. */
static bool
fs_grow_list(fs_postings *postings, fs_posting_shard *shard, fs_posting_list *list,
			 unsigned room_bits)
{
	unsigned	old_bits = list->room_bits;
	uint64_t   *old = old_bits > FS_FEW_BITS ? list->numbers.many : NULL;
	uint64_t   *grown = fs_take_numbers(postings, room_bits);

	if (grown == NULL)
		return false;
	memcpy(grown, fs_numbers_of(list), list->count * sizeof(uint64_t));
	(void) pthread_rwlock_wrlock(&shard->lock);
	list->numbers.many = grown;
	list->room_bits = room_bits & 0xFF;
	(void) pthread_rwlock_unlock(&shard->lock);
	if (old != NULL)
		fs_give_numbers(postings, old, old_bits);
	return true;
}

static bool
fs_reserve_in_list(fs_postings *postings, fs_posting_shard *shard, fs_posting_list *list,
				   uint64_t more)
{
	unsigned	room_bits = list->room_bits;

	while (list->count + more > UINT64_C(1) << room_bits)
	{
		if (++room_bits > FS_LARGEST_BITS)
			return false;
	}
	return room_bits == list->room_bits || fs_grow_list(postings, shard, list, room_bits);
}

/* How many of the new terms from this one on are the same? */
static size_t
fs_count_of_term(const fs_new_terms *added, size_t first, fs_term term)
{
	size_t		same = 1;

	while (first + same < added->count && fs_new_terms_at(added, first + same).term == term)
		same++;
	return same;
}

bool
fs_postings_reserve(fs_postings *postings, const fs_new_terms *added)
{
	size_t		same;

	for (size_t i = 0; i < added->count; i += same)
	{
		fs_term		term = fs_new_terms_at(added, i).term;
		fs_posting_shard *shard = fs_shard_of(postings, term);
		fs_posting_list *list = fs_provide_list(shard, term);

		same = fs_count_of_term(added, i, term);
		if (list == NULL || !fs_reserve_in_list(postings, shard, list, same))
			return false;
	}
	return true;
}

void
fs_postings_add(fs_postings *postings, const fs_new_terms *added, uint64_t first)
{
	size_t		same;

	for (size_t i = 0; i < added->count; i += same)
	{
		fs_term		term = fs_new_terms_at(added, i).term;
		fs_posting_shard *shard = fs_shard_of(postings, term);
		fs_posting_list *list = fs_find_place(shard->lists, shard->capacity, term);
		uint64_t   *numbers = list->room_bits > FS_FEW_BITS ? list->numbers.many :
			list->numbers.few;

		same = fs_count_of_term(added, i, term);
		(void) pthread_rwlock_wrlock(&shard->lock);
		for (size_t j = 0; j < same; j++)
			numbers[list->count++] = first + fs_new_terms_at(added, i + j).offset;
		(void) pthread_rwlock_unlock(&shard->lock);
	}
}

/*
 * The index of the first number that is not below a position, count if there is none.  Gallops back from the end,
 * so that recent numbers are found quickly.
 */
static uint64_t
fs_find_number(const uint64_t *numbers, uint64_t count, uint64_t position)
{
	uint64_t	low = 0;
	uint64_t	high = count;

	for (uint64_t step = 1; step <= count; step *= 2)
	{
		if (numbers[count - step] < position)
		{
			low = count - step + 1;
			break;
		}
		high = count - step;
	}
	while (low < high)
	{
		uint64_t	middle = low + (high - low) / 2;

		if (numbers[middle] < position)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static uint64_t
fs_seek_in_list(const fs_posting_list *list, uint64_t position, bool backwards)
{
	const uint64_t *numbers = fs_numbers_of(list);
	uint64_t	count = list->count;
	uint64_t	found = fs_find_number(numbers, count, position);

	if (found < count && (!backwards || numbers[found] == position))
		return numbers[found];
	return backwards && found > 0 ? numbers[found - 1] : 0;
}

uint64_t
fs_postings_seek(fs_postings *postings, fs_term term, uint64_t position, bool backwards)
{
	fs_posting_shard *shard = fs_shard_of(postings, term);
	uint64_t	found = 0;

	(void) pthread_rwlock_rdlock(&shard->lock);
	if (shard->capacity > 0)
	{
		const fs_posting_list *list = fs_find_place(shard->lists, shard->capacity, term);

		if (list->room_bits != 0)
			found = fs_seek_in_list(list, position, backwards);
	}
	(void) pthread_rwlock_unlock(&shard->lock);
	return found;
}

/*
 * A fact that was redacted
 */

bool
fs_postings_reserve_terms(fs_postings *postings, const fs_term_list *added)
{
	for (size_t i = 0; i < added->count; i++)
	{
		fs_posting_shard *shard = fs_shard_of(postings, added->terms[i]);
		fs_posting_list *list = fs_provide_list(shard, added->terms[i]);

		if (list == NULL || !fs_reserve_in_list(postings, shard, list, 1))
			return false;
	}
	return true;
}

/* Puts a number into a list that has room for it, or takes it out. */
static void
fs_change_list(fs_postings *postings, fs_term term, uint64_t number, bool inserts)
{
	fs_posting_shard *shard = fs_shard_of(postings, term);
	fs_posting_list *list = fs_find_place(shard->lists, shard->capacity, term);
	uint64_t   *numbers = list->room_bits > FS_FEW_BITS ? list->numbers.many : list->numbers.few;
	uint64_t	place;

	(void) pthread_rwlock_wrlock(&shard->lock);
	place = fs_find_number(numbers, list->count, number);
	if (inserts)
	{
		memmove(&numbers[place + 1], &numbers[place], (list->count - place) * sizeof(uint64_t));
		numbers[place] = number;
		list->count++;
	}
	else if (place < list->count && numbers[place] == number)
	{
		list->count--;
		memmove(&numbers[place], &numbers[place + 1], (list->count - place) * sizeof(uint64_t));
	}
	(void) pthread_rwlock_unlock(&shard->lock);
}

void
fs_postings_exchange(fs_postings *postings, const fs_term_list *removed, const fs_term_list *added,
					 uint64_t sequence_number)
{
	for (size_t i = 0; i < removed->count; i++)
	{
		if (!fs_term_list_holds(added, removed->terms[i]))
			fs_change_list(postings, removed->terms[i], sequence_number, false);
	}
	for (size_t i = 0; i < added->count; i++)
	{
		if (!fs_term_list_holds(removed, added->terms[i]))
			fs_change_list(postings, added->terms[i], sequence_number, true);
	}
}
