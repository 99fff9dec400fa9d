// The effect of time on stored data: the end of an outage reaches everything that waited for it, a notification that
// was tried for too long becomes a dead letter, and a dead letter that is too old is deleted.

import assert from "node:assert/strict";
import { test } from "node:test";
import { message } from "../../sandbox/commercetools/notifications.mjs";
import { sampleShop } from "../../sandbox/shop/index.mjs";
import { eventually } from "../eventually.mjs";
import { about, changed, isOpen } from "./documents.mjs";
import { start } from "./harness.mjs";

const shop = sampleShop();
const order = shop.orders.find(isOpen);
const created = message("OrderCreated", about("order", order), { order });

async function withStack(t, retentionDays) {
  const CONFIG = JSON.stringify(retentionDays === undefined ? {} : { outbox: { retentionDays } });
  const stack = await start({ settings: { CONFIG } });
  t.after(() => stack.close());
  return stack;
}

test("the end of an outage wakes all that waits, whatever it was told to wait", async (t) => {
  const { klaviyo, expectParked, drained } = await withStack(t);
  // An hour: far more than this test may take.
  const later = { status: 503, headers: { "retry-after": "3600" } };
  const stop = klaviyo.faults.add({ path: "/api/profile-import", ...later });
  for (const customer of shop.customers) await expectParked(changed("customer", customer));
  klaviyo.faults.add({ path: /^\/api\/event/, status: 503 });
  await expectParked(created);
  // One try of the order that brought nothing through, so that there is an outage to end.
  const tries = () => klaviyo.requests.filter(({ path }) => path.startsWith("/api/event")).length;
  const first = tries();
  await eventually("a try of the order", tries, (count) => count > first);
  stop();
  klaviyo.faults.clear();
  await drained();
  for (const { id } of shop.customers) assert.ok(klaviyo.store.profileByExternalId(id));
  assert.equal(klaviyo.store.events({ metric: "Placed Order" }).length, 1);
});

test("what was tried for as long as it may be becomes a dead letter, and can be replayed", async (t) => {
  const { klaviyo, expectParked, drained, letters, admin } = await withStack(t, 0);
  klaviyo.faults.add({ status: 503 });
  await expectParked(created);
  await drained();
  const [letter, ...others] = await letters();
  assert.equal(others.length, 0);
  assert.equal(letter.code, "expired_klaviyo_503");
  assert.equal(letter.resource, `order/${order.id}`);
  assert.ok(letter.attempts > 1);
  klaviyo.faults.clear();
  assert.equal((await admin("POST", `/dead-letters/${letter.id}/replay`)).status, 202);
  await drained();
  assert.equal(klaviyo.store.events({ metric: "Placed Order" }).length, 1);
  assert.deepEqual(await letters(), []);
});

test("a dead letter is forgotten when it is too old, and no sooner", async (t) => {
  for (const [retentionDays, forgotten] of [
    [0, true],
    [1, false],
  ]) {
    const { klaviyo, push, expectParked, drained, letters } = await withStack(t, retentionDays);
    assert.equal((await push({ hello: "world" })).body.outcome, "dead_lettered");
    assert.equal((await letters()).length, 1);
    // A drain looks for letters that are too old.
    klaviyo.faults.add({ path: "/api/profile-import", status: 503, times: 1 });
    await expectParked(changed("customer", shop.customers[0]));
    await drained();
    assert.equal((await letters()).length, forgotten ? 0 : 1);
    assert.equal(klaviyo.store.profiles().length, 1);
  }
});
