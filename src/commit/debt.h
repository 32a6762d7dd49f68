/*
 * commit/debt.h
 *		The flush that a session owes because it has read results of commits in flight.
 */
#ifndef FACTSTR_COMMIT_DEBT_H
#define FACTSTR_COMMIT_DEBT_H

#include "nodes/pg_list.h"

extern void fs_debt_init(void);
extern void fs_debt_for_reading(const List *range_table);
extern void fs_debt_for_reading_relation(Oid relation);
extern void fs_debt_for_writing(const List *range_table);
extern void fs_debt_for_anything(void);
extern void fs_debt_falls_due(void);
extern bool fs_debt_pay(void);
extern void fs_debt_pay_at_once(void);

#endif							/* FACTSTR_COMMIT_DEBT_H */
