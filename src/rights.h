/*
 * rights.h
 *		The rights of roles on a log.
 */
#ifndef FACTSTR_RIGHTS_H
#define FACTSTR_RIGHTS_H

/* The rights of roles on a log. */
typedef enum LogRight
{
	RIGHT_TO_READ,
	RIGHT_TO_APPEND,
	RIGHT_TO_CONSUME,
	RIGHT_TO_ADMINISTER
} LogRight;
#define LOG_RIGHTS (RIGHT_TO_ADMINISTER + 1)

extern const char *fs_right_name(LogRight right);
extern const char *fs_right_privilege(LogRight right);
extern bool fs_right_find(const char *name, LogRight *right);
extern bool fs_right_has(Oid view, Oid role, LogRight right);
extern void fs_right_require(const char *log, Oid view, Oid role, LogRight right);

#endif							/* FACTSTR_RIGHTS_H */
