# shellcheck shell=bash
#
# Sourced by scripts that build, for systems that Debian has no packages for, the libraries that Debian's packages are made
# of.  Needs the directory $work.

# shellcheck disable=SC2034  # used by those that source this
SQLITE_OPTIONS=(-O2 -fPIC -DSQLITE_THREADSAFE=1 -DSQLITE_OMIT_LOAD_EXTENSION)

apt_here() {
  apt-get -q -y -o Dir::Etc::sourcelist="$work/sources.list" -o Dir::Etc::sourceparts=- \
    -o Dir::State::lists="$work/lists" "$@"
}

# The sources of packages; the packages themselves may come from another archive.
fetch_sources() {
  mkdir -p "$work/lists/partial"
  # shellcheck disable=SC2016  # the variables are Perl's
  cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources 2>/dev/null |
    perl -0777 -ne '
      print "deb-src $1$2\n" while /^deb (?:(\[.*?\] ))?(.*)$/mg && length($2);
      foreach (split /\n\n+/) {
        my %field = /^(\w[\w-]*):\s*(.*)$/mg;
        next if ($field{Types} // "") !~ /\bdeb\b/;
        print "deb-src [signed-by=$field{q(Signed-By)}] $_ $field{Components}\n"
          for map { my $uri = $_; map { "$uri $_" } split " ", $field{Suites} } split " ", $field{URIs};
      }' >"$work/sources.list"
  apt_here update
  (cd "$work" && apt_here source "$@")
}

# sqlite3.c and sqlite3.h, in build/ of the source.
make_one_file_of_sqlite() {
  (cd "$work"/sqlite3-*/ && mkdir build && cd build && ../configure --disable-tcl --disable-readline && make sqlite3.c sqlite3.h)
}

version_of_sqlite() {
  sed -n 's/^#define SQLITE_VERSION  *"\(.*\)"/\1/p' "$work"/sqlite3-*/build/sqlite3.h
}

# write_pc DIRECTORY PREFIX NAME VERSION: the pkg-config file of a library that will be in PREFIX.
write_pc() {
  cat >"$1/lib/pkgconfig/$3.pc" <<EOF
Name: $3
Description: for another system
Version: $4
Libs: -L$2/lib -l$3
Cflags: -I$2/include
EOF
}
