// A permanently deleted customer: erased at Klaviyo, from parked notifications and from the dead
// letters; in whatever order the notifications come, and whatever Klaviyo answers meanwhile.

import assert from "node:assert/strict";
import { test } from "node:test";
import { change, message } from "../../sandbox/commercetools/notifications.mjs";
import { sampleShop } from "../../sandbox/shop/index.mjs";
import { settingsFor } from "../../sandbox/worker.mjs";
import { eventually } from "../eventually.mjs";
import { about, changed, isOpen } from "./documents.mjs";
import { admin, start, startAlone, useStack } from "./harness.mjs";
import { current, ended, imported } from "./imports.mjs";

const shop = sampleShop();
const order = shop.orders.find((each) => isOpen(each) && each.customerId);
const customer = shop.customers.find(({ id }) => id === order.customerId);
const customerChanged = (document = customer) => changed("customer", document);
const deleted = (document = customer, rest = { dataErasure: true }) =>
  change("ResourceDeleted", about("customer", document), rest);

const CONFIG = JSON.stringify({ customer: { deletion: "erase" } });
const stack = useStack({ settings: { CONFIG } });
const { expectStatus, outbox, drained, letters } = stack;

const profile = () => stack.klaviyo.store.profileByExternalId(customer.id);
const deletions = () => stack.klaviyo.store.deletions();
const gone = (held) => eventually("the profile to be gone", held, (found) => found === undefined);

/** The customer is gone from commercetools. */
const remove = () => stack.commercetools.remove("customer", customer.id);

test("R24 the profile of a customer who was erased is erased, once, and does not come back", async () => {
  await expectStatus(204, customerChanged());
  const { id } = profile();
  remove();
  await expectStatus(204, deleted());
  assert.deepEqual(
    deletions().map(({ identifier }) => identifier),
    [{ id }],
  );
  await gone(profile);
  for (const again of [
    deleted(),
    customerChanged(),
    change("ResourceCreated", about("customer", customer)),
  ])
    await expectStatus(204, again);
  assert.equal(deletions().length, 1);
  assert.equal(profile(), undefined);
  assert.deepEqual(stack.klaviyo.violations, []);
});

test("R24 who was deleted, but not erased, stays", async () => {
  await expectStatus(204, customerChanged());
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
  await expectStatus(204, customerChanged());
  remove();
  const stop = stack.klaviyo.faults.add({ status: 503 });
  await expectStatus(202, deleted());
  stack.commercetools.put("customer", customer);
  await expectStatus(202, customerChanged());
  remove();
  assert.equal((await outbox()).waiting, 1);
  stop();
  await drained();
  assert.equal(deletions().length, 1);
  await gone(profile);
});

test("R24 what is parked and kept of the customer is erased, and of nobody else", async () => {
  const [other] = shop.customers.filter(({ id }) => id !== customer.id);
  const broken = { ...order, id: "broken", totalPrice: undefined };
  const notMine = { ...broken, id: "not-mine", customerId: other.id };
  for (const one of [broken, notMine])
    await expectStatus(202, message("OrderCreated", about("order", one), { order: one }));
  const kept = async () => (await letters()).map(({ resource }) => resource).sort();
  assert.deepEqual(await kept(), ["order/broken", "order/not-mine"]);

  stack.klaviyo.faults.add({ status: 503 });
  await expectStatus(202, message("OrderCreated", about("order", order), { order }));
  await expectStatus(202, customerChanged());
  await expectStatus(202, customerChanged(other));
  assert.equal((await outbox()).waiting, 3);
  remove();
  await expectStatus(202, deleted());
  assert.equal((await outbox()).waiting, 2, "the erasure and the other customer's change");
  assert.deepEqual(await kept(), ["order/not-mine"]);
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
    const before = (await outbox()).deadLetters;
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
    await eventually(
      "a job",
      () => stack.klaviyo.requests.filter(job).length,
      (jobs) => jobs > 0,
    );
    const last = all.at(-1);
    const held = () => stack.klaviyo.store.profileByExternalId(last.id);
    assert.equal(held(), undefined);
    stack.commercetools.remove("customer", last.id);
    const others = Array.from({ length: beside }, (_, n) => deleted(clone(n, "unknown")));
    const answer = await stack.push([...others, deleted(last)]);
    assert.deepEqual([answer.status, answer.body.outcome], [202, "parked"]);
    await eventually("the rest to wait for the job", outbox, ({ waiting }) => waiting <= 60);
    assert.deepEqual(deletions(), []);
    stack.klaviyo.finishJobs();
    stack.klaviyo.settings.jobMs = { min: 200, max: 500 };
    await drained();
    assert.equal(deletions().length, 1);
    await gone(held);
    assert.equal((await outbox()).deadLetters, before);
  });
}

test("R24 an import in another deployment does not bring back who was erased meanwhile", async (t) => {
  const importer = await startAlone({
    ...settingsFor(stack.commercetools, stack.klaviyo),
    APP_TYPE: "BULK_IMPORT",
    CONFIG,
  });
  t.after(() => importer.close());
  const merelyGone = shop.customers.find(({ id }) => id !== customer.id);
  await expectStatus(204, changed("customer", merelyGone));
  // So that it was created before the run.
  await new Promise((resolve) => setTimeout(resolve, 1100));
  stack.klaviyo.settings.jobMs = { min: 600_000, max: 600_000 };
  const started = await admin(importer.url, "POST", "/sync/customers");
  assert.equal(started.status, 202, started.text);
  const job = ({ method, path }) => `${method} ${path}` === "POST /api/profile-bulk-import-jobs";
  await eventually(
    "all to be with jobs",
    async () => ({
      jobs: stack.klaviyo.requests.filter(job).length,
      run: await current(importer.url, "customers"),
    }),
    ({ jobs, run }) => jobs > 0 && run?.read === shop.customers.length,
  );
  remove();
  stack.commercetools.remove("customer", merelyGone.id);
  await expectStatus(204, deleted());
  await expectStatus(204, deleted(merelyGone, {}));
  stack.klaviyo.finishJobs();
  stack.klaviyo.settings.jobMs = { min: 200, max: 500 };
  assert.equal((await ended(importer.url, "customers")).state, "completed");
  await gone(profile);
  assert.ok(stack.klaviyo.store.profileByExternalId(merelyGone.id), "who was there before stays");
  assert.equal(deletions().length, 1);
});

test("R24 without the setting nobody is erased", async (t) => {
  const careful = await start();
  t.after(() => careful.close());
  await careful.push(customerChanged());
  careful.commercetools.remove("customer", customer.id);
  await careful.expectStatus(204, deleted());
  assert.deepEqual(careful.klaviyo.store.deletions(), []);
  assert.ok(careful.klaviyo.store.profileByExternalId(customer.id));
  await careful.lineWith(({ code }) => code === "deletion_ignored");
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
