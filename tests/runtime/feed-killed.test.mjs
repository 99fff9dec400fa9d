// The feed while its runtime is killed and both systems fail now and then: Klaviyo holds, record for record, what the
// same messages give by push. `FEED_MESSAGES` and `FEED_KILLS` make it larger.

import assert from "node:assert/strict";
import { test } from "node:test";
import { isDeepStrictEqual } from "node:util";
import { sampleShop } from "../../sandbox/shop/index.mjs";
import { eventually } from "../eventually.mjs";
import { about, isOpen } from "./documents.mjs";
import { begin, feed, LOOK_MS, orderLike } from "./feeds.mjs";
import { start, startLasting } from "./harness.mjs";

const MESSAGES = Number(process.env.FEED_MESSAGES ?? 600);
const KILLS = Number(process.env.FEED_KILLS ?? 3);

/** Within which time the messages become readable, evenly. */
const SPREAD_MS = 20_000;

const plain = sampleShop();
const open = plain.orders.filter(isOpen);

// Two of three messages tell of an order, the third that the first of them is complete.
const orders = Array.from({ length: Math.ceil(MESSAGES / 3) * 2 }, (_, n) =>
  orderLike(open[n % open.length], n),
);
const shop = { ...plain, orders: [...plain.orders, ...orders] };

const tellings = Array.from({ length: MESSAGES }, (_, n) => {
  const order = orders[Math.floor(n / 3) * 2 + (n % 3 === 1 ? 1 : 0)];
  const says = n % 3 === 2 ? { orderState: "Complete" } : { order };
  return [n % 3 === 2 ? "OrderStateChanged" : "OrderCreated", about("order", order), says];
});

/** Every seventh call on average: half of them take effect although they are answered so. */
function failsNowAndThen({ faults }) {
  for (const after of [false, true]) faults.add({ probability: 1 / 14, status: 503, after });
}

/** As `assert.deepEqual`, which takes hours to show what differs in so many records: the first one of each kind. */
function assertSame(held, expected) {
  assert.deepEqual(Object.keys(held), Object.keys(expected));
  for (const [kind, records] of Object.entries(expected)) {
    const keys = [...new Set([...Object.keys(records), ...Object.keys(held[kind])])];
    const differ = keys.filter((key) => !isDeepStrictEqual(held[kind][key], records[key]));
    const [first] = differ;
    const what = `${differ.length} of ${keys.length} ${kind} differ, first ${first}`;
    assert.deepEqual(held[kind][first], records[first], what);
    assert.equal(differ.length, 0, what);
  }
}

test("kills and faults lose nothing, and make nothing different from a push", async (t) => {
  const stack = await startLasting({ settings: feed(), commercetools: { shop } });
  t.after(() => stack.close());
  await begin(stack);
  failsNowAndThen(stack.klaviyo);
  failsNowAndThen(stack.commercetools);
  const { tell } = stack.commercetools;
  const told = tellings.map((telling, n) =>
    tell(...telling, { delayMs: (n * SPREAD_MS) / MESSAGES }),
  );
  const events = () => stack.klaviyo.store.events().length;
  for (let kill = 1; kill <= KILLS; kill += 1) {
    const before = events();
    await eventually("something to be delivered", events, (count) => count > before, {
      limitMs: LOOK_MS,
    });
    await stack.kill();
  }

  const calm = await start({ commercetools: { shop } });
  t.after(() => calm.close());
  for (const notification of told) {
    const { status, text } = await calm.push(notification);
    assert.ok([202, 204].includes(status), text);
  }
  await calm.drained();
  const expected = calm.klaviyo.snapshot();
  assert.ok(Object.keys(expected.events).length > MESSAGES);

  await eventually("all events", events, (count) => count >= Object.keys(expected.events).length, {
    limitMs: 60_000 + MESSAGES * 200,
    everyMs: 1_000,
  });
  await stack.drained({ limitMs: 60_000 + MESSAGES * 200 });
  assertSame(stack.klaviyo.snapshot(), expected);
  assert.deepEqual(await stack.letters(), []);
});
