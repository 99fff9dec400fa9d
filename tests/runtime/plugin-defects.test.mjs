// The defects of the Node.js plugin that no other test shows, each by its number; R1 to R3, R6, R7,
// R13, R14, R16, R18, R19, R21, R22, R24 and M2 are beside their kind (`grep -rn "R13 " tests`).

import assert from "node:assert/strict";
import { test } from "node:test";
import { change, message, payloadNotIncluded } from "../../sandbox/commercetools/notifications.mjs";
import { highPrecisionMoney, money } from "../../sandbox/shop/build.mjs";
import { sampleShop } from "../../sandbox/shop/index.mjs";
import { about, changed, isOpen } from "./documents.mjs";
import { start, useStack } from "./harness.mjs";

const shop = sampleShop();
const order = shop.orders.find(
  (each) => isOpen(each) && each.customerId && each.lineItems.length > 1,
);
const customer = shop.customers.find(({ id }) => id === order.customerId);
const product = shop.products.find(({ id }) => id === order.lineItems[0].productId);

const stack = useStack({
  settings: {
    // Both placeholders, twice, and what JavaScript's `replace` takes for a pattern.
    PRODUCT_URL_TEMPLATE: "https://shop.example/{{productSlug}}?sku={{sku}}&again={{productSlug}}",
    PREFERRED_LOCALE: "en",
    PREFERRED_CURRENCY: "EUR",
  },
});
const { expectStatus, drained } = stack;

const events = (metric) => stack.klaviyo.store.events({ metric });
const created = (document) =>
  message("OrderCreated", about("order", document), { order: document });
const profile = () => stack.klaviyo.store.profileByExternalId(customer.id)?.attributes;
const item = ({ id }) => stack.klaviyo.store.items().find((each) => each.id.endsWith(id));
const variant = (sku) => stack.klaviyo.store.variants().find(({ id }) => id.endsWith(sku));

/** An order of its own, so that no test sees the events of another. */
function orderLike(id, changes = {}) {
  const lineItems = order.lineItems.map((line, n) => ({ ...line, id: `${id}-line-${n}` }));
  const document = { ...order, id, lineItems, ...changes };
  stack.commercetools.put("order", document);
  return document;
}

test("R4 an order that cannot be read for a change of its state is not lost", async () => {
  stack.commercetools.faults.add({ path: "/sandbox-shop/orders", status: 500, times: 1 });
  const cancelled = { orderState: "Cancelled" };
  await expectStatus(202, message("OrderStateChanged", about("order", order), cancelled));
  await drained();
  assert.equal(events("Cancelled Order").length, 1);
});

test("R8 a payload that was left out places no cancelled order, and none of nobody", async () => {
  const cancelled = orderLike("r8-cancelled", { orderState: "Cancelled" });
  await expectStatus(204, payloadNotIncluded(created(cancelled)));
  const nobody = orderLike("r8-nobody", { customerId: undefined, customerEmail: undefined });
  await expectStatus(204, payloadNotIncluded(created(nobody)));
  const set = { customer: { typeId: "customer", id: customer.id } };
  await expectStatus(204, message("OrderCustomerSet", about("order", cancelled), set));
  assert.equal(events("Placed Order").length, 0);
  assert.equal(stack.klaviyo.store.profiles().length, 1);
});

test("R9 a page of products that fails makes the order wait, and not loop", async () => {
  const [line] = order.lineItems;
  const lineItems = Array.from({ length: 130 }, (_, n) => {
    const id = `r9-product-${n}`;
    stack.commercetools.put("product", { ...product, id });
    return { ...line, id: `r9-line-${n}`, productId: id };
  });
  stack.commercetools.faults.add({ path: "/sandbox-shop/products", status: 500, times: 1 });
  stack.commercetools.requests.clear();
  await expectStatus(202, created({ ...order, id: "r9", lineItems }));
  await drained();
  assert.equal(events("Ordered Product").length, 130);
  const asked = stack.commercetools.requests.filter(({ path }) => path.endsWith("/products"));
  // What is longer than is read of an answer is asked for again, with the ids that are left.
  const queries = asked.map(({ query }) => JSON.stringify(query));
  for (const query of queries) {
    assert.ok(queries.filter((other) => other === query).length <= 2, "each page at most twice");
  }
  assert.ok(asked.length <= 8, `${asked.length} calls for two pages`);
});

test("R10 an order of a product whose category is gone is placed", async () => {
  const [{ id }] = product.masterData.current.categories;
  stack.commercetools.remove("category", id);
  await expectStatus(204, change("ResourceDeleted", { typeId: "category", id }));
  await expectStatus(204, created(order));
  assert.equal(events("Placed Order").length, 1);
});

/** A payment with these refunds. */
function paymentWith(id, ...transactions) {
  const payment = { ...shop.payments[0], id, transactions };
  stack.commercetools.put("payment", payment);
  return payment;
}
const refund = (id, state, amount, timestamp) => ({
  id,
  type: "Refund",
  state,
  amount: money("EUR", amount),
  timestamp,
});
const paidBy = (id) => ({ payments: [{ typeId: "payment", id }] });

test("R11 a pending refund is none, and counts with its amount when it succeeds", async () => {
  const placed = orderLike("r11", { paymentInfo: paidBy("p11") });
  const transaction = refund("t1", "Pending", 1234, "2026-06-01T10:00:00.000Z");
  const payment = paymentWith("p11", transaction);
  await expectStatus(
    204,
    message("PaymentTransactionAdded", about("payment", payment), { transaction }),
  );
  assert.equal(events("Refunded Order").length, 0);
  paymentWith("p11", { ...transaction, state: "Success" });
  const succeeded = { transactionId: "t1", state: "Success" };
  await expectStatus(
    204,
    message("PaymentTransactionStateChanged", about("payment", payment), succeeded),
  );
  const told = events("Refunded Order").map(({ uniqueId, value }) => [uniqueId, value]);
  assert.deepEqual(told, [[placed.id, 12.34]]);
});

test("R12 each partial refund is recorded, with its own amount and time", async () => {
  orderLike("r12", { paymentInfo: paidBy("p12") });
  const refunds = [
    refund("t1", "Success", 500, "2026-06-01T10:00:00.000Z"),
    refund("t2", "Success", 250, "2026-06-02T11:00:00.000Z"),
  ];
  const payment = paymentWith("p12", ...refunds);
  for (const [n, transaction] of refunds.entries()) {
    const added = { transaction };
    const options = { sequenceNumber: n + 1 };
    await expectStatus(
      204,
      message("PaymentTransactionAdded", about("payment", payment), added, options),
    );
  }
  const told = events("Refunded Order").map(({ uniqueId, value, time }) => [uniqueId, value, time]);
  const expected = refunds.map(({ amount, timestamp }) => [
    amount.centAmount / 100,
    Date.parse(timestamp),
  ]);
  assert.deepEqual(
    told.sort(([, one], [, other]) => other - one),
    [
      ["r12", ...expected[0]],
      ["t2", ...expected[1]],
    ],
  );
});

test("R15 a company's name arrives", async () => {
  stack.commercetools.put("customer", { ...customer, companyName: "Fellweg GmbH" });
  const set = { companyName: "Fellweg GmbH" };
  await expectStatus(204, message("CustomerCompanyNameSet", about("customer", customer), set));
  assert.equal(profile().organization, "Fellweg GmbH");
});

test("R17 changes of an order's state can be switched off", async (t) => {
  const CONFIG = JSON.stringify({ disabledEvents: ["OrderStateChanged"] });
  const quiet = await start({ settings: { CONFIG } });
  t.after(() => quiet.close());
  const cancelled = { orderState: "Cancelled" };
  await quiet.expectStatus(204, message("OrderStateChanged", about("order", order), cancelled));
  assert.equal(quiet.klaviyo.requests.length, 0);
  await quiet.lineWith(({ code }) => code === "disabled");
});

test("R20 what is told late or twice brings back no older state", async () => {
  const published = () => message("ProductPublished", about("product", product));
  await expectStatus(204, published());
  const masterData = { ...product.masterData, published: false };
  stack.commercetools.put("product", { ...product, masterData });
  await expectStatus(204, message("ProductUnpublished", about("product", product)));
  await expectStatus(204, published());
  assert.equal(item(product), undefined);
  stack.commercetools.put("customer", { ...customer, firstName: "Newer" });
  await expectStatus(204, changed("customer", customer));
  await expectStatus(204, message("CustomerCreated", about("customer", customer), { customer }));
  assert.equal(profile().first_name, "Newer");
});

test("R23 an order that was somebody else's is not counted twice", async () => {
  const guests = orderLike("r23", { customerId: undefined, customerEmail: "guest@example.com" });
  await expectStatus(204, created(guests));
  const set = { customer: { typeId: "customer", id: customer.id } };
  stack.commercetools.put("order", { ...guests, customerId: customer.id });
  await expectStatus(204, message("OrderCustomerSet", about("order", guests), set));
  const oldCustomer = { typeId: "customer", id: "before" };
  const again = message("OrderCustomerSet", about("order", order), { ...set, oldCustomer });
  await expectStatus(204, again);
  assert.equal(events("Placed Order").length, 1);
  assert.ok(profile());
});

test("R25 a number with spaces is normalised, and what is cleared is cleared", async () => {
  const [address, ...others] = customer.addresses;
  const { mobile: _mobile, ...withoutMobile } = address;
  const addresses = [{ ...withoutMobile, country: "IT", phone: "+39 323 123 4567" }, ...others];
  const { defaultBillingAddressId: _default, billingAddressIds: _ids, ...rest } = customer;
  const titled = { ...rest, addresses, title: "Dr", companyName: "Fellweg GmbH" };
  stack.commercetools.put("customer", titled);
  await expectStatus(204, changed("customer", customer));
  assert.equal(profile().phone_number, "+393231234567");
  const told = () => [profile().properties["Salutation title"], profile().organization];
  assert.deepEqual(told(), ["Dr", "Fellweg GmbH"]);
  const { title: _title, companyName: _company, ...cleared } = titled;
  stack.commercetools.put("customer", cleared);
  await expectStatus(204, changed("customer", customer));
  assert.deepEqual(told(), [undefined, null]);
});

test("M1 money of high precision, and of currencies without cents, is exact", async () => {
  const [line] = order.lineItems;
  const price = {
    ...line.price,
    value: highPrecisionMoney("EUR", 123_456, 5),
    discounted: undefined,
  };
  const lineItems = [{ ...line, id: "m1-line", price }];
  await expectStatus(
    204,
    created({
      ...order,
      id: "m1",
      lineItems,
      totalPrice: money("JPY", 1000, 0),
      taxedPrice: undefined,
    }),
  );
  const [placed] = events("Placed Order");
  assert.equal(placed.properties.Items[0].ItemPrice, 1.23456);
  assert.deepEqual([placed.value, placed.valueCurrency], [1000, "JPY"]);
});

test("M3 events say their currency and what was bought, and no other prices", async () => {
  await expectStatus(204, created(order));
  const all = [...events("Placed Order"), ...events("Ordered Product")];
  assert.ok(all.length > 2);
  for (const { valueCurrency, properties } of all) {
    assert.equal(valueCurrency, order.totalPrice.currencyCode);
    const { shippingInfo: _rates, ...bought } = properties;
    const text = JSON.stringify(bought);
    assert.ok(!text.includes('"prices"') && !text.includes('"tiers"'));
  }
  const [{ properties }] = events("Ordered Product");
  for (const name of ["ProductID", "SKU", "ProductName", "ProductURL", "ItemPrice", "RowTotal"])
    assert.ok(properties[name] !== undefined, name);
});

test("M4 false, zero and the empty text are values, and no custom field hides the order's own", async () => {
  const fields = { orderNumber: "hidden", gift: false, points: 0, note: "" };
  const custom = { type: { typeId: "type", id: "t" }, fields };
  await expectStatus(204, created({ ...order, id: "m4", orderNumber: "1001", custom }));
  const [{ properties }] = events("Placed Order");
  const { orderNumber, gift, points, note } = properties;
  assert.deepEqual([orderNumber, gift, points, note], ["1001", false, 0, ""]);
});

test("M5 each variant has its own address, attributes and pictures, and a slug is only text", async () => {
  const { current } = product.masterData;
  const slug = { en: "a$&b" };
  const masterData = { ...product.masterData, current: { ...current, slug } };
  stack.commercetools.put("product", { ...product, masterData });
  await expectStatus(204, message("ProductPublished", about("product", product)));
  const { sku, images, attributes } = current.masterVariant;
  const held = variant(sku).attributes;
  const text = encodeURIComponent("a$&b");
  assert.equal(
    held.url,
    `https://shop.example/${text}?sku=${encodeURIComponent(sku)}&again=${text}`,
  );
  assert.equal(held.images.length, images.length);
  assert.ok(attributes.length > 0);
  const flat = Object.keys(held.custom_metadata).filter((name) => name.startsWith("attribute_"));
  assert.ok(flat.length > 0);
});
