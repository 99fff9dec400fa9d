// Imports through the built worker: the endpoints, the ways to start one, and what Klaviyo holds
// then. Crashes and outages: import-crashes.test.mjs.

import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import { sampleShop } from "../../sandbox/shop/index.mjs";
import { start, startAlone, unreachable, useStack } from "./harness.mjs";
import {
  called,
  counts,
  current,
  ended,
  imported,
  importedAll,
  KINDS,
  largeShop,
  sameEnd,
} from "./imports.mjs";

const shop = sampleShop();
const IDLE = { read: 0, sent: 0, skipped: 0, failed: 0 };

describe("the endpoints", () => {
  const stack = useStack();

  test("a kind that was never imported is idle", async () => {
    const { status, body } = await stack.admin("GET", "/sync/status");
    assert.equal(status, 200);
    assert.deepEqual(Object.keys(body), [
      "customers",
      "orders",
      "categories",
      "products",
      "sequence",
      "schedule",
      "lastSuccess",
      "outbox",
      "realtime",
      "alerts",
      "merchantCenter",
      "feed",
    ]);
    assert.deepEqual(body.outbox, { waiting: 0, oldest: null, deadLetters: 0 });
    assert.equal(body.orders.state, "idle");
    assert.deepEqual(counts(body.orders), IDLE);
    const { body: orders } = await stack.admin("GET", "/sync/orders");
    assert.equal(orders.current.state, "idle");
    assert.deepEqual(orders.history, []);
    const { body: failures } = await stack.admin("GET", "/sync/orders/failures");
    assert.deepEqual(failures, { failures: [], next: null });
    const { body: skipped } = await stack.admin("GET", "/sync/orders/skipped");
    assert.deepEqual(skipped, { skipped: [], next: null });
  });

  for (const [path, code, message] of [
    ["stop", "not_running", "Orders sync is not currently running."],
    ["resume", "nothing_to_resume", "Orders sync has nothing to resume."],
    ["failures/retry", "no_failures", "There is no failure to retry."],
  ]) {
    test(`${path} of what never ran is 400`, async () => {
      const { status, body } = await stack.admin("POST", `/sync/orders/${path}`);
      assert.equal(status, 400);
      assert.deepEqual(body, { message, code });
    });
  }

  test("B12 what a body asks for wrongly is said", async () => {
    for (const [kind, body, said] of [
      ["orders", { all: true }, /"all" is not known/],
      ["orders", { ids: ["a"], startId: "a" }, /ids and startId/],
      ["orders", { ids: "a" }, /ids must/],
      ["orders", { since: "yesterday" }, /since must/],
      ["orders", [], /JSON object/],
      ["orders", { deleteAll: true, confirmDeletion: "orders" }, /cannot be deleted/],
      ["products", { deleteAll: true, confirmDeletion: "categories" }, /confirmDeletion/],
    ]) {
      const answer = await stack.admin("POST", `/sync/${kind}`, body);
      assert.equal(answer.status, 400, JSON.stringify(body));
      assert.match(answer.body.message, said);
      assert.equal(answer.body.code, "bad_request");
    }
    assert.equal((await current(stack.worker.url, "orders")).state, "idle");
  });

  test("B12 unknown kinds are 404, wrong methods 405, a large body 413, no token 401", async () => {
    assert.equal((await stack.admin("POST", "/sync/payments")).status, 404);
    assert.equal((await stack.admin("POST", "/sync/orders/elsewhere")).status, 404);
    for (const [method, path, allowed] of [
      ["DELETE", "/sync/orders", "GET, POST"],
      ["GET", "/sync/orders/stop", "POST"],
      ["POST", "/sync/status", "GET"],
      ["GET", "/sync", "POST"],
      ["POST", "/sync/orders/failures", "GET, DELETE"],
    ]) {
      const { status, headers } = await stack.admin(method, path);
      assert.equal(status, 405, path);
      assert.equal(headers.get("allow"), allowed);
    }
    const large = { ids: ["x".repeat(10 * 1024 * 1024)] };
    assert.equal((await stack.admin("POST", "/sync/orders", large)).status, 413);
    for (const path of [
      "/sync/status",
      "/sync/orders",
      "/sync/orders/failures",
      "/sync/orders/skipped",
    ]) {
      assert.equal((await stack.call(path)).status, 401, path);
    }
    assert.equal((await stack.call("/sync/orders", { method: "POST" })).status, 401);
  });
});

test("where imports are off they are 404, and the status is idle", async () => {
  const worker = await startAlone({ ...unreachable, APP_TYPE: "EVENT" });
  try {
    const headers = { authorization: `Bearer ${unreachable.ADMIN_TOKEN}` };
    assert.equal((await worker.call("/sync/orders", { method: "POST", headers })).status, 404);
    assert.equal((await worker.call("/sync/orders/failures", { headers })).status, 404);
    assert.equal((await worker.call("/sync", { method: "POST", headers })).status, 404);
    const { status, body } = await worker.call("/sync/status", { headers });
    assert.equal(status, 200);
    assert.equal(body.orders.state, "idle");
    assert.deepEqual([body.sequence, body.schedule, body.lastSuccess.orders], [null, {}, null]);
    assert.equal(body.outbox.waiting, 0);
  } finally {
    await worker.close();
  }
});

describe("the sample shop", () => {
  const stack = useStack({ settings: { APP_TYPE: "BULK_IMPORT" } });
  let url;
  before(() => {
    url = stack.worker.url;
  });

  const profiles = () => stack.klaviyo.store.profiles().map((one) => one.attributes.external_id);

  test("is there whole, as it is when each record is sent by itself", async () => {
    const runs = await importedAll(url);
    for (const kind of KINDS) {
      const run = runs[kind];
      assert.equal(run.state, "completed", JSON.stringify(run));
      assert.equal(run.mode, "full");
      assert.equal(run.error, null);
      assert.equal(run.read, run.sent + run.skipped + run.failed);
      assert.equal(run.failed, 0);
      assert.equal(run.total, run.read);
      assert.ok(run.startedAt <= run.finishedAt);
    }
    assert.equal(runs.customers.read, shop.customers.length);
    assert.equal(runs.orders.read, shop.orders.length);
    assert.equal(runs.categories.sent, shop.categories.length);
    assert.equal(stack.klaviyo.store.categories().length, shop.categories.length);
    assert.equal(stack.klaviyo.store.items().length, runs.products.sent);
    for (const { id } of shop.customers) assert.ok(profiles().includes(id), id);
    assert.deepEqual(stack.klaviyo.violations, []);
    const bulk = stack.klaviyo.snapshot();

    const single = await start({ settings: { CONFIG: '{"import":{"oneByOne":true}}' } });
    try {
      const others = await importedAll(single.worker.url);
      for (const kind of KINDS) assert.deepEqual(counts(others[kind]), counts(runs[kind]), kind);
      sameEnd(single.klaviyo.snapshot(), bulk);
    } finally {
      await single.close();
    }
  });

  test("B9 of two starts at once one wins, the others get 423 (B15)", async () => {
    const answers = await Promise.all(
      Array.from({ length: 4 }, () => stack.admin("POST", "/sync/customers")),
    );
    const statuses = answers.map(({ status }) => status).sort();
    assert.deepEqual(statuses, [202, 423, 423, 423]);
    assert.deepEqual(answers.find(({ status }) => status === 423).body, {
      message: "Customers sync is already running.",
      code: "already_running",
    });
    assert.equal((await ended(url, "customers")).state, "completed");
    assert.equal(profiles().length, shop.customers.length);
  });

  test("the history has the runs, the newest first", async () => {
    const run = await imported(url, "categories");
    const { body } = await stack.admin("GET", "/sync/categories");
    assert.deepEqual(body.current, run);
    assert.deepEqual(body.history[0], run);
    const ids = body.history.map(({ id }) => id);
    assert.deepEqual(ids, ids.toSorted().reverse());
    assert.equal(new Set(ids).size, ids.length);
  });

  test("ids, startId and since choose records", async () => {
    const ids = shop.customers.slice(0, 3).map(({ id }) => id);
    const listed = await imported(url, "customers", { ids: [...ids, ids[0], "nobody"] });
    assert.equal(listed.mode, "ids");
    assert.deepEqual(counts(listed), { read: 4, sent: 3, skipped: 0, failed: 1 });
    assert.deepEqual(profiles().sort(), ids.toSorted());
    const { body } = await stack.admin("GET", "/sync/customers/failures");
    const { at, ...failure } = body.failures[0];
    assert.equal(body.failures.length, 1);
    assert.equal(failure.id, "nobody");
    assert.equal(failure.code, "not_found");
    assert.equal(failure.run, listed.id);
    assert.ok(Date.parse(at));

    stack.klaviyo.reset();
    const sorted = shop.customers.map(({ id }) => id).sort();
    const later = await imported(url, "customers", { startId: sorted[5] });
    assert.equal(later.mode, "start_id");
    assert.ok(later.read >= sorted.length - 6 && later.read <= sorted.length - 5);

    stack.klaviyo.reset();
    const times = shop.customers.map(({ lastModifiedAt }) => lastModifiedAt).sort();
    const since = times[times.length - 2];
    const changed = await imported(url, "customers", { since });
    assert.equal(changed.mode, "since");
    assert.equal(changed.state, "completed");
    const expected = shop.customers.filter(({ lastModifiedAt }) => lastModifiedAt >= since);
    assert.equal(profiles().length, expected.length);
  });

  test("deleteAll empties the catalogue", async () => {
    await imported(url, "categories");
    await imported(url, "products");
    assert.ok(stack.klaviyo.store.items().length > 0);
    const products = await imported(url, "products", {
      deleteAll: true,
      confirmDeletion: "products",
    });
    assert.equal(products.mode, "delete_all");
    assert.equal(products.state, "completed");
    assert.deepEqual(stack.klaviyo.store.items(), []);
    assert.deepEqual(stack.klaviyo.store.variants(), []);
    const body = { deleteAll: true, confirmDeletion: "categories" };
    assert.equal((await imported(url, "categories", body)).state, "completed");
    assert.deepEqual(stack.klaviyo.store.categories(), []);
  });

  test("what was left out of a record is logged with its id", async () => {
    const product = structuredClone(shop.products[0]);
    const { masterVariant, variants } = product.masterData.current;
    for (const variant of [masterVariant, ...variants]) variant.prices = [];
    stack.commercetools.put("product", product);
    const run = await imported(url, "products", { ids: [product.id] });
    assert.equal(run.state, "completed");
    const line = await stack.lineWith((each) => each.event === "import_cut" && each.run === run.id);
    assert.deepEqual([line.kind, line.records], ["products", 1]);
    const cut = [`no_price: ${variants.length + 1}`];
    assert.deepEqual(line.first, [{ id: product.id, cut }]);
    stack.commercetools.reset();
  });

  test("the failure of a customer who is erased is forgotten", async () => {
    await imported(url, "customers", { ids: ["nobody", "someone"] });
    const erasure = { method: "POST", body: JSON.stringify({ customer: "nobody" }) };
    const { status } = await stack.worker.object("IMPORT", "import", "/erase", erasure);
    assert.equal(status, 200);
    const { body } = await stack.admin("GET", "/sync/customers/failures");
    assert.deepEqual(
      body.failures.map(({ id }) => id),
      ["someone"],
    );
  });

  test("what was skipped can be paged, with its reason, until the next run", async () => {
    const { customerId: _id, customerEmail: _email, ...nobodys } = shop.orders[0];
    const ids = Array.from({ length: 205 }, (_, n) => `nobodys-${String(n).padStart(3, "0")}`);
    for (const id of ids) stack.commercetools.put("order", { ...nobodys, id });
    const run = await imported(url, "orders", { ids });
    assert.deepEqual(counts(run), { read: 205, sent: 0, skipped: 205, failed: 0 });
    const found = [];
    let cursor = "";
    do {
      const { body } = await stack.admin("GET", `/sync/orders/skipped?cursor=${cursor}`);
      assert.ok(body.skipped.length <= 100);
      found.push(...body.skipped);
      cursor = body.next;
    } while (cursor !== null);
    assert.deepEqual(found.map(({ id }) => id).sort(), ids);
    const [{ at, ...first }] = found;
    assert.deepEqual(first, { id: first.id, code: "no_identity", run: run.id });
    assert.ok(Date.parse(at) <= Date.now());

    for (const id of ids) stack.commercetools.remove("order", id);
    await imported(url, "orders", { ids: [shop.orders[0].id] });
    const { body: none } = await stack.admin("GET", "/sync/orders/skipped");
    assert.deepEqual(none, { skipped: [], next: null });
  });

  test("that a customer who is erased was skipped is forgotten", async () => {
    await imported(url, "customers", { ids: ["nobody", "someone"] });
    const retry = await stack.admin("POST", "/sync/customers/failures/retry");
    assert.equal(retry.status, 202);
    assert.equal((await ended(url, "customers")).skipped, 2);
    const erasure = { method: "POST", body: JSON.stringify({ customer: "nobody" }) };
    await stack.worker.object("IMPORT", "import", "/erase", erasure);
    const { body } = await stack.admin("GET", "/sync/customers/skipped");
    assert.deepEqual(
      body.skipped.map(({ id, code }) => [id, code]),
      [["someone", "gone"]],
    );
  });

  test("failures can be paged and retried", async () => {
    const gone = Array.from({ length: 205 }, (_, n) => `gone-${String(n).padStart(3, "0")}`);
    const run = await imported(url, "orders", { ids: gone });
    assert.deepEqual(counts(run), { read: 205, sent: 0, skipped: 0, failed: 205 });
    const found = [];
    let cursor = "";
    do {
      const path = `/sync/orders/failures?cursor=${encodeURIComponent(cursor)}`;
      const { body } = await stack.admin("GET", path);
      assert.ok(body.failures.length <= 100);
      found.push(...body.failures.map(({ id }) => id));
      cursor = body.next;
    } while (cursor !== null);
    assert.deepEqual(found, gone);

    // One of them comes about and is sent; the others need nothing any more.
    stack.commercetools.put("order", { ...shop.orders[0], id: gone[7] });
    const { status, body } = await stack.admin("POST", "/sync/orders/failures/retry");
    assert.equal(status, 202);
    assert.equal(body.mode, "retry");
    const retried = await ended(url, "orders");
    assert.equal(retried.state, "completed");
    assert.deepEqual(counts(retried), { read: 205, sent: 1, skipped: 204, failed: 0 });
    const { body: left } = await stack.admin("GET", "/sync/orders/failures");
    assert.deepEqual(left.failures, []);

    // A full run reads everything, so what it did not find failing is no failure.
    stack.commercetools.remove("order", gone[7]);
    assert.equal((await imported(url, "orders", { ids: [gone[7]] })).failed, 1);
    await imported(url, "orders");
    const { body: none } = await stack.admin("GET", "/sync/orders/failures");
    assert.deepEqual(none.failures, []);
  });
});

describe("a larger shop, in small pages", () => {
  const large = largeShop();
  const settings = { CONFIG: '{"import":{"pageSize":10}}' };
  const stack = useStack({ settings, commercetools: { shop: large } });
  let url;
  let calm;
  before(async () => {
    url = stack.worker.url;
    const runs = await importedAll(url);
    for (const kind of KINDS) assert.equal(runs[kind].state, "completed", kind);
    calm = { runs, held: stack.klaviyo.snapshot() };
  });

  test("stop and resume give the same end", async () => {
    for (const kind of KINDS) {
      assert.equal((await stack.admin("POST", `/sync/${kind}`)).status, 202);
      for (const wait of [30, 90, 200]) {
        await new Promise((resolve) => setTimeout(resolve, wait));
        const stopped = await stack.admin("POST", `/sync/${kind}/stop`);
        if (stopped.status === 400) break; // it was done already
        assert.equal(stopped.status, 200);
        assert.match(stopped.body.state, /^stopp(ing|ed)$/);
        const run = await ended(url, kind);
        assert.equal(run.state, "stopped");
        assert.equal((await stack.admin("POST", `/sync/${kind}/stop`)).status, 400);
        const resumed = await stack.admin("POST", `/sync/${kind}/resume`);
        assert.equal(resumed.status, 202);
        assert.equal(resumed.body.id, run.id);
        if (resumed.body.state === "completed") break; // nothing was left to do
        assert.equal(resumed.body.state, "running");
        assert.equal((await stack.admin("POST", `/sync/${kind}/resume`)).status, 400);
      }
      const run = await ended(url, kind);
      assert.equal(run.state, "completed");
      assert.deepEqual(counts(run), counts(calm.runs[kind]), kind);
      assert.equal((await stack.admin("POST", `/sync/${kind}/resume`)).status, 400);
    }
    sameEnd(stack.klaviyo.snapshot(), calm.held);
    assert.deepEqual(stack.klaviyo.violations, []);
  });

  test("all kinds at once, in slices of few calls, end the same", async () => {
    const sliced = await start({
      settings: { CONFIG: '{"import":{"pageSize":10,"subrequestsPerSlice":10,"sliceSeconds":1}}' },
      commercetools: { shop: large },
    });
    try {
      // Items need their categories.
      await imported(sliced.worker.url, "categories");
      const kinds = KINDS.slice(1);
      for (const kind of kinds) await sliced.admin("POST", `/sync/${kind}`);
      for (const kind of kinds) {
        const run = await ended(sliced.worker.url, kind);
        assert.deepEqual(counts(run), counts(calm.runs[kind]), kind);
      }
      sameEnd(sliced.klaviyo.snapshot(), calm.held);
    } finally {
      await sliced.close();
    }
  });

  test("a wrong key ends the run with its reason, and it can be resumed", async () => {
    const key = stack.klaviyo.settings.key;
    stack.klaviyo.settings.key = "pk_another";
    const failed = await imported(url, "customers");
    assert.equal(failed.state, "failed");
    assert.equal(failed.error.code, "klaviyo_401");
    stack.klaviyo.settings.key = key;
    assert.equal((await stack.admin("POST", "/sync/customers/resume")).status, 202);
    const run = await ended(url, "customers");
    assert.equal(run.id, failed.id);
    assert.equal(run.state, "completed");
    assert.deepEqual(counts(run), counts(calm.runs.customers));
  });

  test("a revoked token is renewed", async () => {
    stack.commercetools.revokeTokens();
    assert.equal((await imported(url, "customers")).state, "completed");
  });

  test("a hung Klaviyo leaves the object answering, and can be stopped", async () => {
    stack.klaviyo.faults.add({ hang: true });
    assert.equal((await stack.admin("POST", "/sync/customers")).status, 202);
    await called(stack.klaviyo);
    const asked = Date.now();
    assert.equal((await stack.admin("GET", "/sync/status")).body.customers.state, "running");
    assert.equal((await stack.admin("POST", "/sync/customers/stop")).body.state, "stopping");
    assert.ok(Date.now() - asked < 2_000);
    assert.equal((await ended(url, "customers")).state, "stopped");
    stack.klaviyo.faults.clear();
  });
});
