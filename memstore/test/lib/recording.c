/*
 * recording.c
 *		A handler that records its deliveries, for tests of streams.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "recording.h"

static void
write_batch(recording *self, const factstr_batch *batch)
{
	size_t		length = strlen(self->log);
	char	   *end = self->log + length;
	size_t		room = sizeof(self->log) - length;
	int			written;

	if (room < 200)
		return;
	written = snprintf(end, room, "%s%d-%d(", length > 0 ? " " : "",
					   (int) batch->first_sequence_number, (int) batch->last_sequence_number);
	for (size_t i = 0; i < batch->fact_count && room - (size_t) written > 30; i++)
		written += snprintf(end + written, room - (size_t) written, "%s%d", i > 0 ? "," : "",
							(int) batch->facts[i].sequence_number);
	(void) snprintf(end + written, room - (size_t) written, ")");
}

static int
read_number(recording *self, const int *number)
{
	int			value;

	(void) pthread_mutex_lock(&self->mutex);
	value = *number;
	(void) pthread_mutex_unlock(&self->mutex);
	return value;
}

static void
set_number(recording *self, int *number, int value)
{
	(void) pthread_mutex_lock(&self->mutex);
	*number = value;
	(void) pthread_mutex_unlock(&self->mutex);
}

static bool
is_held(recording *self)
{
	bool		held;

	(void) pthread_mutex_lock(&self->mutex);
	held = self->is_held;
	(void) pthread_mutex_unlock(&self->mutex);
	return held;
}

int
recording_handler(const factstr_batch *batch, void *context, factstr_error *error)
{
	recording  *self = context;
	bool		fails;

	(void) error;
	(void) pthread_mutex_lock(&self->mutex);
	self->calls++;
	self->thread = pthread_self();
	fails = self->failures_left != 0;
	if (self->failures_left > 0)
		self->failures_left--;
	if (!fails)
		write_batch(self, batch);
	(void) pthread_mutex_unlock(&self->mutex);
	while (is_held(self))
		(void) usleep(200);
	if (fails)
		return 7;
	return self->action != NULL ? self->action(self, batch) : 0;
}

int
recording_json_handler(const char *delivery, void *context, factstr_error *error)
{
	recording  *self = context;

	(void) error;
	(void) pthread_mutex_lock(&self->mutex);
	self->calls++;
	(void) snprintf(self->log, sizeof(self->log), "%s", delivery);
	(void) pthread_mutex_unlock(&self->mutex);
	return 0;
}

int
recording_calls(recording *self)
{
	return read_number(self, &self->calls);
}

int
recording_result(recording *self)
{
	return read_number(self, &self->result);
}

void
recording_set_result(recording *self, int result)
{
	set_number(self, &self->result, result);
}

void
recording_fail(recording *self, int failures)
{
	set_number(self, &self->failures_left, failures);
}

void
recording_hold(recording *self, bool held)
{
	(void) pthread_mutex_lock(&self->mutex);
	self->is_held = held;
	(void) pthread_mutex_unlock(&self->mutex);
}

bool
recording_await_calls(recording *self, int calls)
{
	return AWAIT(recording_calls(self) >= calls);
}

static bool
log_is(recording *self, const char *log)
{
	bool		same;

	(void) pthread_mutex_lock(&self->mutex);
	same = strcmp(self->log, log) == 0;
	(void) pthread_mutex_unlock(&self->mutex);
	return same;
}

static bool
compare(recording *self, const char *log, const char *name, va_list arguments)
{
	char		text[300];
	char		got[sizeof(self->log)];

	(void) vsnprintf(text, sizeof(text), name, arguments);
	(void) pthread_mutex_lock(&self->mutex);
	(void) strcpy(got, self->log);
	(void) pthread_mutex_unlock(&self->mutex);
	return ok_str(got, log, "%s", text);
}

bool
ok_recorded_now(recording *self, const char *log, const char *name,...)
{
	va_list		arguments;
	bool		same;

	va_start(arguments, name);
	same = compare(self, log, name, arguments);
	va_end(arguments);
	return same;
}

bool
ok_recorded(recording *self, const char *log, const char *name,...)
{
	va_list		arguments;
	bool		same;

	(void) AWAIT(log_is(self, log));
	va_start(arguments, name);
	same = compare(self, log, name, arguments);
	va_end(arguments);
	return same;
}

int
recording_unsubscribes(recording *self, const factstr_batch *batch)
{
	(void) batch;
	factstr_stream_unsubscribe(self->stream);
	return 0;
}

int
recording_frees(recording *self, const factstr_batch *batch)
{
	(void) batch;
	(void) factstr_stream_close(self->stream, -1);
	return 0;
}
