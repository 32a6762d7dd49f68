/*
 * candidates.h
 *		The facts that an index proposes for a query, in no order.
 */
#ifndef FACTSTR_CANDIDATES_H
#define FACTSTR_CANDIDATES_H

#include "access/skey.h"
#include "storage/itemptr.h"
#include "utils/relcache.h"
#include "utils/snapshot.h"

typedef struct Candidate
{
	int64		sequence_number;
	ItemPointerData tid;
} Candidate;

typedef struct CandidateList
{
	size_t		count;
	size_t		capacity;
	Candidate  *candidates;		/* ascending by sequence number */
} CandidateList;

typedef struct CandidateBitmap CandidateBitmap;

extern CandidateBitmap *candidate_bitmap_create(Relation events, Snapshot snapshot);
extern int64 candidate_bitmap_find(CandidateBitmap *bitmap, Oid index, ScanKey keys, int key_count);
extern void candidate_bitmap_accept(CandidateBitmap *bitmap);
extern void candidate_bitmap_reject(CandidateBitmap *bitmap);
extern int64 candidate_bitmap_count(const CandidateBitmap *bitmap);
extern CandidateList *candidate_bitmap_fetch(CandidateBitmap *bitmap, int64 after, int64 upto);
extern bool candidate_bitmap_proposes(CandidateBitmap *bitmap, int64 sequence_number,
									  ItemPointer tid);
extern void candidate_bitmap_free(CandidateBitmap *bitmap);

extern void candidate_list_free(CandidateList *list);

/* The nth candidate from the front, or from the back. */
static inline Candidate *
candidate_list_get(const CandidateList *list, size_t n, bool forward)
{
	return &list->candidates[forward ? n : list->count - 1 - n];
}

#endif							/* FACTSTR_CANDIDATES_H */
