// Product prices: an order is accepted at the current price, or at one that was replaced less than ten minutes ago.
//
//     FACTSTR_URL=sqlite:shop.db node examples/product_price.mts define_product pen 2.50
//     FACTSTR_URL=sqlite:shop.db node examples/product_price.mts order_products '[{"product": "pen", "price": 2.50}]'

import type { EventQuery, EventRecord } from 'factstr';
import { main, Refused, type Decision } from './decisions.mts';

type Price = { product: string; price: number };
type Events = {
  'product-defined': Price;
  'product-price-changed': Price;
  'products-ordered': { items: Price[] };
};
type Facts = EventRecord<Events>[];

const GRACE_MS = 10 * 60 * 1000;

/** Orders are not part of the boundary: two customers may order at one price. */
function pricesOf(...products: string[]): EventQuery<Events> {
  return {
    filters: [
      {
        event_types: ['product-defined', 'product-price-changed'],
        payload_predicates: products.map((product) => ({ product })),
      },
    ],
  };
}

function isValid({ product, price }: Price, facts: Facts): boolean {
  const prices = facts.filter((fact) => fact.event_type !== 'products-ordered' && fact.payload.product === product);
  if (prices.length === 0) throw new Refused(`product "${product}" does not exist`);
  return prices.some(({ payload }, place) => {
    const successor = prices.at(place + 1);
    const isInTime = successor === undefined || Date.now() - Date.parse(successor.occurred_at) < GRACE_MS;
    return isInTime && 'price' in payload && payload.price === price;
  });
}

export function define_product(product: string, price: string): Decision<Events> {
  return {
    boundary: pricesOf(product),
    decide(facts) {
      if (facts.length > 0) throw new Refused(`product "${product}" exists already`);
      return { event_type: 'product-defined', payload: { product, price: Number(price) } };
    },
  };
}

export function change_product_price(product: string, price: string): Decision<Events> {
  return {
    boundary: pricesOf(product),
    decide(facts) {
      if (facts.length === 0) throw new Refused(`product "${product}" does not exist`);
      return { event_type: 'product-price-changed', payload: { product, price: Number(price) } };
    },
  };
}

export function order_products(order: string): Decision<Events> {
  const items = JSON.parse(order) as Price[];
  return {
    boundary: pricesOf(...items.map((item) => item.product)),
    decide(facts) {
      for (const item of items)
        if (!isValid(item, facts)) throw new Refused(`the price of product "${item.product}" is not valid`);
      return { event_type: 'products-ordered', payload: { items } };
    },
  };
}

await main<Events>(import.meta.url, { define_product, change_product_price, order_products });
