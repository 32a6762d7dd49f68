/*
 * match/event_query_parser.h
 *		From a JSON document to an event query.
 *
 * Include a binding first (json_value.h defines bindings).  Everything that is not exactly an
 * event query is an error: a misspelt filter must never come to mean "every fact".
 */
#ifndef FACTSTR_EVENT_QUERY_PARSER_H
#define FACTSTR_EVENT_QUERY_PARSER_H

#include <stdlib.h>
#include <string.h>

#include "match/event_query.h"
#include "match/input_error.h"
#include "match/partition_parser.h"

#define FS_QUERY_KEYS "The keys of an event query are \"filters\", \"partition\" and \"after\"."
#define FS_FILTER_KEYS "The keys of a filter are \"event_types\" and \"payload_predicates\"."
#define FS_EVENT_TYPES_SHAPE "\"event_types\" is an array of non-empty strings, or absent for any type."
#define FS_PREDICATES_SHAPE "\"payload_predicates\" is an array of JSON values, or absent for any payload."
#define FS_AFTER_SHAPE "It is an integer from 0 to 9223372036854775807, or absent."
#define FS_OTHER_NAME_OF_AFTER "min_sequence_number"

/* Space for count items, zeroed; never a NULL for "none", so that NULL always means no memory. */
static void *
fs_allocate_list(size_t count, size_t item_size)
{
	void	   *list;

	if (count == 0)
		count = 1;
	if (count > SIZE_MAX / item_size)
		return NULL;
	list = fs_allocate(count * item_size);
	if (list != NULL)
		memset(list, 0, count * item_size);
	return list;
}

static int
fs_compare_event_types(const void *a, const void *b)
{
	fs_check_interrupts();
	return fs_text_compare(*(const fs_text *) a, *(const fs_text *) b);
}

/* So that a type is found in a long list, and two lists are compared in one walk. */
static void
fs_sort_event_types(fs_filter *filter)
{
	size_t		kept = 0;

	qsort(filter->event_types, filter->event_type_count, sizeof(fs_text), fs_compare_event_types);
	for (size_t i = 0; i < filter->event_type_count; i++)
	{
		fs_check_interrupts();
		if (i == 0 || fs_text_compare(filter->event_types[i], filter->event_types[kept - 1]) != 0)
			filter->event_types[kept++] = filter->event_types[i];
	}
	filter->event_type_count = kept;
}

static bool
fs_parse_event_types(fs_json list, size_t filter_index, fs_filter *filter, fs_input_error *error)
{
	fs_json_iterator elements;
	fs_json		element;
	char		path[96];

	(void) snprintf(path, sizeof(path), "$.filters[%zu].event_types", filter_index);
	if (fs_json_kind_of(list) != FS_JSON_ARRAY)
		return fs_wrong_kind(error, path, FS_EVENT_TYPES_SHAPE, "event_types",
							 FS_JSON_ARRAY, fs_json_kind_of(list));

	filter->event_types = fs_allocate_list(fs_json_count(list), sizeof(fs_text));
	if (filter->event_types == NULL)
		return fs_out_of_memory(error);
	filter->has_event_types = true;

	fs_json_iterate(list, &elements);
	while (fs_json_next_element(&elements, &element))
	{
		fs_check_interrupts();
		(void) snprintf(path, sizeof(path), "$.filters[%zu].event_types[%zu]",
						filter_index, filter->event_type_count);
		if (fs_json_kind_of(element) != FS_JSON_STRING)
			return fs_wrong_kind(error, path, FS_EVENT_TYPES_SHAPE, "an event type",
								 FS_JSON_STRING, fs_json_kind_of(element));
		if (fs_json_string(element).length == 0)
			return fs_malformed(error, path, FS_EVENT_TYPES_SHAPE, "an event type must not be empty");
		filter->event_types[filter->event_type_count++] = fs_json_string(element);
	}
	fs_sort_event_types(filter);
	return true;
}

static bool
fs_parse_payload_predicates(fs_json list, size_t filter_index, fs_filter *filter,
							fs_input_error *error)
{
	fs_json_iterator elements;
	fs_json		element;
	char		path[96];

	(void) snprintf(path, sizeof(path), "$.filters[%zu].payload_predicates", filter_index);
	if (fs_json_kind_of(list) != FS_JSON_ARRAY)
		return fs_wrong_kind(error, path, FS_PREDICATES_SHAPE, "payload_predicates",
							 FS_JSON_ARRAY, fs_json_kind_of(list));

	filter->payload_predicates = fs_allocate_list(fs_json_count(list), sizeof(fs_json));
	if (filter->payload_predicates == NULL)
		return fs_out_of_memory(error);
	filter->has_payload_predicates = true;

	fs_json_iterate(list, &elements);
	while (fs_json_next_element(&elements, &element))
	{
		fs_check_interrupts();
		filter->payload_predicates[filter->payload_predicate_count++] = element;
	}
	return true;
}

static bool
fs_parse_filter(fs_json document, size_t filter_index, fs_filter *filter, fs_input_error *error)
{
	fs_json_iterator members;
	fs_text		key;
	fs_json		value;
	bool		parsed;
	char		path[64];

	(void) snprintf(path, sizeof(path), "$.filters[%zu]", filter_index);
	if (fs_json_kind_of(document) != FS_JSON_OBJECT)
		return fs_wrong_kind(error, path, FS_FILTER_KEYS, "a filter",
							 FS_JSON_OBJECT, fs_json_kind_of(document));

	fs_json_iterate(document, &members);
	while (fs_json_next_member(&members, &key, &value))
	{
		bool		absent = fs_json_kind_of(value) == FS_JSON_NULL;

		if (fs_text_is(key, "event_types"))
			parsed = absent || fs_parse_event_types(value, filter_index, filter, error);
		else if (fs_text_is(key, "payload_predicates"))
			parsed = absent || fs_parse_payload_predicates(value, filter_index, filter, error);
		else
			parsed = fs_unknown_key(error, path, key, FS_FILTER_KEYS);
		if (!parsed)
			return false;
	}
	return true;
}

static bool
fs_parse_filters(fs_json list, fs_event_query *query, fs_input_error *error)
{
	fs_json_iterator elements;
	fs_json		element;

	if (fs_json_kind_of(list) != FS_JSON_ARRAY)
		return fs_wrong_kind(error, "$.filters", "\"filters\" is an array of filters, or absent for every fact.",
							 "filters", FS_JSON_ARRAY, fs_json_kind_of(list));

	query->filters = fs_allocate_list(fs_json_count(list), sizeof(fs_filter));
	if (query->filters == NULL)
		return fs_out_of_memory(error);

	fs_json_iterate(list, &elements);
	while (fs_json_next_element(&elements, &element))
	{
		size_t		index = query->filter_count++;

		fs_check_interrupts();
		if (!fs_parse_filter(element, index, &query->filters[index], error))
			return false;
	}
	return true;
}

/* Parses the position after which facts are returned, under either of its names. */
static bool
fs_parse_after(fs_json value, const char *name, fs_event_query *query, fs_input_error *error)
{
	char		path[32];

	(void) snprintf(path, sizeof(path), "$.%s", name);
	if (query->has_after)
		return fs_malformed(error, "$", FS_QUERY_KEYS,
							"after and " FS_OTHER_NAME_OF_AFTER " are two names for the same");
	if (fs_json_kind_of(value) != FS_JSON_NUMBER)
		return fs_wrong_kind(error, path, FS_AFTER_SHAPE, name, FS_JSON_NUMBER,
							 fs_json_kind_of(value));
	switch (fs_json_int64(value, &query->after))
	{
		case FS_INT64_OK:
			if (query->after < 0)
				return fs_malformed(error, path, FS_AFTER_SHAPE, "%s must not be negative", name);
			query->has_after = true;
			return true;
		case FS_INT64_NOT_AN_INTEGER:
			return fs_malformed(error, path, FS_AFTER_SHAPE, "%s must be an integer", name);
		case FS_INT64_OUT_OF_RANGE:
			break;
	}
	return fs_malformed(error, path, FS_AFTER_SHAPE, "%s is beyond the 64-bit signed range", name);
}

/* Releases the memory that parsing allocated; also after a failed parse.  The document stays. */
static inline void
fs_event_query_release(fs_event_query *query)
{
	for (size_t i = 0; i < query->filter_count; i++)
	{
		fs_release(query->filters[i].event_types);
		fs_release(query->filters[i].payload_predicates);
	}
	fs_release(query->filters);
	memset(query, 0, sizeof(*query));
}

/*
 * Parses a document into *query.  Returns false with *error filled if it is not an event query.  In both cases
 * fs_event_query_release releases the memory.
 */
static bool
fs_event_query_parse(fs_json document, fs_event_query *query, fs_input_error *error)
{
	fs_json_iterator members;
	fs_text		key;
	fs_json		value;
	bool		parsed;

	memset(query, 0, sizeof(*query));
	error->code = FS_INPUT_OK;
	if (fs_json_kind_of(document) != FS_JSON_OBJECT)
		return fs_wrong_kind(error, "$", FS_QUERY_KEYS, "an event query",
							 FS_JSON_OBJECT, fs_json_kind_of(document));

	fs_json_iterate(document, &members);
	while (fs_json_next_member(&members, &key, &value))
	{
		bool		absent = fs_json_kind_of(value) == FS_JSON_NULL;

		if (fs_text_is(key, "filters"))
			parsed = absent || fs_parse_filters(value, query, error);
		else if (fs_text_is(key, "partition"))
			parsed = absent || fs_parse_partition(value, &query->partition, error);
		else if (fs_text_is(key, "after"))
			parsed = absent || fs_parse_after(value, "after", query, error);
		else if (fs_text_is(key, FS_OTHER_NAME_OF_AFTER))
			parsed = absent || fs_parse_after(value, FS_OTHER_NAME_OF_AFTER, query, error);
		else
			parsed = fs_unknown_key(error, "$", key, FS_QUERY_KEYS);
		if (!parsed)
			return false;
	}
	return true;
}

#endif							/* FACTSTR_EVENT_QUERY_PARSER_H */
