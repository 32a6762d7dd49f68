/*
 * redaction_copies.c
 *		Redactions in exports, imports and copies.
 */
#include "redactions.h"

static void
expect_import(fc_test *test, factstr_store *store, const factstr_batch_list *exported)
{
	factstr_error error;

	fc_expect_ok(test, "factstr_import",
				 factstr_import(store, exported->batches, exported->count, NULL, &error), &error);
}

static void
copies_have_them(fc_test *test)
{
	factstr_store *copy = fc_open(test, fc_fresh(test));
	const factstr_batch_list *exported;
	const factstr_redaction_list *there;
	const factstr_redaction_list *here;
	factstr_append_result result;

	fc_append_owners(test);
	fc_redact(test, 1, "{}", NULL, "one");
	fc_redact(test, 2, "[]", NULL, "two");
	fc_redact(test, 1, "{'n': 1}", NULL, "three");
	exported = fc_export(test, test->store);
	fc_expect_text(test, "redactions of the first batch",
				   fc_record_text(test, exported->batches[0].redactions, exported->batches[0].redaction_count),
				   "1 one; 1 three; 2 two");
	fc_expect_number(test, "redactions of the second batch", exported->batches[1].redaction_count, 0);
	expect_import(test, copy, exported);
	there = fc_redactions_after(test, test->store, 0, 10);
	here = fc_redactions_after(test, copy, 0, 10);
	fc_expect_record(test, copy, "1 one; 1 three; 2 two");
	for (size_t i = 0; i < here->count; i++)
	{
		fc_expect_number(test, "redacted_at in the copy", (uint64_t) here->redactions[i].redacted_at,
						 (uint64_t) there->redactions[i].redacted_at);
		fc_expect_text(test, "redacted_by in the copy", here->redactions[i].redacted_by,
					   there->redactions[i].redacted_by);
	}
	test->store = copy;
	result = fc_append_events(test, "[{'event_type': 'opened', 'payload': 1}, {'event_type': 'paid',"
							  " 'payload': 2}]", "key");
	fc_expect_text(test, "the result of an append that is repeated in the copy",
				   fc_result_text(test, &result), "1-2, 2 facts");
}

static uint64_t
import_redactions(fc_test *test, factstr_store *store, const factstr_batch *batch)
{
	uint64_t	imported = 1000;
	factstr_error error;

	fc_expect_ok(test, "factstr_import_redactions",
				 factstr_import_redactions(store, batch, 1, &imported, &error), &error);
	return imported;
}

static void
copies_follow(fc_test *test)
{
	factstr_store *copy = fc_open(test, fc_fresh(test));
	const factstr_batch *once;
	const factstr_batch *twice;

	fc_append_owners(test);
	expect_import(test, copy, fc_export(test, test->store));
	fc_redact(test, 1, "{'n': 1}", "{'m': 1}", "one");
	once = &fc_export(test, test->store)->batches[0];
	fc_redact(test, 1, "{'n': 2}", NULL, "two");
	fc_redact(test, 2, "{'n': 3}", NULL, "three");
	twice = &fc_export(test, test->store)->batches[0];
	fc_expect_number(test, "redactions that are new", import_redactions(test, copy, once), 1);
	fc_expect_says(test, copy, 1, "{'n': 1}", "{'m': 1}");
	fc_expect_number(test, "redactions made since", import_redactions(test, copy, twice), 2);
	fc_expect_number(test, "redactions the second time", import_redactions(test, copy, twice), 0);

	/* Older content does not replace newer content. */
	fc_expect_number(test, "redactions of an older export", import_redactions(test, copy, once), 0);
	fc_expect_says(test, copy, 1, "{'n': 2}", NULL);
	fc_expect_says(test, copy, 2, "{'n': 3}", NULL);
	fc_expect_record(test, copy, "1 one; 1 two; 2 three");
	test->store = copy;
	fc_expect_query(test, FC_OWNER, "3", 3);
	fc_expect_query(test, FC_PREDICATE("{'n': 2}"), "1", 1);
}

static void
of_other_logs_are_refused(fc_test *test)
{
	factstr_store *other = fc_open(test, fc_fresh(test));
	factstr_batch batch;
	factstr_redaction wrong = {.sequence_number = 3, .redacted_by = "x", .reason = "r"};
	factstr_error error;

	fc_append_owners(test);
	fc_redact(test, 1, "{}", NULL, "r");
	batch = fc_export(test, test->store)->batches[0];
	fc_expect_code(test, "redactions of facts that are not there",
				   factstr_import_redactions(other, &batch, 1, NULL, &error), &error, FACTSTR_MALFORMED);
	(void) fc_append_to(test, other, "b", "{'kept': 1}");
	(void) fc_append_to(test, other, "b", "{}");
	fc_expect_code(test, "redactions of other facts",
				   factstr_import_redactions(other, &batch, 1, NULL, &error), &error, FACTSTR_MALFORMED);
	fc_expect_says(test, other, 1, "{'kept': 1}", NULL);
	batch.redactions = &wrong;
	fc_expect_code(test, "a redaction of a fact outside of its batch",
				   factstr_import_redactions(test->store, &batch, 1, NULL, &error), &error,
				   FACTSTR_MALFORMED);
	fc_expect_record(test, other, "");
	fc_expect_record(test, test->store, "1 r");
}

const fc_case fc_redaction_copy_cases[] = {
	{{"redaction", "33, 41", "an export has the redactions, and an import takes them over"},
	0, copies_have_them},
	{{"redaction", "41", "a copy follows redactions made since"}, 0, copies_follow},
	{{"redaction", "41", "redactions of another log are refused"}, 0, of_other_logs_are_refused},
	{{NULL, NULL, NULL}, 0, NULL}
};
