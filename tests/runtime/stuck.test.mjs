// Stuck rows delay nothing else: neither the alarm nor other rows.

import { test } from "node:test";
import { message } from "../../sandbox/commercetools/notifications.mjs";
import { sampleShop } from "../../sandbox/shop/index.mjs";
import { eventually } from "../eventually.mjs";
import { about, changed, isOpen } from "./documents.mjs";
import { useStack } from "./harness.mjs";

const shop = sampleShop();
const order = shop.orders.find((each) => isOpen(each) && each.customerId);

const stack = useStack();
const { expectParked, drained } = stack;

/** Parks an order for the fault of a moment. */
async function parkOrder() {
  stack.klaviyo.faults.add({ path: "/api/events", status: 503, times: 1 });
  await expectParked(message("OrderCreated", about("order", order), { order }));
}

const isPlaced = () =>
  stack.klaviyo.store
    .events({ metric: "Placed Order" })
    .some(({ uniqueId }) => uniqueId === order.id);

test("a stream of pushes that park does not put off what waits", async () => {
  const stop = stack.klaviyo.faults.add({ path: "/api/profile-import", status: 503 });
  await parkOrder();
  // Somebody changes all the time, until the order is there.
  let n = 0;
  await eventually("the order, while changes are parked", async () => {
    await expectParked(changed("customer", shop.customers[n++ % shop.customers.length]));
    return isPlaced();
  });
  stop();
  await drained();
});

test("rows that are refused again and again do not hold up a healthy one", async () => {
  const stop = stack.klaviyo.faults.add({ path: "/api/catalog", status: 403 });
  const nowhere = (n) => ({ id: `00000000-0000-4000-8000-${String(n).padStart(12, "0")}` });
  for (let n = 0; n < 60; n += 1) await expectParked(changed("product", nowhere(n)));
  await parkOrder();
  await eventually("the healthy order", isPlaced);
  // The others are still refused.
  await eventually("its row to go", stack.outbox, ({ waiting }) => waiting === 60);
  stop();
  await drained();
});
