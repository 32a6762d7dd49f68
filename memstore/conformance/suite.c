/*
 * suite.c
 *		The list of cases, how to choose from it, how one is run, and the report.
 */
#include "harness.h"

#include <fnmatch.h>
#include <stdio.h>
#include <string.h>

static const fc_case *const subjects[] = {
	fc_facts_cases,
	fc_value_cases,
	fc_append_cases,
	fc_query_cases,
	fc_newest_cases,
	fc_partition_cases,
	fc_reading_cases,
	fc_matching_cases,
	fc_random_matching_cases,
	fc_conditional_cases,
	fc_unless_cases,
	fc_stream_cases,
	fc_handler_cases,
	fc_context_cases,
	fc_failure_cases,
	fc_closing_cases,
	fc_durable_stream_cases,
	fc_cursor_cases,
	fc_consumer_cases,
	fc_partitioned_stream_cases,
	fc_acknowledging_cases,
	fc_pulling_cases,
	fc_ending_cases,
	fc_status_cases,
	fc_transaction_cases,
	fc_idempotency_cases,
	fc_json_boundary_cases,
	fc_json_stream_cases,
	fc_json_call_cases,
	fc_import_export_cases,
	fc_read_only_cases,
	fc_redaction_cases,
	fc_redaction_copy_cases,
	fc_log_cases,
	fc_log_change_cases,
};

const factstr_conformance_case *
factstr_conformance_case_at(size_t i)
{
	for (size_t subject = 0; subject < sizeof(subjects) / sizeof(subjects[0]); subject++)
	{
		for (const fc_case *chosen = subjects[subject]; chosen->run != NULL; chosen++)
		{
			if (i-- == 0)
				return &chosen->tested;
		}
	}
	return NULL;
}

/* Is a rule one of "2, 17"? */
static bool
lists_rule(const char *rules, const char *rule)
{
	size_t		length = strlen(rule);

	for (const char *at = rules; *at != '\0'; at += strspn(at, ", "))
	{
		size_t		end = strcspn(at, ",");

		if (end == length && strncmp(at, rule, length) == 0)
			return true;
		at += end;
	}
	return false;
}

bool
factstr_conformance_selects(const char *pattern, const factstr_conformance_case *tested)
{
	if (pattern == NULL || strcmp(pattern, tested->subject) == 0)
		return true;
	if (strncmp(pattern, "rule ", 5) == 0 && lists_rule(tested->rules, pattern + 5))
		return true;
	return strstr(tested->title, pattern) != NULL || fnmatch(pattern, tested->title, 0) == 0;
}

/* Why a target cannot run a case, or NULL. */
static const char *
reason_to_skip(const factstr_conformance_target *target, unsigned needs)
{
	if ((needs & (FC_PERSISTENT | FC_PROCESSES)) != 0 && !target->persistent)
		return "the store lives in one handle";
	if ((needs & FC_EFFECTS) != 0 && target->effect == NULL)
		return "the store has no transactions for handlers";
	if ((needs & FC_READ_ONLY) != 0 && target->read_only == NULL)
		return "the store cannot be opened to be read only";
	return NULL;
}

factstr_conformance_verdict
factstr_conformance_run_case(const factstr_conformance_target *target,
							 const factstr_conformance_case *tested, char *message)
{
	const fc_case *chosen = (const fc_case *) tested;	/* its first member */
	const char *reason = reason_to_skip(target, chosen->needs);
	fc_test		test;

	if (message != NULL)
		(void) snprintf(message, FACTSTR_CONFORMANCE_MESSAGE_SIZE, "%s", reason == NULL ? "" :
						reason);
	if (reason != NULL)
		return FACTSTR_CONFORMANCE_SKIPPED;

	fc_test_begin(&test, target, chosen->needs);
	if (setjmp(test.end) == 0)
	{
		test.url = fc_fresh(&test);
		if ((chosen->needs & FC_PROCESSES) == 0)
			fc_open_store(&test);
		chosen->run(&test);
		fc_check_threads(&test);
	}
	fc_test_end(&test);
	if (message != NULL)
		(void) snprintf(message, FACTSTR_CONFORMANCE_MESSAGE_SIZE, "%s", test.message);
	return test.failed ? FACTSTR_CONFORMANCE_FAILED : FACTSTR_CONFORMANCE_PASSED;
}

int
factstr_conformance_report(const factstr_conformance_target *target, const char *pattern,
						   factstr_conformance_reporter reporter, void *context)
{
	const factstr_conformance_case *tested;
	int			selected = 0;
	int			failed = 0;

	for (size_t i = 0; (tested = factstr_conformance_case_at(i)) != NULL; i++)
	{
		char		message[FACTSTR_CONFORMANCE_MESSAGE_SIZE];
		factstr_conformance_verdict verdict;

		if (!factstr_conformance_selects(pattern, tested))
			continue;
		selected++;
		verdict = factstr_conformance_run_case(target, tested, message);
		if (verdict == FACTSTR_CONFORMANCE_FAILED)
			failed++;
		if (reporter != NULL)
			reporter(tested, verdict, message, context);
	}
	return selected == 0 ? -1 : failed;
}

/* A TAP stream and the number of its last line. */
typedef struct tap_stream
{
	FILE	   *file;
	int			count;
} tap_stream;

/* Text in a line of TAP: nothing that could end the line or be read as a directive. */
static void
print_text(FILE *file, const char *text)
{
	for (const char *c = text; *c != '\0'; c++)
	{
		if ((unsigned char) *c < ' ' || *c == '#')
			(void) fprintf(file, "\\x%02x", (unsigned char) *c);
		else
			(void) fputc(*c, file);
	}
}

static void
report_as_tap(const factstr_conformance_case *tested, factstr_conformance_verdict verdict,
			  const char *message, void *context)
{
	tap_stream *tap = context;

	(void) fprintf(tap->file, "%sok %d - rule%s %s: ",
				   verdict == FACTSTR_CONFORMANCE_FAILED ? "not " : "", ++tap->count,
				   strchr(tested->rules, ',') == NULL ? "" : "s", tested->rules);
	print_text(tap->file, tested->title);
	if (verdict == FACTSTR_CONFORMANCE_SKIPPED)
		(void) fprintf(tap->file, " # SKIP %s", message);
	if (verdict == FACTSTR_CONFORMANCE_FAILED)
	{
		(void) fprintf(tap->file, "\n# %s: ", tested->subject);
		print_text(tap->file, message);
	}
	(void) fputc('\n', tap->file);
	(void) fflush(tap->file);
}

int
factstr_conformance_run(const factstr_conformance_target *target, const char *pattern, FILE *tap)
{
	tap_stream	stream = {tap, 0};
	const factstr_conformance_case *tested;
	int			selected = 0;

	for (size_t i = 0; (tested = factstr_conformance_case_at(i)) != NULL; i++)
		selected += factstr_conformance_selects(pattern, tested) ? 1 : 0;
	(void) fprintf(tap, "1..%d\n", selected);
	(void) fflush(tap);
	return factstr_conformance_report(target, pattern, report_as_tap, &stream);
}
