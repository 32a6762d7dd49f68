/*
 * check/payloads.h
 *		Does the payload index find facts by their own payloads?
 */
#ifndef FACTSTR_CHECK_PAYLOADS_H
#define FACTSTR_CHECK_PAYLOADS_H

#include "storage/itemptr.h"
#include "utils/jsonb.h"

#include "check/check.h"

extern void fs_check_payloads_begin(Check *check);

/* The fact at this place is to be looked up. */
extern void fs_check_payloads_add(Check *check, int64 number, ItemPointer place, Jsonb *payload);

/* Looks them all up. */
extern void fs_check_payloads(Check *check);

#endif							/* FACTSTR_CHECK_PAYLOADS_H */
