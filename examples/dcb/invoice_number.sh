#!/usr/bin/env bash
# Invoice numbers: consecutive, without a gap, from 1.
#
#     FACTSTR_URL='sqlite:invoices.db?mode=rwc' examples/dcb/invoice_number.sh create_invoice Ada 120.50

# shellcheck source=examples/dcb/decide.sh
source "$(dirname -- "${BASH_SOURCE[0]}")/decide.sh"

# Only the newest invoice is read, however many there are. Its number in the log is the version of the context.
create_invoice() {
  local customer=$1 amount=$2 newest

  jq -en --argjson amount "$amount" '$amount > 0' >/dev/null || refuse "an invoice needs an amount above 0"
  context_query='{"filters": [{"event_types": ["invoice-created"]}]}'
  newest=$(factstr read --backwards --max 1 "$context_query")
  # shellcheck disable=SC2034
  context_version=$(jq -n 'input.sequence_number? // null' <<<"${newest:-null}")
  happened invoice-created number: "$(jq -n 'input.payload.number? // 0 | . + 1' <<<"${newest:-null}")" \
    customer "$customer" amount: "$amount"
}

main "create_invoice" "$@"
