/*
 * input/slices.h
 *		Finds the payloads and metadata in the text of an events document.
 *
 * The text must have been loaded by fs_json_document_load and parsed as new events: malformed input is not
 * detected here.
 */
#ifndef FACTSTR_INPUT_SLICES_H
#define FACTSTR_INPUT_SLICES_H

#include "base/json_walk.h"

typedef struct fs_slicer
{
	fs_json_walk events;
} fs_slicer;

/* Borrowed from the text, without white space around them; empty if the event has no such key. */
typedef struct fs_event_slices
{
	fs_text		payload;
	fs_text		metadata;
} fs_event_slices;

/* Is the quoted key that begins here this one, however it is escaped? */
bool		fs_slice_key_is(const char *text, const char *name);

/* The value of a member of the object that begins here; without data if it does not exist. */
fs_text		fs_slice_member(const char *object, const char *name);

void		fs_slicer_begin(fs_slicer *slicer, const char *text);

/* The slices of the next event; to be called once for each. */
void		fs_slicer_next(fs_slicer *slicer, fs_event_slices *slices);

#endif							/* FACTSTR_INPUT_SLICES_H */
