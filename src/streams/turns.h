/*
 * streams/turns.h
 *		Serves the subscriptions of a worker's database in turn.
 */
#ifndef FACTSTR_STREAMS_TURNS_H
#define FACTSTR_STREAMS_TURNS_H

/* The result of a look at all subscriptions. */
typedef struct Round
{
	bool		has_served;		/* and there may be more */
	bool		others_wait;	/* there is work for another role, which may be served now */
	bool		some_are_gone;	/* the list is to be read again */
	bool		is_outdated;	/* there is work for a session with other settings */
	bool		log_is_replicated;
	long		timeout;		/* the time until there is work without a wake-up, in ms; -1: none */
} Round;

extern bool fs_turns_list(void);
extern Round fs_turns_take(void);

#endif							/* FACTSTR_STREAMS_TURNS_H */
