/*
 * commit/rows_out.h
 *		Whatever leaves for a client is on disk.
 */
#ifndef FACTSTR_COMMIT_ROWS_OUT_H
#define FACTSTR_COMMIT_ROWS_OUT_H

extern void fs_rows_out_init(void);

#endif							/* FACTSTR_COMMIT_ROWS_OUT_H */
