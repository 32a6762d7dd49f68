/*
 * commit/rows_out.h
 *		Rows leave for a client only after the commits that they show are on disk.
 */
#ifndef FACTSTR_COMMIT_ROWS_OUT_H
#define FACTSTR_COMMIT_ROWS_OUT_H

extern void fs_rows_out_init(void);

#endif							/* FACTSTR_COMMIT_ROWS_OUT_H */
