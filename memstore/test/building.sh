#!/bin/sh
#
# Builds other than the usual one: without PostgreSQL, with libpq linked, and with clang.  Run from memstore/.

# shellcheck source=memstore/test/lib/results.sh
. test/lib/results.sh
unset MAKEFLAGS MFLAGS MAKELEVEL
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# build NAME TARGET ARGUMENT...: into a directory of that name, relative to which the target is.
# shellcheck disable=SC2317  # ok calls it
build() {
  directory=$work/$1
  target=$directory/$2
  shift 2
  make -s -j"$(nproc)" BUILD="$directory" CFLAGS=-O0 WERROR=1 "$@" "$target"
}

ok "the command is built without PostgreSQL" build without factstr POSTGRES=no
ok "and the shared library" build without "libfactstr.so.$(sed -n "s/^default_version = '\(.*\)'/\1/p" ../factstr.control)" POSTGRES=no
is "from which no file includes libpq's header" "$(find "$work/without" -name '*.d' -exec grep -l libpq-fe {} +)" ""
lacks "libpq is not even named in it" "$(strings "$work/without/libfactstr.so" 2>&1)" libpq.so
said=$("$work/without/factstr" -s postgresql:///facts status 2>&1)
contains "it says that a database cannot be opened" "$said" "built without PostgreSQL"
contains "and which option does that" "$said" "POSTGRES=no"
is "a file can" "$(echo '{"event_type": "a", "payload": 1}' | "$work/without/factstr" -s "$work/facts.db" append 2>&1)" \
  '{"first_sequence_number": 1, "last_sequence_number": 1, "committed_count": 1}'

ok "the command is built with libpq linked" build linked factstr POSTGRES=link
contains "of which it says so" "$(ldd "$work/linked/factstr")" libpq
make -s BUILD="$work/linked" CFLAGS=-O0 POSTGRES=link prefix="$work/usr" install >"$work/output" 2>&1
contains "and factstr.pc, too" "$(cat "$work/usr/lib/pkgconfig/factstr.pc")" "Requires.private: sqlite3 libpq"
ok "other values of POSTGRES are refused" sh -c '! make -s POSTGRES=maybe list-tests 2>/dev/null'

# A build reports missing libraries before anything is compiled.  Tested with an older SQLite, and with none.
mkdir "$work/old" "$work/nothing"
printf 'Name: sqlite3\nDescription: old\nVersion: 3.34.1\nLibs: -lsqlite3\n' >"$work/old/sqlite3.pc"
said_with() {
  PKG_CONFIG_LIBDIR=$1 make -s BUILD="$work/refused" POSTGRES=no "$2" 2>&1
}
said=$(said_with "$work/old" products)
contains "an older SQLite is refused" "$said" "'sqlite3' has version '3.34.1', required version is '>= 3.37'"
contains "with the package to install" "$said" libsqlite3-dev
contains "without one, its package is named, too" "$(said_with "$work/nothing" products)" libsqlite3-dev
is "nothing is compiled" "$(find "$work/refused" -type f 2>/dev/null)" ""
sed -i 's/3.34.1/3.37.0/' "$work/old/sqlite3.pc"
contains "without jansson, the target that needs none is named" "$(said_with "$work/old" all)" "make products"
is "before anything is compiled" "$(find "$work/refused" -name '*.o' 2>/dev/null)" ""
# With the objects from above.
ok "and builds all else" env PKG_CONFIG_LIBDIR="$work/old" make -s -j"$(nproc)" BUILD="$work/without" CFLAGS=-O0 POSTGRES=no products
printf '#include_next <sqlite3.h>\n#undef SQLITE_VERSION_NUMBER\n#define SQLITE_VERSION_NUMBER 3036000\n' >"$work/old/sqlite3.h"
contains "headers of an older SQLite are refused" \
  "$(make -s BUILD="$work/headers" CPPFLAGS="-I$work/old" "$work/headers/src/stores/sqlite/schema.o" 2>&1)" "SQLite 3.37 or newer is needed"

if command -v clang >/dev/null; then
  ok "clang compiles all of it without a warning" make -s -j"$(nproc)" BUILD="$work/clang" CC=clang CFLAGS=-O0 WERROR=1
else
  skip "clang compiles all of it without a warning" "there is no clang"
fi
finish
