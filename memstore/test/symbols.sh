#!/bin/sh
#
# The symbols of the libraries: the shared one and the archive export the functions in symbols.txt, and nothing else, so
# a program may have functions with any other names.  Run from memstore/.

# shellcheck source=memstore/test/lib/results.sh
. test/lib/results.sh
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# The symbols that can be linked to; those of sanitizers begin with two underscores.
exported() {
  nm "$@" | awk '$2 ~ /^[TDBRVWC]$/ && $3 !~ /^__/ { print $3 }' | LC_ALL=C sort
}

declared() {
  sed -n 's/^FACTSTR_API .*[ *]\(factstr_[a-z_]*\)(.*/\1/p' "$1" | LC_ALL=C sort
}

exported -D --defined-only build/libfactstr.so >"$work/shared"
ok "the shared library exports what symbols.txt lists" diff symbols.txt "$work/shared"
exported -g --defined-only build/libfactstr.a >"$work/archive"
ok "the archive exports the same" diff symbols.txt "$work/archive"
declared include/factstr.h >"$work/declared"
ok "factstr.h declares them all" diff symbols.txt "$work/declared"

# The declarations of the suite that stand in two lines have their names at the beginning of the second.
exported -g --defined-only build/libfactstr_conformance.a >"$work/suite"
{ declared include/factstr_conformance.h; sed -n 's/^\(factstr_conformance_[a-z_]*\)(.*/\1/p' include/factstr_conformance.h; } |
  LC_ALL=C sort >"$work/declared"
ok "the suite's archive exports what its header declares" diff "$work/declared" "$work/suite"

# Compilers put functions into them for some processors; of those of one name the linker keeps one, which here is hidden.
is "no group of sections is left in an archive" \
  "$(readelf -g build/libfactstr.a build/libfactstr_conformance.a 2>&1 | grep -v -e '^$' -e '^File: ' -e 'no section groups')" ""

# Functions called like ours, which would be called in their place, or not be linked.
cat >"$work/program.c" <<'EOF'
#include <stdio.h>
#include "factstr.h"
int fs_write(void) { return 1; }
int fs_error(void) { return 2; }
int fs_libpq = 3;
int main(void)
{
	factstr_event event = {.event_type = "a", .payload = "1"};
	factstr_store *store;
	uint64_t version = 0;

	if (factstr_open("memory:", &store, NULL) != FACTSTR_OK ||
		factstr_append(store, &event, 1, NULL, NULL, NULL) != FACTSTR_OK ||
		factstr_context_version(store, NULL, &version, NULL) != FACTSTR_OK)
		return 1;
	factstr_close(store, FACTSTR_CLOSE_TIMEOUT_MS);
	printf("%d %d\n", (int) version, fs_write() + fs_error() + fs_libpq);
	return 0;
}
EOF
echo "1 6" >"$work/expected"
# The compiler and the sanitizers of the library, as the Makefile wrote them down.
options=$(cat build/options)
# shellcheck disable=SC2046,SC2086  # lists of arguments
{
  ${options%% POSTGRES=*} $(printf '%s\n' $options | grep '^-fsanitize=') -Iinclude -o "$work/program" "$work/program.c" build/libfactstr.a \
    $(pkg-config --libs sqlite3) -ldl -pthread 2>"$work/output" && "$work/program" >"$work/output"
}
ok "a program with functions called like ours links the archive, and runs" diff "$work/expected" "$work/output"
finish
