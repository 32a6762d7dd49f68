#!/usr/bin/env bash
# Product prices: an order is accepted at the current price, or at one that was replaced less than ten minutes ago.
#
#     FACTSTR_URL='sqlite:shop.db?mode=rwc' examples/dcb/product_price.sh define_product pen 2.50
#     FACTSTR_URL='sqlite:shop.db?mode=rwc' examples/dcb/product_price.sh order_products '[{"product": "pen", "price": 2.50}]'

# shellcheck source=examples/dcb/decide.sh
source "$(dirname -- "${BASH_SOURCE[0]}")/decide.sh"

# The products as a JSON array.
read_products() {
  read_context "$(jq -c '{event_types: ["product-defined", "product-price-changed"], payload_predicates: map({product: .})}' <<<"$1")"
}

define_product() {
  local product=$1 price=$2

  read_products "$(jq -cn --arg product "$product" '[$product]')"
  [ "$context_version" = null ] || refuse "product \"$product\" exists already"
  happened product-defined product "$product" price: "$price"
}

change_product_price() {
  local product=$1 price=$2

  read_products "$(jq -cn --arg product "$product" '[$product]')"
  [ "$context_version" != null ] || refuse "product \"$product\" does not exist"
  happened product-price-changed product "$product" price: "$price"
}

# The errors of an order, one per line. It accepts the newest price, and those whose successor is less than ten minutes old.
faults_of_order() {
  jq -r --argjson items "$1" '. as $facts | $items[] as $item
    | [$facts[] | select(.payload.product == $item.product)
        | {price: .payload.price, since: (.occurred_at | sub("\\.[0-9]+"; "") | fromdate)}] as $prices
    | if $prices == [] then "product \"\($item.product)\" does not exist"
      elif any(range($prices | length) as $i | $prices[$i]
          | select($prices[$i + 1] == null or now - $prices[$i + 1].since < 10 * 60); .price == $item.price) then empty
      else "the price of product \"\($item.product)\" is not valid" end' <<<"$facts"
}

order_products() {
  local items=$1 faults

  read_products "$(jq -c 'map(.product)' <<<"$items")"
  faults=$(faults_of_order "$items")
  [ -z "$faults" ] || refuse "${faults%%$'\n'*}"
  happened products-ordered items: "$items"
}

main "define_product change_product_price order_products" "$@"
