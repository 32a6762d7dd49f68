/*
 * settings.h
 *		The settings of factstr, defined in factstr.c.
 */
#ifndef FACTSTR_SETTINGS_H
#define FACTSTR_SETTINGS_H

/* When an append may release its locks before its commit is on disk: see commit/durability.c. */
typedef enum FactstrEarlyLockRelease
{
	FACTSTR_EARLY_RELEASE_OFF,
	FACTSTR_EARLY_RELEASE_FACTS_ONLY,
	FACTSTR_EARLY_RELEASE_AUTO,
	FACTSTR_EARLY_RELEASE_ALWAYS
} FactstrEarlyLockRelease;

/* More processes than a server will want. */
#define FACTSTR_MAX_DELIVERY_WORKERS 64

extern int	factstr_early_lock_release;
extern bool factstr_notify;
extern bool factstr_background_delivery;
extern int	factstr_delivery_workers;	/* of a database, at most */
extern int	factstr_handler_timeout;	/* in ms; 0: none */
extern bool factstr_log_lock_times;

#endif							/* FACTSTR_SETTINGS_H */
