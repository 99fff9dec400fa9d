// How long an order takes by the feed: from when commercetools shows its message until Klaviyo has answered the event.
//
// For: the section `feed`.
// Not for: how much the feed brings in an hour; that is what the outbox brings.

import { setTimeout as sleep } from "node:timers/promises";
import { sampleShop } from "../sandbox/shop/index.mjs";
import { eventually } from "../tests/eventually.mjs";
import { isOpen } from "../tests/runtime/documents.mjs";
import { begin, feed, orderLike, placed, tellOf } from "../tests/runtime/feeds.mjs";
import { start } from "../tests/runtime/harness.mjs";

const MESSAGES = 120;

/** Between two messages, on average. Not a divisor of the feed's seconds, so that they come at all moments of its pause. */
const EVERY_MS = 470;

const LOOK_EVERY_MS = 20;

/** Gives `{everySeconds, messages, p50Ms, p99Ms}` for each. */
export async function measureFeed(tell, secondsOfFeeds) {
  const rows = [];
  for (const everySeconds of secondsOfFeeds) {
    tell(`feed that reads every ${everySeconds} s`);
    const times = (await timesOf(everySeconds)).sort((one, other) => one - other);
    const at = (part) => times[Math.ceil(times.length * part) - 1];
    rows.push({ everySeconds, messages: times.length, p50Ms: at(0.5), p99Ms: at(0.99) });
  }
  return rows;
}

async function timesOf(everySeconds) {
  const shop = sampleShop();
  const [order] = shop.orders.filter(isOpen);
  const stack = await start({ settings: feed({ everySeconds }), commercetools: { shop } });
  try {
    await begin(stack);
    const [told, arrived] = [new Map(), new Map()];
    const look = () => {
      for (const { uniqueId } of placed(stack)) {
        if (!arrived.has(uniqueId)) arrived.set(uniqueId, performance.now());
      }
    };
    const looking = setInterval(look, LOOK_EVERY_MS);
    try {
      for (let n = 0; n < MESSAGES; n += 1) {
        const like = orderLike(order, n);
        stack.commercetools.put("order", like);
        told.set(like.id, performance.now());
        tellOf(stack, like);
        await sleep(EVERY_MS);
      }
      await eventually(
        "all events",
        () => [...told.keys()].filter((id) => !arrived.has(id)).length,
        (missing) => missing === 0,
        { limitMs: 120_000 },
      );
    } finally {
      clearInterval(looking);
    }
    return [...told].map(([id, at]) => arrived.get(id) - at);
  } finally {
    await stack.close();
  }
}
