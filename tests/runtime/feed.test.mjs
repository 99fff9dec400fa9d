// The feed: what commercetools' Messages tell reaches Klaviyo without a broker, once, whatever happens to the
// runtime meanwhile.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { DEFAULT_SCOPES } from "../../sandbox/commercetools/resources.mjs";
import { sampleShop } from "../../sandbox/shop/index.mjs";
import { READ_TOKEN } from "../../sandbox/worker.mjs";
import { eventually } from "../eventually.mjs";
import { about, isOpen } from "./documents.mjs";
import { call, start, startAlone, startLasting, unreachable } from "./harness.mjs";

const shop = sampleShop();
const open = shop.orders.filter(isOpen);
const [customer] = shop.customers;

/** The feed alone: nobody pushes, so no secret is needed. */
const feed = (rules = {}, others = {}) => ({
  PUSH_TOKEN: undefined,
  CONFIG: JSON.stringify({ feed: { mode: "only", everySeconds: 2, ...rules }, ...others }),
});

/** What has no message is found by a look, once a minute. */
const LOOK_MS = 120_000;

const feedOf = async (stack) => {
  const { status, body, text } = await stack.admin("GET", "/feed");
  assert.equal(status, 200, text);
  return body;
};

const reaches = (stack, what, holds, limitMs = LOOK_MS) =>
  eventually(what, () => feedOf(stack), holds, { limitMs });

/** Starts the feed as the cron trigger does, and waits until it reads. */
async function begin(stack) {
  await stack.worker.tick();
  await reaches(stack, "the feed to begin", ({ cursor, lastError }) => cursor || lastError);
}

const placed = (stack) => stack.klaviyo.store.events({ metric: "Placed Order" });
const tellOf = (stack, order, options) =>
  stack.commercetools.tell("OrderCreated", about("order", order), { order }, options);

describe("without a broker", () => {
  let stack;
  before(async () => {
    stack = await start({ settings: feed() });
    await begin(stack);
  });
  after(() => stack.close());

  test("a message reaches Klaviyo, and the status says how far the feed is", async () => {
    const { mode, lastError, lostByBroker, late } = await feedOf(stack);
    assert.deepEqual([mode, lastError, late], ["only", null, 0]);
    assert.deepEqual(lostByBroker, { count: 0, last: [] });
    const told = tellOf(stack, open[0]);
    await eventually(
      "the event",
      () => placed(stack).length,
      (count) => count === 1,
    );
    const { cursor, lagSeconds } = await reaches(
      stack,
      "the cursor",
      ({ cursor }) => cursor.id === told.id,
    );
    assert.equal(cursor.createdAt, told.createdAt);
    assert.ok(lagSeconds <= 10, `${lagSeconds}`);
  });

  test("many of one millisecond are each delivered once", async () => {
    const createdAt = new Date().toISOString();
    for (let number = 0; number < 40; number += 1) {
      tellOf(stack, { ...open[1], id: `order-${number}` }, { createdAt });
    }
    await eventually(
      "the events",
      () => placed(stack).length,
      (count) => count === 41,
      {
        limitMs: LOOK_MS,
      },
    );
    await stack.drained();
  });

  test("a message that cannot be read is a dead letter, and the next one is delivered", async () => {
    const before = placed(stack).length;
    stack.commercetools.tell("OrderCreated", { typeId: "order", id: "x" }, { order: { not: 1 } });
    tellOf(stack, open[2]);
    await eventually(
      "the event",
      () => placed(stack).length,
      (count) => count === before + 1,
    );
    const [letter, ...others] = await stack.letters();
    assert.deepEqual([letter.code, others], ["message_malformed", []]);
  });

  test("a customer's locale, of which no message tells, is found by its version", async () => {
    stack.commercetools.change("customer", customer.id, { locale: "fr" });
    const profile = () => stack.klaviyo.store.profileByExternalId(customer.id);
    await eventually("the locale", profile, (found) => /^fr/.test(found?.attributes.locale), {
      limitMs: LOOK_MS,
    });
  });

  test("who reads may see it, and nobody else", async () => {
    const headers = { authorization: `Bearer ${READ_TOKEN}` };
    assert.equal((await stack.call("/feed", { headers })).status, 200);
    assert.equal((await stack.call("/feed")).status, 401);
  });
});

test("a kill of the runtime loses nothing, and delivers nothing twice", async (t) => {
  const stack = await startLasting({ settings: feed() });
  t.after(() => stack.close());
  await begin(stack);
  const orders = Array.from({ length: 60 }, (_, number) => ({ ...open[0], id: `order-${number}` }));
  for (const [number, order] of orders.entries()) {
    tellOf(stack, order, { delayMs: number * 100 });
    if (number % 20 === 10) await stack.kill();
  }
  await eventually(
    "the events",
    () => placed(stack).length,
    (count) => count === orders.length,
    {
      limitMs: LOOK_MS,
    },
  );
});

test("what commercetools refuses is said in its words", async (t) => {
  const scopes = DEFAULT_SCOPES.filter((scope) => scope !== "view_messages");
  const stack = await start({ settings: feed(), commercetools: { scopes } });
  t.after(() => stack.close());
  await begin(stack);
  const { lastError } = await reaches(stack, "the error", ({ lastError }) => lastError);
  assert.match(lastError, /^commercetools answered 403: .*view_messages/);
});

test("messages that are off are said, and no cursor moves", async (t) => {
  const stack = await start({ settings: feed() });
  t.after(() => stack.close());
  stack.commercetools.setMessages({ enabled: false });
  await begin(stack);
  const { lastError, cursor } = await feedOf(stack);
  assert.match(lastError, /Messages are off/);
  assert.equal(cursor, null);
  stack.commercetools.setMessages({ enabled: true });
  await reaches(stack, "the feed to begin", ({ cursor }) => cursor);
  tellOf(stack, open[0]);
  await eventually(
    "the event",
    () => placed(stack).length,
    (count) => count === 1,
  );
});

test("a feed that is off asks nobody, and a Worker for imports has none", async (t) => {
  const off = await startAlone(unreachable);
  t.after(() => off.close());
  const headers = { authorization: `Bearer ${unreachable.ADMIN_TOKEN}` };
  const { body } = await off.call("/feed", { headers });
  assert.deepEqual([body.mode, body.cursor, body.lagSeconds], ["off", null, null]);
  const bulk = await startAlone({ ...unreachable, APP_TYPE: "BULK_IMPORT" });
  t.after(() => bulk.close());
  assert.equal((await bulk.call("/feed", { headers })).status, 404);
  const wrong = await startAlone({ ...unreachable, ...feed(), APP_TYPE: "BULK_IMPORT" });
  t.after(() => wrong.close());
  const { status, text } = await call(`${wrong.url}/sync/status`, { headers });
  assert.equal(status, 503);
  assert.match(text, /CONFIG\.feed\.mode/);
});

test("beside a broker: what it brings is not delivered again, what it loses is", async (t) => {
  const CONFIG = JSON.stringify({ feed: { mode: "beside", everySeconds: 2 } });
  const stack = await start({ settings: { CONFIG } });
  t.after(() => stack.close());
  await begin(stack);
  const [brought, lost] = [open[0], open[1]].map((order) => tellOf(stack, order));
  await stack.expectStatus(204, brought);
  assert.equal(placed(stack).length, 1);
  const counted = await reaches(
    stack,
    "what the broker lost",
    ({ lostByBroker }) => lostByBroker.count > 0,
    180_000,
  );
  const { id, type } = lost;
  const [only, ...others] = counted.lostByBroker.last;
  assert.deepEqual([only.id, only.type, others], [id, type, []]);
  await eventually(
    "the event",
    () => placed(stack).length,
    (count) => count === 2,
  );
  const { body } = await stack.admin("GET", "/sync/status");
  assert.deepEqual(
    body.alerts.map(({ code }) => code),
    ["lost_by_broker"],
  );
  await stack.push(lost);
  await reaches(stack, "what came late", ({ late }) => late === 1);
  const { lostByBroker } = await feedOf(stack);
  assert.equal(lostByBroker.count, 0);
});

test("a past time is read once more", async (t) => {
  const stack = await start({ settings: feed() });
  t.after(() => stack.close());
  const told = tellOf(stack, open[0], { skewMs: -3_600_000 });
  await begin(stack);
  assert.equal(placed(stack).length, 0);
  const at = (ms) => new Date(Date.parse(told.createdAt) + ms).toISOString();
  const ask = (from, to) => stack.admin("POST", "/feed/replay", { from, to });
  const tooOld = await ask(at(-16 * 86_400_000), at(0));
  assert.equal(tooOld.status, 400);
  assert.match(tooOld.body.message, /may be \d{4}-\d\d-\d\dT.* or later/);
  assert.equal((await ask(at(-1_000), at(1_000))).status, 202);
  await eventually(
    "the event",
    () => placed(stack).length,
    (count) => count === 1,
  );
});
