/*
 * base/user.h
 *		Who runs the process.
 */
#ifndef FACTSTR_BASE_USER_H
#define FACTSTR_BASE_USER_H

/* The size that fs_user_name needs, including the NUL: that of the longest name on the server. */
#define FS_USER_NAME_SIZE 64

/* Writes the name of the effective user or, if the system knows none of this size, "uid 1000".  Returns name. */
char	   *fs_user_name(char *name);

#endif							/* FACTSTR_BASE_USER_H */
