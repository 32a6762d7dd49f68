#!/bin/sh
#
# The prefix of a name that crosses files shows where it belongs: fs_ to the library, factstr_ to its public functions,
# fc_ to the conformance suite, cli_ to the command. The suite and the command call public functions; the command also
# base/, which knows nothing about facts. Run from memstore/.

# The objects of the C files in a folder; others may be left of files that are gone.
objects() {
  find "$1" -name '*.c' | sed 's,\(.*\)\.c$,build/\1.o,'
}

# The names that objects define for others, and those of ours that they use. Names of sanitizers begin with two
# underscores.
defined() {
  nm --defined-only "$@" | awk '$2 ~ /^[A-Z]$/ && $3 !~ /^__/ { print $3 }' | sort -u
}

used() {
  nm -u "$@" | awk '$2 ~ /^(fs|factstr|fc|cli)_/ { print $2 }' | sort -u
}

count=0
failed=0

# The rest of a list after a filter, which should be empty.
none() {
  count=$((count + 1))
  if [ -z "$2" ]; then
    echo "ok $count - $1"
  else
    failed=1
    echo "not ok $count - $1"
    printf '%s\n' "$2" | sed 's/^/# /'
  fi
}

# shellcheck disable=SC2046  # lists of files
{
  library=$(defined $(objects src))
  base=$(defined $(objects src/base))
  suite=$(defined $(objects conformance) build/conformance/matching_table.o)
  command=$(defined $(objects cli))
  used_by_suite=$(used $(objects conformance))
  used_by_command=$(used $(objects cli))
}
public=$(cat symbols.txt)
public_of_suite=$(printf '%s\n' "$suite" | grep '^factstr_')

none "the library's names begin with fs_ or factstr_" "$(printf '%s\n' "$library" | grep -v '^fs_\|^factstr_')"
none "the suite's with fc_ or factstr_conformance_" "$(printf '%s\n' "$suite" | grep -v '^fc_\|^factstr_conformance_')"
none "the command's with cli_" "$(printf '%s\n' "$command" | grep -vx 'cli_.*\|main')"
none "the suite calls public functions" "$(printf '%s\n' "$used_by_suite" | grep -vxF "$public
$suite")"
none "the command calls public functions, and base/" "$(printf '%s\n' "$used_by_command" | grep -vxF "$public
$public_of_suite
$base
$command")"
none "the command includes public headers, and base/" "$(sed -n 's/^#include "\(.*\)"/\1/p' cli/*.[ch] | sort -u |
  while read -r header; do
    case $header in
      factstr.h | factstr_conformance.h | base/*) ;;
      *) [ -f "cli/$header" ] || echo "$header" ;;
    esac
  done)"
echo "1..$count"
exit $failed
