#!/usr/bin/env bash
# Prevention of duplicates: an order form that is sent twice is one order.
#
#     FACTSTR_URL='sqlite:shop.db?mode=rwc' examples/dcb/duplicates.sh place_order '3 pens' 'form 4711'

# shellcheck source=examples/dcb/decide.sh
source "$(dirname -- "${BASH_SOURCE[0]}")/decide.sh"

place_order() {
  local goods=$1 token=$2

  read_context "$(filter '["order-placed"]' token "$token")"
  [ "$context_version" = null ] || refuse "this order was placed already"
  happened order-placed goods "$goods" token "$token"
}

main "place_order" "$@"
