// POST /preview through the built worker: it shows what a push would send and an import would
// write, and writes nothing itself.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  change,
  cloudEvent,
  message,
  payloadNotIncluded,
  pubsub,
  sns,
} from "../../sandbox/commercetools/notifications.mjs";
import { fixedId } from "../../sandbox/shop/ids.mjs";
import { sampleShop } from "../../sandbox/shop/index.mjs";
import { modularForm } from "../../sandbox/shop/modular.mjs";
import { allVariants } from "../../sandbox/shop/product-parts.mjs";
import { ADMIN_TOKEN, PUSH_TOKEN, settingsFor } from "../../sandbox/worker.mjs";
import { about, changed } from "./documents.mjs";
import { start, startAlone, unreachable, useStack } from "./harness.mjs";
import { imported, KINDS } from "./imports.mjs";
import { comparableShop, SHOP_SETTINGS } from "./modular-shop.mjs";

const shop = sampleShop();
const [customer] = shop.customers;
const product = shop.products.find(({ id }) => id === fixedId("product", 1));
const order = shop.orders.find(
  ({ orderState, customerId, lineItems }) =>
    orderState === "Open" && customerId && lineItems.length > 1,
);
const refunded = shop.payments.find(({ id, transactions }) => {
  const linked = ({ paymentInfo }) => paymentInfo?.payments.some((payment) => payment.id === id);
  const refund = ({ type, state }) => type === "Refund" && state === "Success";
  return shop.orders.some(linked) && transactions.some(refund);
});
const refund = refunded.transactions.find(({ type, state }) => type + state === "RefundSuccess");
const stock = shop.inventory.find(
  ({ sku, supplyChannel }) =>
    !supplyChannel && allVariants(product).some((variant) => variant.sku === sku),
);
const unpublished = shop.products.find(({ masterData }) => !masterData.published);
const parent = shop.categories.find(({ id }) =>
  shop.categories.some((below) => below.ancestors.some((ancestor) => ancestor.id === id)),
);

const stack = useStack({
  settings: {
    PREFERRED_LOCALE: "en-GB",
    PREFERRED_CURRENCY: "EUR",
    CONFIG: JSON.stringify({ customer: { deletion: "erase" }, import: { oneByOne: true } }),
  },
});
const { outbox } = stack;

const preview = (body, call = stack.call) =>
  call("/preview", {
    method: "POST",
    headers: { authorization: `Bearer ${ADMIN_TOKEN}` },
    body: typeof body === "string" || body instanceof Uint8Array ? body : JSON.stringify(body),
  });
const writes = () =>
  stack.klaviyo.requests
    .filter(({ method }) => method !== "GET")
    .map(({ method, path, body, status }) => ({
      request: JSON.stringify({ method, path, body: body === "" ? null : body }),
      refused: status >= 400,
    }));
/** The preview, which must have written nothing. */
async function previewed(body) {
  const before = stack.klaviyo.requests.length;
  const answer = await preview(body);
  assert.equal(answer.status, 200, answer.text);
  const made = stack.klaviyo.requests.slice(before).map(({ method }) => method);
  assert.ok(
    made.every((method) => method === "GET"),
    made.join(),
  );
  const { waiting, deadLetters } = await outbox();
  assert.deepEqual([waiting, deadLetters], [0, 0]);
  return answer.body;
}

/**
 * The preview shows exactly these writes, except those that followed when Klaviyo refused one. Their
 * order within a stage is free.
 */
function assertSame({ requests }, sent) {
  assert.ok(requests.length > 0, "nothing was shown");
  const rest = sent.map(({ request }) => request);
  for (const shown of requests.map((request) => JSON.stringify(request))) {
    assert.ok(rest.includes(shown), `${shown} was not sent`);
    rest.splice(rest.indexOf(shown), 1);
  }
  assert.equal(rest.length, sent.filter(({ refused }) => refused).length, rest.join("\n"));
}

const created = message("CustomerCreated", about("customer", customer), { customer });
const placed = message("OrderCreated", about("order", order), { order });

describe("what a push then sends", () => {
  for (const [what, body, prior = []] of [
    ["a customer", pubsub(created)],
    ["a change of a customer", changed("customer", customer)],
    ["an order", placed],
    ["an order whose payload was left out", payloadNotIncluded(placed)],
    [
      "an order's state",
      message("OrderStateChanged", about("order", order), { orderState: "Complete" }),
    ],
    [
      "a refund",
      message("PaymentTransactionAdded", about("payment", refunded), { transaction: refund }),
    ],
    ["a category", cloudEvent(change("ResourceCreated", about("category", parent)))],
    ["a category and those below it", changed("category", parent)],
    [
      "the end of a category",
      change("ResourceDeleted", about("category", parent)),
      [change("ResourceCreated", about("category", parent))],
    ],
    ["a product", sns(message("ProductPublished", about("product", product)))],
    ["a product that Klaviyo has", changed("product", product), [changed("product", product)]],
    [
      "the end of a product",
      change("ResourceDeleted", about("product", { id: product.id })),
      [changed("product", product)],
    ],
    ["stock", changed("inventory-entry", stock), [changed("product", product)]],
    ["several in a list", [pubsub(created), [placed]]],
  ]) {
    test(what, async () => {
      for (const before of prior) assert.equal((await stack.push(before)).status, 204);
      if (what === "the end of a product") stack.commercetools.remove("product", product.id);
      const shown = await previewed(body);
      stack.klaviyo.requests.clear();
      const pushed = await stack.push(body);
      assert.equal(pushed.status, 204, pushed.text);
      assertSame(shown, writes());
      assert.ok(
        shown.outcomes.every(({ outcome }) => outcome === "delivered"),
        JSON.stringify(shown.outcomes),
      );
      assert.deepEqual(stack.klaviyo.violations, []);
    });
  }

  test("an erasure, which erases nothing", async () => {
    assert.equal((await stack.push(created)).status, 204);
    stack.commercetools.remove("customer", customer.id);
    const erasure = change("ResourceDeleted", about("customer", customer), { dataErasure: true });
    const shown = await previewed(erasure);
    assert.deepEqual(stack.klaviyo.store.deletions(), []);
    stack.klaviyo.requests.clear();
    assert.equal((await stack.push(erasure)).status, 204);
    assertSame(shown, writes());
  });
});

describe("what an import then writes", () => {
  const records = {
    customers: customer,
    orders: order,
    categories: parent,
    products: product,
  };
  for (const kind of KINDS) {
    test(kind, async () => {
      const { id } = records[kind];
      const shown = await previewed({ kind, id });
      assert.deepEqual(shown.outcomes, [{ outcome: "sent" }]);
      stack.klaviyo.requests.clear();
      const run = await imported(stack.worker.url, kind, { ids: [id] });
      assert.deepEqual([run.state, run.sent], ["completed", 1]);
      assertSame(shown, writes());
    });
  }

  for (const [kind, name, value] of [
    ["orders", "orderNumber", order.orderNumber],
    ["products", "sku", product.masterData.current.variants[0].sku],
    ["customers", "email", customer.email],
    ["customers", "email", customer.email.toUpperCase()],
  ]) {
    test(`${kind} by ${name} ${value}`, async () => {
      const byId = await previewed({ kind, id: records[kind].id });
      assert.ok(byId.requests.length > 0);
      assert.deepEqual(await previewed({ kind, [name]: value }), byId);
    });
  }

  test("of the customers with an e-mail address, the newest", async () => {
    const newest = {
      ...customer,
      id: fixedId("customer", 9997),
      createdAt: "2026-11-01T00:00:00Z",
    };
    stack.commercetools.put("customer", newest);
    const { requests } = await previewed({ kind: "customers", email: customer.email });
    assert.equal(requests[0].body.data.attributes.external_id, newest.id);
  });

  test("an order's events are history", async () => {
    const { requests } = await previewed({ kind: "orders", id: order.id });
    assert.ok(requests.every(({ body }) => body.data.attributes.backfill === true));
  });

  for (const [what, kind, document, outcome] of [
    ["nothing", "products", unpublished, { outcome: "skipped" }],
    [
      "a failure",
      "customers",
      { ...customer, email: "no-address" },
      { outcome: "failed", code: "malformed_email" },
    ],
    [
      "the failure of what cannot be read",
      "orders",
      { ...order, totalPrice: "free" },
      { outcome: "failed", code: "commercetools_document_malformed" },
    ],
  ]) {
    test(what, async () => {
      stack.commercetools.put(kind.slice(0, -1), document);
      const { requests, outcomes } = await previewed({ kind, id: document.id });
      assert.deepEqual(requests, []);
      assert.equal(outcomes.length, 1);
      const { detail, pointer, ...rest } = outcomes[0];
      assert.deepEqual(rest, outcome);
    });
  }
});

describe("what leads to nothing says why", () => {
  const missing = { id: fixedId("customer", 9999) };
  for (const [what, body, expected] of [
    ["a test", change("ResourceCreated", about("subscription", { id: "s" })), "subscription_test"],
    ["what is gone", changed("customer", missing), "gone"],
    ["a type that gives nothing", changed("review", { id: "r" }), "unknown_type"],
  ]) {
    test(`ignored: ${what}`, async () => {
      const shown = await previewed(body);
      assert.deepEqual(shown, { requests: [], outcomes: [{ outcome: "ignored", code: expected }] });
    });
  }

  test("dead-lettered: an e-mail that is none", async () => {
    stack.commercetools.put("customer", { ...customer, email: "no-address" });
    const { requests, outcomes } = await previewed([created, placed]);
    assert.ok(requests.length > 1);
    assert.deepEqual(
      outcomes.map(({ outcome, code }) => [outcome, code]),
      [
        ["dead_lettered", "malformed_email"],
        ["delivered", undefined],
      ],
    );
    assert.match(outcomes[0].pointer, /email/);
    assert.ok(!JSON.stringify(outcomes).includes("no-address"));
  });

  test("parked: a refund before its order", async () => {
    const lonely = { ...refunded, id: fixedId("payment", 9998) };
    stack.commercetools.put("payment", lonely);
    const body = message("PaymentTransactionAdded", about("payment", lonely), {
      transaction: refund,
    });
    const { outcomes } = await previewed(body);
    assert.deepEqual(outcomes, [{ outcome: "parked", code: "payment_without_order" }]);
  });

  test("what a moved category gives rise to is counted, and parked by nobody", async () => {
    const update = changed("category", parent);
    assert.equal((await stack.push(update)).status, 204);
    const name = Object.fromEntries(Object.keys(parent.name).map((each) => [each, "Elsewhere"]));
    stack.commercetools.put("category", { ...parent, name });
    const renamed = await previewed(update);
    stack.commercetools.put("category", parent);
    assert.equal(renamed.outcomes[0].follow, undefined);
    const child = shop.categories.find(({ ancestors }) =>
      ancestors.some(({ id }) => id === parent.id),
    );
    stack.commercetools.put("category", { ...child, ancestors: [], parent: undefined });
    const shown = await previewed(changed("category", child));
    stack.commercetools.put("category", child);
    assert.ok(shown.outcomes[0].follow > 0, JSON.stringify(shown.outcomes));
    assert.ok(shown.requests.length > 0);
  });
});

describe("what is refused", () => {
  const notification = changed("customer", customer);
  for (const [what, body, code] of [
    ["nothing", "", "not_json"],
    ["no JSON", "kind=customers", "not_json"],
    ["an empty object", {}, "not_a_notification"],
    ["an id alone", { id: customer.id }, "not_a_notification"],
    ["a kind alone", { kind: "customers" }, "bad_request"],
    ["an unknown kind", { kind: "payments", id: refunded.id }, "bad_request"],
    ["an id that is no text", { kind: "customers", id: 3 }, "bad_request"],
    ["an unknown member", { kind: "customers", id: customer.id, ids: [] }, "bad_request"],
    ["a SKU of an order", { kind: "orders", sku: "s" }, "bad_request"],
    ["two names", { kind: "orders", id: "o", orderNumber: "n" }, "bad_request"],
    ["an empty SKU", { kind: "products", sku: "" }, "bad_request"],
    ["both forms at once", { ...notification, kind: "customers", id: "c" }, "bad_request"],
    ["an envelope without data", { specversion: "1.0" }, "envelope_undecodable"],
    ["a broker's handshake", { Type: "SubscriptionConfirmation" }, "handshake_refused"],
    ["something else in a list", [notification, {}], "not_a_notification"],
  ]) {
    test(`400: ${what}`, async () => {
      const { status, body: answer, text } = await preview(body);
      assert.deepEqual([status, answer.code], [400, code], text);
      assert.ok(answer.message.length > 10);
    });
  }

  test("404: a record that commercetools does not have", async () => {
    for (const kind of KINDS) {
      const { status, body } = await preview({ kind, id: fixedId("customer", 9999) });
      assert.deepEqual([status, body.code], [404, "record_not_found"]);
      assert.match(body.message, new RegExp(`${kind} outside of this API client's scope`));
    }
  });

  test("404: a number, a SKU and an e-mail address that nothing has; no address is repeated", async () => {
    for (const [kind, name, value, said] of [
      [
        "orders",
        "orderNumber",
        'F-0" or id <> "',
        /^commercetools has no order with the number F-0/,
      ],
      [
        "products",
        "sku",
        "NO-SUCH",
        /^commercetools has no product with a variant of the SKU NO-SUCH;/,
      ],
      ["customers", "email", 'no"body@example.com', /no customer with this e-mail address;/],
    ]) {
      const { status, body } = await preview({ kind, [name]: value });
      assert.deepEqual([status, body.code], [404, "record_not_found"]);
      assert.match(body.message, said);
      assert.ok(!body.message.includes("@"));
    }
  });

  test("an e-mail address is not repeated where commercetools refuses the search", async () => {
    const message = `Malformed parameter: where: ${customer.email}`;
    const body = { statusCode: 400, message, errors: [] };
    stack.commercetools.faults.add({ path: "/sandbox-shop/customers", status: 400, body });
    const { outcomes } = await previewed({ kind: "customers", email: customer.email });
    assert.deepEqual([outcomes[0].outcome, outcomes[0].code], ["failed", "commercetools_400"]);
    assert.ok(!JSON.stringify(outcomes).includes("@"));
  });

  test("413: as a push", async () => {
    const { status, body } = await preview(new Uint8Array(10 * 1024 * 1024 + 1).fill(32));
    assert.deepEqual([status, body.code], [413, "body_too_large"]);
  });

  test("401: without the admin token; 405: another method", async () => {
    const body = JSON.stringify(notification);
    for (const token of [undefined, PUSH_TOKEN]) {
      const headers = token ? { authorization: `Bearer ${token}` } : {};
      assert.equal((await stack.call("/preview", { method: "POST", headers, body })).status, 401);
    }
    const wrong = await stack.call("/preview");
    assert.deepEqual([wrong.status, wrong.headers.get("allow")], [405, "POST"]);
  });

  for (const [what, body] of [
    ["a notification", notification],
    ["a record", { kind: "customers", id: customer.id }],
  ]) {
    test(`503: ${what}, while commercetools is out`, async () => {
      stack.commercetools.faults.add({ path: "/sandbox-shop", status: 503 });
      const { status, body: answer, headers } = await preview(body);
      assert.deepEqual([status, answer.code], [503, "commercetools_503"]);
      assert.ok(Number(headers.get("retry-after")) > 0);
      const away = await startAlone(unreachable);
      try {
        const { body: answer } = await preview(body, away.call);
        assert.equal(answer.code, "commercetools_token_network");
      } finally {
        await away.close();
      }
    });
  }

  test("503: while Klaviyo cannot be read", async () => {
    stack.klaviyo.faults.add({ status: 401 });
    const { status, body } = await preview({ kind: "products", id: product.id });
    assert.deepEqual([status, body.code], [503, "klaviyo_401"]);
  });
});

test("it answers in every mode, for either kind of question", async () => {
  for (const APP_TYPE of ["EVENT", "BULK_IMPORT"]) {
    const settings = { ...settingsFor(stack.commercetools, stack.klaviyo), APP_TYPE };
    const worker = await startAlone(settings);
    try {
      for (const body of [created, { kind: "customers", id: customer.id }]) {
        const { status, body: shown, text } = await preview(body, worker.call);
        assert.equal(status, 200, text);
        assert.equal(shown.requests.length, 1);
      }
      assert.ok(!worker.lines.join("\n").includes(customer.email));
    } finally {
      await worker.close();
    }
  }
});

test("a product of a Modular catalogue is found by the SKU of its variant", async () => {
  const modular = modularForm(comparableShop({ products: 10 }));
  const catalogue = await start({
    settings: SHOP_SETTINGS,
    commercetools: { shop: modular, catalogModel: "Modular" },
  });
  try {
    const [variant] = modular.variants;
    const ask = (body) => preview(body, catalogue.call);
    const bySku = await ask({ kind: "products", sku: variant.current.sku });
    assert.equal(bySku.status, 200, bySku.text);
    assert.deepEqual(bySku.body, (await ask({ kind: "products", id: variant.product.id })).body);
    assert.equal((await ask({ kind: "products", sku: "NO-SUCH" })).status, 404);
  } finally {
    await catalogue.close();
  }
});

test("nobody's data is logged", async () => {
  await previewed([created, placed]);
  await preview({ kind: "orders", id: order.id });
  for (const email of [customer.email, "nobody@example.com"]) {
    await preview({ kind: "customers", email });
  }
  assert.ok(!stack.lines.join("\n").includes("@"));
});
