/*
 * read/index_estimate.c
 *		Estimates how many candidates the payload index has for a predicate, without reading them.
 *
 * The index answers with the whole history of a value, which may be far longer than the requested range, and it
 * cannot be stopped.  So its size is estimated first.  The index keeps the facts with a value in a list, whose
 * length it knows, or, if there are many, in a tree of pages: then the number of pages and the content of the
 * first one give their number.
 */
#include "postgres.h"

#include "access/gin_private.h"
#include "access/stratnum.h"
#include "miscadmin.h"
#include "storage/bufmgr.h"
#include "utils/jsonb.h"

#include "compat_scan.h"
#include "read/index_estimate.h"

static double
count_in_tree(Relation index, BlockNumber root)
{
	GinBtreeData tree;
	GinBtreeStack *leaf = compat_gin_begin_posting_tree(&tree, index, root);
	ItemPointerData start;
	ItemPointer entries;
	int			count;
	double		pages = leaf->predictNumber;

	ItemPointerSetMin(&start);
	entries = GinDataLeafPageGetItems(BufferGetPage(leaf->buffer), &count, start);
	LockBuffer(leaf->buffer, GIN_UNLOCK);
	freeGinBtreeStack(leaf);
	pfree(entries);
	return pages * Max(count, 1);
}

/* How many facts have this key. */
static double
count_of_key(GinState *state, Datum key)
{
	GinBtreeData tree;
	GinBtreeStack *leaf;
	BlockNumber root = InvalidBlockNumber;
	double		count = 0;

	ginPrepareEntryScan(&tree, FirstOffsetNumber, key, GIN_CAT_NORM_KEY, state);
	leaf = compat_gin_find_leaf_page(&tree);
	if (tree.findItem(&tree, leaf))
	{
		Page		page = BufferGetPage(leaf->buffer);
		IndexTuple	entry = (IndexTuple) PageGetItem(page, PageGetItemId(page, leaf->off));

		if (GinIsPostingTree(entry))
			root = GinGetPostingTree(entry);
		else
			count = GinGetNPosting(entry);
	}
	/* A vacuum may hold a tree's pages and wait for this one. */
	LockBuffer(leaf->buffer, GIN_UNLOCK);
	freeGinBtreeStack(leaf);
	return root == InvalidBlockNumber ? count : count_in_tree(state->index, root);
}

/* The keys that every fact with the predicate has; their number is set. */
static Datum *
keys_of_predicate(GinState *state, Jsonb *predicate, int32 *count)
{
	bool	   *partial_matches = NULL;
	Pointer    *extra_data = NULL;
	bool	   *nulls = NULL;
	int32		search_mode = GIN_SEARCH_MODE_DEFAULT;

	return (Datum *) DatumGetPointer(FunctionCall7Coll(&state->extractQueryFn[0],
													   state->supportCollation[0],
													   JsonbPGetDatum(predicate),
													   PointerGetDatum(count),
													   UInt16GetDatum(JsonbContainsStrategyNumber),
													   PointerGetDatum(&partial_matches),
													   PointerGetDatum(&extra_data),
													   PointerGetDatum(&nulls),
													   PointerGetDatum(&search_mode)));
}

/*
 * The cost of the answer to "payload @> predicate", in candidates.  The index visits the facts with the rarest key,
 * and looks up each of them among those with every other key.  Its pending list is not counted: it is short, or its
 * facts are new.
 */
int64
fs_index_estimate_cost(Relation by_payload, Jsonb *predicate)
{
	GinState	state;
	int32		key_count = 0;
	double		fewest = 0;
	Datum	   *keys;

	initGinState(&state, by_payload);
	keys = keys_of_predicate(&state, predicate, &key_count);
	for (int i = 0; i < key_count; i++)
	{
		double		count = count_of_key(&state, keys[i]);

		CHECK_FOR_INTERRUPTS();
		fewest = i == 0 ? count : Min(fewest, count);
	}
	return (int64) (fewest * key_count);
}
