// The WebAssembly memory of the worker, which never shrinks: an isolate has 128 MB for everything, and may hold the
// Worker and both Durable Objects. Each shape has a worker of its own.
//
// The generator of the benchmark makes the documents on request.

import assert from "node:assert/strict";
import { fork } from "node:child_process";
import { after, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { MEASURED, wasmMemory } from "../../sandbox/wasm-memory.mjs";
import { ADMIN_TOKEN, PUSH_TOKEN, startWorker } from "../../sandbox/worker.mjs";
import { eventually } from "../eventually.mjs";
import { admin, push, startAlone, unreachable } from "./harness.mjs";
import { current, ended, imported } from "./imports.mjs";

const MB = 1_000_000;

/** What an isolate may take at most, of its 128 MB. */
const MOST = 80 * MB;

/** Starts a server of the benchmark in a process of its own. */
function serve(file, options) {
  const path = fileURLToPath(new URL(`../../bench/${file}`, import.meta.url));
  const child = fork(path, [JSON.stringify(options)]);
  after(() => child.kill());
  return new Promise((resolve) => child.once("message", resolve));
}

/** The addresses of a worker between the two systems of the benchmark, and of its commercetools. */
async function shopOf(sizes, shape) {
  const shop = await serve("shop.mjs", { sizes, shape, latencyMs: 0 });
  const klaviyo = await serve("klaviyo.mjs", { latencyMs: 0, jobMs: { min: 0, max: 50 } });
  const address = `http://127.0.0.1:${shop.port}`;
  const worker = await startWorker({
    entry: MEASURED,
    settings: {
      CT_API_CLIENT: JSON.stringify({ clientId: "id", secret: "secret" }),
      CT_AUTH_URL: address,
      CT_API_URL: address,
      CT_PROJECT_ID: "shop",
      KLAVIYO_AUTH_KEY: klaviyo.key,
      KLAVIYO_API_URL: klaviyo.url,
      ADMIN_TOKEN,
      PUSH_TOKEN,
      PREFERRED_LOCALE: "en",
      PREFERRED_CURRENCY: "EUR",
    },
  });
  after(() => worker.close());
  return { url: worker.url, shop: address };
}

async function within(url, what) {
  const bytes = await wasmMemory(url);
  const mb = (bytes / MB).toFixed(0);
  assert.ok(bytes <= MOST, `${what} took ${mb} MB of WebAssembly memory`);
  return mb;
}

describe("an import", () => {
  for (const [name, kind, sizes, shape] of [
    ["orders of 100 lines", "orders", { orders: 300 }, { lines: 100 }],
    [
      "orders of which one in thirty has 500 lines",
      "orders",
      { orders: 600 },
      { longEvery: 30, longLines: 500 },
    ],
    ["orders of 500 lines", "orders", { orders: 60 }, { lines: 500 }],
    [
      "orders whose products have 438 kB",
      "orders",
      { orders: 300, products: 120 },
      { productBytes: 217_000 },
    ],
    ["products of 901 kB", "products", { products: 60 }, { productBytes: 448_000 }],
  ]) {
    test(`of ${name}`, async (t) => {
      const all = { customers: 100, products: 20, categories: 50, ...sizes };
      const worker = await shopOf({ orders: 0, ...all }, shape);
      const run = await imported(worker.url, kind);
      const { state, read, sent, error } = run;
      assert.deepEqual(
        { state, read, sent },
        { state: "completed", read: all[kind], sent: all[kind] },
        JSON.stringify(error),
      );
      t.diagnostic(`${await within(worker.url, name)} MB`);
    });
  }
});

/** A notification of an order, with the order in it, as large as a real one. */
function orderCreated(n) {
  const line = {
    id: `l${n}`,
    productId: "p",
    name: { en: "Thing" },
    quantity: 1,
    variant: { id: 1, attributes: [] },
  };
  const order = {
    id: `o${n}`,
    version: 1,
    customerEmail: `c${n}@example.com`,
    lineItems: Array(12).fill(line),
  };
  const resource = { typeId: "order", id: `o${n}` };
  return {
    notificationType: "Message",
    type: "OrderCreated",
    id: `m${n}`,
    resource,
    order,
    beside: "x".repeat(1_500),
  };
}

/** A push of 10 MB: orders of a shop, from number `first` on, as a broker sends what it kept. */
async function ordersOfShop(worker, first) {
  const notifications = [];
  for (let bytes = 0, n = first; ; n += 1) {
    const id = `${n.toString(16).padStart(8, "0")}-0000-4000-8000-a00000000000`;
    const order = await (await fetch(`${worker.shop}/shop/orders/${id}`)).json();
    const resource = { typeId: "order", id };
    const type = "OrderCreated";
    const notification = { notificationType: "Message", type, id: `m${n}`, resource, order };
    bytes += JSON.stringify(notification).length + 1;
    if (bytes > 10 * MB) return notifications;
    notifications.push(notification);
  }
}

test("an import, an outbox that is drained and a push of 10 MB at once", async (t) => {
  const sizes = { orders: 1_000, customers: 100, products: 120, categories: 50 };
  const worker = await shopOf(sizes, { lines: 100, productBytes: 100_000 });
  const waiting = async () => (await admin(worker.url, "GET", "/sync/status")).body.outbox.waiting;
  const orders = () => current(worker.url, "orders");
  const pushes = [];
  for (let n = 0; n < 4; n += 1) pushes.push(await ordersOfShop(worker, 2_000 + n * 100));
  const started = await admin(worker.url, "POST", "/sync/orders");
  assert.equal(started.status, 202, started.text);
  await eventually("the import to read", orders, ({ underWay }) => underWay > 0);
  for (const body of pushes) {
    const answer = await push(worker.url, body);
    assert.deepEqual(answer.body, { outcome: "parked" });
    assert.ok((await waiting()) > 0, "the outbox is at work");
    assert.equal((await orders()).state, "running");
  }
  // Klaviyo takes 150 bulk requests of events a minute, of which both have need: it may take a third minute.
  await eventually("the outbox to be empty", waiting, (count) => count === 0, { limitMs: 300_000 });
  assert.equal((await ended(worker.url, "orders")).state, "completed");
  assert.deepEqual((await admin(worker.url, "GET", "/dead-letters")).body.deadLetters, []);
  t.diagnostic(`${await within(worker.url, "all three")} MB`);
});

const BODIES = [
  ["zeros", () => `[${Array(5_000_000).fill("0").join(",")}]`],
  ["empty objects", () => `[${Array(3_400_000).fill("{}").join(",")}]`],
  ["one object of many members", () => `{${Array(1_600_000).fill('"a":0').join(",")}}`],
  ["open brackets", () => "[".repeat(10 * MB)],
  ["2,900 orders", () => JSON.stringify(Array.from({ length: 2_900 }, (_, n) => orderCreated(n)))],
  [
    "an envelope of Pub/Sub around a list",
    () => {
      const list = JSON.stringify(Array.from({ length: 2_000 }, (_, n) => orderCreated(n)));
      return JSON.stringify({
        message: { data: Buffer.from(list).toString("base64") },
        subscription: "s",
      });
    },
  ],
];

describe("a body of 10 MB", () => {
  for (const [name, make] of BODIES) {
    test(`of ${name}`, async (t) => {
      const body = make();
      assert.ok(body.length <= 10 * 1024 * 1024, `${body.length} bytes`);
      const settings = {
        ...unreachable,
        PUSH_SNS_TOPIC_ARN: "arn:aws:sns:eu-central-1:123456789012:shop",
      };
      const worker = await startAlone(settings, { entry: MEASURED });
      after(() => worker.close());
      const pushed = (headers) => worker.call("/", { method: "POST", headers, body });
      const stranger = await pushed({ "x-amz-sns-message-type": "Notification" });
      assert.ok([401, 413].includes(stranger.status), stranger.text);
      await within(worker.url, `${name} of a stranger`);
      const known = await pushed({ authorization: `Bearer ${settings.PUSH_TOKEN}` });
      assert.equal(known.status, 202, known.text);
      t.diagnostic(`${await within(worker.url, name)} MB`);
    });
  }
});
