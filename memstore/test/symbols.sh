#!/bin/sh
#
# The shared library exports the functions in symbols.txt, and nothing else.  Run from memstore/.

failed=0
found=$(nm -D --defined-only build/libfactstr.so | awk '$2 ~ /^[TDBRVW]$/ {print $3}' | LC_ALL=C sort)
if difference=$(printf '%s\n' "$found" | diff symbols.txt -); then
  echo "ok 1 - the shared library exports what symbols.txt lists"
else
  echo "not ok 1 - the shared library exports what symbols.txt lists"
  failed=1
  printf '%s\n' "$difference" | sed 's/^/# /'
fi

declared=$(sed -n 's/^FACTSTR_API .*[ *]\(factstr_[a-z_]*\)(.*/\1/p' include/factstr.h | LC_ALL=C sort)
if difference=$(printf '%s\n' "$declared" | diff symbols.txt -); then
  echo "ok 2 - factstr.h declares them all"
else
  echo "not ok 2 - factstr.h declares them all"
  failed=1
  printf '%s\n' "$difference" | sed 's/^/# /'
fi
echo "1..2"
exit $failed
