// Ids of the sample shop: fixed UUIDs that show their owner. The first group names the type and the
// number (`c0570003-…` is customer 3); the rest is a hash of both, so that commercetools' binary
// order of ids is not the order of the numbers.

import { createHash } from "node:crypto";

const PREFIXES = {
  "cart-discount": "cad1",
  category: "ca7e",
  channel: "c4a0",
  client: "c11e",
  "custom-line-item": "c11a",
  customer: "c057",
  "customer-group": "c960",
  delivery: "de11",
  "discount-code": "d15c",
  "inventory-entry": "57cc",
  "line-item": "11e0",
  order: "04de",
  parcel: "9a4c",
  payment: "9a7e",
  price: "941c",
  product: "940d",
  "product-discount": "94d1",
  "product-type": "947e",
  "return-item": "4e74",
  "shipping-method": "5419",
  "standalone-price": "5a94",
  state: "57a7",
  store: "5704",
  "tax-category": "7a8c",
  "tax-rate": "7a84",
  transaction: "74a5",
  type: "7e9e",
};

/** The fixed id of the nth thing of a type; `n` up to 9999. */
export function fixedId(type, n) {
  return asUuid(`${PREFIXES[type]}${String(n).padStart(4, "0")}`, digest(`${type} ${n}`));
}

/** An id for whatever `text` names; the same text gives the same id. */
export function derivedId(text) {
  const hash = digest(text);
  return asUuid(hash.slice(32, 40), hash);
}

function digest(text) {
  return createHash("sha256").update(text).digest("hex");
}

/** Version 4, RFC 4122 variant, as commercetools' own. */
function asUuid(first, hash) {
  const [a, b, c, d] = [
    [0, 4],
    [4, 7],
    [7, 10],
    [10, 22],
  ].map(([from, to]) => hash.slice(from, to));
  return `${first}-${a}-4${b}-8${c}-${d}`;
}
