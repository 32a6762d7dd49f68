/*
 * mutants_matching.c
 *		Faults of matching: queries that find facts that do not match, or miss facts that do.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/current_call.h"
#include "json/binding.h"
#include "match/partition.h"

#include "matching.h"
#include "mutants.h"

typedef bool (*matcher) (const fs_query *query, const factstr_fact *fact, fs_json payload);

static fs_json
load(const char *text)
{
	fs_input_error error;
	fs_json		document = fs_json_document_load(text, strlen(text), &error);

	if (document == NULL)
		abort();
	return document;
}

static int
query_by(matcher matches, fs_backend *backend, const fs_query *query, fs_fact_list *facts,
		 uint64_t *version, factstr_error *error)
{
	fs_query	all = mutant_every_fact();
	fs_fact_list stored = {0};
	int			code = GOOD->query(backend, &all, &stored, version, error);

	*version = 0;
	for (size_t i = 0; i < stored.count; i++)
	{
		const factstr_fact *fact = &stored.facts[i];
		fs_json		payload = load(fact->payload);
		bool		found = matches(query, fact, payload);

		fs_json_document_release(payload);
		if (!found)
			continue;
		*version = fact->sequence_number;
		if (!query->parsed.has_after ||
			(int64_t) fact->sequence_number > query->parsed.after)
			(void) fs_fact_list_add(facts, fact);
	}
	fs_fact_list_release(&stored);
	fs_query_release(&all);
	return code;
}

/* Also with the elements of an array at the root. */
static bool
matches_elements(const fs_query *query, const factstr_fact *fact, fs_json payload)
{
	bool		found = query_matches(&query->parsed, fact->event_type, payload);
	fs_json_iterator elements;
	fs_json		element;

	if (fs_json_kind_of(payload) != FS_JSON_ARRAY)
		return found;
	fs_json_iterate(payload, &elements);
	while (!found && fs_json_next_element(&elements, &element))
		found = query_matches(&query->parsed, fact->event_type, element);
	return found;
}

static int
query_elements(fs_backend *backend, const fs_query *query, fs_fact_list *facts, uint64_t *version,
			   factstr_error *error)
{
	return query_by(matches_elements, backend, query, facts, version, error);
}

static bool
matches_metadata(const fs_query *query, const factstr_fact *fact, fs_json payload)
{
	fs_json		metadata = fact->metadata == NULL ? NULL : load(fact->metadata);
	bool		found = query_matches(&query->parsed, fact->event_type, payload) ||
		(metadata != NULL && query_matches(&query->parsed, fact->event_type, metadata));

	fs_json_document_release(metadata);
	return found;
}

static int
query_metadata(fs_backend *backend, const fs_query *query, fs_fact_list *facts, uint64_t *version,
			   factstr_error *error)
{
	return query_by(matches_metadata, backend, query, facts, version, error);
}

/* Matches texts that were changed before: the query's and the payload's. */
static bool
matches_changed(char *(*change) (const char *text), const fs_query *query,
				const factstr_fact *fact)
{
	char	   *query_text = change(query->text);
	char	   *payload_text = change(fact->payload);
	char	   *type = change(fact->event_type);
	fs_json		payload = load(payload_text);
	fs_query	changed;
	factstr_error error;
	bool		found;

	if (fs_query_parse(query_text, &changed, &error) != FACTSTR_OK)
		abort();
	found = query_matches(&changed.parsed, type, payload);
	fs_query_release(&changed);
	fs_json_document_release(payload);
	free(type);
	free(payload_text);
	free(query_text);
	return found;
}

static char *
lower_case(const char *text)
{
	char	   *changed = strdup(text);

	for (char *c = changed; *c != '\0'; c++)
		*c = (char) tolower((unsigned char) *c);
	return changed;
}

static bool
matches_any_case(const fs_query *query, const factstr_fact *fact, fs_json payload)
{
	(void) payload;
	return matches_changed(lower_case, query, fact);
}

static int
query_any_case(fs_backend *backend, const fs_query *query, fs_fact_list *facts, uint64_t *version,
			   factstr_error *error)
{
	return query_by(matches_any_case, backend, query, facts, version, error);
}

/* Every number that is not part of a string becomes the double nearest to it. */
static char *
doubles(const char *text)
{
	char	   *changed = calloc(strlen(text) + 1, 30);
	char	   *out = changed;
	bool		quoted = false;

	while (*text != '\0')
	{
		if (!quoted && (isdigit((unsigned char) *text) || *text == '-'))
		{
			char	   *end;

			out += sprintf(out, "%.17g", strtod(text, &end));
			text = end;
			continue;
		}
		if (*text == '\\' && text[1] != '\0')
			*out++ = *text++;
		else if (*text == '"')
			quoted = !quoted;
		*out++ = *text++;
	}
	return changed;
}

static bool
matches_doubles(const fs_query *query, const factstr_fact *fact, fs_json payload)
{
	(void) payload;
	return matches_changed(doubles, query, fact);
}

static int
query_doubles(fs_backend *backend, const fs_query *query, fs_fact_list *facts, uint64_t *version,
			  factstr_error *error)
{
	return query_by(matches_doubles, backend, query, facts, version, error);
}

static bool
matches_with_empty_as_absent(const fs_query *query, const factstr_fact *fact, fs_json payload)
{
	fs_query	copy = *query;
	bool		found;

	copy.parsed.filters = calloc(query->parsed.filter_count + 1, sizeof(fs_filter));
	for (size_t i = 0; i < query->parsed.filter_count; i++)
	{
		fs_filter  *filter = &copy.parsed.filters[i];

		*filter = query->parsed.filters[i];
		filter->has_event_types = filter->event_type_count > 0;
		filter->has_payload_predicates = filter->payload_predicate_count > 0;
	}
	found = query_matches(&copy.parsed, fact->event_type, payload);
	free(copy.parsed.filters);
	return found;
}

static int
query_empty_as_absent(fs_backend *backend, const fs_query *query, fs_fact_list *facts,
					  uint64_t *version, factstr_error *error)
{
	return query_by(matches_with_empty_as_absent, backend, query, facts, version, error);
}

/*
 * Faults of the code for long arrays.
 */
#define LONG_ARRAY 32

typedef bool (*finder) (fs_json array, fs_json wanted);

static bool
has_each(fs_json array, fs_json predicate, finder has)
{
	fs_json_iterator elements;
	fs_json		wanted;
	bool		found = fs_json_kind_of(predicate) == FS_JSON_ARRAY;

	if (found)
		fs_json_iterate(predicate, &elements);
	while (found && fs_json_next_element(&elements, &wanted))
		found = has(array, wanted);
	return found;
}

static bool
matches_long_array(const fs_query *query, const factstr_fact *fact, fs_json payload, finder has)
{
	bool		found = false;

	if (fs_json_kind_of(payload) != FS_JSON_ARRAY || fs_json_count(payload) <= LONG_ARRAY)
		return query_matches(&query->parsed, fact->event_type, payload);
	for (size_t i = 0; i < query->parsed.filter_count; i++)
	{
		const fs_filter *filter = &query->parsed.filters[i];

		for (size_t j = 0; j < filter->payload_predicate_count; j++)
			found = found || has_each(payload, filter->payload_predicates[j], has);
	}
	return found;
}

static bool
is_text(fs_json value)
{
	return fs_json_kind_of(value) == FS_JSON_NUMBER || fs_json_kind_of(value) == FS_JSON_STRING;
}

static bool
has_whatever_kind(fs_json array, fs_json wanted)
{
	fs_json_iterator elements;
	fs_json		element;
	bool		found = false;

	fs_json_iterate(array, &elements);
	while (!found && fs_json_next_element(&elements, &element))
		found = payload_matches(element, wanted) ||
			(is_text(element) && is_text(wanted) &&
			 fs_text_compare(fs_json_text_of(element), fs_json_text_of(wanted)) == 0);
	return found;
}

static bool
has_but_at_the_end(fs_json array, fs_json wanted)
{
	fs_json_iterator elements;
	fs_json		element;
	bool		found = false;

	fs_json_iterate(array, &elements);
	for (size_t i = 1; !found && i < fs_json_count(array); i++)
		found = fs_json_next_element(&elements, &element) && payload_matches(element, wanted);
	return found;
}

static bool
matches_whatever_kind(const fs_query *query, const factstr_fact *fact, fs_json payload)
{
	return matches_long_array(query, fact, payload, has_whatever_kind);
}

static bool
matches_but_at_the_end(const fs_query *query, const factstr_fact *fact, fs_json payload)
{
	return matches_long_array(query, fact, payload, has_but_at_the_end);
}

static int
query_whatever_kind(fs_backend *backend, const fs_query *query, fs_fact_list *facts,
					uint64_t *version, factstr_error *error)
{
	return query_by(matches_whatever_kind, backend, query, facts, version, error);
}

static int
query_but_at_the_end(fs_backend *backend, const fs_query *query, fs_fact_list *facts,
					 uint64_t *version, factstr_error *error)
{
	return query_by(matches_but_at_the_end, backend, query, facts, version, error);
}

/* Outside of any call nothing is to end. */
static int
query_to_its_end(fs_backend *backend, const fs_query *query, fs_fact_list *facts,
				 uint64_t *version, factstr_error *error)
{
	fs_current_call *call = fs_current_call_exchange(NULL);
	int			code = GOOD->query(backend, query, facts, version, error);

	(void) fs_current_call_exchange(call);
	return code;
}

/*
 * Faults of partitions
 */

static fs_query
without_partition(const fs_query *query)
{
	fs_query	copy = *query;

	copy.parsed.partition.count = 0;
	return copy;
}

static int
query_whatever_partition(fs_backend *backend, const fs_query *query, fs_fact_list *facts,
						 uint64_t *version, factstr_error *error)
{
	fs_query	copy = without_partition(query);

	return GOOD->query(backend, &copy, facts, version, error);
}

static int
batches_whatever_partition(fs_backend *backend, const fs_query *query, uint64_t after,
						   size_t max_batches, fs_batch_list *batches, uint64_t *searched,
						   factstr_error *error)
{
	fs_query	copy = without_partition(query);

	return GOOD->batches(backend, &copy, after, max_batches, batches, searched, error);
}

/* A fact without the key is in none. */
static bool
matches_with_key_only(const fs_query *query, const factstr_fact *fact, fs_json payload)
{
	fs_json		value;

	return query_matches(&query->parsed, fact->event_type, payload) &&
		(query->parsed.partition.count == 0 ||
		 fs_partition_value(&query->parsed.partition, payload, &value));
}

static int
query_with_key_only(fs_backend *backend, const fs_query *query, fs_fact_list *facts,
					uint64_t *version, factstr_error *error)
{
	return query_by(matches_with_key_only, backend, query, facts, version, error);
}

/* Every fact that has the key is in partition 0. */
static bool
matches_first_partition(const fs_query *query, const factstr_fact *fact, fs_json payload)
{
	fs_query	copy = without_partition(query);

	return query_matches(&copy.parsed, fact->event_type, payload) &&
		query->parsed.partition.number == 0;
}

static int
query_first_partition(fs_backend *backend, const fs_query *query, fs_fact_list *facts,
					  uint64_t *version, factstr_error *error)
{
	return query_by(matches_first_partition, backend, query, facts, version, error);
}

const mutant mutants_of_matching[] = {
	MUTANT("a query takes no notice of its partition", "rule 42", query, query_whatever_partition),
	MUTANT("a batch has facts of other partitions", "rule 42", batches, batches_whatever_partition),
	MUTANT("a fact without the key is in no partition", "rule 42", query, query_with_key_only),
	MUTANT("a fact is in partition 0 whatever the key's value", "rule 42", query, query_first_partition),
	MUTANT("in a long array numbers are equal to their texts", "rule 12", query,
		   query_whatever_kind),
	MUTANT("the last element of a long array is not looked at", "rule 12", query,
		   query_but_at_the_end),
	MUTANT("a match that takes long is not interrupted", "rule 35", query, query_to_its_end),
	MUTANT("metadata is matched", "rule 32", query, query_metadata),
	MUTANT("a predicate matches inside of an array at the root", "rule 12", query, query_elements),
	MUTANT("strings are compared without case", "rule 12", query, query_any_case),
	MUTANT("event types are compared without case", "rule 10", query, query_any_case),
	MUTANT("numbers are compared as doubles", "rule 12", query, query_doubles),
	MUTANT("an empty list inside a filter is taken for absent", "rule 10", query,
		   query_empty_as_absent),
	NO_MUTANT
};
