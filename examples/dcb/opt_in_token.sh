#!/usr/bin/env bash
# Opt-in tokens: a sign-up is confirmed with a token that was sent by mail, once, and within an hour.
#
#     FACTSTR_URL='sqlite:signups.db?mode=rwc' examples/dcb/opt_in_token.sh initiate_sign_up ada@example.org 1234
#     FACTSTR_URL='sqlite:signups.db?mode=rwc' examples/dcb/opt_in_token.sh confirm_sign_up ada@example.org 1234

# A $ between single quotes begins a variable of jq.
# shellcheck disable=SC2016

# shellcheck source=examples/dcb/decide.sh
source "$(dirname -- "${BASH_SOURCE[0]}")/decide.sh"

read_sign_ups() {
  read_context "$(filter '["sign-up-initiated", "sign-up-confirmed"]' email "$1")"
}

initiate_sign_up() {
  local email=$1 token=$2

  read_sign_ups "$email"
  ! facts_show '.[] | select(.event_type == "sign-up-confirmed")' || refuse "$email is signed up already"
  ! facts_show '.[] | select(.payload.token == $token)' --arg token "$token" || refuse "the token was given out before"
  happened sign-up-initiated email "$email" token "$token"
}

confirm_sign_up() {
  local email=$1 token=$2 initiated='.[] | select(.event_type == "sign-up-initiated" and .payload.token == $token)'

  read_sign_ups "$email"
  facts_show "$initiated" --arg token "$token" || refuse "no sign-up of $email has this token"
  ! facts_show '.[] | select(.event_type == "sign-up-confirmed")' || refuse "$email is signed up already"
  facts_show "$initiated | select(now - (.occurred_at | sub(\"\\\\.[0-9]+\"; \"\") | fromdate) <= 60 * 60)" --arg token "$token" ||
    refuse "the token has expired"
  happened sign-up-confirmed email "$email" token "$token"
}

main "initiate_sign_up confirm_sign_up" "$@"
