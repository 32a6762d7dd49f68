#!/usr/bin/env bash
# Unique usernames: no two accounts have the same name, and a name that was given up stays reserved for three days.
#
#     FACTSTR_URL='sqlite:accounts.db?mode=rwc' examples/dcb/unique_username.sh register_account ada
#     FACTSTR_URL='sqlite:accounts.db?mode=rwc' examples/dcb/unique_username.sh change_username ada countess

# shellcheck source=examples/dcb/decide.sh
source "$(dirname -- "${BASH_SOURCE[0]}")/decide.sh"

facts_of_username() {
  filter '["account-registered", "account-closed", "username-changed"]' username "$1" old_username "$1"
}

# free, taken or reserved: by the newest fact about the name.
state_of_username() {
  jq -r --arg name "$1" '
    [.[] | select(.payload.username == $name or .payload.old_username == $name)] | last
    | if . == null then "free"
      elif .event_type != "account-closed" and .payload.username == $name then "taken"
      elif now - (.occurred_at | sub("\\.[0-9]+"; "") | fromdate) < 3 * 24 * 60 * 60 then "reserved"
      else "free" end' <<<"$facts"
}

require_free_username() {
  case $(state_of_username "$1") in
    taken) refuse "username \"$1\" is taken" ;;
    reserved) refuse "username \"$1\" is still reserved" ;;
  esac
}

register_account() {
  local username=$1

  read_context "$(facts_of_username "$username")"
  require_free_username "$username"
  happened account-registered username "$username"
}

change_username() {
  local old=$1 new=$2

  read_context "$(facts_of_username "$old")" "$(facts_of_username "$new")"
  [ "$(state_of_username "$old")" = taken ] || refuse "nobody has the username \"$old\""
  require_free_username "$new"
  happened username-changed old_username "$old" username "$new"
}

main "register_account change_username" "$@"
