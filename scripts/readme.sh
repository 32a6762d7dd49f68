# shellcheck shell=bash
#
# Sourced by scripts that run the commands of README.md as printed, and compare their output with it: in a machine
# (scripts/machines.sh) whose /run/factstr is the directory "scripts".  A block is three files there, NAME.sh,
# NAME.shown and NAME.output, and some more with its results.

# The directory of a part's blocks, and how many there are.
scripts=
written=0

# Print a block of README.md: the one with a number among those of a language in a section; or its output,
# which is a block of text right after it.
block() {
  local section=$1 language=$2 number=$3 shown=${4:-}

  awk -v section="## $section" -v language="$language" -v number="$number" -v shown="$shown" '
    /^```/ && inside { inside = 0; end = NR; next }
    /^```/ {
      inside = 1
      is_meant = in_section && $0 == "```" language && ++count == number
      text = shown && /^```text$/ && NR == end + 2 && was_meant
      command = is_meant && !shown
      was_meant = is_meant
      next
    }
    /^## / && !inside { in_section = $0 == section }
    inside && (command || text) ' "$TOP/README.md"
}

# Print how many blocks of a language a section has.
block_count() {
  local number=1

  while [ -n "$(block "$1" "$2" "$number")" ]; do
    number=$((number + 1))
  done
  echo $((number - 1))
}

# The name of the next block of a part, in order, in the directory of its scripts.
next_name() {
  written=$((written + 1))
  printf -v name '%s/%02d' "$scripts" "$written"
}

# Its files are NAME.sh, and NAME.shown if README.md shows its output.
write_block() {
  local section=$1 language=$2 number=$3 before=${4:-} after=${5:-} name

  next_name
  { printf '%s' "$before"; block "$section" "$language" "$number"; printf '%s' "$after"; } >"$name.sh"
  block "$section" "$language" "$number" shown >"$name.shown"
  [ -s "$name.shown" ] || rm "$name.shown"
}

# The blocks of SQL of a section, for psql in a database.
write_sql_blocks() {
  local section=$1 database=$2 number

  for ((number = 1; number <= $(block_count "$section" sql); number++)); do
    write_block "$section" sql "$number" \
      "psql -X -q -v ON_ERROR_STOP=1 $database <<'END OF SQL'"$'\n' $'END OF SQL\n'
  done
}

# The script in the machine: all blocks in one shell, since they change its directory and environment.  A block that
# shows an error must fail.  The shell notes when each command begins.
write_driver() {
  cat >"$scripts/driver" <<'END'
cd /root
PS4='+ $EPOCHREALTIME '
begin=$EPOCHREALTIME
for script in /run/factstr/*.sh; do
  name=${script%.sh}
  start=$EPOCHREALTIME
  grep -qsE '^(factstr|ERROR): ' "$name.shown" || set -e
  exec {BASH_XTRACEFD}>"$name.times"
  set -x
  source "$script" >"$name.output" 2>&1 </dev/null
  { status=$?; set +ex; } 2>/dev/null
  echo "$status $start $EPOCHREALTIME $begin" >"$name.ended"
  times >"$name.processor"
done
END
}

# Print a line for each block that has run; fails at the first that went wrong, and shows it.
report() {
  local part=$1 script name status start end

  for script in "$scripts"/*.sh; do
    name=${script%.sh}
    [ -f "$name.ended" ] || { show_failure "$name" "failed"; return 1; }
    read -r status start end _ <"$name.ended"
    printf '%-11s %6.1f s  %s\n' "$part" "$(seconds "$start" "$end")" "$(summary "$script")"
    long_commands "$name.times"
    if [ -f "$name.shown" ]; then
      is_shown "$name" "$status" || { show_failure "$name" "printed something else than README.md shows"; return 1; }
    fi
  done
}

# The commands of a block that took a second or more, if there are several.
long_commands() {
  awk '
    function tell() { if (command != "" && $2 - start >= 1) lines[++count] = sprintf("%20.1f s    %.70s", $2 - start, command) }
    { sub(/,/, ".", $2) }
    /^\+\+ / { tell(); start = $2; command = $0; sub(/^[+]+ [0-9.]+ /, "", command) }
    /^\+ / { tell(); command = "" }
    END { for (i = 1; i <= count && count > 1; i++) print lines[i] }' "$1"
}

# The times of bash, in any locale.
seconds() {
  awk -v start="${1/,/.}" -v end="${2/,/.}" 'BEGIN { printf "%.1f", end - start }'
}

# How a block begins.
summary() {
  grep -vE '^(#|export |$)' "$1" | head -n 1 | cut -c 1-80
}

is_shown() {
  if grep -qE '^(factstr|ERROR): ' "$1.shown" && [ "$2" -eq 0 ]; then
    return 1
  fi
  diff <(without_blanks "$1.shown") <(without_blanks "$1.output") >"$1.diff"
}

# Without those at the ends of lines, and the empty lines at the end.
without_blanks() {
  printf '%s\n' "$(sed 's/ *$//' "$1")"
}

show_failure() {
  say "README.md $2:"
  sed 's/^/    /' "$1.sh" >&2
  say "It printed:"
  tail -n 50 "$1.output" | sed 's/^/    /' >&2
  [ ! -s "$1.diff" ] || sed 's/^/    /' "$1.diff" >&2
}
