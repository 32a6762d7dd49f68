/*
 * sql/sizes.h
 *		How large the files of a log's table of events are.
 */
#ifndef FACTSTR_SQL_SIZES_H
#define FACTSTR_SQL_SIZES_H

#include "utils/jsonb.h"

extern int64 fs_size_of_table(Oid table);
extern int64 fs_size_of_toast(Oid table);
extern Jsonb *fs_size_of_indexes(Oid table);

#endif							/* FACTSTR_SQL_SIZES_H */
