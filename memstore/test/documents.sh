#!/bin/sh
#
# docs/errors.md has a row for each code of factstr.h, and the extension's SQLSTATEs are the same; docs/contract.md
# numbers its rules from 1 on, and the conformance suite has a case for each of them. Run from memstore/.

# Lines "NAME name-in-JSON SQLSTATE", "-" for no SQLSTATE.
codes=$(sed -n 's/^\tCODE(\([A-Z_]*\), -[0-9]*, "\([a-z_]*\)", "\([0-9A-Z]*\)".*/\1 \2 \3-/p' include/factstr.h |
  sed 's/\(.....\)-$/\1/')
# shellcheck disable=SC2016  # the quotes are those of the table
rows=$(sed -n 's/^| `FACTSTR_\([A-Z_]*\)` | `\([a-z_]*\)` | *`\{0,1\}\([0-9A-Z]*\)`\{0,1\} *|.*/\1 \2 \3-/p' ../docs/errors.md |
  sed 's/\(.....\)-$/\1/')
states=$(sed -n "s/.*MAKE_SQLSTATE('\(.\)', '\(.\)', '\(.\)', '\(.\)', '\(.\)').*/\1\2\3\4\5/p" ../src/errors.h)

rules=$(sed -n 's/^\([0-9][0-9]*\)\. .*/\1/p' ../docs/contract.md)
rules_of_cases=$(build/factstr conformance --list | sed -En 's/^[A-Za-z -]+ ([0-9][0-9, ]*)  .*/\1/p' |
  tr -s ', ' '\n' | sort -nu)

count=0
failed=0

ok() {
  count=$((count + 1))
  if [ "$2" = "$3" ] && [ -n "$2" ]; then
    echo "ok $count - $1"
  else
    failed=1
    echo "not ok $count - $1"
    printf 'expected:\n%s\nfound:\n%s\n' "$2" "$3" | sed 's/^/# /'
  fi
}

ok "every code of factstr.h has its row in docs/errors.md" "$codes" "$rows"
ok "the extension has the same SQLSTATEs" "$states" \
  "$(printf '%s\n' "$codes" | sed -n 's/.* \(FS...\)$/\1/p')"
ok "the rules of docs/contract.md are numbered without gaps" \
  "$(seq "$(printf '%s\n' "$rules" | wc -l)")" "$rules"
ok "the conformance suite has a case for each of them, and no case another rule" "$rules" "$rules_of_cases"
echo "1..$count"
exit $failed
