// The runtime is killed (SIGKILL) with notifications parked, and started again on the same storage:
// they arrive by themselves, without any request.

import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { change, message } from "../../sandbox/commercetools/notifications.mjs";
import { startCommercetools } from "../../sandbox/commercetools/server.mjs";
import { startKlaviyo } from "../../sandbox/klaviyo/server.mjs";
import { sampleShop } from "../../sandbox/shop/index.mjs";
import { settingsFor, startWorker } from "../../sandbox/worker.mjs";
import { eventually, killAndRestart, push } from "./harness.mjs";

const shop = sampleShop();
const open = shop.orders.filter(
  ({ orderState, customerEmail }) => orderState === "Open" && customerEmail,
);

test("what was parked survives a kill, at rest and in the middle of a delivery", async () => {
  const persist = mkdtempSync(join(tmpdir(), "outbox-"));
  const commercetools = await startCommercetools();
  const klaviyo = await startKlaviyo();
  const settings = settingsFor(commercetools, klaviyo);
  const notifications = [
    ...shop.customers.map(({ id }) => change("ResourceUpdated", { typeId: "customer", id })),
    ...open.map((order) => message("OrderCreated", { typeId: "order", id: order.id }, { order })),
  ];
  let worker = await startWorker({ settings, persist });
  try {
    for (const notification of notifications)
      assert.equal((await push(worker.url, notification)).status, 204);
    const calm = klaviyo.snapshot();
    klaviyo.reset();

    klaviyo.faults.add({ status: 503 });
    for (const notification of notifications)
      assert.equal((await push(worker.url, notification)).status, 202);
    worker = await killAndRestart(worker, { settings, persist });

    // Each delivery now takes a while, so that the second kill finds some of them under way.
    klaviyo.faults.clear();
    klaviyo.faults.add({ latencyMs: 100 });
    await eventually(() => klaviyo.requests.some(({ status }) => status < 300));
    worker = await killAndRestart(worker, { settings, persist });
    klaviyo.faults.clear();

    await eventually(() => klaviyo.store.profiles().length >= Object.keys(calm.profiles).length);
    await eventually(() => klaviyo.store.events().length >= Object.keys(calm.events).length);
    assert.deepEqual(klaviyo.snapshot(), calm);
    assert.deepEqual(klaviyo.violations, []);
  } finally {
    await worker.close();
    await klaviyo.close();
    await commercetools.close();
    rmSync(persist, { recursive: true, force: true });
  }
});
