/*
 * redactions.h
 *		Shared by cases of redactions.
 */
#ifndef FACTSTR_CONFORMANCE_REDACTIONS_H
#define FACTSTR_CONFORMANCE_REDACTIONS_H

#include "harness.h"

/* Three facts about an owner: a batch of two with the key "key", which are about account A-1, and one of A-2. */
void		fc_append_owners(fc_test *test);

#define FC_OWNER FC_PREDICATE("{'owner': 'Ada'}")
#define FC_ACCOUNT FC_PREDICATE("{'account': 'A-1'}")

/* metadata may be NULL. */
int			fc_try_redact(fc_test *test, factstr_store *store, uint64_t number, const char *payload,
						  const char *metadata, const char *reason, factstr_error *error);
void		fc_redact(fc_test *test, uint64_t number, const char *payload, const char *metadata,
					  const char *reason);

const factstr_fact *fc_fact_of(fc_test *test, factstr_store *store, uint64_t number);

/* The content of a fact; metadata NULL: it has none. */
void		fc_expect_says(fc_test *test, factstr_store *store, uint64_t number, const char *payload,
						   const char *metadata);

const factstr_redaction_list *fc_redactions_after(fc_test *test, factstr_store *store,
												  uint64_t after, size_t max);

/* Redactions as "1 reason; 3 other"; and the whole record of a store. */
const char *fc_record_text(fc_test *test, const factstr_redaction *redactions, size_t count);
void		fc_expect_record(fc_test *test, factstr_store *store, const char *expected);

#endif							/* FACTSTR_CONFORMANCE_REDACTIONS_H */
