# shellcheck shell=bash
#
# Sourced by the other scripts: where things are, and how a script ends without
# leaving anything behind.

# The top of the source tree.
# shellcheck disable=SC2034  # used by those that source this
TOP=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd -P)

say() {
  printf '%s\n' "$*" >&2
}

die() {
  say "${0##*/}: $*"
  exit 1
}

quiet_output=

# Run a command, and print one line: its purpose, and its duration in seconds.  Its output goes to a
# file, which is removed; when the command fails, the file is named, and its end is shown.  The command runs
# without errexit.
quietly() {
  local what=$1 status=0 start=$SECONDS

  shift
  # Not in TMPDIR, which may be gone with the command that called this.
  quiet_output=$(mktemp /tmp/factstr-output.XXXXXX)
  printf '%s ...' "$what" >&2
  "$@" >"$quiet_output" 2>&1 || status=$?
  if [ "$status" -eq 0 ]; then
    say " $((SECONDS - start)) s"
    rm -f "$quiet_output"
  else
    say " failed after $((SECONDS - start)) s; all of its output is in $quiet_output, which ends:"
    tail -n 50 "$quiet_output" >&2
  fi
  quiet_output=
  return "$status"
}

# Print the comment at the head of the calling script.
usage() {
  sed -n '3,/^$/s/^# \{0,1\}//p' "$0"
}

# The pg_config to build with.  Debian's own path goes before PATH: /usr/bin/pg_config
# answers for the newest server there, and the test packages are those of 15.
find_pg_config() {
  local debian=/usr/lib/postgresql/15/bin/pg_config

  if [ -n "${PG_CONFIG:-}" ]; then
    printf '%s\n' "$PG_CONFIG"
  elif [ -x "$debian" ]; then
    printf '%s\n' "$debian"
  else
    command -v pg_config || die "pg_config not found; run scripts/install-packages or set PG_CONFIG"
  fi
}

# Print the directory for downloads, which can be repeated.
cache_directory() {
  if [ -n "${FACTSTR_CACHE:-}" ]; then
    realpath -m -- "$FACTSTR_CACHE"
  elif [ "$(id -u)" -eq 0 ]; then
    echo /var/cache/factstr
  else
    printf '%s/factstr\n' "${XDG_CACHE_HOME:-$HOME/.cache}"
  fi
}

# Create a temporary directory and print its name.  It has to be short, because the
# path of a Unix socket cannot be longer than 107 bytes.
make_workdir() {
  local base=${TMPDIR:-/tmp}

  [ "${#base}" -le 70 ] || base=/tmp
  mktemp -d "$base/factstr.XXXXXX"
}

# Print a directory for files that may be lost: in memory if there are 4 GB of it, and programs can be run
# there, else TMPDIR.
fast_tmpdir() {
  local memory=/dev/shm free

  free=$(df -k --output=avail "$memory" 2>/dev/null | tail -n 1)
  if [ -w "$memory" ] && [ "${free:-0}" -ge $((4 * 1024 * 1024)) ] &&
    ! findmnt -n -o OPTIONS -T "$memory" | grep -qw noexec; then
    printf '%s\n' "$memory"
  else
    printf '%s\n' "${TMPDIR:-/tmp}"
  fi
}

# Print the process ids whose program or working directory lies in a directory.  A
# PostgreSQL server works in its data directory, so this finds every server there.
processes_inside() {
  find /proc/[0-9]*/exe /proc/[0-9]*/cwd -maxdepth 0 \
    \( -lname "$1" -o -lname "$1/*" \) -printf '%h\n' 2>/dev/null |
    sed 's,/proc/,,' | sort -un | grep -vx "$$" || true
}

# End all processes inside a directory.  Servers get SIGQUIT, their immediate
# shutdown: unlike SIGKILL it lets them release their shared memory.
end_processes_inside() {
  local dir=$1 attempt pid pids

  for attempt in {0..50}; do
    pids=$(processes_inside "$dir")
    [ -n "$pids" ] || return 0
    for pid in $pids; do
      case $attempt:$(readlink "/proc/$pid/exe") in
        0:*/postgres*) kill -QUIT "$pid" 2>/dev/null || true ;;
        0:*) kill -TERM "$pid" 2>/dev/null || true ;;
        50:*) kill -KILL "$pid" 2>/dev/null || true ;;
      esac
    done
    sleep 0.1
  done
}

child=

# Run a command in a separate process group, so that a signal to this script takes
# effect immediately and ends the command too.  Otherwise bash would delay its trap
# until the command has ended.  At a terminal the command stays in the foreground, for
# programs like psql; Ctrl-C reaches it there.
run_child() {
  local status=0

  if [ -t 0 ]; then
    "$@"
    return
  fi
  set -m
  "$@" &
  child=$!
  set +m
  wait "$child" || status=$?
  child=
  return "$status"
}

# End the command that run_child is waiting for, giving it some seconds to clean up.
stop_child() {
  local seconds=$1 attempt

  [ -n "$child" ] || return 0
  kill -TERM -- "-$child" 2>/dev/null || true
  for ((attempt = 0; attempt < 10 * seconds; attempt++)); do
    kill -0 "$child" 2>/dev/null || return 0
    sleep 0.1
  done
  kill -KILL -- "-$child" 2>/dev/null || true
}

# Call a function when the script ends, however it ends.  A command that still runs is
# ended first; the seconds it may take have to be fewer the deeper a script is nested.
at_exit() {
  exit_function=$1
  exit_seconds=$2
  trap finish EXIT
  trap 'exit 129' HUP
  trap 'exit 130' INT
  trap 'exit 143' TERM
}

finish() {
  local status=$?

  # A second Ctrl-C must not interrupt the clean-up or its commands.
  trap '' HUP INT TERM
  trap - EXIT
  set +e
  # Not inside the directory that is about to be removed.
  cd /
  stop_child "$exit_seconds" 2>/dev/null
  [ -z "$quiet_output" ] || rm -f "$quiet_output"
  "$exit_function"
  exit "$status"
}
