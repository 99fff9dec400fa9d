// A customer that was deleted for good: erased at Klaviyo, from what is parked and from the dead
// letters; in whatever order it is told, and whatever Klaviyo says meanwhile.

import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import { change, message } from "../../sandbox/commercetools/notifications.mjs";
import { sampleShop } from "../../sandbox/shop/index.mjs";
import { eventually, start } from "./harness.mjs";
import { imported } from "./imports.mjs";

const shop = sampleShop();
const order = shop.orders.find(
  ({ customerId, customerEmail, orderState }) =>
    customerId && customerEmail && orderState === "Open",
);
const customer = shop.customers.find(({ id }) => id === order.customerId);
const about = (typeId, { id }) => ({ typeId, id });
const changed = (document = customer) => change("ResourceUpdated", about("customer", document));
const deleted = (document = customer, rest = { dataErasure: true }) =>
  change("ResourceDeleted", about("customer", document), rest);

let stack;
before(async () => {
  const CONFIG = JSON.stringify({ customer: { deletion: "erase" } });
  stack = await start({ settings: { CONFIG } });
});
after(() => stack.close());
beforeEach(() => {
  stack.klaviyo.reset();
  stack.klaviyo.faults.clear();
  stack.commercetools.faults.clear();
  stack.commercetools.put("customer", customer);
});

const outbox = async () => (await stack.admin("GET", "/sync/status")).body.outbox;
const drained = () => eventually(async () => (await outbox()).waiting === 0);
const profile = () => stack.klaviyo.store.profileByExternalId(customer.id);
const deletions = () => stack.klaviyo.store.deletions();
async function expectStatus(status, body) {
  const answer = await stack.push(body);
  assert.equal(answer.status, status, answer.text);
}

/** The customer is gone from commercetools. */
const remove = () => stack.commercetools.remove("customer", customer.id);

test("R24 the profile of a customer who was erased is erased, once, and does not come back", async () => {
  await expectStatus(204, changed());
  const { id } = profile();
  remove();
  await expectStatus(204, deleted());
  assert.deepEqual(
    deletions().map(({ identifier }) => identifier),
    [{ id }],
  );
  await eventually(() => profile() === undefined);
  for (const again of [
    deleted(),
    changed(),
    change("ResourceCreated", about("customer", customer)),
  ])
    await expectStatus(204, again);
  assert.equal(deletions().length, 1);
  assert.equal(profile(), undefined);
  assert.deepEqual(stack.klaviyo.violations, []);
});

test("R24 who was deleted, but not erased, stays", async () => {
  await expectStatus(204, changed());
  remove();
  await expectStatus(204, deleted(customer, {}));
  await expectStatus(204, deleted(customer, { dataErasure: false }));
  await expectStatus(
    204,
    message("CustomerDeleted", about("customer", customer), { email: customer.email }),
  );
  assert.deepEqual(deletions(), []);
  assert.ok(profile());
});

test("R24 an erasure that Klaviyo cannot take now is parked, and outranks what comes later", async () => {
  await expectStatus(204, changed());
  remove();
  const stop = stack.klaviyo.faults.add({ status: 503 });
  await expectStatus(202, deleted());
  stack.commercetools.put("customer", customer);
  await expectStatus(202, changed());
  remove();
  assert.equal((await outbox()).waiting, 1);
  stop();
  await drained();
  assert.equal(deletions().length, 1);
  await eventually(() => profile() === undefined);
});

test("R24 what is parked and kept of the customer is erased, and of nobody else", async () => {
  const [other] = shop.customers.filter(({ id }) => id !== customer.id);
  const broken = { ...order, id: "broken", customerEmail: "broken@example" };
  const notMine = { ...broken, id: "not-mine", customerId: other.id };
  for (const one of [broken, notMine])
    await expectStatus(202, message("OrderCreated", about("order", one), { order: one }));
  const letters = async () => {
    const { deadLetters } = (await stack.admin("GET", "/dead-letters")).body;
    return deadLetters.map(({ resource }) => resource).sort();
  };
  assert.deepEqual(await letters(), ["order/broken", "order/not-mine"]);

  stack.klaviyo.faults.add({ status: 503 });
  await expectStatus(202, message("OrderCreated", about("order", order), { order }));
  await expectStatus(202, changed());
  await expectStatus(202, changed(other));
  assert.equal((await outbox()).waiting, 3);
  remove();
  await expectStatus(202, deleted());
  assert.equal((await outbox()).waiting, 2, "the erasure and the other customer's change");
  assert.deepEqual(await letters(), ["order/not-mine"]);
  stack.klaviyo.faults.clear();
  await drained();
  assert.deepEqual(deletions(), []);
  assert.equal(stack.klaviyo.store.events().length, 0);
  assert.ok(stack.klaviyo.store.profileByExternalId(other.id));
  assert.equal((await stack.admin("POST", "/dead-letters/replay")).status, 202);
  await drained();
});

for (const [how, beside] of [
  ["alone", 0],
  ["with many others", 45],
]) {
  test(`R24 an erasure, told of ${how}, waits for a job that brings the customer back`, async () => {
    const letters = (await outbox()).deadLetters;
    const clone = (n, from) => ({
      ...customer,
      id: `${from}-${n}`,
      email: `${from}-${n}@example.com`,
    });
    const all = Array.from({ length: 60 }, (_, n) => ({ ...clone(n, "job"), addresses: [] }));
    for (const one of all) stack.commercetools.put("customer", one);
    stack.klaviyo.settings.jobMs = { min: 600_000, max: 600_000 };
    const created = (one) => change("ResourceCreated", about("customer", one));
    await expectStatus(202, all.map(created));
    const job = ({ method, path }) => `${method} ${path}` === "POST /api/profile-bulk-import-jobs";
    await eventually(async () => stack.klaviyo.requests.some(job) && (await outbox()).waiting < 60);
    const last = all.at(-1);
    const held = () => stack.klaviyo.store.profileByExternalId(last.id);
    assert.equal(held(), undefined);
    stack.commercetools.remove("customer", last.id);
    const others = Array.from({ length: beside }, (_, n) => deleted(clone(n, "unknown")));
    const answer = await stack.push([...others, deleted(last)]);
    assert.deepEqual([answer.status, answer.body.outcome], [202, "parked"]);
    await eventually(async () => (await outbox()).waiting <= 55);
    assert.deepEqual(deletions(), []);
    stack.klaviyo.finishJobs();
    stack.klaviyo.settings.jobMs = { min: 200, max: 500 };
    await drained();
    assert.equal(deletions().length, 1);
    await eventually(() => held() === undefined);
    assert.equal((await outbox()).deadLetters, letters);
  });
}

test("R24 without the setting nobody is erased", async () => {
  const careful = await start();
  try {
    await careful.push(changed());
    careful.commercetools.remove("customer", customer.id);
    assert.equal((await careful.push(deleted())).status, 204);
    assert.deepEqual(careful.klaviyo.store.deletions(), []);
    assert.ok(careful.klaviyo.store.profileByExternalId(customer.id));
    await eventually(() => careful.logged().some(({ code }) => code === "deletion_ignored"));
  } finally {
    await careful.close();
  }
});

test("R24 the failure that an import kept of the customer is erased", async () => {
  await imported(stack.worker.url, "customers", { ids: ["erased", "somebody-else"] });
  await expectStatus(204, deleted({ id: "erased" }));
  const { body } = await stack.admin("GET", "/sync/customers/failures");
  assert.deepEqual(
    body.failures.map(({ id }) => id),
    ["somebody-else"],
  );
});
