/*
 * matcher.h
 *		Recursive subset matching of a payload by a predicate: rule 12 of the contract.
 *
 * Include a binding first (json_value.h says what one is).
 *
 * Each pair of values at one depth is compared at most once, so the time is bounded by the product
 * of the two documents' sizes, whatever their shape.
 */
#ifndef FACTSTR_MATCHER_H
#define FACTSTR_MATCHER_H

#include "match/json_value.h"

static bool fs_payload_matches(fs_json payload, fs_json predicate);

/* Every member of the predicate is present in the payload, and its value matches. */
static bool
fs_object_matches(fs_json payload, fs_json predicate)
{
	fs_json_iterator members;
	fs_text		key;
	fs_json		wanted;
	fs_json		found;

	if (fs_json_count(predicate) > fs_json_count(payload))
		return false;
	fs_json_iterate(predicate, &members);
	while (fs_json_next_member(&members, &key, &wanted))
	{
		if (!fs_json_object_get(payload, key, &found) || !fs_payload_matches(found, wanted))
			return false;
	}
	return true;
}

static bool
fs_some_element_matches(fs_json payload, fs_json wanted)
{
	fs_json_iterator elements;
	fs_json		element;

	fs_json_iterate(payload, &elements);
	while (fs_json_next_element(&elements, &element))
	{
		if (fs_payload_matches(element, wanted))
			return true;
	}
	return false;
}

/* Every element of the predicate is matched by some element of the payload; one may serve several. */
static bool
fs_array_matches(fs_json payload, fs_json predicate)
{
	fs_json_iterator elements;
	fs_json		wanted;

	fs_json_iterate(predicate, &elements);
	while (fs_json_next_element(&elements, &wanted))
	{
		if (!fs_some_element_matches(payload, wanted))
			return false;
	}
	return true;
}

static bool
fs_payload_matches(fs_json payload, fs_json predicate)
{
	fs_json_kind kind = fs_json_kind_of(predicate);

	if (kind != fs_json_kind_of(payload))
		return false;
	fs_check_recursion();
	switch (kind)
	{
		case FS_JSON_OBJECT:
			return fs_object_matches(payload, predicate);
		case FS_JSON_ARRAY:
			return fs_array_matches(payload, predicate);
		default:
			return fs_json_scalar_equal(payload, predicate);
	}
}

/*
 * Does the predicate hold a scalar at any depth?  One without (such as {} or {"a": []}) asks for a
 * shape only, and no inverted index of scalars can find its matches.
 */
static inline bool
fs_has_scalar(fs_json predicate)
{
	fs_json_kind kind = fs_json_kind_of(predicate);
	fs_json_iterator children;
	fs_text		key;
	fs_json		child;

	if (kind != FS_JSON_OBJECT && kind != FS_JSON_ARRAY)
		return true;
	fs_check_recursion();
	fs_json_iterate(predicate, &children);
	while (kind == FS_JSON_OBJECT ? fs_json_next_member(&children, &key, &child)
		   : fs_json_next_element(&children, &child))
	{
		if (fs_has_scalar(child))
			return true;
	}
	return false;
}

#endif							/* FACTSTR_MATCHER_H */
