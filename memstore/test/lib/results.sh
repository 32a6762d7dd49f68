# shellcheck shell=sh
#
# Results of tests that are shell scripts, in the Test Anything Protocol.

count=0
failed=0

# ok NAME COMMAND...: the command succeeds; otherwise its output is a diagnostic.
ok() {
  count=$((count + 1))
  name=$1
  shift
  if output=$("$@" 2>&1); then
    echo "ok $count - $name"
  else
    failed=1
    echo "not ok $count - $name"
    printf '%s\n' "$output" | sed 's/^/# /'
  fi
}

skip() {
  count=$((count + 1))
  echo "ok $count - $1 # SKIP $2"
}

# is NAME GOT EXPECTED
is() {
  ok "$1" same_text "$2" "$3"
}

same_text() {
  [ "$1" = "$2" ] || { printf 'got:\n%s\nexpected:\n%s\n' "$1" "$2"; false; }
}

# contains NAME TEXT PART, and lacks, for texts that may be long.
contains() {
  ok "$1" has_part "$2" "$3"
}

lacks() {
  ok "$1" has_no_part "$2" "$3"
}

has_part() {
  case $1 in *"$2"*) ;; *) printf '"%s" is not in:\n%s\n' "$2" "$1"; false ;; esac
}

has_no_part() {
  case $1 in *"$2"*) printf '"%s" is in:\n%s\n' "$2" "$1"; false ;; esac
}

# The plan, last, and the exit status.
finish() {
  echo "1..$count"
  exit "$failed"
}
