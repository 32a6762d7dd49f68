/*
 * read/candidates.h
 *		The unordered candidates that an index finds for a query.
 */
#ifndef FACTSTR_READ_CANDIDATES_H
#define FACTSTR_READ_CANDIDATES_H

#include "access/skey.h"
#include "storage/itemptr.h"
#include "utils/jsonb.h"
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
typedef struct CandidatePages CandidatePages;

extern CandidateBitmap *fs_candidate_bitmap_create(Relation events, Snapshot snapshot, int kilobytes);
extern void fs_candidate_bitmap_find(CandidateBitmap *bitmap, Oid index, ScanKey keys, int key_count);
extern void fs_candidate_bitmap_find_payload(CandidateBitmap *bitmap, Oid index, Jsonb *value);
extern int64 fs_candidate_bitmap_count(const CandidateBitmap *bitmap);
extern CandidateList *fs_candidate_bitmap_fetch(CandidateBitmap *bitmap, int64 after, int64 up_to);
extern void fs_candidate_bitmap_free(CandidateBitmap *bitmap);

/* A walk over the pages of the candidates. */
extern CandidatePages *fs_candidate_pages_begin(CandidateBitmap *bitmap);
extern bool fs_candidate_pages_have(CandidatePages *pages, int64 sequence_number, ItemPointer tid);
extern void fs_candidate_pages_end(CandidatePages *pages);

extern void fs_candidate_list_free(CandidateList *list);

/* The nth candidate from the front, or from the back. */
static inline Candidate *
fs_candidate_list_get(const CandidateList *list, size_t n, bool forward)
{
	return &list->candidates[forward ? n : list->count - 1 - n];
}

#endif							/* FACTSTR_READ_CANDIDATES_H */
