// GET and POST /trace through the built worker: their answer for each shape of record, and that they change nothing.

import assert from "node:assert/strict";
import { after, afterEach, before, describe, test } from "node:test";
import { message } from "../../sandbox/commercetools/notifications.mjs";
import { fixedId } from "../../sandbox/shop/ids.mjs";
import { sampleShop } from "../../sandbox/shop/index.mjs";
import { allVariants } from "../../sandbox/shop/product-parts.mjs";
import { ADMIN_TOKEN, READ_TOKEN, settingsFor } from "../../sandbox/worker.mjs";
import { about, changed, klaviyoId, numbered } from "./documents.mjs";
import { startAlone, useStack } from "./harness.mjs";
import { imported } from "./imports.mjs";

const shop = sampleShop();
const order = (n) => numbered(shop.orders, "order", n);
const [withCode, returned, cancelled, guest, guestRefunded, anonymous, former] = [
  1, 3, 4, 5, 6, 7, 12,
].map(order);
const customer = numbered(shop.customers, "customer", 1);
const product = numbered(shop.products, "product", 1);

const SETTINGS = { PREFERRED_LOCALE: "en-GB", PREFERRED_CURRENCY: "EUR" };
const stack = useStack({ settings: SETTINGS });

const ask = (query, { token = ADMIN_TOKEN, call = stack.call, ...init } = {}) =>
  call(`/trace${query}`, { headers: { authorization: `Bearer ${token}` }, ...init });
const askByEmail = (email) => ask("", { method: "POST", body: JSON.stringify({ email }) });

/** A trace, which changes nothing. */
async function traced(query, options) {
  const before = stack.klaviyo.requests.length;
  const answer = await (query.startsWith("?") ? ask(query, options) : askByEmail(query));
  assert.equal(answer.status, 200, answer.text);
  assert.equal(answer.headers.get("cache-control"), "no-store");
  const made = stack.klaviyo.requests.slice(before).map(({ method }) => method);
  assert.ok(made.every((method) => method === "GET"));
  return answer.body;
}

/** The verdicts by what they are about, and the lines themselves. */
async function verdicts(query, options) {
  const { found, lines } = await traced(query, options);
  const of = lines.map(({ what, verdict }) => [what, verdict]);
  return {
    found,
    lines,
    of: Object.fromEntries(of),
    line: (what) => lines.find((one) => one.what === what),
  };
}

/** What the worker would send for a record. */
async function requestsFor(kind, { id }) {
  return (await stack.admin("POST", "/preview", { kind, id })).body.requests;
}

/** Calls Klaviyo as somebody else would. */
async function callKlaviyo(method, path, body) {
  const response = await fetch(stack.klaviyo.url + path, {
    method,
    headers: {
      authorization: `Klaviyo-API-Key ${stack.klaviyo.key}`,
      revision: "2026-10-15",
      "x-klaviyo-revision-fall-forward-opt-out": "1",
      "content-type": "application/vnd.api+json",
    },
    body: body && JSON.stringify(body),
  });
  assert.ok(response.ok, await response.text());
}

/** Sends to Klaviyo what the worker would, as if it had done so long ago. */
async function sentLongAgo(kind, record, change = (request) => request) {
  for (const request of await requestsFor(kind, record)) {
    const { method, path, body } = change(structuredClone(request));
    await callKlaviyo(method, path, body);
  }
}

const lineOf = ({ lineItems }) => lineItems.map(({ variant }) => `Ordered Product: ${variant.sku}`);
const all = (whats, verdict) => Object.fromEntries(whats.map((what) => [what, verdict]));
const ORDER = "The order in commercetools";
const placed = (document) => message("OrderCreated", about("order", document), { order: document });

describe("an order", () => {
  for (const [what, document, more] of [
    ["that was placed by a customer", withCode, []],
    ["that was fulfilled, and refunded", returned, ["Fulfilled Order", "Refunded Order"]],
    ["that was cancelled, and refunded", cancelled, ["Cancelled Order", "Refunded Order"]],
    ["of a guest", guest, []],
    ["of a guest that was refunded", guestRefunded, ["Fulfilled Order", "Refunded Order"]],
    ["of a former shop", former, ["Fulfilled Order"]],
  ]) {
    const expected = ["Placed Order", ...lineOf(document), ...more];

    test(`${what} is there`, async () => {
      await sentLongAgo("orders", document);
      const { found, of, lines } = await verdicts(`?order=${document.id}`);
      assert.equal(found, true);
      assert.deepEqual(of, all([ORDER, "Profile", ...expected], "there"));
      assert.ok(!JSON.stringify(lines).includes("@"), "an order shows nobody's address");
    });

    test(`${what} is missing`, async () => {
      const { of, line } = await verdicts(`?order=${document.id}`);
      assert.deepEqual(of, { [ORDER]: "there", ...all(["Profile", ...expected], "missing") });
      assert.match(line("Placed Order").detail, /POST \/sync\/orders with its id sends it/);
    });
  }

  test("is found by its number, and shows what was sent and is held", async () => {
    await sentLongAgo("orders", withCode);
    const { line } = await verdicts(`?orderNumber=${withCode.orderNumber}`);
    const { id, orderNumber, version, orderState, paymentState, createdAt } = withCode;
    const shown = { id, version, orderNumber, orderState, paymentState, createdAt };
    const { actual } = line(ORDER);
    for (const [name, value] of Object.entries(shown)) assert.equal(actual[name], value, name);
    assert.equal(actual.buyer, "customer");
    const sent = line("Placed Order");
    assert.deepEqual(sent.actual, sent.expected);
    assert.equal(sent.expected.event_id, id);
    assert.equal(sent.expected.currency, "EUR");
  });

  test("that names nobody is ignored", async () => {
    const { of, line } = await verdicts(`?order=${anonymous.id}`);
    assert.deepEqual(of, { [ORDER]: "there", Events: "ignored" });
    assert.match(line("Events").detail, /^ignored because the order names neither .*no_identity/);
  });

  test("that lost an event at Klaviyo misses it alone", async () => {
    await sentLongAgo("orders", returned);
    stack.klaviyo.loseEvents({ metric: "Fulfilled Order" });
    const { of } = await verdicts(`?order=${returned.id}`);
    assert.equal(of["Fulfilled Order"], "missing");
    const others = Object.entries(of).filter(([what]) => what !== "Fulfilled Order");
    assert.ok(
      others.every(([, verdict]) => verdict === "there"),
      JSON.stringify(of),
    );
  });

  test("whose amount differs at Klaviyo says so", async () => {
    await sentLongAgo("orders", withCode, (request) => {
      const { attributes } = request.body.data;
      if (attributes.metric.data.attributes.name === "Placed Order") attributes.value += 1;
      return request;
    });
    const { line, of } = await verdicts(`?order=${withCode.id}`);
    const { verdict, detail, expected, actual } = line("Placed Order");
    assert.deepEqual([verdict, actual.value - expected.value > 0.5], ["different", true]);
    assert.match(detail, /^value: /);
    assert.equal(of[lineOf(withCode)[0]], "there");
  });

  test("that gave another event before shows it", async () => {
    await sentLongAgo("orders", returned);
    stack.commercetools.put("order", { ...returned, orderState: "Cancelled" });
    const { of, lines } = await verdicts(`?order=${returned.id}`);
    assert.equal(of["Cancelled Order"], "missing");
    const before = lines.find(({ what }) => what === "Fulfilled Order");
    assert.deepEqual([before.verdict, before.expected], ["there", null]);
  });

  test("that waits here waits, and then until it can be read", async () => {
    const stop = stack.klaviyo.faults.add({ path: "/api/events", method: "POST", status: 503 });
    await stack.expectParked(placed(withCode));
    const waiting = await verdicts(`?order=${withCode.id}`);
    assert.equal(waiting.of["Placed Order"], "waits");
    assert.equal(waiting.line("Placed Order").detail, "it waits in the outbox (klaviyo_503)");
    assert.equal(waiting.of["Waiting: OrderCreated"], "waits");
    stack.klaviyo.settings.eventsReadableAfterMs = 60_000;
    try {
      stop();
      await stack.drained();
      const accepted = await verdicts(`?order=${withCode.id}`);
      assert.equal(accepted.of["Placed Order"], "waits");
      assert.match(accepted.line("Placed Order").detail, /accepted something of it less than/);
      assert.equal(accepted.of["Waiting: OrderCreated"], undefined);
    } finally {
      stack.klaviyo.settings.eventsReadableAfterMs = 0;
    }
    const { of } = await verdicts(`?order=${withCode.id}`);
    assert.deepEqual(of, all([ORDER, "Profile", "Placed Order", ...lineOf(withCode)], "there"));
  });

  test("whose refund alone waits misses what else is not there", async () => {
    await sentLongAgo("orders", cancelled);
    stack.klaviyo.loseEvents({ metric: "Refunded Order" });
    stack.klaviyo.loseEvents({ metric: "Cancelled Order" });
    const stop = stack.klaviyo.faults.add({ path: "/api/events", method: "POST", status: 503 });
    const payment = shop.payments.find(({ id }) => id === cancelled.paymentInfo.payments[0].id);
    const refund = payment.transactions.find(({ type }) => type === "Refund");
    const told = { transaction: refund };
    await stack.expectParked(message("PaymentTransactionAdded", about("payment", payment), told));
    const { of } = await verdicts(`?order=${cancelled.id}`);
    assert.deepEqual([of["Refunded Order"], of["Cancelled Order"]], ["waits", "missing"]);
    stop();
    await stack.drained();
  });

  test("that Klaviyo refused is a dead letter", async () => {
    const refusal = { errors: [{ code: "invalid", detail: "jane@example.com", source: {} }] };
    const stop = stack.klaviyo.faults.add({
      ...{ path: "/api/events", method: "POST", status: 400, body: refusal },
      headers: { "content-type": "application/vnd.api+json" },
    });
    const { body } = await stack.expectStatus(202, placed(guest));
    stop();
    const { of, line, lines } = await verdicts(`?orderNumber=${guest.orderNumber}`);
    assert.equal(of["Placed Order"], "refused");
    assert.equal(line("Placed Order").detail, `it is dead letter ${body.id} (klaviyo_400)`);
    assert.equal(of["Dead letter: OrderCreated"], "refused");
    assert.match(
      line("Dead letter: OrderCreated").detail,
      new RegExp(`GET /dead-letters/${body.id}`),
    );
    assert.ok(!JSON.stringify(lines).includes("@"), "Klaviyo's own words are not repeated");
    await stack.admin("DELETE", `/dead-letters/${body.id}`);
  });

  test("that was changed a moment ago waits", async () => {
    const lastModifiedAt = new Date().toISOString();
    const untouched = order(11);
    stack.commercetools.put("order", { ...untouched, lastModifiedAt });
    const { line } = await verdicts(`?order=${untouched.id}`);
    assert.equal(line("Placed Order").verdict, "waits");
    assert.match(line("Placed Order").detail, /^it was changed less than a minute ago/);
  });

  test("with more events since than are read is not said to be missing", async () => {
    await sentLongAgo("orders", returned);
    const { attributes } = stack.klaviyo.store.profileByExternalId(returned.customerId);
    const others = Array.from({ length: 1_000 }, (_, n) => ({
      type: "event",
      attributes: {
        properties: {},
        metric: { data: { type: "metric", attributes: { name: "Viewed Product" } } },
        time: returned.createdAt,
        unique_id: `v${n}`,
      },
    }));
    const { email, external_id } = attributes;
    const profile = { data: { type: "profile", attributes: { email, external_id } } };
    const rows = [{ type: "event-bulk-create", attributes: { profile, events: { data: others } } }];
    const data = {
      type: "event-bulk-create-job",
      attributes: { "events-bulk-create": { data: rows } },
    };
    const bulk = { method: "POST", path: "/api/event-bulk-create-jobs", body: { data } };
    let isFirst = true;
    await sentLongAgo("orders", returned, (request) => {
      const first = isFirst;
      isFirst = false;
      return first ? bulk : request;
    });
    stack.klaviyo.requests.clear();
    const { of, line } = await verdicts(`?order=${returned.id}`);
    assert.deepEqual([of["Placed Order"], of["Fulfilled Order"]], ["there", "unknown"]);
    assert.match(line("Fulfilled Order").detail, /not among the first 1000 events/);
    const pages = stack.klaviyo.requests.filter(({ path }) => path === "/api/events");
    assert.equal(pages.length, 5);
  });
});

describe("Klaviyo's optional scopes", () => {
  afterEach(() => {
    stack.klaviyo.settings.scopes = [...SCOPES];
  });
  let SCOPES;
  before(() => {
    SCOPES = [...stack.klaviyo.settings.scopes];
  });
  const without = (...lacking) => {
    stack.klaviyo.settings.scopes = SCOPES.filter((scope) => !lacking.includes(scope));
  };

  test("without events:read each event says what it lacks", async () => {
    await sentLongAgo("orders", withCode);
    without("events:read");
    const { of, line } = await verdicts(`?order=${withCode.id}`);
    const events = ["Placed Order", ...lineOf(withCode)];
    assert.deepEqual(of, { ...all([ORDER, "Profile"], "there"), ...all(events, "unknown") });
    assert.match(line("Placed Order").detail, /lacks the scope events:read/);
  });

  test("without metrics:read the events are told by their ids", async () => {
    await sentLongAgo("orders", withCode);
    await sentLongAgo("orders", returned);
    without("metrics:read");
    const one = await verdicts(`?order=${withCode.id}`);
    assert.deepEqual(one.of, all([ORDER, "Profile", "Placed Order", ...lineOf(withCode)], "there"));
    const several = await verdicts(`?order=${returned.id}`);
    assert.equal(several.of["Placed Order"], "unknown");
    assert.equal(several.of[lineOf(returned)[0]], "there");
    assert.match(several.line("Placed Order").detail, /lacks the scope metrics:read/);
  });

  test("without profiles:read nothing of a person can be told", async () => {
    without("profiles:read");
    const { of, line } = await verdicts(`?order=${withCode.id}`);
    assert.deepEqual([of.Profile, of["Placed Order"]], ["unknown", "unknown"]);
    assert.match(line("Profile").detail, /lacks the scope profiles:read/);
  });
});

describe("a customer", () => {
  test("is there, and is found by the e-mail address in any case", async () => {
    await sentLongAgo("customers", customer);
    for (const query of [`?customer=${customer.id}`, customer.email.toUpperCase()]) {
      const { of, line } = await verdicts(query);
      assert.deepEqual(of, { "The customer in commercetools": "there", Profile: "there" });
      assert.deepEqual(line("Profile").expected, { external_id: customer.id });
    }
  });

  test("whose name differs at Klaviyo says so, and only that", async () => {
    await sentLongAgo("customers", customer, (request) => {
      request.body.data.attributes.first_name = "Somebody";
      return request;
    });
    const { line } = await verdicts(`?customer=${customer.id}`);
    const { verdict, detail, expected, actual } = line("Profile");
    assert.equal(verdict, "different");
    assert.match(detail, /^first_name: /);
    assert.deepEqual(expected, { external_id: customer.id, first_name: customer.firstName });
    assert.equal(actual.first_name, "Somebody");
    assert.ok(!("email" in actual));
  });

  test("whose change waits is not missing", async () => {
    const stop = stack.klaviyo.faults.add({ path: "/api/profile-import", status: 503 });
    await stack.expectParked(changed("customer", customer));
    const { of } = await verdicts(`?customer=${customer.id}`);
    assert.deepEqual([of.Profile, of["Waiting: ResourceUpdated"]], ["waits", "waits"]);
    stop();
    await stack.drained();
  });

  test("that is a guest is found by the order", async () => {
    const { of } = await verdicts(guest.customerEmail);
    assert.equal(of[ORDER], "there");
    assert.ok("Placed Order" in of);
  });
});

describe("a product", () => {
  const skus = allVariants(product).map(({ sku }) => sku);

  test("is there with its variants, by each of its SKUs", async () => {
    assert.equal((await stack.push(changed("product", product))).status, 204);
    const one = await verdicts(`?product=${product.id}`);
    const variants = Object.keys(one.of).filter((what) => what.startsWith("Variant: "));
    assert.ok(variants.length > 0 && variants.every((what) => skus.includes(what.slice(9))));
    const whats = ["The product in commercetools", "Item", "Categories of the item", ...variants];
    assert.deepEqual(one.of, all(whats, "there"));
    assert.deepEqual(await verdicts(`?sku=${skus[1]}`).then(({ of }) => of), one.of);
  });

  test("differs in what was changed at Klaviyo, and misses what was deleted there", async () => {
    const created = await requestsFor("products", product);
    await sentLongAgo("products", product);
    const [first, second] = created
      .filter(({ path }) => path === "/api/catalog-variants")
      .map(({ body }) => body.data.attributes.external_id);
    const at = (kind, id) => `/api/catalog-${kind}/${encodeURIComponent(klaviyoId(id))}`;
    const title = { type: "catalog-item", id: klaviyoId(product.id), attributes: { title: "Old" } };
    await callKlaviyo("PATCH", at("items", product.id), { data: title });
    await callKlaviyo("DELETE", at("variants", first));
    const { of, line } = await verdicts(`?product=${product.id}`, { call: fresh.call });
    assert.deepEqual(
      [of.Item, of[`Variant: ${first}`], of[`Variant: ${second}`]],
      ["different", "missing", "there"],
    );
    assert.match(line("Item").detail, /^title: /);
    assert.equal(line("Item").actual.title, "Old");
  });

  /** A worker that has accepted nothing lately. */
  let fresh;
  before(async () => {
    fresh = await startAlone({ ...settingsFor(stack.commercetools, stack.klaviyo), ...SETTINGS });
  });
  after(() => fresh.close());
});

describe("an import", () => {
  test("that failed with a record says so, and one at work lately is waited for", async () => {
    const path = "/api/profile-bulk-import-jobs";
    stack.klaviyo.settings.unsupportedPhonePrefixes = [];
    const stop = stack.klaviyo.faults.add({
      ...{ path, method: "POST", status: 400, body: { errors: [{ detail: "jane@example.com" }] } },
      headers: { "content-type": "application/vnd.api+json" },
    });
    const refused = stack.klaviyo.faults.add({
      ...{ path: "/api/profile-import", status: 400 },
      body: { errors: [{ code: "invalid", detail: "jane@example.com", source: {} }] },
      headers: { "content-type": "application/vnd.api+json" },
    });
    const run = await imported(stack.worker.url, "customers", { ids: [customer.id] });
    assert.equal(run.failed, 1, JSON.stringify(run));
    stop();
    refused();
    const { of, line, lines } = await verdicts(`?customer=${customer.id}`);
    assert.deepEqual([of.Profile, of.Import], ["refused", "refused"]);
    assert.match(line("Import").detail, /GET \/sync\/customers\/failures/);
    assert.ok(!JSON.stringify(lines).includes("jane@"), "Klaviyo's own words are not repeated");
    const other = await verdicts(`?customer=${numbered(shop.customers, "customer", 2).id}`);
    assert.equal(other.of.Profile, "waits");
    assert.match(other.line("Profile").detail, /^an import of its kind was at work less than/);
    await stack.admin("DELETE", "/sync/customers/failures?all=true");
  });
});

describe("what cannot be read is a line that says so", () => {
  test("commercetools", async () => {
    stack.commercetools.faults.add({ path: /\/orders/, status: 503 });
    const { found, of, line } = await verdicts(`?order=${withCode.id}`);
    assert.deepEqual([found, of], [false, { [ORDER]: "unknown" }]);
    assert.match(line(ORDER).detail, /commercetools_503/);
  });

  test("Klaviyo", async () => {
    stack.klaviyo.faults.add({ status: 503 });
    const { found, of, line } = await verdicts(`?order=${withCode.id}`);
    assert.equal(found, true);
    const unread = ["Profile", "Placed Order", ...lineOf(withCode)];
    assert.deepEqual(of, { [ORDER]: "there", ...all(unread, "unknown") });
    assert.match(line("Profile").detail, /klaviyo_503/);
    const { of: ofProduct } = await verdicts(`?product=${product.id}`);
    assert.equal(ofProduct.Item, "unknown");
  });

  for (const [mode, seen] of [
    ["EVENT", "what failed in an import"],
    ["BULK_IMPORT", "what waits or is a dead letter in realtime"],
  ]) {
    test(`the other deployment, in ${mode}`, async () => {
      const settings = settingsFor(stack.commercetools, stack.klaviyo);
      const worker = await startAlone({ ...settings, ...SETTINGS, APP_TYPE: mode });
      try {
        const { line } = await verdicts(`?order=${withCode.id}`, { call: worker.call });
        const { verdict, detail } = line("Other deployment");
        assert.equal(verdict, "unknown");
        assert.ok(detail.includes(seen), detail);
      } finally {
        await worker.close();
      }
    });
  }
});

describe("what is asked", () => {
  test("for something that is not there is answered so", async () => {
    for (const query of [
      "?order=nothing",
      `?order=${fixedId("order", 999)}`,
      "?orderNumber=nothing",
      "?customer=nothing",
      "?product=nothing",
      "?sku=nothing",
      "nobody@example.com",
    ]) {
      const { found, lines } = await traced(query);
      assert.equal(found, false, query);
      assert.deepEqual([lines.length, lines[0].verdict], [1, "missing"], query);
      assert.match(lines[0].detail, /^commercetools has no /);
      assert.ok(!lines[0].detail.includes("@"));
    }
  });

  test("what is gone may still wait here", async () => {
    const stop = stack.klaviyo.faults.add({ path: "/api/events", method: "POST", status: 503 });
    await stack.expectParked(placed(withCode));
    stack.commercetools.remove("order", withCode.id);
    const { found, of } = await verdicts(`?order=${withCode.id}`);
    assert.deepEqual(
      [found, of],
      [false, { [ORDER]: "missing", "Waiting: OrderCreated": "waits" }],
    );
    stop();
    await stack.drained();
  });

  test("what is gone and still held at Klaviyo says so", async () => {
    await sentLongAgo("products", product);
    await sentLongAgo("customers", customer);
    stack.commercetools.remove("product", product.id);
    stack.commercetools.remove("customer", customer.id);
    const { found, of, line } = await verdicts(`?product=${product.id}`);
    assert.deepEqual([found, of.Item], [false, "different"]);
    assert.deepEqual(line("Item").actual, { id: klaviyoId(product.id) });
    assert.equal((await verdicts(`?customer=${customer.id}`)).of.Profile, "there");
  });

  test("badly is told what is possible", async () => {
    for (const [query, init] of [
      ["", {}],
      ["?order=a&sku=b", {}],
      ["?email=jane%40example.com", {}],
      ["?order=", {}],
      ["?x=1", {}],
      ["", { method: "POST", body: "{}" }],
      ["", { method: "POST", body: '{"order":"o"}' }],
      ["", { method: "POST", body: "" }],
    ]) {
      const { status, body } = await ask(query, init);
      assert.deepEqual([status, body.code], [400, "bad_request"], query);
      assert.match(body.message, /one of order, orderNumber, customer, product and sku/);
    }
  });

  test("with the admin token alone", async () => {
    const reader = await ask(`?order=${withCode.id}`, { token: READ_TOKEN });
    assert.deepEqual([reader.status, reader.body.code], [403, "read_only_token"]);
    assert.equal((await ask(`?order=${withCode.id}`, { token: "wrong" })).status, 401);
  });

  test("stands in no log", async () => {
    const before = stack.lines.length;
    await traced(customer.email);
    await traced(`?orderNumber=${guest.orderNumber}`);
    await traced(`?order=${anonymous.id}`);
    // A push comes after, whose line is the next one.
    await stack.push(changed("customer", customer));
    await stack.lineWith(({ resource }) => resource?.id === customer.id);
    const logged = stack.lines.slice(before);
    assert.deepEqual(
      logged.map((line) => JSON.parse(line).event),
      ["notification"],
    );
    for (const secret of ["@", guest.orderNumber, anonymous.id]) {
      assert.ok(!logged.join().includes(secret), secret);
    }
  });
});
