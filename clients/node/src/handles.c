/*
 * handles.c
 *		See handles.h.
 */
#include "handles.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

struct fn_handle
{
	fn_kind		kind;
	atomic_int	references;
	pthread_mutex_t lock;
	pthread_cond_t left;
	void	   *object;			/* NULL: closed */
	size_t		users;			/* calls between enter and leave */
	fn_handle  *store;
	bool		watched;
};

fn_handle *
fn_handle_new(fn_kind kind, void *object, fn_handle *store)
{
	fn_handle  *handle = calloc(1, sizeof(*handle));

	if (handle == NULL)
		return NULL;
	handle->kind = kind;
	handle->object = object;
	handle->store = store == NULL ? NULL : fn_handle_retain(store);
	atomic_init(&handle->references, 1);
	pthread_mutex_init(&handle->lock, NULL);
	pthread_cond_init(&handle->left, NULL);
	return handle;
}

fn_handle *
fn_handle_retain(fn_handle *handle)
{
	atomic_fetch_add(&handle->references, 1);
	return handle;
}

void
fn_handle_release(fn_handle *handle)
{
	if (handle == NULL || atomic_fetch_sub(&handle->references, 1) > 1)
		return;
	(void) fn_handle_close(handle);
	fn_handle_release(handle->store);
	pthread_cond_destroy(&handle->left);
	pthread_mutex_destroy(&handle->lock);
	free(handle);
}

static void *
enter(fn_handle *handle)
{
	void	   *object;

	pthread_mutex_lock(&handle->lock);
	object = handle->object;
	if (object != NULL)
		handle->users++;
	pthread_mutex_unlock(&handle->lock);
	return object;
}

static void
leave(fn_handle *handle)
{
	pthread_mutex_lock(&handle->lock);
	handle->users--;
	pthread_cond_broadcast(&handle->left);
	pthread_mutex_unlock(&handle->lock);
}

void *
fn_handle_enter(fn_handle *handle, fn_kind kind)
{
	void	   *object;

	if (handle == NULL || handle->kind != kind || (handle->store != NULL && enter(handle->store) == NULL))
		return NULL;
	object = enter(handle);
	if (object == NULL && handle->store != NULL)
		leave(handle->store);
	return object;
}

void
fn_handle_leave(fn_handle *handle)
{
	leave(handle);
	if (handle->store != NULL)
		leave(handle->store);
}

/* Interrupts the calls in a store repeatedly, since some may only be starting. */
static void
await_users(fn_handle *handle, void *object)
{
	struct timespec soon;

	while (handle->users > 0)
	{
		if (handle->kind == FN_STORE)
			factstr_interrupt(object);
		clock_gettime(CLOCK_REALTIME, &soon);
		soon.tv_nsec += 2000000;
		if (soon.tv_nsec >= 1000000000)
		{
			soon.tv_nsec -= 1000000000;
			soon.tv_sec++;
		}
		pthread_cond_timedwait(&handle->left, &handle->lock, &soon);
	}
}

/* Pulled streams have no handler, so there is none to wait for. */
static int
close_object(fn_kind kind, void *object)
{
	switch (kind)
	{
		case FN_STORE:
			return factstr_close(object, 0);
		case FN_STREAM:
			return factstr_stream_close(object, 0);
		case FN_CURSOR:
			factstr_read_close(object);
			break;
	}
	return FACTSTR_OK;
}

int
fn_handle_close(fn_handle *handle)
{
	void	   *object;

	pthread_mutex_lock(&handle->lock);
	object = handle->object;
	handle->object = NULL;
	if (object != NULL)
		await_users(handle, object);
	pthread_mutex_unlock(&handle->lock);
	return object == NULL ? FACTSTR_OK : close_object(handle->kind, object);
}

void
fn_handle_unsubscribe(fn_handle *handle)
{
	void	   *stream = fn_handle_enter(handle, FN_STREAM);

	if (stream == NULL)
		return;
	factstr_stream_unsubscribe(stream);
	fn_handle_leave(handle);
}

bool *
fn_handle_watched(fn_handle *handle)
{
	return &handle->watched;
}
