/*
 * lib/matching.h
 *		The answers of the matcher, for tests in which nothing interrupts it.
 */
#ifndef FACTSTR_TEST_MATCHING_H
#define FACTSTR_TEST_MATCHING_H

#include "json/binding.h"
#include "match/event_query.h"

bool		payload_matches(fs_json payload, fs_json predicate);
bool		query_matches(const fs_event_query *query, const char *event_type, fs_json payload);

#endif							/* FACTSTR_TEST_MATCHING_H */
