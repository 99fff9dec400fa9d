// docs/openapi.yaml against the running worker. The tests provoke every documented answer and
// compare it; the file has every path and method of the worker, and no others.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, describe, test } from "node:test";
import { Validator } from "@seriousme/openapi-schema-validator";
import {
  eventGridValidation,
  snsConfirmation,
} from "../../sandbox/commercetools/notifications.mjs";
import { sampleShop } from "../../sandbox/shop/index.mjs";
import { ADMIN_TOKEN, PUSH_TOKEN, READ_TOKEN, settingsFor } from "../../sandbox/worker.mjs";
import { eventually } from "../eventually.mjs";
import { changed } from "./documents.mjs";
import { start, startAlone } from "./harness.mjs";
import { ended } from "./imports.mjs";
import {
  assertDocumented,
  document,
  filled,
  isAllowedBody,
  operation,
  operations,
} from "./openapi.mjs";
import { startReceiver } from "./receiver.mjs";

const METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
const BAD_SELECTIONS = [
  { ids: [] },
  { ids: [1] },
  { code: "" },
  { x: 1 },
  { ids: ["a"], code: "b" },
];
const BAD_DELETIONS = ["", "?code=", "?all=false", "?all=true&code=x"];
const PUSHES = ["/", "/events"];
const [customer, another] = sampleShop().customers;
const customerChanged = (document) => changed("customer", document);

let stack;
let receiver;
const workers = {};
before(async () => {
  stack = await start();
  const settings = settingsFor(stack.commercetools, stack.klaviyo);
  workers.both = stack;
  workers.realtime = await startAlone({ ...settings, APP_TYPE: "EVENT" });
  workers.imports = await startAlone({ ...settings, APP_TYPE: "BULK_IMPORT" });
  receiver = await startReceiver();
  workers.alerting = await startAlone({ ...settings, ALERT_URL: receiver.url });
  const CONFIG = JSON.stringify({ feed: { mode: "only" } });
  workers.feed = await startAlone({ ...settings, CONFIG });
  workers.broken = await startAlone({ ...settings, CONFIG: "{" });
});
after(async () => {
  for (const worker of Object.values(workers)) await worker.close();
  await receiver.close();
});

const provoked = new Set();

/** Calls an operation as who may call it; the answer has this status, and is as documented. */
async function provoke(status, method, path, options = {}) {
  const { body, given, on = "both", query = "", headers = {}, anonymous = false } = options;
  const called = operation(method, path);
  const isPush = called.tags.includes("realtime");
  const { token = isPush ? PUSH_TOKEN : ADMIN_TOKEN } = options;
  const authorization = `Bearer ${token}`;
  const raw = body === undefined || typeof body === "string" || body instanceof Uint8Array;
  const answer = await workers[on].call(filled(called, given) + query, {
    method,
    headers: { ...(!anonymous && { authorization }), ...headers },
    body: raw ? body : JSON.stringify(body),
  });
  assert.equal(answer.status, status, `${method} ${path}: ${answer.text}`);
  assertDocumented(called, answer);
  if (!raw && status < 300) assert.ok(isAllowedBody(called, body), JSON.stringify(body));
  if (!raw && answer.body?.code === "bad_request")
    assert.ok(!isAllowedBody(called, body), JSON.stringify(body));
  provoked.add(`${method} ${path} ${status}`);
  return answer;
}

test("the document is valid OpenAPI", async () => {
  const { valid, errors } = await new Validator().validate(structuredClone(document));
  assert.ok(valid, JSON.stringify(errors, null, 2));
  const { version } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url)));
  assert.equal(document.info.version, version);
});

describe("paths and methods", () => {
  for (const path of Object.keys(document.paths)) {
    test(`${path} takes what is documented, and nothing else`, async () => {
      const documented = operations.filter((each) => each.path === path);
      const allowed = documented.map(({ method }) => method);
      for (const method of METHODS.filter((each) => !allowed.includes(each))) {
        const { status, headers, body } = await stack.call(filled(documented[0]), { method });
        assert.deepEqual([status, body.code], [405, "method_not_allowed"], `${method} ${path}`);
        assert.deepEqual(headers.get("allow").split(", ").sort(), allowed.sort());
      }
    });
  }

  test("each path that the worker has is documented", async () => {
    // All paths that can be made of the words in the router: those of two segments, and whatever
    // a path that is there goes on with.
    const router = readFileSync(new URL("../../src/edge/route.rs", import.meta.url), "utf8");
    const [source] = router.split("#[cfg(test)]");
    const own = [...source.matchAll(/"([a-z-]+)"/g)].map(([, word]) => word);
    const words = [...new Set([...own, ...document.components.schemas.Kind.enum, "x"])];
    const longer = (paths) => paths.flatMap((path) => words.map((word) => `${path}/${word}`));
    const patterns = Object.keys(document.paths).map(
      (path) => new RegExp(`^${path.replace(/\{\w+\}/g, "[^/]+")}$`),
    );
    const isThere = async (path) => (await stack.call(path, { method: "PATCH" })).status !== 404;
    const one = longer([""]);
    let candidates = ["/", ...one, ...longer(one)];
    let found = 0;
    while (candidates.length > 0) {
      const there = [];
      for (const path of candidates) if (await isThere(path)) there.push(path);
      for (const path of there) {
        assert.ok(
          patterns.some((pattern) => pattern.test(path)),
          `${path} is not documented`,
        );
      }
      found += there.length;
      candidates = longer(there.filter((path) => path.split("/").length > 2));
    }
    assert.ok(found > 20, `only ${found} were found`);
  });
});

describe("what is refused in the same way everywhere", () => {
  for (const { method, path, statuses, security, requestBody, tags } of operations) {
    const documents = (status) => statuses.includes(status);
    const headers = method === "OPTIONS" ? { "webhook-request-origin": "example.com" } : {};
    test(`${method} ${path}`, async () => {
      assert.equal(documents("401"), security.length > 0, "401 without security, or the other way");
      if (documents("401")) await provoke(401, method, path, { anonymous: true, headers });
      const needsAdmin = security.length === 1 && "adminToken" in security[0];
      assert.equal(documents("403"), needsAdmin, "403 without the admin token, or the other way");
      if (documents("403")) {
        const { body } = await provoke(403, method, path, { token: READ_TOKEN });
        assert.equal(body.code, "read_only_token");
      }
      if (documents("503")) await provoke(503, method, path, { on: "broken", headers });
      if (tags.includes("imports")) await provoke(404, method, path, { on: "realtime" });
      if (tags.includes("realtime")) await provoke(404, method, path, { on: "imports", headers });
      assert.equal(
        documents("413"),
        requestBody !== undefined,
        "413 without a body, or without it",
      );
      const body = new Uint8Array(10 * 1024 * 1024 + 1).fill(32);
      if (documents("413")) await provoke(413, method, path, { body });
    });
  }
});

for (const path of PUSHES) {
  test(`pushes to ${path}`, async () => {
    await provoke(204, "POST", path, { body: customerChanged(customer) });
    await provoke(200, "POST", path, { body: eventGridValidation("code") });
    const body = snsConfirmation({ Type: "UnsubscribeConfirmation" });
    await provoke(200, "POST", path, { body });
    await provoke(202, "POST", path, { body: "no notification" });
    stack.klaviyo.faults.add({ status: 503, times: 1 });
    await provoke(202, "POST", path, { body: customerChanged(another) });
    const headers = { "webhook-request-origin": "eventgrid.azure.net" };
    await provoke(200, "OPTIONS", path, { headers });
    await provoke(405, "OPTIONS", path);
  });
}

test("the dashboard", async () => {
  for (const [path, given] of [
    ["/", {}],
    ["/dashboard/{file}", {}],
    ["/dashboard/{file}", { file: "style.css" }],
    ["/dashboard/{file}", { file: "icon.svg" }],
  ]) {
    const { headers } = await provoke(200, "GET", path, { given, anonymous: true });
    await provoke(304, "GET", path, { given, headers: { "if-none-match": headers.get("etag") } });
  }
  await provoke(503, "GET", "/", { on: "broken", headers: { accept: "text/html" } });
  await provoke(404, "GET", "/dashboard/{file}", { given: { file: "x" } });
});

test("health, in each state", async () => {
  for (const on of Object.keys(workers)) await provoke(200, "GET", "/health", { on });
});

test("the check", async () => {
  for (const on of ["both", "realtime", "imports"]) await provoke(200, "GET", "/check", { on });
});

test("the feed", async () => {
  const call = (status, method, rest, more) => provoke(status, method, `/feed${rest}`, more);
  for (const on of ["both", "realtime", "feed"]) await call(200, "GET", "", { on });
  await call(404, "GET", "", { on: "imports" });
  await call(404, "POST", "/replay", { on: "imports" });
  const to = new Date().toISOString();
  const from = new Date(Date.now() - 3_600_000).toISOString();
  await call(409, "POST", "/replay", { body: { from, to } });
  const types = ["OrderCreated"];
  await call(202, "POST", "/replay", { on: "feed", body: { from, to, types } });
  for (const body of [{}, { from }, { from: "x", to }, { from, to, x: 1 }]) {
    await call(400, "POST", "/replay", { on: "feed", body });
  }
  await call(200, "GET", "", { on: "feed" });
});

test("the preview", async () => {
  const show = (status, body) => provoke(status, "POST", "/preview", { body });
  for (const body of [
    customerChanged(customer),
    [customerChanged(customer), customerChanged({ id: "gone" })],
    { kind: "customers", id: customer.id },
    { kind: "orders", orderNumber: "F-2600001" },
    { kind: "products", sku: "CAIRN-28-GRY" },
    { kind: "customers", email: customer.email },
    ...sampleShop().products.map(({ id }) => ({ kind: "products", id })),
  ]) {
    await show(200, body);
  }
  for (const body of [
    { kind: "x", id: "y" },
    { kind: "orders" },
    { kind: "orders", id: "" },
    { kind: "orders", sku: "s" },
    { kind: "products", email: "e" },
    { kind: "categories", orderNumber: "n" },
    { kind: "customers", id: "c", email: "e" },
  ]) {
    await show(400, body);
  }
  await show(400, {});
  await show(404, { kind: "orders", id: customer.id });
  await show(404, { kind: "customers", email: "nobody@example.com" });
});

test("the trace", async () => {
  const show = (status, query) => provoke(status, "GET", "/trace", { query });
  const shop = sampleShop();
  for (const { id } of shop.orders) await show(200, `?order=${id}`);
  for (const { id } of shop.customers) await show(200, `?customer=${id}`);
  for (const { id } of shop.products) await show(200, `?product=${id}`);
  for (const query of ["?orderNumber=F-2600001", "?sku=CAIRN-28-GRY", "?order=nothing"]) {
    await show(200, query);
  }
  for (const query of ["", "?order=", "?order=a&sku=b", "?email=a%40b.de"]) await show(400, query);
  for (const email of [customer.email, "nobody@example.com"]) {
    await provoke(200, "POST", "/trace", { body: { email } });
  }
  for (const body of [{}, { email: "" }, { email: 1 }, { email: "a", order: "b" }]) {
    await provoke(400, "POST", "/trace", { body });
  }
});

test("an import, from its start to the retry of what failed", async () => {
  const given = { kind: "customers" };
  const call = (status, method, rest, more) =>
    provoke(status, method, `/sync/{kind}${rest}`, { given, ...more });
  await provoke(200, "GET", "/sync/status");
  await call(200, "GET", "");
  await call(400, "POST", "/stop");
  await call(400, "POST", "/resume");
  await call(400, "POST", "/failures/retry");
  for (const body of [
    { ids: [] },
    { startId: 1 },
    { since: "yesterday" },
    { deleteAll: true },
    { ids: ["a"], startId: "a" },
    { unknown: 1 },
  ]) {
    await call(400, "POST", "", { body });
  }
  stack.commercetools.put("customer", { ...customer, email: "no-address" });
  stack.klaviyo.faults.add({ path: "/api/profile-bulk-import-jobs", status: 503 });
  await call(202, "POST", "", { body: {} });
  await call(423, "POST", "", { body: { startId: customer.id } });
  await call(423, "POST", "/failures/retry");
  await call(200, "POST", "/stop");
  await ended(stack.worker.url, "customers");
  stack.klaviyo.faults.clear();
  await call(202, "POST", "/resume");
  const run = await ended(stack.worker.url, "customers");
  assert.deepEqual([run.state, run.failed], ["completed", 1]);
  const { body } = await call(200, "GET", "/failures");
  assert.equal(body.failures.length, 1);
  const { body: none } = await call(200, "GET", "/skipped");
  assert.deepEqual(none, { skipped: [], next: null });
  await call(200, "GET", "/failures", { headers: { accept: "text/csv" } });
  for (const body of BAD_SELECTIONS) await call(400, "POST", "/failures/retry", { body });
  for (const query of BAD_DELETIONS) await call(400, "DELETE", "/failures", { query });
  await call(404, "DELETE", "/failures/{id}");
  const failed = { ...given, id: customer.id };
  for (const body of [{ ids: [customer.id] }, { code: "malformed_email" }, {}]) {
    await call(202, "POST", "/failures/retry", { body });
    await ended(stack.worker.url, "customers");
  }
  await call(204, "DELETE", "/failures/{id}", { given: failed });
  const nobodys = { ...sampleShop().orders[0], customerId: undefined, customerEmail: undefined };
  stack.commercetools.put("order", nobodys);
  const orders = { given: { kind: "orders" } };
  await call(202, "POST", "", { ...orders, body: { ids: [nobodys.id] } });
  await ended(stack.worker.url, "orders");
  const { body: page } = await call(200, "GET", "/skipped", orders);
  assert.deepEqual(
    page.skipped.map(({ id, code }) => [id, code]),
    [[nobodys.id, "no_identity"]],
  );
  await call(204, "DELETE", "/failures", { query: "?code=malformed_email" });
  await call(204, "DELETE", "/failures", { query: "?all=true" });
  stack.commercetools.put("customer", customer);
  for (const body of [
    { ids: [customer.id] },
    { startId: customer.id },
    { since: "2026-01-01T00:00:00Z" },
  ]) {
    await call(202, "POST", "", { body });
    await ended(stack.worker.url, "customers");
  }
  const deletion = { deleteAll: true, confirmDeletion: "categories" };
  await call(202, "POST", "", { given: { kind: "categories" }, body: deletion });
  await ended(stack.worker.url, "categories");
  const { body: runs } = await call(200, "GET", "");
  assert.ok(runs.history.length > 3);
  const { key } = stack.klaviyo;
  stack.klaviyo.settings.key = "pk_another";
  await call(202, "POST", "", { body: {} });
  const refused = await ended(stack.worker.url, "customers");
  stack.klaviyo.settings.key = key;
  assert.equal(refused.state, "failed");
  await call(200, "GET", "");
});

test("a sequence", async () => {
  const call = (status, body) => provoke(status, "POST", "/sync", { body });
  for (const body of [{ kinds: [] }, { kinds: ["x"] }, { kinds: ["orders", "orders"] }, { x: 1 }])
    await call(400, body);
  stack.klaviyo.faults.add({ status: 503 });
  await call(202, { kinds: ["orders", "categories"] });
  await call(423, {});
  await provoke(200, "GET", "/sync/status");
  stack.klaviyo.faults.clear();
  const { sequence } = await eventually(
    "the sequence to end",
    async () => (await provoke(200, "GET", "/sync/status")).body,
    (status) => status.sequence.state !== "running",
    { limitMs: 180_000 },
  );
  assert.equal(sequence.state, "completed");
});

test("what is watched", async () => {
  await provoke(200, "GET", "/metrics");
  await provoke(200, "GET", "/sync/status", { query: "?hours=true" });
  await provoke(409, "POST", "/alerts/test");
  await provoke(202, "POST", "/alerts/test", { on: "alerting" });
});

test("dead letters and what waits", async () => {
  const call = (status, method, rest, given, more) =>
    provoke(status, method, `/dead-letters${rest}`, { given, ...more });
  const { id } = (await provoke(202, "POST", "/", { body: "no notification" })).body;
  const { body } = await call(200, "GET", "");
  assert.ok(body.deadLetters.length > 0);
  await call(200, "GET", "/{id}", { id });
  await call(404, "GET", "/{id}");
  await call(202, "POST", "/{id}/replay", { id });
  await call(404, "POST", "/{id}/replay");
  await call(202, "POST", "/replay");
  await call(204, "DELETE", "/{id}", { id });
  await call(404, "DELETE", "/{id}");
  for (const body of [{}, { ids: ["x"] }, { code: "x" }])
    await call(202, "POST", "/replay", {}, { body });
  for (const body of BAD_SELECTIONS) await call(400, "POST", "/replay", {}, { body });
  for (const query of ["?code=x", "?all=true"]) await call(204, "DELETE", "", {}, { query });
  for (const query of BAD_DELETIONS) await call(400, "DELETE", "", {}, { query });
  stack.klaviyo.faults.add({ status: 503 });
  await provoke(202, "POST", "/", { body: customerChanged(another) });
  const { body: status } = await provoke(200, "GET", "/sync/status");
  assert.equal(status.outbox.waiting, 1);
  const { body: waiting } = await provoke(200, "GET", "/outbox");
  assert.equal(waiting.parked.length, 1);
  await provoke(202, "POST", "/outbox/retry");
});

test("every answer that is documented was provoked", () => {
  const documented = operations.flatMap(({ method, path, statuses }) =>
    statuses.map((status) => `${method} ${path} ${status}`),
  );
  assert.deepEqual(
    documented.filter((answer) => !provoked.has(answer)),
    [],
  );
});
