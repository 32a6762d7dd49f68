/*
 * settings.h
 *		The settings of factstr, defined in factstr.c.
 */
#ifndef FACTSTR_SETTINGS_H
#define FACTSTR_SETTINGS_H

/* When an append may release its locks before its commit is on disk: see durability.c. */
typedef enum FactstrEarlyLockRelease
{
	FACTSTR_EARLY_RELEASE_OFF,
	FACTSTR_EARLY_RELEASE_FACTS_ONLY,
	FACTSTR_EARLY_RELEASE_ALWAYS
} FactstrEarlyLockRelease;

extern int	factstr_early_lock_release;
extern bool factstr_notify;
extern bool factstr_background_delivery;

#endif							/* FACTSTR_SETTINGS_H */
