/*
 * stores/hub.c
 *		Wakes the library's waiting threads.
 */
#include <pthread.h>
#include <stdlib.h>

#include "base/threads.h"
#include "stores/hub.h"

/* A condition to wait for, and the number of times that it has occurred. */
typedef struct fs_bell
{
	pthread_mutex_t mutex;
	pthread_cond_t rung;
	uint64_t	count;
} fs_bell;

struct fs_hub
{
	fs_bell		facts;
	fs_bell		cursors;
};

static void
fs_bell_destroy(fs_bell *bell)
{
	(void) pthread_cond_destroy(&bell->rung);
	(void) pthread_mutex_destroy(&bell->mutex);
}

static void
fs_bell_ring(fs_bell *bell)
{
	(void) pthread_mutex_lock(&bell->mutex);
	bell->count++;
	(void) pthread_cond_broadcast(&bell->rung);
	(void) pthread_mutex_unlock(&bell->mutex);
}

static uint64_t
fs_bell_count(fs_bell *bell)
{
	uint64_t	count;

	(void) pthread_mutex_lock(&bell->mutex);
	count = bell->count;
	(void) pthread_mutex_unlock(&bell->mutex);
	return count;
}

static void
fs_bell_wait(fs_bell *bell, uint64_t count, int64_t timeout_ms)
{
	int64_t		deadline = fs_deadline(timeout_ms);

	(void) pthread_mutex_lock(&bell->mutex);
	while (bell->count == count && fs_condition_wait(&bell->rung, &bell->mutex, deadline))
		;
	(void) pthread_mutex_unlock(&bell->mutex);
}

fs_hub *
fs_hub_new(void)
{
	fs_hub	   *hub = calloc(1, sizeof(fs_hub));

	if (hub == NULL)
		return NULL;
	if (fs_mutex_and_condition_init(&hub->facts.mutex, &hub->facts.rung))
	{
		if (fs_mutex_and_condition_init(&hub->cursors.mutex, &hub->cursors.rung))
			return hub;
		fs_bell_destroy(&hub->facts);
	}
	free(hub);
	return NULL;
}

void
fs_hub_free(fs_hub *hub)
{
	if (hub == NULL)
		return;
	fs_bell_destroy(&hub->cursors);
	fs_bell_destroy(&hub->facts);
	free(hub);
}

void
fs_hub_wake(fs_hub *hub)
{
	fs_bell_ring(&hub->facts);
	fs_bell_ring(&hub->cursors);
}

void
fs_hub_wake_cursors(fs_hub *hub)
{
	fs_bell_ring(&hub->cursors);
}

uint64_t
fs_hub_count(fs_hub *hub)
{
	return fs_bell_count(&hub->facts);
}

uint64_t
fs_hub_cursor_count(fs_hub *hub)
{
	return fs_bell_count(&hub->cursors);
}

void
fs_hub_wait(fs_hub *hub, uint64_t count, int64_t timeout_ms)
{
	fs_bell_wait(&hub->facts, count, timeout_ms);
}

void
fs_hub_cursor_wait(fs_hub *hub, uint64_t count, int64_t timeout_ms)
{
	fs_bell_wait(&hub->cursors, count, timeout_ms);
}
