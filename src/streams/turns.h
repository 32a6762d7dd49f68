/*
 * streams/turns.h
 *		The subscriptions of a worker's database, served in turn.
 */
#ifndef FACTSTR_STREAMS_TURNS_H
#define FACTSTR_STREAMS_TURNS_H

/* What a look at all subscriptions has come to. */
typedef struct Round
{
	bool		has_served;		/* and there may be more */
	bool		others_wait;	/* there is something to do for another role, which may have it
								 * done now */
	bool		some_are_gone;	/* the list is to be read again */
	bool		is_outdated;	/* there is something to do for a session with other settings */
	bool		log_is_replicated;
	long		timeout;		/* then there is something to do by itself, in ms; -1: not */
} Round;

extern bool fs_turns_list(void);
extern Round fs_turns_take(void);

#endif							/* FACTSTR_STREAMS_TURNS_H */
