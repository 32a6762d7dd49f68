/*
 * lib/matching.c
 *		The answers of the matcher.
 */
#include <stdlib.h>
#include <string.h>

#include "matching.h"
#include "match/query_matcher.h"

static void
expect_completed(fs_completion completion)
{
	if (completion != FS_COMPLETED)
		abort();
}

bool
payload_matches(fs_json payload, fs_json predicate)
{
	fs_matching matching;
	bool		matches;

	fs_matching_begin(&matching);
	matches = fs_payload_matches(&matching, payload, predicate);
	expect_completed(fs_matching_end(&matching));
	return matches;
}

bool
query_matches(const fs_event_query *query, const char *event_type, fs_json payload)
{
	fs_text		type = {event_type, strlen(event_type)};
	bool		matches;

	expect_completed(fs_event_query_matches(query, type, payload, &matches));
	return matches;
}
