/*
 * stores/local/redactions.h
 *		Redactions of a fact, in the memory and the SQLite store.
 */
#ifndef FACTSTR_STORES_LOCAL_REDACTIONS_H
#define FACTSTR_STORES_LOCAL_REDACTIONS_H

#include "stores/local/terms.h"
#include "stores/store.h"

/* Replaces the message of a stream's error, which may quote a payload. */
#define FS_ERASED_MESSAGE "message erased by a redaction"

/*
 * A change of one fact: records to be added and, unless event is NULL, its new content.  Its terms before and after
 * are the entries to remove from the index and to add to it.
 */
typedef struct fs_erasure
{
	uint64_t	sequence_number;
	const fs_append_event *event;
	fs_term_list old_terms;
	fs_term_list new_terms;
	size_t		record_count;
	factstr_redaction *records;	/* allocated; their texts are borrowed */
} fs_erasure;

/* A new redaction by the user of this process, whose name goes into *by. */
int			fs_erasure_of_redaction(const fs_redaction *redaction, const factstr_fact *fact,
									char *by, fs_erasure *erasure, factstr_error *error);

/*
 * The redactions of a fact in an imported batch that are not among the known ones.  If there are none, there is
 * nothing to do.
 */
int			fs_erasure_of_import(const factstr_batch *batch, const fs_append_event *events,
								 const factstr_fact *fact, const fs_redaction_list *known,
								 fs_erasure *erasure, factstr_error *error);
void		fs_erasure_release(fs_erasure *erasure);

/* Does a sorted list of terms hold one? */
bool		fs_term_list_holds(const fs_term_list *list, fs_term term);

#endif							/* FACTSTR_STORES_LOCAL_REDACTIONS_H */
