# shellcheck shell=bash
# Shared by the scripts in this directory, which source it: a decision, and the loop that makes it. They need
# jq and factstr, which finds its store in FACTSTR_URL.
#
#     SCRIPT COMMAND ARGUMENT...            decides and appends; after a conflict it decides again
#     SCRIPT --decide COMMAND ARGUMENT...   prints the decision and appends nothing
#     SCRIPT --append                       appends a decision from stdin; exit status 3 if its context has changed since
#
# A command is a function of the script. It reads its context, and then either refuses or names the new fact.

set -euo pipefail

# The filter of an event query: types as a JSON array, then names and values of members, one of which the payload has to have.
filter() {
  local types=$1
  shift
  jq -cn --argjson types "$types" '{event_types: $types,
    payload_predicates: [$ARGS.positional | range(0; length; 2) as $i | {(.[$i]): .[$i + 1]}]}' --args -- "$@"
}

# Reads the facts that match one of the filters. $facts are then their records, as a JSON array.
read_context() {
  local answer IFS=,

  context_query="{\"filters\": [$*]}"
  answer=$(factstr query "$context_query")
  { read -r facts && read -r context_version; } < <(jq -c '.event_records, .current_context_version' <<<"$answer")
}

# Does the jq filter find something in the facts?  Further arguments are jq's.
facts_show() {
  local filter=$1
  shift
  jq -e "$@" "first($filter) // null | . != null" <<<"$facts" >/dev/null
}

refuse() {
  printf '%s: %s\n' "${0##*/}" "$*" >&2
  exit 1
}

# The new fact: a type, and the names and values of the payload's members. A value that is JSON, such as a number, follows
# its name with a colon.
happened() {
  local type=$1

  shift
  events=$(jq -cn --arg type "$type" '[{event_type: $type,
    payload: [$ARGS.positional | range(0; length; 2) as $i | .[$i] as $name | .[$i + 1] as $value
      | if $name | endswith(":") then {($name[:-1]): ($value | fromjson)} else {($name): $value} end] | add}]' --args -- "$@")
}

append_decision() {
  factstr append-if --query "$context_query" --expect "$context_version" <<<"$events"
}

decide_and_append() {
  local status

  while true; do
    "$@"
    status=0
    append_decision || status=$?
    [ "$status" = 3 ] || exit "$status"
  done
}

# Each script calls this with its own arguments, after the names of its commands.
main() {
  local commands=" $1 "

  shift
  case ${1-} in
    --append)
      { read -r events && read -r context_query && read -r context_version; } < <(jq -c '.events, .context_query, .context_version')
      append_decision
      return
      ;;
    --decide)
      shift
      set -- print_decision "$@"
      ;;
    *)
      set -- decide_and_append "$@"
      ;;
  esac
  [ $# -gt 1 ] && [[ $commands == *" $2 "* ]] || refuse "a command is missing: one of$commands"
  "$@"
}

print_decision() {
  "$@"
  jq -cn --argjson events "$events" --argjson query "$context_query" --argjson version "$context_version" \
    '{events: $events, context_query: $query, context_version: $version}'
}
