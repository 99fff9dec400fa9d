// What the tests of imports share.

import assert from "node:assert/strict";
import { generateShop } from "../../sandbox/shop/generate.mjs";
import { admin, eventually } from "./harness.mjs";

/** In the order in which they lead to each other. */
export const KINDS = ["categories", "products", "customers", "orders"];

/**
 * A shop with many pages of ten. Nobody shares a phone number: of those who do, Klaviyo keeps one
 * profile or the other, by which it heard of first.
 */
export function largeShop() {
  const shop = generateShop({ customers: 120, orders: 150, products: 40 });
  shop.customers.forEach(({ addresses }, n) => {
    for (const address of addresses) address.phone = `+4915123${String(400000 + n)}`;
  });
  for (const { billingAddress, shippingAddress } of shop.orders) {
    for (const address of [billingAddress, shippingAddress]) delete address?.phone;
  }
  return shop;
}

/** Fails if two snapshots of Klaviyo differ, and says where, in short. */
export function sameEnd(actual, expected) {
  for (const kind of Object.keys(expected)) {
    const differing = new Set([...Object.keys(actual[kind]), ...Object.keys(expected[kind])]);
    for (const id of differing) {
      assert.deepEqual(actual[kind][id], expected[kind][id], `${kind} ${id}`);
    }
  }
}

/** The current run of a kind. */
export async function current(url, kind) {
  return (await admin(url, "GET", `/sync/${kind}`)).body.current;
}

/** Waits until the run of a kind has ended, and gives it. */
export async function ended(url, kind) {
  let run;
  await eventually(async () => {
    run = await current(url, kind);
    return run && !["running", "stopping"].includes(run.state);
  });
  return run;
}

/** Runs one import of a kind to its end. */
export async function imported(url, kind, body) {
  const { status, text } = await admin(url, "POST", `/sync/${kind}`, body);
  if (status !== 202) throw new Error(`the start was answered ${status}: ${text}`);
  return ended(url, kind);
}

/** Runs one import of every kind, one after the other. */
export async function importedAll(url) {
  const runs = {};
  for (const kind of KINDS) runs[kind] = await imported(url, kind);
  return runs;
}

/** A run's counts. */
export function counts({ read, sent, skipped, failed }) {
  return { read, sent, skipped, failed };
}
