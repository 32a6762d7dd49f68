/*
 * match/array_scalars.h
 *		Does an array have a certain scalar as an element?
 *
 * Include a binding first (json_value.h defines bindings).
 *
 * An array is walked through for the first scalars that are asked for, which is fastest where it is
 * short or they are few.  When there have been many, its scalars are sorted, so that long arrays
 * take n log n steps and not their product.
 */
#ifndef FACTSTR_ARRAY_SCALARS_H
#define FACTSTR_ARRAY_SCALARS_H

#include "match/progress.h"

/* So many walks are made through an array, and any number through one with so many elements. */
#define FS_FEW_WALKS 16
#define FS_FEW_ELEMENTS 32

typedef struct fs_array_scalars
{
	fs_json		array;
	size_t		walks;
	size_t		count;			/* of the sorted ones */
	fs_json    *sorted;			/* NULL: not sorted */
	bool		has_array;
} fs_array_scalars;

static inline void
fs_array_scalars_init(fs_array_scalars *scalars)
{
	scalars->sorted = NULL;
	scalars->has_array = false;
}

static inline void
fs_array_scalars_release(fs_array_scalars *scalars)
{
	fs_release(scalars->sorted);
	fs_array_scalars_init(scalars);
}

/* If this is the array of the last call, its sorted scalars are still valid. */
static inline void
fs_array_scalars_begin(fs_array_scalars *scalars, fs_json array)
{
	if (scalars->has_array && fs_json_is_same(scalars->array, array))
		return;
	if (scalars->sorted != NULL)
		fs_array_scalars_release(scalars);
	scalars->array = array;
	scalars->has_array = true;
	scalars->walks = 0;
}

/* Kinds come one after the other. */
static int
fs_scalar_compare(fs_json a, fs_json b)
{
	fs_json_kind kind_of_a = fs_json_kind_of(a);
	fs_json_kind kind_of_b = fs_json_kind_of(b);

	if (kind_of_a != kind_of_b)
		return kind_of_a < kind_of_b ? -1 : 1;
	return fs_json_scalar_compare(a, b);
}

/* Lets a scalar sink below the greater ones of a heap, in which only it may stand too high. */
static void
fs_sink_scalar(fs_json *heap, size_t count, size_t place)
{
	fs_json		sinking = heap[place];

	for (;;)
	{
		size_t		child = 2 * place + 1;

		if (child >= count)
			break;
		if (child + 1 < count && fs_scalar_compare(heap[child], heap[child + 1]) < 0)
			child++;
		if (fs_scalar_compare(sinking, heap[child]) >= 0)
			break;
		heap[place] = heap[child];
		place = child;
	}
	heap[place] = sinking;
}

/*
 * Heapsort: in place, n log n for any input, and it can be interrupted.  qsort promises none of these, and
 * the client that appends controls the order.
 */
static bool
fs_sort_scalars(fs_json *scalars, size_t count, fs_progress *progress)
{
	for (size_t i = count / 2; i > 0 && fs_may_go_on(progress); i--)
		fs_sink_scalar(scalars, count, i - 1);
	for (size_t i = count; i > 1 && fs_may_go_on(progress); i--)
	{
		fs_json		greatest = scalars[0];

		scalars[0] = scalars[i - 1];
		scalars[i - 1] = greatest;
		fs_sink_scalar(scalars, i - 1, 0);
	}
	return progress->completion == FS_COMPLETED;
}

static bool
fs_array_scalars_sort(fs_array_scalars *scalars, fs_progress *progress)
{
	fs_json_iterator elements;
	fs_json		element;

	scalars->sorted = fs_allocate(fs_json_count(scalars->array) * sizeof(fs_json));
	scalars->count = 0;
	if (scalars->sorted == NULL)
		return fs_give_up(progress, FS_NO_MEMORY);
	fs_json_iterate(scalars->array, &elements);
	while (fs_json_next_element(&elements, &element) && fs_may_go_on(progress))
	{
		if (!fs_json_is_container(fs_json_kind_of(element)))
			scalars->sorted[scalars->count++] = element;
	}
	return fs_sort_scalars(scalars->sorted, scalars->count, progress);
}

static bool
fs_find_sorted(const fs_array_scalars *scalars, fs_json wanted)
{
	size_t		low = 0;
	size_t		high = scalars->count;

	while (low < high)
	{
		size_t		middle = low + (high - low) / 2;
		int			order = fs_scalar_compare(wanted, scalars->sorted[middle]);

		if (order == 0)
			return true;
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return false;
}

static bool
fs_find_walking(fs_json array, fs_json wanted, fs_progress *progress)
{
	fs_json_kind kind = fs_json_kind_of(wanted);
	fs_json_iterator elements;
	fs_json		element;

	fs_json_iterate(array, &elements);
	while (fs_json_next_element(&elements, &element) && fs_may_go_on(progress))
	{
		if (fs_json_kind_of(element) == kind && fs_json_scalar_compare(element, wanted) == 0)
			return true;
	}
	return false;
}

/* False as well if it cannot be told; progress says so. */
static bool
fs_array_scalars_have(fs_array_scalars *scalars, fs_json wanted, fs_progress *progress)
{
	if (scalars->sorted == NULL)
	{
		if (scalars->walks < FS_FEW_WALKS || fs_json_count(scalars->array) <= FS_FEW_ELEMENTS)
		{
			scalars->walks++;
			return fs_find_walking(scalars->array, wanted, progress);
		}
		if (!fs_array_scalars_sort(scalars, progress))
			return false;
	}
	return fs_may_go_on(progress) && fs_find_sorted(scalars, wanted);
}

#endif							/* FACTSTR_ARRAY_SCALARS_H */
