// Draining many at once: their events go together, one bad row costs only itself, and a stretch of
// refusals leaves the same state as a calm run. The last test brings 10,000 notifications in every
// wire form, some in lists, a third of them repeated, with the rate limits of a real account on;
// NOTIFICATIONS=1200 is enough during development. `SEED=… npm test -- runtime` draws others.

import assert from "node:assert/strict";
import { test } from "node:test";
import {
  cloudEvent,
  eventBridge,
  message,
  pubsub,
  sns,
} from "../../sandbox/commercetools/notifications.mjs";
import { seededRandom } from "../../sandbox/faults.mjs";
import { generateShop } from "../../sandbox/shop/generate.mjs";
import { seedFor } from "../seed.mjs";
import { about, changed, withoutPhones } from "./documents.mjs";
import { useStack } from "./harness.mjs";

const seed = seedFor("the notifications");
const COUNT = Number(process.env.NOTIFICATIONS ?? 10_000);

const shop = withoutPhones(
  generateShop({
    seed: 7,
    customers: 150,
    orders: 200,
    products: 10,
    variantsPerProduct: 2,
    linesPerOrder: 3,
  }),
);

// A placed order writes the location of its billing address, a changed customer without an address
// clears it: the later wins, so such orders have no billing address here.
const homeless = new Set(
  shop.customers.filter(({ addresses }) => addresses.length === 0).map(({ id }) => id),
);
for (const order of shop.orders) if (homeless.has(order.customerId)) delete order.billingAddress;

// The rate limits are on where the run is not calm; they would only make the others long.
const stack = useStack({
  commercetools: { shop },
  klaviyo: { limits: false, recordBodies: false, keepProperties: false },
  // Some of Klaviyo's answers never come here: such a push is given up soon.
  settings: { PUSH_PATIENCE_MS: "8000" },
});
const { outbox, drained, letters } = stack;
/** Thousands of notifications, paced by Klaviyo's limits. */
const LONG = { limitMs: 400_000 };

const created = (order, n = 1) =>
  message(
    "OrderCreated",
    about("order", order),
    { order: { ...order, orderState: "Open" } },
    { sequenceNumber: n },
  );
const bulkRequests = () =>
  stack.klaviyo.requests.filter(({ path }) => path === "/api/event-bulk-create-jobs");

test("the events of many orders go in a few requests", async () => {
  const stop = stack.klaviyo.faults.add({ status: 503 });
  for (const order of shop.orders) assert.equal((await stack.push(created(order))).status, 202);
  assert.equal((await outbox()).waiting, shop.orders.length);
  stack.klaviyo.requests.clear();
  stop();
  await drained();
  const lines = shop.orders.flatMap(({ lineItems }) => lineItems);
  assert.equal(stack.klaviyo.store.events({ metric: "Placed Order" }).length, shop.orders.length);
  assert.equal(stack.klaviyo.store.events({ metric: "Ordered Product" }).length, lines.length);
  assert.ok(bulkRequests().length > 0);
  assert.ok(stack.klaviyo.requests.length < shop.orders.length / 2, "more requests than expected");
  assert.deepEqual(stack.klaviyo.violations, []);
});

test("a row that Klaviyo refuses becomes a dead letter, and the rest of its batch arrives", async () => {
  const stop = stack.klaviyo.faults.add({ status: 503 });
  const orders = shop.orders.slice(0, 40);
  const tooOld = { ...orders[7], id: "too-old", createdAt: "1980-01-01T00:00:00.000Z" };
  for (const order of [...orders, tooOld]) await stack.push(created(order));
  stop();
  await drained();
  const placed = stack.klaviyo.store.events({ metric: "Placed Order" });
  assert.equal(placed.length, orders.length);
  const letter = (await letters()).find(({ resource }) => resource === "order/too-old");
  assert.equal(letter.code, "klaviyo_400");
  assert.match(letter.pointer, /time$/);
  const broken = stack.klaviyo.takeViolations().flatMap(({ problems }) => problems);
  assert.deepEqual(
    [...new Set(broken.map(({ detail }) => detail))],
    ["The time must be after 1990."],
  );
  await stack.admin("DELETE", `/dead-letters/${letter.id}`);
});

test("refusals in the middle leave what a calm run gives: nothing lost, nothing doubled", async () => {
  const random = seededRandom(seed);
  const below = (n) => Math.floor(random() * n);
  const pick = (list) => list[below(list.length)];
  const distinct = Array.from({ length: Math.ceil((COUNT * 2) / 3) }, (_, n) => {
    const order = pick(shop.orders);
    const customer = pick(shop.customers);
    const kinds = [
      () => created(order, n),
      () => changed("customer", customer),
      () => message("CustomerAddressAdded", about("customer", customer), {}, { sequenceNumber: n }),
      () =>
        message(
          "OrderStateChanged",
          about("order", order),
          { orderState: pick(["Complete", "Cancelled"]) },
          { sequenceNumber: n, createdAt: order.lastModifiedAt },
        ),
    ];
    return pick(kinds)();
  });
  const repeated = Array.from({ length: COUNT - distinct.length }, () => pick(distinct));
  const shuffled = [...distinct, ...repeated];
  for (let n = shuffled.length - 1; n > 0; n -= 1) {
    const other = below(n + 1);
    [shuffled[n], shuffled[other]] = [shuffled[other], shuffled[n]];
  }
  // As brokers push them: each in some wire form, alone or several in a body.
  const forms = [(bare) => bare, pubsub, cloudEvent, sns, eventBridge];
  const pushes = (notifications) => {
    const list = [];
    for (let n = 0; n < notifications.length; ) {
      const several = notifications.slice(n, n + 1 + below(12));
      n += several.length;
      const wrapped = several.map((each) => pick(forms)(each));
      list.push({ first: n, body: wrapped.length === 1 ? wrapped[0] : wrapped });
    }
    return list;
  };

  const run = async (notifications, atEach = () => {}) => {
    const began = performance.now();
    const statuses = {};
    const left = pushes(notifications).reverse();
    const sender = async () => {
      for (let push = left.pop(); push; push = left.pop()) {
        atEach(push.first);
        const { status } = await stack.push(push.body);
        statuses[status] = (statuses[status] ?? 0) + 1;
      }
    };
    await Promise.all(Array.from({ length: 8 }, sender));
    stack.klaviyo.faults.clear();
    const pushed = performance.now();
    await drained(LONG);
    const seconds = [pushed - began, performance.now() - pushed].map((ms) => Math.round(ms / 1000));
    return { statuses, seconds };
  };

  // Each once, in order, with a Klaviyo that takes whatever comes.
  const calmRun = await run(distinct);
  const calm = stack.klaviyo.snapshot();

  // Now with the rate limits of a real account as well.
  stack.klaviyo.reset();
  stack.klaviyo.settings.limits = true;
  const faults = [
    { status: 429, headers: { "retry-after": "1" } },
    { status: 503 },
    { reset: true },
    { reset: true, after: true },
    { hang: true, times: 4 },
  ];
  const stretch = [COUNT / 3, (COUNT * 2) / 3];
  let state = "before";
  const { statuses, seconds } = await run(shuffled, (n) => {
    if (state === "before" && n >= stretch[0]) {
      state = "in it";
      for (const rule of faults) stack.klaviyo.faults.add({ probability: 0.4, ...rule });
    } else if (state === "in it" && n >= stretch[1]) {
      state = "after";
      stack.klaviyo.faults.clear();
    }
  });
  stack.klaviyo.settings.limits = false;
  assert.equal(state, "after");
  for (const each of [calmRun.statuses, statuses])
    assert.deepEqual(
      Object.keys(each).filter((status) => !["202", "204"].includes(status)),
      [],
    );
  assert.deepEqual(stack.klaviyo.snapshot(), calm);
  assert.deepEqual(stack.klaviyo.violations, []);
  assert.deepEqual(await letters(), []);
  console.log(
    `${COUNT} notifications, ${repeated.length} of them repeated: ${JSON.stringify(statuses)}; ` +
      `${Object.keys(calm.profiles).length} profiles and ${Object.keys(calm.events).length} events ` +
      `in both runs, nothing lost, nothing doubled; pushed and drained in ${calmRun.seconds.join(" + ")} s ` +
      `calm, ${seconds.join(" + ")} s not`,
  );
});
