# A time of day that can be set: a library for LD_PRELOAD that adds to the server's clock, by a file "offset" with
# so many seconds, and has it run backwards, by a second with each look of a process, while there is a file
# "backwards".  The clock for durations stays as it is.

package FactstrClock;

use strict;
use warnings;

use PostgreSQL::Test::Utils;

# Compiles the library.
sub new
{
	my ($class) = @_;
	my $directory = PostgreSQL::Test::Utils::tempdir_short();
	my $self = bless { directory => $directory, library => "$directory/clock.so" }, $class;

	open(my $source, '>', "$directory/clock.c") or die $!;
	print $source <<~'C';
		#define _GNU_SOURCE
		#include <dlfcn.h>
		#include <fcntl.h>
		#include <stdlib.h>
		#include <sys/time.h>
		#include <time.h>
		#include <unistd.h>

		static long offset(void)
		{
			static __thread long looks;
			char text[32] = "";
			int file = open(DIRECTORY "/offset", O_RDONLY | O_CLOEXEC);
			ssize_t length = file < 0 ? 0 : read(file, text, sizeof(text) - 1);

			if (file >= 0)
				close(file);
			if (access(DIRECTORY "/backwards", F_OK) == 0)
				looks++;
			return (length > 0 ? atol(text) : 0) - looks;
		}

		int clock_gettime(clockid_t clock, struct timespec *now)
		{
			static int (*real)(clockid_t, struct timespec *);
			int result;

			if (real == NULL)
				real = (int (*)(clockid_t, struct timespec *)) dlsym(RTLD_NEXT, "clock_gettime");
			result = real(clock, now);
			if (result == 0 && clock == CLOCK_REALTIME)
				now->tv_sec += offset();
			return result;
		}

		int gettimeofday(struct timeval *restrict now, void *restrict zone)
		{
			struct timespec time;

			(void) zone;
			if (clock_gettime(CLOCK_REALTIME, &time) != 0)
				return -1;
			now->tv_sec = time.tv_sec;
			now->tv_usec = time.tv_nsec / 1000;
			return 0;
		}

		time_t time(time_t *result)
		{
			struct timespec now;

			if (clock_gettime(CLOCK_REALTIME, &now) != 0)
				return -1;
			if (result != NULL)
				*result = now.tv_sec;
			return now.tv_sec;
		}
		C
	close($source) or die $!;
	PostgreSQL::Test::Utils::system_or_bail($ENV{CC} // 'cc', '-shared', '-fPIC', '-O1', '-Wall', '-Werror',
		qq(-DDIRECTORY="$directory"), '-o', $self->{library}, "$directory/clock.c", '-ldl');
	return $self;
}

sub library { return $_[0]{library} }

# Puts a file in place at once, even under its readers.
sub put
{
	my ($self, $name, $text) = @_;

	open(my $file, '>', "$self->{directory}/$name.new") or die $!;
	print $file $text;
	close($file) or die $!;
	rename("$self->{directory}/$name.new", "$self->{directory}/$name") or die $!;
	return;
}

# So many seconds off the right time, for all processes of the server.
sub set { return $_[0]->put('offset', $_[1]) }

sub run_backwards { return $_[0]->put('backwards', '') }

sub run_forwards { return unlink("$_[0]{directory}/backwards") }

1;
