#!/bin/sh
#
# The library, the command and the tests with musl, linked statically: each program runs and passes.  Run from memstore/.
#
# SQLite and jansson must have been built with musl, which scripts/musl does.

# shellcheck source=memstore/test/lib/results.sh
. test/lib/results.sh
unset MAKEFLAGS MFLAGS MAKELEVEL

MUSL=${FACTSTR_MUSL:-/var/cache/factstr-musl}

if ! command -v musl-gcc >/dev/null || ! PKG_CONFIG_LIBDIR=$MUSL/lib/pkgconfig pkg-config --exists 'sqlite3 >= 3.37' jansson; then
  echo "1..0 # SKIP scripts/musl has not been called, which installs the requirements"
  exit 0
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Of these, one replaces the allocations of shared libraries, one counts glibc's allocations, two are long, and the
# last is no test by itself.
LEFT_OUT=' sqlite_out_of_memory memory_use stream_storm local_log_costs match_pairs '

# shellcheck disable=SC2317  # ok calls it
build() {
  make -s -j"$(nproc)" BUILD="$work/build" CC=musl-gcc POSTGRES=no LDFLAGS=-static WERROR=1 \
    PKG_CONFIG="env PKG_CONFIG_LIBDIR=$MUSL/lib/pkgconfig pkg-config" all
}

ok "all of it is built with musl" build
lacks "the command needs no library at run time" "$(file -b "$work/build/factstr" 2>&1)" "dynamically linked"
is "and appends to a file" \
  "$(echo '{"event_type": "a", "payload": 1}' | "$work/build/factstr" -s "$work/facts.db" append 2>&1)" \
  '{"first_sequence_number": 1, "last_sequence_number": 1, "committed_count": 1}'
contains "a message has the system's words" "$("$work/build/factstr" -s "$work/none.db" status 2>&1)" "No such file or directory"
for source in test/*.c; do
  program=$(basename "$source" .c)
  case $LEFT_OUT in *" $program "*) continue ;; esac
  [ -x "$work/build/test/$program" ] || continue
  ok "$program passes" "$work/build/test/$program" ../test/data/matching-cases.jsonl
done
finish
