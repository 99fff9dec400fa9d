// Consecutive imports (`POST /sync`), and imports that start by themselves
// (`CONFIG.import.schedule`), in the runtime. Slots in virtual time: tests/core/import/schedule.rs.

import assert from "node:assert/strict";
import { before, beforeEach, describe, test } from "node:test";
import { sampleShop } from "../../sandbox/shop/index.mjs";
import { READ_TOKEN } from "../../sandbox/worker.mjs";
import { eventually } from "../eventually.mjs";
import { BACKWARD } from "./earlier-slots.mjs";
import { startLasting, useStack } from "./harness.mjs";
import { called, current, ended, imported, KINDS, largeShop } from "./imports.mjs";

const HOUR = 3_600_000;

const statusOf = async (stack) => (await stack.admin("GET", "/sync/status")).body;

/** Waits until the sequence has ended, and gives the status. */
const sequenceEnded = (stack) =>
  eventually(
    "the sequence to end",
    () => statusOf(stack),
    ({ sequence }) => sequence?.state !== "running",
    { limitMs: 180_000 },
  );

describe("a sequence", () => {
  const stack = useStack();
  let url;
  before(() => {
    url = stack.worker.url;
  });

  const start = (body) => stack.admin("POST", "/sync", body);

  test("there is none at first", async () => {
    const { sequence, schedule, lastSuccess } = await statusOf(stack);
    assert.equal(sequence, null);
    assert.deepEqual(schedule, {});
    assert.deepEqual(lastSuccess, {
      customers: null,
      orders: null,
      categories: null,
      products: null,
    });
  });

  test("what a body asks for wrongly is said, and nothing starts", async () => {
    for (const [body, said] of [
      [{ kind: ["orders"] }, /"kind" is not known/],
      [{ kinds: [] }, /not empty/],
      [{ kinds: "orders" }, /must be a list/],
      [{ kinds: ["payments"] }, /"payments" is no kind/],
      [{ kinds: ["orders", "orders"] }, /"orders" stands twice/],
      [[], /JSON object/],
    ]) {
      const answer = await start(body);
      assert.equal(answer.status, 400, JSON.stringify(body));
      assert.match(answer.body.message, said);
      assert.equal(answer.body.code, "bad_request");
    }
    assert.equal((await statusOf(stack)).sequence, null);
  });

  for (const body of [undefined, {}, { kinds: ["orders", "customers", "products", "categories"] }])
    test(`${JSON.stringify(body)} imports all kinds, one after the other`, async () => {
      const { status, body: begun } = await start(body);
      assert.equal(status, 202);
      assert.deepEqual(
        [begun.kinds, begun.current, begun.done, begun.state, begun.finishedAt],
        [KINDS, "categories", [], "running", null],
      );
      const all = await sequenceEnded(stack);
      const { sequence, lastSuccess } = all;
      assert.deepEqual(
        [sequence.kinds, sequence.current, sequence.done, sequence.state],
        [KINDS, null, KINDS, "completed"],
      );
      assert.equal(sequence.startedAt, begun.startedAt);
      let before = sequence.startedAt;
      for (const kind of KINDS) {
        const { state, trigger, mode, startedAt, finishedAt, read } = all[kind];
        assert.deepEqual([state, trigger, mode], ["completed", "sequence", "full"], kind);
        assert.ok(read > 0 && before <= startedAt && startedAt <= finishedAt, kind);
        assert.equal(lastSuccess[kind], finishedAt);
        before = finishedAt;
      }
      assert.equal(sequence.finishedAt, before);
      assert.equal(stack.klaviyo.store.categories().length, sampleShop().categories.length);
    });

  test("while one of its kinds runs, or another sequence, it is 423", async () => {
    stack.klaviyo.faults.add({ status: 503 });
    await stack.admin("POST", "/sync/customers");
    for (const body of [{}, { kinds: ["orders", "customers"] }]) {
      const answer = await start(body);
      assert.equal(answer.status, 423);
      assert.deepEqual(answer.body, {
        message: "Customers sync is already running.",
        code: "already_running",
      });
    }
    assert.equal((await start({ kinds: ["categories", "orders"] })).status, 202);
    const answer = await start({ kinds: ["orders"] });
    assert.equal(answer.status, 423);
    assert.equal(answer.body.message, "Categories sync is already running.");
    await stack.admin("POST", "/sync/customers/stop");
    await stack.admin("POST", "/sync/categories/stop");
    const { sequence, orders } = await sequenceEnded(stack);
    assert.equal(sequence.state, "stopped");
    assert.notEqual(orders.state, "running");
  });

  test("stopping the current kind stops the rest, and resuming it does not go on", async () => {
    const before = await current(url, "orders");
    stack.klaviyo.faults.add({ status: 503 });
    assert.equal((await start({ kinds: ["customers", "orders"] })).status, 202);
    await called(stack.klaviyo);
    await stack.admin("POST", "/sync/customers/stop");
    const { sequence, customers } = await sequenceEnded(stack);
    assert.deepEqual(
      [sequence.state, sequence.current, sequence.done],
      ["stopped", "customers", []],
    );
    assert.equal(customers.state, "stopped");
    stack.klaviyo.faults.clear();
    assert.equal((await stack.admin("POST", "/sync/customers/resume")).status, 202);
    assert.equal((await ended(url, "customers")).state, "completed");
    assert.deepEqual((await statusOf(stack)).sequence, sequence);
    assert.deepEqual(await current(url, "orders"), before);
  });

  test("a kind that fails ends it", async () => {
    const before = await current(url, "orders");
    const { key } = stack.klaviyo.settings;
    stack.klaviyo.settings.key = "pk_another";
    try {
      assert.equal((await start({ kinds: ["orders", "customers"] })).status, 202);
      const { sequence, customers } = await sequenceEnded(stack);
      assert.deepEqual([sequence.state, sequence.current], ["failed", "customers"]);
      assert.equal(customers.state, "failed");
      assert.deepEqual(await current(url, "orders"), before);
    } finally {
      stack.klaviyo.settings.key = key;
    }
  });

  test("another run of a kind is waited for", async () => {
    stack.klaviyo.faults.add({ status: 503 });
    stack.commercetools.faults.add({ path: /orders$/, latencyMs: 1_500 });
    assert.equal((await start({ kinds: ["categories", "orders"] })).status, 202);
    const byHand = await stack.admin("POST", "/sync/orders");
    assert.equal(byHand.status, 202);
    stack.klaviyo.faults.clear();
    const { sequence, orders } = await sequenceEnded(stack);
    assert.equal(sequence.state, "completed");
    assert.equal(orders.trigger, "sequence");
    const { history } = (await stack.admin("GET", "/sync/orders")).body;
    const [own, other] = history;
    assert.deepEqual([own.id, other.id], [orders.id, byHand.body.id]);
    assert.deepEqual([other.trigger, other.state], ["hand", "completed"]);
    assert.ok(other.finishedAt <= own.startedAt);
  });

  test("the token that reads sees it, and starts none", async () => {
    const headers = { authorization: `Bearer ${READ_TOKEN}` };
    const { body } = await stack.call("/sync/status", { headers });
    assert.equal(body.sequence.state, "completed");
    const refused = await stack.call("/sync", { method: "POST", headers });
    assert.deepEqual([refused.status, refused.body.code], [403, "read_only_token"]);
  });
});

test("a sequence goes on after kills, at rest and between two kinds", async (t) => {
  const stack = await startLasting({
    commercetools: { shop: largeShop() },
    settings: { CONFIG: '{"import":{"pageSize":20}}' },
  });
  t.after(() => stack.close());
  stack.klaviyo.faults.add({ latencyMs: 60 });
  assert.equal((await stack.admin("POST", "/sync", {})).status, 202);
  for (const kind of ["categories", "products", "customers"]) {
    await eventually(
      `the sequence to come beyond ${kind}`,
      () => statusOf(stack),
      ({ sequence }) => sequence.done.includes(kind),
      { limitMs: 180_000 },
    );
    await stack.kill();
  }
  const { sequence, ...all } = await sequenceEnded(stack);
  assert.deepEqual([sequence.state, sequence.done], ["completed", KINDS]);
  for (const kind of KINDS) {
    const { history } = (await stack.admin("GET", `/sync/${kind}`)).body;
    assert.equal(history.length, 1, `${kind} was begun once`);
    assert.equal(all[kind].state, "completed", kind);
  }
  assert.deepEqual(stack.klaviyo.violations, []);
});

describe("a schedule", () => {
  // Half an hour away from now, so that no slot comes by itself meanwhile.
  const minute = String((new Date().getUTCMinutes() + 30) % 60).padStart(2, "0");
  const CONFIG = JSON.stringify({
    import: {
      schedule: {
        orders: { every: "hour", at: `00:${minute}` },
        products: { every: "hour", at: `00:${minute}`, mode: "full" },
      },
    },
    product: { import: { deleteMissing: true } },
  });
  const stack = useStack({ settings: { CONFIG }, entry: BACKWARD });
  let url;
  before(() => {
    url = stack.worker.url;
  });
  beforeEach(() => stack.klaviyo.faults.clear());

  const history = async (kind) => (await stack.admin("GET", `/sync/${kind}`)).body.history;

  /** A tick with a slot that was not seen to yet. */
  async function due() {
    await stack.worker.object("IMPORT", "import", "/backward");
    await stack.worker.tick();
  }

  test("counts from when it is first seen", async () => {
    const { schedule } = await statusOf(stack);
    assert.deepEqual(Object.keys(schedule), ["orders", "products"]);
    const { mode, next, last } = schedule.orders;
    assert.deepEqual([mode, last, schedule.products.mode], ["since", null, "full"]);
    assert.ok(next.endsWith(`:${minute}:00.000Z`), next);
    assert.ok(Date.parse(next) > Date.now() - 60_000 && Date.parse(next) <= Date.now() + HOUR);
    await stack.worker.tick();
    assert.deepEqual(await history("orders"), []);
  });

  test("starts a run once a slot, which leaves out young orders", async () => {
    const [order] = sampleShop().orders;
    const young = new Date(Date.now() - 3 * HOUR).toISOString();
    stack.commercetools.put("order", {
      ...order,
      id: "young-order",
      orderNumber: "young",
      createdAt: young,
      lastModifiedAt: young,
    });
    await due();
    const run = await ended(url, "orders");
    assert.deepEqual([run.state, run.mode, run.trigger], ["completed", "full", "schedule"]);
    const { schedule, lastSuccess } = await statusOf(stack);
    const { at, outcome, reason, run: id } = schedule.orders.last;
    assert.deepEqual([outcome, reason, id], ["started", null, run.id]);
    assert.equal(Date.parse(schedule.orders.next) - Date.parse(at), HOUR);
    assert.equal(lastSuccess.orders, run.finishedAt);
    await stack.worker.tick();
    assert.deepEqual((await history("orders")).length, 1, "one run a slot");
    const ids = ["young-order", ...sampleShop().orders.map((one) => one.id)];
    const byHand = await imported(url, "orders", { ids });
    assert.equal(byHand.read, run.read + 1, "the young one was left out");
    assert.equal((await ended(url, "products")).state, "completed");
  });

  test("goes on from the last completed run, and deletes what is missing", async () => {
    const [product] = sampleShop().products;
    const before = stack.klaviyo.store;
    await imported(url, "products");
    const [first] = (await history("orders")).filter(({ mode }) => mode === "full");
    stack.commercetools.remove("product", product.id);
    await due();
    const orders = await ended(url, "orders");
    assert.deepEqual([orders.mode, orders.trigger], ["since", "schedule"]);
    assert.ok(orders.startedAt > first.startedAt);
    const products = await ended(url, "products");
    assert.deepEqual([products.state, products.mode], ["completed", "full"]);
    const left = before.items().map(({ id }) => id);
    assert.ok(!left.some((id) => id.endsWith(product.id)), left.join());
  });

  test("skips a slot while a run is under way, or stopped by hand", async () => {
    stack.klaviyo.faults.add({ status: 503 });
    await stack.admin("POST", "/sync/orders");
    await stack.admin("POST", "/sync/products");
    await called(stack.klaviyo);
    const { id } = await current(url, "orders");
    await due();
    let { schedule } = await statusOf(stack);
    assert.deepEqual(
      [schedule.orders.last.outcome, schedule.orders.last.reason, schedule.orders.last.run],
      ["skipped", "running", null],
    );
    await stack.lineWith(
      ({ event, code }) => event === "import_slot_skipped" && code === "running",
    );
    for (const kind of ["orders", "products"]) {
      await stack.admin("POST", `/sync/${kind}/stop`);
      assert.equal((await ended(url, kind)).state, "stopped");
    }
    await due();
    ({ schedule } = await statusOf(stack));
    assert.deepEqual(
      [schedule.orders.last.outcome, schedule.orders.last.reason],
      ["skipped", "stopped"],
    );
    assert.equal((await current(url, "orders")).id, id);
    stack.klaviyo.faults.clear();
    for (const kind of ["orders", "products"]) {
      assert.equal((await stack.admin("POST", `/sync/${kind}/resume`)).status, 202);
      assert.equal((await ended(url, kind)).state, "completed");
    }
    await due();
    ({ schedule } = await statusOf(stack));
    assert.equal(schedule.orders.last.outcome, "started");
    for (const kind of ["orders", "products"]) await ended(url, kind);
  });
});

describe("a schedule that is wrong", () => {
  const CONFIG = JSON.stringify({
    import: { schedule: { orders: { every: "day", at: "25:00", on: "monday" }, payments: {} } },
  });
  const stack = useStack({ settings: { CONFIG } });

  test("is a configuration error that names its paths", async () => {
    const { status, body } = await stack.admin("GET", "/sync/status");
    assert.equal(status, 503);
    const found = body.problems.map((problem) => problem.split(/[: ]/)[0].replaceAll("`", ""));
    assert.deepEqual(found, [
      "CONFIG.import.schedule.orders.at",
      "CONFIG.import.schedule.orders.on",
      "CONFIG.import.schedule.payments",
    ]);
  });
});
