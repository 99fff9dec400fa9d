// The watch: it counts what realtime does, reports problems in the status, by `/health` and to the receiver of alerts,
// and ends them when they are over.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import parsePrometheus from "parse-prometheus-text-format";
import { change, message } from "../../sandbox/commercetools/notifications.mjs";
import { sampleShop } from "../../sandbox/shop/index.mjs";
import { ADMIN_TOKEN, READ_TOKEN } from "../../sandbox/worker.mjs";
import { eventually } from "../eventually.mjs";
import { call, start, startAlone, unreachable } from "./harness.mjs";
import { imported } from "./imports.mjs";
import { startReceiver } from "./receiver.mjs";

const [customer] = sampleShop().customers;
const CHANGED = change("ResourceUpdated", { typeId: "customer", id: customer.id });
const unreadable = (id) =>
  message("OrderCreated", { typeId: "order", id }, { order: { not: "an order" } });

/**
 * An alert begins within 90 s of its cause and ends within 90 s of its end; one that comes within a minute of
 * another request waits for the rest of that minute.
 */
const ALERT_MS = 90_000;

const statusOf = async (stack) => (await stack.admin("GET", "/sync/status")).body;
const codes = (status) => status.alerts.map(({ code, of }) => (of ? `${code}-${of}` : code));

describe("with a receiver of alerts", () => {
  let receiver;
  let stack;
  before(async () => {
    receiver = await startReceiver();
    stack = await start({ settings: { ALERT_URL: receiver.url } });
  });
  after(async () => {
    await stack.close();
    await receiver.close();
  });

  test("what realtime does is counted", async () => {
    const { url } = stack.worker;
    const before = (await statusOf(stack)).realtime;
    assert.equal(before.lastReceived, null);
    assert.deepEqual(before.minutes, []);
    await stack.expectStatus(204, CHANGED);
    await stack.expectStatus(204, message("ReviewCreated", { typeId: "review", id: "r" }));
    for (const headers of [{}, { authorization: "Bearer wrong" }]) {
      const refused = await call(url, { method: "POST", headers, body: "GET /wp-admin" });
      assert.equal(refused.status, 401);
    }
    const { realtime, alerts } = await statusOf(stack);
    const { delivered, ignored, parked, deadLettered, refused } = realtime.counts;
    assert.deepEqual([delivered, ignored, parked, deadLettered, refused], [1, 1, 0, 0, 2]);
    assert.ok(realtime.lastReceived && realtime.lastDelivered);
    assert.equal(
      realtime.minutes.reduce((sum, minute) => sum + minute.delivered, 0),
      1,
    );
    assert.equal(realtime.types.ResourceUpdated.lastDelivered, realtime.lastDelivered);
    // Scanners page nobody.
    assert.deepEqual(alerts, []);
    assert.equal((await call(`${url}/health`)).body.attention, 0);
  });

  test("each cause is said at once, told once when it begins and once when it is over", async () => {
    const { url } = stack.worker;
    // A test alert is one of those that go out together.
    assert.equal((await stack.admin("POST", "/alerts/test")).status, 202);
    const { key } = stack.klaviyo.settings;
    stack.klaviyo.settings.key = "pk_another";
    await stack.expectParked(CHANGED);
    const body = JSON.stringify({ ...CHANGED, projectKey: stack.commercetools.projectKey });
    const headers = { authorization: `Bearer ${ADMIN_TOKEN}` };
    const letters = Array.from({ length: 1_000 }, (_, number) => unreadable(`order-${number}`));
    for (let begin = 0; begin < letters.length; begin += 50) {
      await stack.push(letters.slice(begin, begin + 50));
    }
    for (let pushes = 0; pushes < 3; pushes++) {
      assert.equal((await call(url, { method: "POST", headers, body })).status, 401);
    }

    const status = await statusOf(stack);
    const codesNow = ["dead_letters", "klaviyo_401", "pushes_refused"];
    assert.deepEqual(codes(status).sort(), codesNow);
    const of = (code) => status.alerts.find((alert) => alert.code === code);
    assert.deepEqual(
      codesNow.map((code) => of(code).count),
      [1_000, 1, 3],
    );
    assert.match(of("klaviyo_401").detail, /KLAVIYO_AUTH_KEY/);
    assert.match(of("pushes_refused").detail, /PUSH_TOKEN belongs at the broker/);
    const line = await stack.lineWith(({ what }) => what === "push_refused");
    assert.ok(!JSON.stringify(line).includes(ADMIN_TOKEN));
    const began = new Map();
    for (const code of codesNow) {
      began.set(code, (await receiver.notice(code, "began", ALERT_MS)).id);
    }
    assert.equal(receiver.notices("test").length, 1);
    // A thousand dead letters are one alert; and there is at most one request a minute.
    assert.ok(receiver.requests.length <= 3, `${receiver.requests.length} requests`);

    stack.klaviyo.settings.key = key;
    assert.equal((await stack.admin("DELETE", "/dead-letters?all=true")).status, 204);
    // That nothing was refused for a minute is part of the end.
    for (const code of codesNow) {
      const ended = await receiver.notice(code, "ended", 60_000 + 2 * ALERT_MS);
      assert.equal(ended.id, began.get(code));
      assert.equal(receiver.notices(code).length, 2, code);
    }
    assert.deepEqual(codes(await statusOf(stack)), []);
    await eventually(
      "nothing to need attention",
      async () => (await call(`${url}/health`)).body.attention,
      (attention) => attention === 0,
      { limitMs: ALERT_MS },
    );
    const told = JSON.stringify(receiver.requests);
    for (const secret of [customer.email, key, ADMIN_TOKEN]) assert.ok(!told.includes(secret));
    assert.ok(receiver.requests.some(({ text }) => /Klaviyo refuses the key/.test(text)));
    assert.equal(receiver.requests[0].worker, stack.commercetools.projectKey);
  });

  test("an import that failed and one with failures need a person", async () => {
    const { key } = stack.klaviyo.settings;
    stack.klaviyo.settings.key = "pk_another";
    await imported(stack.worker.url, "customers");
    stack.klaviyo.settings.key = key;
    await imported(stack.worker.url, "orders", { ids: ["nothing"] });
    const status = await statusOf(stack);
    assert.deepEqual(codes(status), ["import_failed-customers", "import_failures-orders"]);
    assert.equal(status.orders.failures, 1);
    assert.equal((await stack.admin("DELETE", "/sync/orders/failures?all=true")).status, 204);
    await imported(stack.worker.url, "customers");
    assert.deepEqual(codes(await statusOf(stack)), []);
  });

  test("what an import could not send is healed once realtime has written it", async () => {
    const { commercetools } = stack;
    commercetools.put("customer", { ...customer, email: "annika@example" });
    await imported(stack.worker.url, "customers", { ids: [customer.id] });
    assert.equal((await statusOf(stack)).customers.failures, 1);
    const ofCustomers = () =>
      receiver.notices("import_failures").filter((notice) => notice.of === "customers");
    await eventually("the watch to see it", ofCustomers, ({ length }) => length > 0, {
      limitMs: 60_000 + ALERT_MS,
    });
    commercetools.put("customer", customer);
    await stack.expectStatus(204, CHANGED);
    await eventually(
      "the failure to be healed",
      async () => (await statusOf(stack)).customers.failures,
      (failures) => failures === 0,
    );
    assert.equal((await statusOf(stack)).customers.failed, 1, "what the run counted stays");
  });

  test("the figures are read by a parser of Prometheus", async () => {
    const { url } = stack.worker;
    const asked = { headers: { authorization: `Bearer ${READ_TOKEN}` } };
    const { status, headers, text } = await call(`${url}/metrics`, asked);
    assert.equal(status, 200);
    assert.equal(headers.get("content-type"), "text/plain; version=0.0.4; charset=utf-8");
    const families = new Map(parsePrometheus(text).map((family) => [family.name, family]));
    const value = (name, labels = {}) => {
      const { metrics } = families.get(`commercetools_klaviyo_${name}`);
      const same = (metric) =>
        Object.entries(labels).every(([label, text]) => metric.labels?.[label] === text);
      return Number(metrics.find(same).value);
    };
    const { realtime, outbox } = await statusOf(stack);
    assert.equal(value("notifications_total", { outcome: "delivered" }), realtime.counts.delivered);
    assert.equal(value("pushes_refused_total"), realtime.counts.refused);
    assert.equal(value("outbox_waiting"), outbox.waiting);
    assert.equal(value("import_state", { kind: "products", state: "idle" }), 1);
    assert.ok(value("last_received_timestamp_seconds") > 1_700_000_000);
    // No label has an id of anything.
    for (const id of [customer.id, "order-1"]) assert.ok(!text.includes(id), id);
    assert.equal((await call(`${url}/metrics`)).status, 401);
  });
});

test("without ALERT_URL no alert can be tried", async () => {
  const worker = await startAlone(unreachable);
  const { status, body } = await worker.call("/alerts/test", {
    method: "POST",
    headers: { authorization: `Bearer ${ADMIN_TOKEN}` },
  });
  assert.deepEqual([status, body.code], [409, "no_alert_url"]);
  await worker.close();
});
