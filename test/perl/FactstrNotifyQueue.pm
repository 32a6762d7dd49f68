# A notification queue that is as full as a test wants it, from the head back to the position of the slowest listener.
#
# From 17 on the number of its pages is a setting, and small here: they are sent.  Before, it takes a million pages
# (8 GB).  With FACTSTR_LONG=1 in the environment these are sent and written, which takes minutes.
# Else the slowest listener is moved back by as much, in shared memory, to where it would be after a
# great many notifications: page numbers wrap around, so there are pages before page 0.  Its file
# there holds a page that PostgreSQL has written, and the others are hard links to it.  So the
# listener has a million pages to read, with a notification of nobody's interest on each, and the
# head, its buffers and all other listeners are left as they are.

package FactstrNotifyQueue;

use strict;
use warnings;

use PostgreSQL::Test::Utils;

my $PAGE_SIZE = 8192;
my $SEGMENT = 32;
my $CHUNK = 10_000;
my $FREE_DISK = 16;

# Of the server that the tests run on.
my $has_setting = (qx(pg_config --version) =~ /(\d+)/)[0] >= 17;
our $PAGES = $has_setting ? 0x400 : 0x100000;
my $PAGE_NUMBERS = 2 * $PAGES;

my @queues;

# The necessary settings of a server.
sub settings { return $has_setting ? "max_notify_queue_pages = $PAGES" : '' }

# Does filling the queue mean to send all of it?
sub is_sent { return $has_setting || $ENV{FACTSTR_LONG} }

# The reason why this cannot work with a server, or the empty text.
sub obstacle
{
	my ($node) = @_;

	return '' if $has_setting || !$ENV{FACTSTR_LONG};
	my $line = (split(/\n/, qx(df -Pk '@{[ $node->data_dir ]}')))[-1];
	my $free = (split(/\s+/, $line))[3] / 1024 / 1024;

	return $free < $FREE_DISK ? sprintf('%d GB of disk are free, %d are needed', $free, $FREE_DISK) : '';
}

# The queue of a server, with a session that listens and will stay in a transaction, and one to work with.
sub new
{
	my ($class, $node, $listener, $session) = @_;
	my $self = bless { node => $node, directory => $node->data_dir . '/pg_notify', listener => $listener, session => $session }, $class;

	push @queues, $self;
	$session->run('SET client_min_messages = error');
	return $self if is_sent();
	$self->compile;
	# The first segment leaves the few buffers.
	$self->send(3 * $SEGMENT);
	return $self;
}

sub compile
{
	my ($self) = @_;
	my $directory = PostgreSQL::Test::Utils::tempdir_short();
	chomp(my $include = qx(pg_config --includedir-server));

	open(my $source, '>', "$directory/notify_queue.c") or die $!;
	print $source <<~'C';
		#include "postgres.h"

		#include "fmgr.h"
		#include "miscadmin.h"
		#include "storage/backendid.h"
		#include "storage/lwlock.h"
		#include "storage/shmem.h"
		#include "utils/timestamp.h"

		PG_MODULE_MAGIC;

		#if PG_VERSION_NUM >= 170000
		#error "these are the structures of PostgreSQL 13 to 16, of its commands/async.c"
		#endif

		typedef struct QueuePosition
		{
			int			page;
			int			offset;
		} QueuePosition;

		typedef struct QueueBackendStatus
		{
			int32		pid;
			Oid			dboid;
			BackendId	nextListener;
			QueuePosition pos;
		} QueueBackendStatus;

		typedef struct AsyncQueueControl
		{
			QueuePosition head;
			QueuePosition tail;
			int			stopPage;
			BackendId	firstListener;
			TimestampTz lastQueueFillWarn;
			QueueBackendStatus backend[FLEXIBLE_ARRAY_MEMBER];
		} AsyncQueueControl;

		/* Fails if the server's structure has another size. */
		static AsyncQueueControl *
		queue(void)
		{
			bool		found;
			Size		size = offsetof(AsyncQueueControl, backend) +
				(MaxBackends + 1) * sizeof(QueueBackendStatus);
			AsyncQueueControl *control = ShmemInitStruct("Async Queue Control", size, &found);

			if (!found)
				elog(ERROR, "there is no notification queue");
			return control;
		}

		PG_FUNCTION_INFO_V1(notify_queue_head);

		Datum
		notify_queue_head(PG_FUNCTION_ARGS)
		{
			int			page;

			LWLockAcquire(NotifyQueueLock, LW_SHARED);
			page = queue()->head.page;
			LWLockRelease(NotifyQueueLock);
			PG_RETURN_INT32(page);
		}

		PG_FUNCTION_INFO_V1(notify_queue_move_listener);

		/* Arguments: the process that listens, and the page to put it to, and the tail with it. */
		Datum
		notify_queue_move_listener(PG_FUNCTION_ARGS)
		{
			AsyncQueueControl *control = queue();
			int			moved = 0;

			LWLockAcquire(NotifyQueueTailLock, LW_EXCLUSIVE);
			LWLockAcquire(NotifyQueueLock, LW_EXCLUSIVE);
			for (BackendId i = control->firstListener; i > 0; i = control->backend[i].nextListener)
			{
				if (control->backend[i].pid != PG_GETARG_INT32(0))
					continue;
				control->backend[i].pos.page = PG_GETARG_INT32(1);
				control->backend[i].pos.offset = 0;
				control->tail = control->backend[i].pos;
				control->stopPage = control->tail.page;
				moved++;
			}
			LWLockRelease(NotifyQueueLock);
			LWLockRelease(NotifyQueueTailLock);
			PG_RETURN_BOOL(moved == 1);
		}
		C
	close($source) or die $!;
	PostgreSQL::Test::Utils::system_or_bail($ENV{CC} // 'cc', '-shared', '-fPIC', '-O1', "-I$include",
		'-o', "$directory/notify_queue.so", "$directory/notify_queue.c");
	$self->{session}->run("CREATE FUNCTION notify_queue_head() RETURNS int LANGUAGE c AS '$directory/notify_queue.so'");
	$self->{session}->run("CREATE FUNCTION notify_queue_move_listener(int, int) RETURNS bool LANGUAGE c AS '$directory/notify_queue.so'");
	return;
}

# Sends notifications that take a page each.
sub send
{
	my ($self, $pages) = @_;

	while ($pages > 0)
	{
		my $count = $pages < $CHUNK ? $pages : $CHUNK;

		$self->{session}->run(qq(SELECT count(pg_notify('filler', lpad(i::text, 7999))) FROM generate_series(1, $count) i));
		$pages -= $count;
	}
	return;
}

# Links the files of the segments from one page up to another, which are not there yet.
sub link_segments
{
	my ($self, $from, $to) = @_;
	my $first = sprintf('%s/%04X', $self->{directory}, $from / $SEGMENT);
	my $page;

	open(my $written, '<:raw', "$self->{directory}/0000") or die $!;
	read($written, $page, $PAGE_SIZE) == $PAGE_SIZE or die 'page 0 is not there';
	close($written) or die $!;
	unpack('l', $page) == $PAGE_SIZE - 168 or die 'page 0 is not the one that was sent';
	open(my $file, '>:raw', $first) or die $!;
	print $file $page x $SEGMENT;
	close($file) or die $!;
	for (my $at = $from + $SEGMENT; $at != $to; $at += $SEGMENT)
	{
		my $name = sprintf('%s/%04X', $self->{directory}, $at / $SEGMENT);

		link($first, $name) or die "$name: $!";
	}
	return;
}

# The number of pages that are in the queue now.
sub used
{
	my ($self) = @_;

	return int($PAGES * $self->{session}->value('SELECT pg_notification_queue_usage()') + 0.5);
}

# Fills the queue up to a share of its pages, or just a few of them less.
sub fill_to
{
	my ($self, $share) = @_;
	my $wanted = int($share * $PAGES);

	if (!is_sent())
	{
		my $head = $self->{session}->value('SELECT notify_queue_head()');
		my $tail = $head - $wanted + $PAGE_NUMBERS;

		$tail += -$tail % $SEGMENT;
		$self->link_segments($tail, $self->{tail} // $PAGE_NUMBERS);
		$self->{session}->value('SELECT notify_queue_move_listener($1, $2)', $self->{listener}->pid, $tail)
			or die 'the listener is not there';
		$self->{tail} = $tail;
	}
	$self->send($wanted - $self->used);
	return;
}

# Fills the queue until it takes nothing more.
sub fill
{
	my ($self) = @_;

	# The last pages one by one, because a notification that does not fit is refused as a whole.
	$self->fill_to(1 - 2 * $SEGMENT / $PAGES);
	while ($self->{session}->state_of(q(SELECT pg_notify('filler', lpad('', 7999)))) ne '54000')
	{
		die $self->{session}->message if $self->{session}->state ne '00000';
	}
	return;
}

# The files go away, however the test ends.
$SIG{$_} = sub { exit 1 } foreach qw(HUP INT TERM);

END
{
	local $?;
	foreach my $queue (@queues)
	{
		$queue->{node}->teardown_node;
		unlink glob("$queue->{directory}/*");
	}
}

1;
