// The shared parts of the import tests.

import assert from "node:assert/strict";
import { generateShop } from "../../sandbox/shop/generate.mjs";
import { eventually } from "../eventually.mjs";
import { admin } from "./harness.mjs";

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

/** How long a run may take, also where it was killed and has to wait before it goes on. */
const RUN_MS = 180_000;

/** Waits until the run of a kind has ended, and gives it. */
export function ended(url, kind) {
  return eventually(
    `the import of ${kind} to end`,
    () => current(url, kind),
    (run) => run && !["running", "stopping"].includes(run.state),
    { limitMs: RUN_MS },
  );
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

/** Waits until Klaviyo was called, or once more than so many times. */
export function called({ requests }, before = 0) {
  return eventually(
    "a call of Klaviyo",
    () => requests.length,
    (count) => count > before,
  );
}
