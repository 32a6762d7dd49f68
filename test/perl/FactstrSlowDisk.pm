# A disk that can be stopped, or full: a library for LD_PRELOAD that makes the server's writes to its
# log (pg_wal) wait while a file "hold" exists, and take thirty milliseconds while a file "slow" exists;
# while a file "full" exists, no table or index gets longer.  Blocked writes are lost in a crash,
# since they have not even reached the kernel.

package FactstrSlowDisk;

use strict;
use warnings;

use PostgreSQL::Test::Utils;

# Compiles the library.
sub new
{
	my ($class) = @_;
	my $directory = PostgreSQL::Test::Utils::tempdir_short();
	my $self = bless { directory => $directory, library => "$directory/slow_disk.so" }, $class;

	open(my $source, '>', "$directory/slow_disk.c") or die $!;
	print $source <<~'C';
		#define _GNU_SOURCE
		#include <dlfcn.h>
		#include <errno.h>
		#include <stdio.h>
		#include <string.h>
		#include <sys/stat.h>
		#include <sys/uio.h>
		#include <unistd.h>

		static int is_in(int fd, const char *directory)
		{
			char link[64], path[1024];
			ssize_t length;

			snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
			length = readlink(link, path, sizeof(path) - 1);
			if (length < 0)
				return 0;
			path[length] = 0;
			return strstr(path, directory) != NULL;
		}

		static void wait_for_disk(int fd)
		{
			if (access(DIRECTORY "/hold", F_OK) != 0 && access(DIRECTORY "/slow", F_OK) != 0)
				return;
			if (!is_in(fd, "/pg_wal/"))
				return;
			if (access(DIRECTORY "/slow", F_OK) == 0)
				usleep(30000);
			while (access(DIRECTORY "/hold", F_OK) == 0)
				usleep(1000);
		}

		/* There is always room for visibility maps: 19 extends them even when it reads a table. */
		static int has_no_room(int fd, off64_t offset)
		{
			struct stat file;

			return access(DIRECTORY "/full", F_OK) == 0 && is_in(fd, "/base/") && !is_in(fd, "_vm") &&
				fstat(fd, &file) == 0 && offset >= file.st_size;
		}

		ssize_t pwrite64(int fd, const void *data, size_t size, off64_t offset)
		{
			static ssize_t (*real)(int, const void *, size_t, off64_t);

			if (real == NULL)
				real = dlsym(RTLD_NEXT, "pwrite64");
			if (has_no_room(fd, offset))
			{
				errno = ENOSPC;
				return -1;
			}
			wait_for_disk(fd);
			return real(fd, data, size, offset);
		}

		ssize_t pwrite(int fd, const void *data, size_t size, off_t offset)
		{
			return pwrite64(fd, data, size, offset);
		}

		/* 16 and later make files longer with it. */
		ssize_t pwritev64(int fd, const struct iovec *parts, int count, off64_t offset)
		{
			static ssize_t (*real)(int, const struct iovec *, int, off64_t);

			if (real == NULL)
				real = dlsym(RTLD_NEXT, "pwritev64");
			if (has_no_room(fd, offset))
			{
				errno = ENOSPC;
				return -1;
			}
			wait_for_disk(fd);
			return real(fd, parts, count, offset);
		}

		ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t offset)
		{
			return pwritev64(fd, parts, count, offset);
		}
		C
	close($source) or die $!;
	PostgreSQL::Test::Utils::system_or_bail($ENV{CC} // 'cc', '-shared', '-fPIC', '-O1',
		qq(-DDIRECTORY="$directory"), '-o', $self->{library}, "$directory/slow_disk.c", '-ldl');
	return $self;
}

sub library { return $_[0]{library} }

sub touch
{
	my ($self, $name) = @_;

	open(my $file, '>', "$self->{directory}/$name") or die $!;
	close($file) or die $!;
	return;
}

# No write to the log from now on, until released.
sub hold { return $_[0]->touch('hold') }
sub slow { return $_[0]->touch('slow') }

# No room for more pages of tables and indexes, until released.
sub fill { return $_[0]->touch('full') }

sub release
{
	my ($self) = @_;

	unlink("$self->{directory}/hold", "$self->{directory}/slow", "$self->{directory}/full");
	return;
}

# Should the test end early, no process may stay behind in the wait.
sub DESTROY { $_[0]->release; return; }

1;
