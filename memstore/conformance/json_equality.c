/*
 * json_equality.c
 *		When two JSON values are equal, and when one matches the other (rule 12).
 */
#include "json.h"

#include <string.h>

static bool
scalars_equal(const fc_json *a, const fc_json *b)
{
	return a->kind == b->kind && (a->text == NULL || strcmp(a->text, b->text) == 0);
}

static bool
arrays_equal(const fc_json *a, const fc_json *b)
{
	const fc_json *x = a->first;
	const fc_json *y = b->first;

	for (; x != NULL && y != NULL; x = x->next, y = y->next)
	{
		if (!fc_json_equal(x, y))
			return false;
	}
	return x == NULL && y == NULL;
}

static bool
objects_equal(const fc_json *a, const fc_json *b)
{
	if (fc_json_count(a) != fc_json_count(b))
		return false;
	for (const fc_json *member = a->first; member != NULL; member = member->next)
	{
		const fc_json *other = fc_json_get(b, member->key);

		if (other == NULL || !fc_json_equal(member, other))
			return false;
	}
	return true;
}

bool
fc_json_equal(const fc_json *a, const fc_json *b)
{
	if (a->kind != b->kind)
		return false;
	if (a->kind == FC_JSON_ARRAY)
		return arrays_equal(a, b);
	if (a->kind == FC_JSON_OBJECT)
		return objects_equal(a, b);
	return scalars_equal(a, b);
}

bool
fc_json_same(const char *a, const char *b)
{
	fc_json    *x = fc_json_parse(a);
	fc_json    *y = fc_json_parse(b);
	bool		same = x != NULL && y != NULL && fc_json_equal(x, y);

	fc_json_free(x);
	fc_json_free(y);
	return same;
}

static bool
some_element_matches(const fc_json *array, const fc_json *predicate)
{
	for (const fc_json *element = array->first; element != NULL; element = element->next)
	{
		if (fc_json_matches(element, predicate))
			return true;
	}
	return false;
}

bool
fc_json_matches(const fc_json *payload, const fc_json *predicate)
{
	if (payload->kind != predicate->kind)
		return false;
	if (predicate->kind != FC_JSON_OBJECT && predicate->kind != FC_JSON_ARRAY)
		return scalars_equal(payload, predicate);
	for (const fc_json *part = predicate->first; part != NULL; part = part->next)
	{
		const fc_json *member = fc_json_get(payload, part->key == NULL ? "" : part->key);

		if (predicate->kind == FC_JSON_ARRAY ? !some_element_matches(payload, part) :
			member == NULL || !fc_json_matches(member, part))
			return false;
	}
	return true;
}
