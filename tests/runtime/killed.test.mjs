// The runtime is killed (SIGKILL) with notifications parked, and started again on the same storage:
// they arrive by themselves, without any request.

import assert from "node:assert/strict";
import { test } from "node:test";
import { message } from "../../sandbox/commercetools/notifications.mjs";
import { sampleShop } from "../../sandbox/shop/index.mjs";
import { eventually } from "../eventually.mjs";
import { about, changed, isOpen } from "./documents.mjs";
import { startLasting } from "./harness.mjs";

const shop = sampleShop();
const open = shop.orders.filter(isOpen);

test("what was parked survives a kill, at rest and in the middle of a delivery", async (t) => {
  const stack = await startLasting();
  t.after(() => stack.close());
  const { klaviyo, expectStatus } = stack;
  const notifications = [
    ...shop.customers.map((customer) => changed("customer", customer)),
    ...open.map((order) => message("OrderCreated", about("order", order), { order })),
  ];
  for (const notification of notifications) await expectStatus(204, notification);
  const calm = klaviyo.snapshot();
  klaviyo.reset();

  klaviyo.faults.add({ status: 503 });
  for (const notification of notifications) await expectStatus(202, notification);
  await stack.kill();

  // Each delivery now takes a while, so that the second kill finds some of them under way.
  klaviyo.faults.clear();
  klaviyo.faults.add({ latencyMs: 100 });
  await eventually(
    "a delivery",
    () => klaviyo.requests.map(({ status }) => status),
    (statuses) => statuses.some((status) => status < 300),
  );
  await stack.kill();
  klaviyo.faults.clear();

  for (const kind of ["profiles", "events"]) {
    await eventually(
      `all ${kind} to be there`,
      () => klaviyo.store[kind]().length,
      (count) => count >= Object.keys(calm[kind]).length,
      { limitMs: 90_000 },
    );
  }
  assert.deepEqual(klaviyo.snapshot(), calm);
  assert.deepEqual(klaviyo.violations, []);
});
