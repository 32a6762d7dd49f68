#!/usr/bin/env bash
# An event-sourced aggregate: all facts of one bank account are its boundary.
#
#     FACTSTR_URL='sqlite:bank.db?mode=rwc' examples/dcb/aggregate.sh open_account A-1
#     FACTSTR_URL='sqlite:bank.db?mode=rwc' examples/dcb/aggregate.sh deposit A-1 100

# A $ between single quotes begins a variable of jq.
# shellcheck disable=SC2016

# shellcheck source=examples/dcb/decide.sh
source "$(dirname -- "${BASH_SOURCE[0]}")/decide.sh"

# The aggregate: loaded from its facts, once for each command.
load_account() {
  read_context "$(jq -cn --arg account "$1" '{payload_predicates: [{account: $account}]}')"
  { read -r is_open && read -r balance; } < <(jq '(any(.event_type == "account-opened") and all(.event_type != "account-closed")),
    (map((.payload.amount // 0) * (if .event_type == "money-withdrawn" then -1 else 1 end)) | add // 0)' <<<"$facts")
}

require_open_account() {
  load_account "$1"
  [ "$is_open" = true ] || refuse "account \"$1\" is not open"
}

is_true() {
  jq -en "$@" >/dev/null
}

open_account() {
  load_account "$1"
  [ "$context_version" = null ] || refuse "account \"$1\" exists already"
  happened account-opened account "$1"
}

deposit() {
  require_open_account "$1"
  is_true --argjson amount "$2" '$amount > 0' || refuse "a deposit needs an amount above 0"
  happened money-deposited account "$1" amount: "$2"
}

withdraw() {
  require_open_account "$1"
  is_true --argjson amount "$2" --argjson balance "$balance" '$amount <= $balance' ||
    refuse "account \"$1\" holds only $balance"
  happened money-withdrawn account "$1" amount: "$2"
}

close_account() {
  require_open_account "$1"
  [ "$balance" = 0 ] || refuse "account \"$1\" still holds $balance"
  happened account-closed account "$1"
}

main "open_account deposit withdraw close_account" "$@"
