// An answer counts only if it comes from the system itself: the page of a proxy, a redirect or a
// foreign 404 is an outage, whatever its status. Nothing is lost or deleted because of it.

import assert from "node:assert/strict";
import { test } from "node:test";
import { message } from "../../sandbox/commercetools/notifications.mjs";
import { sampleShop } from "../../sandbox/shop/index.mjs";
import { about, changed, isOpen, klaviyoId } from "./documents.mjs";
import { useStack } from "./harness.mjs";

const shop = sampleShop();
const [customer] = shop.customers;
const order = shop.orders.find((each) => isOpen(each) && each.lineItems.length > 0);
const product = shop.products.find(({ masterData }) => masterData.published);

const stack = useStack();
const { expectStatus, expectParked, drained, letters } = stack;

const PAGE = { headers: { "content-type": "text/html" }, body: "<html><h1>Blocked</h1></html>" };
const FOREIGN = [
  ...[200, 404, 410, 421, 423].map((status) => ({ status, ...PAGE })),
  { status: 302, headers: { location: "https://login.example.com/" }, body: "" },
];
const profile = () => stack.klaviyo.store.profileByExternalId(customer.id);
const item = () => stack.klaviyo.store.items().find(({ id }) => id === klaviyoId(product.id));

const facts = {
  "a customer's change": () => changed("customer", customer),
  "an order's state": () =>
    message("OrderStateChanged", about("order", order), { orderState: "Complete" }),
  "a published product": () => message("ProductPublished", about("product", product), {}),
};

for (const fault of FOREIGN) {
  for (const [what, notification] of Object.entries(facts)) {
    test(`a foreign ${fault.status} for commercetools' answer parks ${what}`, async () => {
      await expectStatus(204, facts["a published product"]());
      const stop = stack.commercetools.faults.add({ path: "/sandbox-shop/", ...fault });
      await expectParked(notification());
      assert.ok(item(), "nothing is deleted");
      stop();
      await drained();
      assert.deepEqual(await letters(), []);
    });
  }

  test(`a foreign ${fault.status} for Klaviyo's answer is no delivery`, async () => {
    const stop = stack.klaviyo.faults.add({ path: "/api/profile-import", ...fault });
    await expectParked(facts["a customer's change"]());
    assert.equal(profile(), undefined);
    stop();
    await drained();
    assert.ok(profile());
    assert.deepEqual(await letters(), []);
  });
}
