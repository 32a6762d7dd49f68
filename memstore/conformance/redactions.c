/*
 * redactions.c
 *		Shared by cases of redactions.
 */
#include "redactions.h"

int
fc_try_redact(fc_test *test, factstr_store *store, uint64_t number, const char *payload,
		   const char *metadata, const char *reason, factstr_error *error)
{
	return factstr_redact(store, number, fc_quote(test, payload), reason,
						  metadata == NULL ? NULL : fc_quote(test, metadata), NULL, error);
}

void
fc_redact(fc_test *test, uint64_t number, const char *payload, const char *metadata,
	   const char *reason)
{
	factstr_error error;

	fc_expect_ok(test, "factstr_redact",
				 fc_try_redact(test, test->store, number, payload, metadata, reason, &error), &error);
}

const factstr_fact *
fc_fact_of(fc_test *test, factstr_store *store, uint64_t number)
{
	const factstr_query_result *found = fc_query(test, store, NULL);

	fc_expect(test, found->fact_count >= number, "there is no fact %llu",
			  (unsigned long long) number);
	return &found->facts[number - 1];
}

void
fc_expect_says(fc_test *test, factstr_store *store, uint64_t number, const char *payload,
			const char *metadata)
{
	const factstr_fact *fact = fc_fact_of(test, store, number);

	fc_expect_json(test, "the payload", fact->payload, payload);
	fc_expect(test, (fact->metadata == NULL) == (metadata == NULL), "metadata: expected %s",
			  metadata == NULL ? "none" : "some");
	if (metadata != NULL)
		fc_expect_json(test, "the metadata", fact->metadata, metadata);
}

static void
release_list(void *list)
{
	factstr_redaction_list_free(list);
}

const factstr_redaction_list *
fc_redactions_after(fc_test *test, factstr_store *store, uint64_t after, size_t max)
{
	factstr_redaction_list *list = NULL;
	factstr_error error;

	fc_expect_ok(test, "factstr_redactions", factstr_redactions(store, after, max, &list, &error),
				 &error);
	fc_own(test, release_list, list);
	return list;
}

const char *
fc_record_text(fc_test *test, const factstr_redaction *redactions, size_t count)
{
	const char *text = "";

	for (size_t i = 0; i < count; i++)
		text = fc_format(test, "%s%s%llu %s", text, i == 0 ? "" : "; ",
						 (unsigned long long) redactions[i].sequence_number, redactions[i].reason);
	return text;
}

void
fc_expect_record(fc_test *test, factstr_store *store, const char *expected)
{
	const factstr_redaction_list *list = fc_redactions_after(test, store, 0, 1000);

	fc_expect_text(test, "the record", fc_record_text(test, list->redactions, list->count), expected);
}

void
fc_append_owners(fc_test *test)
{
	(void) fc_append_events(test, "[{'event_type': 'opened', 'payload': {'account': 'A-1', 'owner': 'Ada'},"
							" 'metadata': {'by': 'Ada'}},"
							" {'event_type': 'paid', 'payload': {'account': 'A-1', 'owner': 'Ada'}}]", "key");
	(void) fc_append_events(test, "[{'event_type': 'opened', 'payload': {'account': 'A-2', 'owner': 'Ada'}}]",
							NULL);
}
