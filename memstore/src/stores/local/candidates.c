/*
 * stores/local/candidates.c
 *		The facts that may match a query, one after the other, found by their terms.
 *
 * A query becomes a tree of sources:
 * - query: any of its filters;
 * - filter: all of: any of its event types, any of its predicates;
 * - predicate: all of its terms.
 *
 * Each source has a position, and is moved to the nearest one at or beyond a given position.  The members of "all
 * of" overtake one another until they meet (a leapfrog join), so it costs as little as the rarest of them.  "Any
 * of" keeps its members in a heap, with the nearest one on top, and moves only those that were passed.
 *
 * Searching any of many alternatives can cost more than looking at a candidate that another member has found.  So
 * if "all of" has such a member besides others, it is used only after as many candidates in a row were rejected
 * as it has alternatives: the search then costs at most twice as much as the cheaper of the two ways.
 *
 * "Before" and "beyond" refer to the direction of the search.
 */
#include <string.h>

#include "base/arena.h"
#include "results/error.h"
#include "stores/local/candidates.h"
#include "stores/local/terms.h"

/*
 * The maximum number of terms of a predicate that are used.  Each one reduces the candidates, but must be looked
 * up for each of them.
 */
#define FS_MAX_TERMS_OF_PREDICATE 8

typedef enum fs_source_kind
{
	FS_EVERY_FACT,
	FS_WITH_TERM,
	FS_ALL_OF,
	FS_ANY_OF					/* of no members: nothing */
} fs_source_kind;

typedef struct fs_source
{
	fs_source_kind kind;
	uint64_t	current;		/* nothing is between the requested position and this one */
	fs_term		term;			/* FS_WITH_TERM */
	size_t		count;			/* FS_ALL_OF, FS_ANY_OF; there a heap */
	struct fs_source *members;
} fs_source;

/* The state of building a tree. */
typedef struct fs_builder
{
	fs_arena   *arena;
	fs_source	fresh;			/* a source that has not been asked yet */
	fs_term_list terms;
	bool		no_memory;
} fs_builder;

static fs_source *
fs_new_members(fs_builder *builder, size_t count)
{
	fs_source  *members = count > SIZE_MAX / sizeof(fs_source) ? NULL :
		fs_arena_allocate(builder->arena, count * sizeof(fs_source));

	if (members == NULL)
		builder->no_memory = true;
	return members;
}

static fs_source
fs_source_with_term(const fs_builder *builder, fs_term term)
{
	fs_source	source = builder->fresh;

	source.kind = FS_WITH_TERM;
	source.term = term;
	return source;
}

/* A source of this kind over its members; of one member, that member. */
static fs_source
fs_source_over(const fs_builder *builder, fs_source_kind kind, fs_source *members, size_t count)
{
	fs_source	source = builder->fresh;

	if (count == 1)
		return members[0];
	source.kind = kind;
	source.members = members;
	source.count = count;
	return source;
}

/* A predicate without scalars has no terms: any fact may match it. */
static fs_source
fs_source_of_predicate(fs_builder *builder, fs_json predicate)
{
	size_t		count;
	fs_source  *members;

	if (!fs_terms_of_value(predicate, &builder->terms))
		builder->no_memory = true;
	count = builder->terms.count;
	if (builder->no_memory || count == 0)
		return builder->fresh;
	if (count > FS_MAX_TERMS_OF_PREDICATE)
		count = FS_MAX_TERMS_OF_PREDICATE;
	members = fs_new_members(builder, count);
	if (members == NULL)
		return builder->fresh;
	for (size_t i = 0; i < count; i++)
		members[i] = fs_source_with_term(builder, builder->terms.terms[i]);
	return fs_source_over(builder, FS_ALL_OF, members, count);
}

static fs_source
fs_source_of_event_types(fs_builder *builder, const fs_filter *filter)
{
	fs_source  *members;

	if (!filter->has_event_types)
		return builder->fresh;
	members = fs_new_members(builder, filter->event_type_count);
	if (members == NULL)
		return builder->fresh;
	for (size_t i = 0; i < filter->event_type_count; i++)
	{
		fs_term		term = fs_term_of_event_type(filter->event_types[i]);

		members[i] = fs_source_with_term(builder, term);
	}
	return fs_source_over(builder, FS_ANY_OF, members, filter->event_type_count);
}

static fs_source
fs_source_of_predicates(fs_builder *builder, const fs_filter *filter)
{
	fs_source  *members;

	if (!filter->has_payload_predicates)
		return builder->fresh;
	members = fs_new_members(builder, filter->payload_predicate_count);
	for (size_t i = 0; members != NULL && i < filter->payload_predicate_count; i++)
	{
		members[i] = fs_source_of_predicate(builder, filter->payload_predicates[i]);
		if (members[i].kind == FS_EVERY_FACT)
			return builder->fresh;
	}
	if (members == NULL)
		return builder->fresh;
	return fs_source_over(builder, FS_ANY_OF, members, filter->payload_predicate_count);
}

/* Adds a source to the members of an "all of", whose members replace an "all of" inside it. */
static void
fs_add_to_all_of(fs_source *members, size_t *count, const fs_source *source)
{
	if (source->kind != FS_ALL_OF)
		members[(*count)++] = *source;
	else
		for (size_t i = 0; i < source->count; i++)
			members[(*count)++] = source->members[i];
}

/* Both of them, starting with those that have fewer alternatives. */
static fs_source
fs_source_of_both(fs_builder *builder, const fs_source *a, const fs_source *b)
{
	size_t		a_alternatives = a->kind == FS_ANY_OF ? a->count : 1;
	size_t		b_alternatives = b->kind == FS_ANY_OF ? b->count : 1;
	fs_source  *members = fs_new_members(builder, 2 + FS_MAX_TERMS_OF_PREDICATE);
	size_t		count = 0;

	if (members == NULL)
		return builder->fresh;
	fs_add_to_all_of(members, &count, a_alternatives <= b_alternatives ? a : b);
	fs_add_to_all_of(members, &count, a_alternatives <= b_alternatives ? b : a);
	return fs_source_over(builder, FS_ALL_OF, members, count);
}

static fs_source
fs_source_of_filter(fs_builder *builder, const fs_filter *filter)
{
	fs_source	types = fs_source_of_event_types(builder, filter);
	fs_source	predicates = fs_source_of_predicates(builder, filter);

	if (types.kind == FS_EVERY_FACT)
		return predicates;
	if (predicates.kind == FS_EVERY_FACT)
		return types;
	return fs_source_of_both(builder, &types, &predicates);
}

static fs_source
fs_source_of_query(fs_builder *builder, const fs_event_query *query)
{
	fs_source  *members;

	if (query->filter_count == 0)
		return builder->fresh;
	members = fs_new_members(builder, query->filter_count);
	if (members == NULL)
		return builder->fresh;
	for (size_t i = 0; i < query->filter_count; i++)
	{
		members[i] = fs_source_of_filter(builder, &query->filters[i]);
		if (members[i].kind == FS_EVERY_FACT)
			return builder->fresh;
	}
	return fs_source_over(builder, FS_ANY_OF, members, query->filter_count);
}

int
fs_candidates_begin(fs_candidates *candidates, const fs_local_log *log, const fs_query *query,
					uint64_t limit, bool backwards, factstr_error *error)
{
	fs_builder	builder = {
		.arena = &candidates->arena,
		.fresh = {.kind = FS_EVERY_FACT, .current = backwards ? UINT64_MAX : 0}
	};

	*candidates = (fs_candidates) {
		.log = log,
		.backwards = backwards,
		.limit = limit,
		.end = backwards ? 0 : UINT64_MAX
	};
	candidates->root = fs_new_members(&builder, 1);
	if (candidates->root != NULL)
		*candidates->root = fs_source_of_query(&builder, &query->parsed);
	fs_term_list_release(&builder.terms);
	return builder.no_memory ? fs_error_no_memory(error) : FACTSTR_OK;
}

static inline bool
fs_is_before(const fs_candidates *candidates, uint64_t position, uint64_t other)
{
	return candidates->backwards ? position > other : position < other;
}

static int fs_source_seek(fs_candidates *candidates, fs_source *source, uint64_t position,
						  factstr_error *error);

static int
fs_seek_term(fs_candidates *candidates, fs_source *source, uint64_t position,
			 factstr_error *error)
{
	const fs_local_log *log = candidates->log;
	uint64_t	found = 0;
	int			code = log->seek(log->store, source->term, position, candidates->backwards,
								 &found, error);

	source->current = found == 0 ? candidates->end : found;
	return code;
}

/* A member is used only if that is likely to be cheaper than looking at the candidate. */
static bool
fs_is_worth_asking(const fs_candidates *candidates, const fs_source *member, uint64_t candidate)
{
	return member->kind != FS_ANY_OF ||
		!fs_is_before(candidates, member->current, candidate) ||
		candidates->rejected >= member->count;
}

static int
fs_seek_all_of(fs_candidates *candidates, fs_source *source, uint64_t position,
			   factstr_error *error)
{
	uint64_t	candidate = position;
	size_t		agreed = 0;		/* how many members have the candidate, the last ones asked */

	for (size_t i = 0; agreed < source->count && candidate != candidates->end;
		 i = (i + 1) % source->count)
	{
		fs_source  *member = &source->members[i];
		int			code;

		agreed++;
		if (i > 0 && !fs_is_worth_asking(candidates, member, candidate))
			continue;
		code = fs_source_seek(candidates, member, candidate, error);
		if (code != FACTSTR_OK)
			return code;
		if (member->current != candidate)
		{
			candidate = member->current;
			agreed = 1;
		}
	}
	source->current = candidate;
	return FACTSTR_OK;
}

/* The top of the heap has moved: lets it sink below the members before it. */
static void
fs_heap_sink(const fs_candidates *candidates, fs_source *members, size_t count)
{
	fs_source	sinking = members[0];
	size_t		place = 0;

	for (;;)
	{
		size_t		child = 2 * place + 1;

		if (child >= count)
			break;
		if (child + 1 < count &&
			fs_is_before(candidates, members[child + 1].current, members[child].current))
			child++;
		if (!fs_is_before(candidates, members[child].current, sinking.current))
			break;
		members[place] = members[child];
		place = child;
	}
	members[place] = sinking;
}

static int
fs_seek_any_of(fs_candidates *candidates, fs_source *source, uint64_t position,
			   factstr_error *error)
{
	fs_source  *members = source->members;

	if (source->count == 0)
	{
		source->current = candidates->end;
		return FACTSTR_OK;
	}
	while (fs_is_before(candidates, members[0].current, position))
	{
		int			code = fs_source_seek(candidates, &members[0], position, error);

		if (code != FACTSTR_OK)
			return code;
		fs_heap_sink(candidates, members, source->count);
	}
	source->current = members[0].current;
	return FACTSTR_OK;
}

/* Moves a source to the nearest position, at or beyond the given one, where it may have a match. */
static int
fs_source_seek(fs_candidates *candidates, fs_source *source, uint64_t position,
			   factstr_error *error)
{
	int			code = FACTSTR_OK;

	if (!fs_is_before(candidates, source->current, position))
		return FACTSTR_OK;
	switch (source->kind)
	{
		case FS_EVERY_FACT:
			source->current = position;
			break;
		case FS_WITH_TERM:
			code = fs_seek_term(candidates, source, position, error);
			break;
		case FS_ALL_OF:
			code = fs_seek_all_of(candidates, source, position, error);
			break;
		case FS_ANY_OF:
			code = fs_seek_any_of(candidates, source, position, error);
			break;
	}
	if (fs_is_before(candidates, candidates->limit, source->current))
		source->current = candidates->end;
	return code;
}

int
fs_candidates_seek(fs_candidates *candidates, uint64_t position, uint64_t *candidate,
				   factstr_error *error)
{
	fs_source  *root = candidates->root;
	int			code;

	*candidate = 0;
	if (fs_is_before(candidates, candidates->limit, position))
		return FACTSTR_OK;
	code = fs_source_seek(candidates, root, position, error);
	if (code == FACTSTR_OK && !fs_is_before(candidates, candidates->limit, root->current))
		*candidate = root->current;
	return code;
}

void
fs_candidates_release(fs_candidates *candidates)
{
	fs_arena_release(&candidates->arena);
}
