/*
 * input/probe.h
 *		One fact that is matched against any number of queries; its payload is parsed at most once.
 */
#ifndef FACTSTR_INPUT_PROBE_H
#define FACTSTR_INPUT_PROBE_H

#include "input/query.h"

typedef struct fs_probe
{
	const factstr_fact *fact;
	fs_text		event_type;
	fs_json		payload;		/* NULL: not parsed yet */
} fs_probe;

/* The fact must last as long as the probe. */
void		fs_probe_begin(fs_probe *probe, const factstr_fact *fact);
void		fs_probe_end(fs_probe *probe);

int			fs_probe_matches(fs_probe *probe, const fs_query *query, bool *matches,
							 factstr_error *error);

#endif							/* FACTSTR_INPUT_PROBE_H */
