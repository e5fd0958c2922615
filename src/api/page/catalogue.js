// The names of products, for lists that know ids alone.

import { get } from "./api.js";

const PAGES_MAX = 20;
let names = new Map();

export async function load(signal) {
  const found = new Map();
  let cursor = null;
  for (let page = 0; page < PAGES_MAX; page += 1) {
    const path = `/api/products?limit=100${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ""}`;
    const { data, next_cursor } = await get(path, signal);
    for (const product of data) found.set(product.id, product.name);
    cursor = next_cursor;
    if (!cursor) break;
  }
  names = found;
}

export function has(id) {
  return names.has(id);
}

export function name(id) {
  return names.get(id) ?? `Product ${id}`;
}

/** For a `select`. A name that two products have is told apart by its id. */
export function options() {
  const counts = new Map();
  for (const one of names.values()) counts.set(one, (counts.get(one) ?? 0) + 1);
  return [...names].map(([id, one]) => [String(id), counts.get(one) > 1 ? `${one} (${id})` : one]);
}
