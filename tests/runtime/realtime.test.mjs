// Notifications through the built worker, in the real runtime, between the two sandboxes.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  change,
  message,
  payloadNotIncluded,
  pubsub,
} from "../../sandbox/commercetools/notifications.mjs";
import { sampleShop } from "../../sandbox/shop/index.mjs";
import { eventually } from "../eventually.mjs";
import { about, changed, isOpen, numbered } from "./documents.mjs";
import { HASTY, useStack } from "./harness.mjs";

const shop = sampleShop();
const customer = numbered(shop.customers, "customer", 1);
const openOrder = shop.orders.find(
  (order) => isOpen(order) && order.customerId === customer.id && order.lineItems.length > 1,
);
const orderOf = ({ id }) =>
  shop.orders.find(({ paymentInfo }) => paymentInfo?.payments.some((payment) => payment.id === id));

const stack = useStack();
/** For what is to be given up in time. */
const hasty = useStack({ settings: HASTY });
const { expectStatus, expectParked, drained, letters, lineWith } = stack;

const customerChanged = () => changed("customer", customer);
const orderCreated = (order) => message("OrderCreated", about("order", order), { order });
const events = (metric) => stack.klaviyo.store.events({ metric });

describe("204: done", () => {
  test("a created customer is a profile", async () => {
    await expectStatus(
      204,
      pubsub(message("CustomerCreated", about("customer", customer), { customer })),
    );
    const profile = stack.klaviyo.store.profileByExternalId(customer.id);
    assert.equal(profile.attributes.email, customer.email);
    assert.equal(profile.attributes.first_name, customer.firstName);
    assert.match(profile.attributes.phone_number, /^\+49\d+$/);
  });

  test("every customer of the shop arrives", async () => {
    for (const document of shop.customers) {
      await expectStatus(204, change("ResourceCreated", about("customer", document)));
    }
    assert.equal(stack.klaviyo.store.profiles().length, shop.customers.length);
  });

  test("an order gives its events, with the right amounts, times and ids", async () => {
    await expectStatus(204, orderCreated(openOrder));
    const [placed, ...others] = events("Placed Order");
    assert.equal(others.length, 0);
    assert.equal(placed.uniqueId, openOrder.id);
    assert.equal(placed.value, openOrder.totalPrice.centAmount / 100);
    assert.equal(
      Math.floor(placed.time / 1000),
      Math.floor(Date.parse(openOrder.createdAt) / 1000),
    );
    const lines = events("Ordered Product");
    assert.deepEqual(
      lines.map(({ uniqueId, value }) => [uniqueId, value]).sort(),
      openOrder.lineItems.map(({ id, totalPrice }) => [id, totalPrice.centAmount / 100]).sort(),
    );
  });

  test("R5 a payload that was left out is read", async () => {
    await expectStatus(204, payloadNotIncluded(orderCreated(openOrder)));
    assert.equal(events("Placed Order").length, 1);
    const created = message("CustomerCreated", about("customer", customer), { customer });
    await expectStatus(204, payloadNotIncluded(created));
    assert.ok(stack.klaviyo.store.profileByExternalId(customer.id));
    const cancelled = message("OrderStateChanged", about("order", openOrder), { orderState: "x" });
    stack.commercetools.put("order", { ...openOrder, orderState: "Cancelled" });
    await expectStatus(204, payloadNotIncluded(cancelled));
    assert.equal(events("Cancelled Order").length, 1);
  });

  test("state changes and refunds are events of their own", async () => {
    const complete = { orderState: "Complete" };
    await expectStatus(204, message("OrderStateChanged", about("order", openOrder), complete));
    assert.equal(events("Fulfilled Order").length, 1);
    const ordered = shop.payments.filter(orderOf);
    const refunds = ordered.flatMap((payment) =>
      payment.transactions
        .filter(({ type }) => type === "Refund")
        .map((transaction) => ({ payment, transaction })),
    );
    for (const { payment, transaction } of refunds) {
      const added = message("PaymentTransactionAdded", about("payment", payment), { transaction });
      await expectStatus(204, added);
    }
    const succeeded = refunds.filter(({ transaction }) => transaction.state === "Success");
    assert.ok(succeeded.length > 1 && succeeded.length < refunds.length);
    assert.deepEqual(
      events("Refunded Order")
        .map(({ value }) => value)
        .sort(),
      succeeded.map(({ transaction }) => transaction.amount.centAmount / 100).sort(),
    );
  });

  test("an order given to a customer updates the profile, and counts once", async () => {
    const set = { customer: { typeId: "customer", id: customer.id } };
    await expectStatus(204, orderCreated(openOrder));
    await expectStatus(204, message("OrderCustomerSet", about("order", openOrder), set));
    assert.equal(events("Placed Order").length, 1);
    assert.ok(stack.klaviyo.store.profileByExternalId(customer.id));
  });

  test("the same push again changes nothing", async () => {
    const pushes = [orderCreated(openOrder), customerChanged()];
    for (const body of pushes) await expectStatus(204, body);
    const once = stack.klaviyo.snapshot();
    for (const body of [...pushes, pushes]) await expectStatus(204, body);
    assert.deepEqual(stack.klaviyo.snapshot(), once);
  });

  test("what needs nothing is 204 and logged by type", async () => {
    for (const [notification, type, code] of [
      [
        change("ResourceCreated", { typeId: "subscription", id: "s" }),
        "ResourceCreated",
        "subscription_test",
      ],
      [message("ReviewCreated", { typeId: "review", id: "r" }), "ReviewCreated", "unknown_type"],
      [{ notificationType: "Event", type: "ImportContainerCreated" }, "Event", "unknown_type"],
      [change("ResourceUpdated", { typeId: "customer", id: "gone" }), "ResourceUpdated", "gone"],
    ]) {
      await expectStatus(204, notification);
      await lineWith(
        (line) => line.type === type && line.code === code && line.outcome === "ignored",
      );
    }
    assert.equal(stack.klaviyo.requests.length, 0);
  });

  test("R6 a large order goes through whole", async () => {
    const [line] = openOrder.lineItems;
    const lineItems = Array.from({ length: 120 }, (_, n) => ({ ...line, id: `large-line-${n}` }));
    const order = { ...openOrder, id: "large-order", lineItems };
    const body = JSON.stringify(orderCreated(order));
    assert.ok(body.length > 200_000);
    await expectStatus(204, body);
    assert.equal(events("Ordered Product").length, 120);
    assert.equal(events("Placed Order").length, 1);
  });
});

describe("the products of orders", () => {
  const asked = () =>
    stack.commercetools.requests.filter(({ path }) => path.endsWith("/products")).length;
  const another = (n) => ({
    ...openOrder,
    id: `another-${n}`,
    lineItems: openOrder.lineItems.map((line) => ({ ...line, id: `another-${n}-${line.id}` })),
  });

  test("are read once for many orders, all together, until one is told of", async () => {
    const [{ productId }] = openOrder.lineItems;
    const told = () => changed("product", { id: productId });
    await expectStatus(204, told());
    stack.commercetools.requests.clear();
    await expectStatus(204, orderCreated(another(1)));
    assert.equal(asked(), 1);
    const [first] = events("Placed Order");
    await expectStatus(204, orderCreated(another(2)));
    assert.equal(asked(), 1, "the second order asked for products");
    const second = events("Placed Order").find(({ uniqueId }) => uniqueId === "another-2");
    assert.ok(first.properties.Categories.length > 0);
    assert.deepEqual(second.properties.Categories, first.properties.Categories);
    await expectStatus(204, told());
    await expectStatus(204, orderCreated(another(3)));
    assert.equal(asked(), 2, "a product that was changed was not read again");
  });
});

describe("a profile that is there already", () => {
  test("R13 a guest becomes a customer", async () => {
    await expectStatus(
      204,
      orderCreated({ ...openOrder, customerId: undefined, customerEmail: customer.email }),
    );
    assert.equal(stack.klaviyo.store.profileByExternalId(customer.id), undefined);
    await expectStatus(204, customerChanged());
    assert.equal(stack.klaviyo.store.profiles().length, 1);
    assert.ok(stack.klaviyo.store.profileByExternalId(customer.id));
  });

  test("R13 somebody else's phone number, and two profiles for one customer", async () => {
    await expectStatus(204, customerChanged());
    const { phone_number } = stack.klaviyo.store.profileByExternalId(customer.id).attributes;
    stack.klaviyo.reset();
    const profiles = [
      { email: "somebody.else@example.com", phone_number },
      { email: customer.email },
      { external_id: customer.id },
    ];
    for (const attributes of profiles) {
      const created = await fetch(`${stack.klaviyo.url}/api/profiles`, {
        method: "POST",
        headers: {
          authorization: `Klaviyo-API-Key ${stack.klaviyo.key}`,
          revision: "2026-10-15",
          "x-klaviyo-revision-fall-forward-opt-out": "1",
          "content-type": "application/vnd.api+json",
        },
        body: JSON.stringify({ data: { type: "profile", attributes } }),
      });
      assert.equal(created.status, 201);
    }
    await expectStatus(204, customerChanged());
    const profile = stack.klaviyo.store.profileByEmail(customer.email);
    assert.equal(profile.attributes.first_name, customer.firstName);
  });

  test("a phone number that Klaviyo does not take is left out", async () => {
    stack.klaviyo.settings.unsupportedPhonePrefixes = ["+49"];
    try {
      await expectStatus(204, customerChanged());
    } finally {
      stack.klaviyo.settings.unsupportedPhonePrefixes = [];
    }
    const { attributes } = stack.klaviyo.store.profileByExternalId(customer.id);
    assert.equal(attributes.first_name, customer.firstName);
    assert.ok(!attributes.phone_number);
  });
});

describe("202: kept for a person", () => {
  const malformed = { ...customer, id: "malformed", email: "annika@example" };

  async function expectDeadLetter(body, code) {
    const answer = await expectStatus(202, body);
    assert.equal(answer.body.outcome, "dead_lettered");
    assert.equal(answer.body.code, code);
    const read = await stack.admin("GET", `/dead-letters/${answer.body.id}`);
    assert.equal(read.status, 200);
    assert.equal(read.body.code, code);
    return read.body;
  }

  test("R7 what is no notification is kept as it came", async () => {
    for (const [body, code, kept] of [
      ["hello", "not_json", "hello"],
      ["", "not_json", ""],
      [Uint8Array.of(0xff, 0xfe), "not_json", "//4="],
      [{ hello: "world" }, "not_a_notification", { hello: "world" }],
      [{ message: { data: "%" } }, "envelope_undecodable", { message: { data: "%" } }],
    ]) {
      assert.deepEqual((await expectDeadLetter(body, code)).notification, kept);
    }
  });

  test("more than a SQLite value holds is kept whole", async () => {
    const body = `"${"ä".repeat(1_700_000)}"`;
    const letter = await expectDeadLetter(body, "not_json");
    assert.equal(letter.notification, JSON.parse(body));
  });

  test("a document that does not map", async () => {
    stack.commercetools.put("customer", malformed);
    const letter = await expectDeadLetter(changed("customer", malformed), "malformed_email");
    assert.equal(letter.resource, "customer/malformed");
    assert.equal(letter.pointer, "/data/attributes/email");
    stack.commercetools.put("order", { id: "half" });
    const completed = message(
      "OrderStateChanged",
      { typeId: "order", id: "half" },
      { orderState: "Complete" },
    );
    await expectDeadLetter(completed, "commercetools_document_malformed");
    const carried = message(
      "OrderCreated",
      { typeId: "order", id: "half" },
      { order: { id: "half" } },
    );
    await expectDeadLetter(carried, "message_malformed");
  });

  test("what Klaviyo refuses, with Klaviyo's words", async () => {
    const errors = [
      { code: "invalid", detail: "No.", source: { pointer: "/data/attributes/time" } },
    ];
    stack.klaviyo.faults.add({ path: "/api/events", status: 400, body: { errors } });
    const letter = await expectDeadLetter(orderCreated(openOrder), "klaviyo_400");
    assert.equal(letter.detail.split(" ")[0], "No.");
    assert.equal(letter.pointer, "/data/attributes/time");
  });

  test("the same is kept once, listed, and can be deleted", async () => {
    const first = await expectDeadLetter("the same", "not_json");
    const second = await expectDeadLetter("the same", "not_json");
    assert.equal(second.id, first.id);
    assert.equal(second.attempts, first.attempts + 1);
    const list = async () => (await stack.admin("GET", "/dead-letters")).body;
    const listed = (await list()).deadLetters.filter(({ id }) => id === first.id);
    assert.equal(listed.length, 1);
    assert.deepEqual(Object.keys(listed[0]).sort(), [
      "at",
      "attempts",
      "code",
      "detail",
      "id",
      "pointer",
      "resource",
    ]);
    assert.equal((await stack.admin("DELETE", `/dead-letters/${first.id}`)).status, 204);
    assert.equal((await stack.admin("DELETE", `/dead-letters/${first.id}`)).status, 404);
    assert.equal((await stack.admin("GET", `/dead-letters/${first.id}`)).status, 404);
  });

  test("a long list comes in pages", async () => {
    for (let n = 0; n < 103; n += 1) await expectStatus(202, `page ${n}`);
    const seen = new Set();
    let cursor = "";
    do {
      const { body } = await stack.admin("GET", `/dead-letters${cursor}`);
      for (const { id } of body.deadLetters) {
        assert.ok(!seen.has(id), "listed twice");
        seen.add(id);
      }
      cursor = body.next && `?cursor=${body.next}`;
    } while (cursor);
    assert.ok(seen.size >= 103);
  });
});

describe("202: parked, and nothing lost", () => {
  const faults = {
    "Klaviyo fails": ["klaviyo", { status: 503 }],
    "R2 Klaviyo resets the connection": ["klaviyo", { reset: true }],
    "R4 commercetools fails": ["commercetools", { path: "/sandbox-shop", status: 502 }],
    "commercetools resets": ["commercetools", { path: "/sandbox-shop", reset: true }],
  };
  for (const [name, [system, rule]] of Object.entries(faults)) {
    test(name, async () => {
      const remove = stack[system].faults.add(rule);
      await expectParked(payloadNotIncluded(orderCreated(openOrder)));
      remove();
      await drained();
      assert.equal(events("Placed Order").length, 1);
      assert.equal(events("Ordered Product").length, openOrder.lineItems.length);
    });
  }

  test("R1 Klaviyo is over its rate limit, and is not called until it said so", async () => {
    // Longer than the pushes of the others can take.
    const throttled = { status: 429, headers: { "retry-after": "10" }, times: 1 };
    stack.klaviyo.faults.add({ path: "/api/profile-import", ...throttled });
    const [first, ...others] = shop.customers;
    await expectParked(changed("customer", first));
    const called = stack.klaviyo.requests.length;
    for (const other of others) {
      await expectParked(changed("customer", other));
    }
    assert.equal(stack.klaviyo.requests.length, called, "Klaviyo was called too early");
    await drained();
    assert.equal(stack.klaviyo.store.profiles().length, shop.customers.length);
  });

  test("R3 the key is wrong, until it is put right", async () => {
    const { key } = stack.klaviyo.settings;
    stack.klaviyo.settings.key = "pk_another";
    await expectParked(customerChanged());
    stack.klaviyo.settings.key = key;
    await drained();
    assert.ok(stack.klaviyo.store.profileByExternalId(customer.id));
  });

  test("a reply is lost after the write, and nothing is doubled", async () => {
    stack.klaviyo.faults.add({ path: "/api/events", reset: true, after: true, times: 3 });
    await expectParked(orderCreated(openOrder));
    await drained();
    assert.equal(events("Placed Order").length, 1);
    assert.equal(events("Ordered Product").length, openOrder.lineItems.length);
  });

  test("R22 a refund comes before its payment has an order", async () => {
    const succeeded = ({ type, state }) => type === "Refund" && state === "Success";
    const payment = shop.payments.find(
      (candidate) => orderOf(candidate) && candidate.transactions.some(succeeded),
    );
    const transaction = payment.transactions.find(succeeded);
    const order = orderOf(payment);
    const refunded = message("PaymentTransactionAdded", about("payment", payment), { transaction });
    stack.commercetools.put("order", { ...order, paymentInfo: undefined });
    await expectParked(refunded);
    stack.commercetools.put("order", order);
    await drained();
    assert.equal(events("Refunded Order").length, 1);
  });

  test("a thousand changes of one customer are one row, and the last state arrives", async () => {
    const remove = stack.klaviyo.faults.add({ status: 503 });
    for (let n = 0; n < 40; n += 1) await expectParked(customerChanged());
    const { waiting, oldest } = await stack.outbox();
    assert.equal(waiting, 1);
    assert.ok(Date.parse(oldest) > 0);
    stack.commercetools.put("customer", { ...customer, firstName: "Newest" });
    remove();
    await drained();
    const { attributes } = stack.klaviyo.store.profileByExternalId(customer.id);
    assert.equal(attributes.first_name, "Newest");
  });

  test("what turns out permanent becomes a dead letter, and can be replayed", async () => {
    const remove = stack.klaviyo.faults.add({ status: 503, times: 1 });
    const broken = { ...customer, id: "broken", email: "broken@example" };
    stack.commercetools.put("customer", broken);
    const notification = changed("customer", broken);
    stack.commercetools.faults.add({ path: "/sandbox-shop", status: 503, times: 1 });
    await expectParked(notification);
    remove();
    await drained();
    const letter = await letterAbout("customer/broken");
    assert.equal(letter.code, "malformed_email");
    stack.commercetools.put("customer", { ...broken, email: "mended@example.com" });
    assert.equal((await stack.admin("POST", `/dead-letters/${letter.id}/replay`)).status, 202);
    await drained();
    assert.ok(stack.klaviyo.store.profileByExternalId("broken"));
    assert.equal(await letterAbout("customer/broken"), undefined);
    assert.equal((await stack.admin("POST", "/dead-letters/nothing/replay")).status, 404);
    assert.equal((await stack.admin("POST", "/dead-letters/replay")).status, 202);
    await drained();
  });
});

describe("202: parked, since no answer comes in time", () => {
  for (const [name, system, rule] of [
    ["Klaviyo", "klaviyo", { hang: true }],
    ["commercetools", "commercetools", { path: "/sandbox-shop", hang: true }],
  ]) {
    test(`${name} never answers`, async () => {
      const remove = hasty[system].faults.add(rule);
      await hasty.expectParked(payloadNotIncluded(orderCreated(openOrder)));
      remove();
      await hasty.drained();
      const told = (metric) => hasty.klaviyo.store.events({ metric }).length;
      assert.equal(told("Placed Order"), 1);
      assert.equal(told("Ordered Product"), openOrder.lineItems.length);
    });
  }

  test("a change that comes while its row is being delivered is not lost", async () => {
    const { klaviyo, commercetools } = hasty;
    const remove = klaviyo.faults.add({ status: 503 });
    await hasty.expectParked(customerChanged());
    remove();
    // The row's delivery has read the old state and hangs at Klaviyo when the new change comes.
    const hang = klaviyo.faults.add({ path: "/api/profile-import", hang: true });
    commercetools.requests.clear();
    await eventually(
      "the row's delivery to read",
      () => commercetools.requests.map(({ path }) => path),
      (paths) => paths.some((path) => path.includes(customer.id)),
    );
    commercetools.put("customer", { ...customer, firstName: "Meanwhile" });
    await hasty.expectParked(customerChanged());
    hang();
    await hasty.drained();
    const { attributes } = klaviyo.store.profileByExternalId(customer.id);
    assert.equal(attributes.first_name, "Meanwhile");
  });
});

describe("the access token", () => {
  test("one that was revoked or is over is renewed", async () => {
    await expectStatus(204, customerChanged());
    stack.commercetools.revokeTokens();
    await expectStatus(204, customerChanged());
    stack.commercetools.expireTokens();
    await expectStatus(204, customerChanged());
  });

  test("one that cannot be renewed parks", async () => {
    stack.commercetools.revokeTokens();
    const remove = stack.commercetools.faults.add({ path: "/oauth/token", status: 503 });
    await expectParked(customerChanged());
    remove();
    await drained();
    assert.ok(stack.klaviyo.store.profileByExternalId(customer.id));
  });
});

describe("several in one body", () => {
  test("the worst outcome answers, and each is done", async () => {
    const unknown = { hello: "world, in a list" };
    const answer = await expectStatus(202, [customerChanged(), unknown, orderCreated(openOrder)]);
    assert.equal(answer.body.outcome, "dead_lettered");
    assert.ok(stack.klaviyo.store.profileByExternalId(customer.id));
    assert.equal(events("Placed Order").length, 1);
    const remove = stack.klaviyo.faults.add({ path: "/api/profile-import", status: 503 });
    const worst = await expectStatus(202, [customerChanged(), unknown]);
    assert.equal(worst.body.outcome, "dead_lettered");
    await expectParked([customerChanged(), orderCreated(openOrder)]);
    await expectStatus(204, []);
    remove();
    await drained();
  });
});

describe("the log", () => {
  test("has one line for each notification, with what an operator needs", async () => {
    const before = stack.logged().length;
    await expectStatus(204, orderCreated(openOrder));
    const line = await lineWith(({ type }, index) => index >= before && type === "OrderCreated");
    assert.deepEqual(line.resource, about("order", openOrder));
    assert.equal(line.level, "info");
    assert.equal(line.outcome, "delivered");
    assert.ok(line.calls >= openOrder.lineItems.length + 1);
    assert.equal(typeof line.duration_ms, "number");
  });

  test("holds no personal data and no secret, whatever happened in this file", () => {
    const log = [...stack.lines, ...hasty.lines].join("\n");
    for (const { email, firstName, lastName } of shop.customers) {
      for (const personal of [email, firstName, lastName]) {
        assert.ok(!personal || !log.includes(personal), `the log names ${personal}`);
      }
    }
    assert.ok(!log.includes(stack.klaviyo.key));
    assert.ok(!log.includes("annika@example"));
  });
});

async function letterAbout(wanted) {
  return (await letters()).find(({ resource }) => resource === wanted);
}
