// The shared parts of the feed's tests: its settings, its start, and its status.

import assert from "node:assert/strict";
import { eventually } from "../eventually.mjs";
import { about } from "./documents.mjs";

/** The feed alone: nobody pushes, so no secret is needed. */
export const feed = (rules = {}) => ({
  PUSH_TOKEN: undefined,
  CONFIG: JSON.stringify({ feed: { mode: "only", everySeconds: 2, ...rules } }),
});

/** What has no message is found by a look, once a minute. */
export const LOOK_MS = 120_000;

export const feedOf = async (stack) => {
  const { status, body, text } = await stack.admin("GET", "/feed");
  assert.equal(status, 200, text);
  return body;
};

export const reaches = (stack, what, holds, limitMs = LOOK_MS) =>
  eventually(what, () => feedOf(stack), holds, { limitMs });

/** Starts the feed as the cron trigger does, and waits until it reads. */
export async function begin(stack) {
  await stack.worker.tick();
  await reaches(stack, "the feed to begin", ({ cursor, lastError }) => cursor || lastError);
}

export const placed = (stack) => stack.klaviyo.store.events({ metric: "Placed Order" });

export const tellOf = (stack, order, options) =>
  stack.commercetools.tell("OrderCreated", about("order", order), { order }, options);

/** The nth order that is like another one, with an id and lines of its own: Klaviyo tells events apart by these. */
export function orderLike(order, n) {
  const own = (line) => ({ ...line, id: `${line.id}-${n}` });
  const { lineItems, customLineItems = [] } = order;
  return {
    ...order,
    id: `order-${n}`,
    lineItems: lineItems.map(own),
    customLineItems: customLineItems.map(own),
  };
}
