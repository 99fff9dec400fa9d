// Many changes at once: the worker reads them together and writes them in jobs, with Klaviyo's true
// limits on. Changes while a job is open, failures of a job, and a kill in between do not change
// what Klaviyo holds in the end.

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { change, message } from "../../sandbox/commercetools/notifications.mjs";
import { generateShop } from "../../sandbox/shop/generate.mjs";
import { eventually } from "../eventually.mjs";
import { about, changed, klaviyoId, variantOf, withoutPhones } from "./documents.mjs";
import { startLasting, useStack } from "./harness.mjs";

const STOCK = Number(process.env.STOCK ?? 50_000);

const shop = withoutPhones(
  generateShop({ seed: 3, customers: 40, orders: 0, products: 30, variantsPerProduct: 4 }),
);
const published = (product) => message("ProductPublished", about("product", product));

const stack = useStack({ commercetools: { shop }, klaviyo: { recordBodies: false } });
const { drained, outbox, letters } = stack;
beforeEach(() => Object.assign(stack.klaviyo.settings, { rowPointers: false }));

const variants = () => stack.klaviyo.store.variants();
const count = (pattern, { requests } = stack.klaviyo) =>
  requests.filter(({ method, path, status }) => status < 300 && pattern.test(`${method} ${path}`))
    .length;
const throttled = () => stack.klaviyo.requests.filter(({ status }) => status === 429).length;
const jobs = (sort, klaviyo) => count(new RegExp(`^POST /api/${sort}-jobs$`), klaviyo);
const jobsCame = (sort, wanted, klaviyo) =>
  eventually(
    `${wanted} jobs of ${sort}`,
    () => jobs(sort, klaviyo),
    (came) => came === wanted,
  );
/** The jobs that were looked at, by their paths; one as often as it was. */
const looks = ({ requests }) =>
  requests.flatMap(({ method, path }) => (method === "GET" && /-jobs\//.test(path) ? [path] : []));

/** How many requests there were of each sort. */
function summary() {
  const by = {};
  for (const { operation, status } of stack.klaviyo.requests) {
    by[`${operation} ${status}`] = (by[`${operation} ${status}`] ?? 0) + 1;
  }
  return JSON.stringify(by, null, 1);
}

/** With `count` variants, which commercetools allows on request. */
function large(product, count) {
  const { current, ...rest } = product.masterData;
  const { masterVariant } = current;
  const others = Array.from({ length: count - 1 }, (_, n) => ({
    ...masterVariant,
    id: n + 2,
    sku: `${masterVariant.sku}-${n + 2}`,
  }));
  const masterData = { ...rest, current: { ...current, variants: others } };
  return { ...product, masterData };
}

/** Pushes while Klaviyo is out, so that everything waits together. */
async function park(notifications) {
  const stop = stack.klaviyo.faults.add({ status: 503 });
  for (const notification of notifications) {
    assert.equal((await stack.push(notification)).status, 202);
  }
  stack.klaviyo.requests.clear();
  stop();
}

test("of a push of many changes none is tried; each has one outcome", async () => {
  const before = stack.logged().length;
  stack.commercetools.faults.add({ hang: true });
  const begun = Date.now();
  const junk = { hello: "world" };
  const disabled = change("ResourceCreated", about("cart", { id: "none" }));
  const changes = Array.from({ length: 300 }, (_, n) =>
    changed("inventory-entry", {
      ...entry(n),
      id: `00000000-0000-4000-8001-${`${n}`.padStart(12, "0")}`,
    }),
  );
  // One of them is told of three times, and is parked once.
  const { status, body } = await stack.push([...changes, junk, changes[7], disabled, changes[7]]);
  // A try would have hung for as long as a push may take.
  assert.ok(Date.now() - begun < 50_000);
  assert.deepEqual([status, body.outcome, body.code], [202, "dead_lettered", "not_a_notification"]);
  assert.equal((await outbox()).waiting, 300);
  assert.equal((await outbox()).deadLetters, 1);
  assert.equal((await letters())[0].id, body.id);
  const letter = await stack.admin("GET", `/dead-letters/${body.id}`);
  assert.deepEqual(letter.body.notification, junk);
  const lines = () =>
    stack
      .logged()
      .slice(before)
      .filter(({ event, calls }) => event === "notification" && calls === 0);
  await eventually(
    "a line for each",
    () => lines().length,
    (count) => count >= 304,
  );
  const by = (name) => lines().filter(({ outcome }) => outcome === name).length;
  assert.deepEqual([by("parked"), by("dead_lettered"), by("ignored")], [302, 1, 1]);
  assert.equal((await stack.admin("DELETE", `/dead-letters/${body.id}`)).status, 204);
  stack.commercetools.faults.clear();
  await drained();
});

test("a product with 200 variants is created and published again, within the limits", async () => {
  const product = large(shop.products[0], 200);
  stack.commercetools.put("product", product);
  assert.equal((await stack.push(published(product))).body.outcome, "parked");
  await drained();
  assert.equal(variants().length, 200);
  assert.equal(jobs("catalog-variant-bulk-create"), 2);
  const once = stack.klaviyo.snapshot();
  stack.klaviyo.requests.clear();
  assert.equal((await stack.push(published(product))).status, 202);
  await drained();
  assert.deepEqual(stack.klaviyo.snapshot(), once);
  assert.equal(jobs("catalog-variant-bulk-update"), 2);
  assert.equal(count(/^(POST|PATCH) \/api\/catalog-variants/), 0);
  assert.equal(throttled(), 0);
});

test("many products go in jobs, items before their variants", async () => {
  await park(shop.products.map(published));
  await drained();
  assert.equal(stack.klaviyo.store.items().length, shop.products.length);
  assert.equal(variants().length, shop.products.length * 4);
  assert.ok(jobs("catalog-variant-bulk-create") > 0, summary());
});

test("many profiles go in a job, unless something is to be cleared", async () => {
  await park(shop.customers.map((each) => message("CustomerCreated", about("customer", each))));
  await drained();
  assert.equal(stack.klaviyo.store.profiles().length, shop.customers.length);
  assert.ok(jobs("profile-bulk-import") > 0);
  assert.ok(count(/profile-import$/) <= 20, "too many alone");
});

test("a change while a job is open ends with the newest state", async () => {
  const [product] = shop.products;
  stack.commercetools.put("product", large(product, 60));
  const stop = stack.klaviyo.faults.add({ method: "GET", path: /jobs\//, status: 503 });
  await stack.push(published(product));
  await jobsCame("catalog-variant-bulk-create", 1);
  // One change is delivered at once, one is parked into the slot that waits for the job.
  const [entry] = shop.inventory;
  const put = (availableQuantity) =>
    stack.commercetools.put("inventory-entry", { ...entry, availableQuantity });
  put(777);
  await stack.push(changed("inventory-entry", entry));
  const renamed = large(product, 61);
  renamed.masterData.current.name = { en: "Renamed", "en-GB": "Renamed", de: "Renamed" };
  stack.commercetools.put("product", renamed);
  assert.equal((await stack.push(published(renamed))).status, 202);
  stack.klaviyo.finishJobs();
  stop();
  await drained();
  assert.equal(variants().length, 61);
  assert.ok(variants().every(({ attributes }) => attributes.title.startsWith("Renamed - ")));
});

for (const rowPointers of [false, true]) {
  test(`what a job fails with is tried alone; rows named: ${rowPointers}`, async () => {
    Object.assign(stack.klaviyo.settings, { rowPointers });
    const product = large(shop.products[1], 60);
    stack.commercetools.put("product", product);
    await stack.push(published(product));
    await drained();
    // Known when they are read, and gone when the job is carried out.
    stack.klaviyo.requests.clear();
    stack.klaviyo.settings.jobMs = { min: 1500, max: 1500 };
    await stack.push(published(product));
    await jobsCame("catalog-variant-bulk-update", 1);
    stack.klaviyo.settings.jobMs = { min: 200, max: 500 };
    const gone = product.masterData.current.variants[5].sku;
    const path = `/api/catalog-variants/${encodeURIComponent(klaviyoId(gone))}`;
    const headers = {
      authorization: `Klaviyo-API-Key ${stack.klaviyo.key}`,
      revision: "2026-10-15",
      "x-klaviyo-revision-fall-forward-opt-out": "1",
      accept: "application/vnd.api+json",
    };
    await fetch(stack.klaviyo.url + path, { method: "DELETE", headers });
    stack.klaviyo.requests.clear();
    await drained();
    assert.equal(variants().length, 60);
    const alone = count(/^(POST|PATCH) \/api\/catalog-variants/);
    assert.ok(rowPointers ? alone === 1 : alone === 60, `${alone} alone`);
    assert.deepEqual(await letters(), []);
  });
}

test("a job survives a kill", async (t) => {
  const product = large(shop.products[2], 150);
  const lasting = await startLasting({ commercetools: { shop: { ...shop, products: [product] } } });
  t.after(() => lasting.close());
  const { klaviyo } = lasting;
  klaviyo.settings.jobMs = { min: 600_000, max: 600_000 };
  await lasting.push(published(product));
  await jobsCame("catalog-variant-bulk-create", 2, klaviyo);
  // What is looked at is stored. A start that was not is in doubt for as long as a job may take.
  await eventually(
    "both jobs to be looked at",
    () => new Set(looks(klaviyo)).size,
    (looked) => looked === 2,
  );
  await lasting.kill({ meanwhile: () => klaviyo.finishJobs() });
  // Nobody asks it to go on.
  await eventually(
    "all variants to be there",
    () => klaviyo.store.variants().length,
    (held) => held === 150,
    { limitMs: 90_000 },
  );
  await lasting.drained();
  assert.equal(count(/bulk-create-jobs$/, klaviyo), 2, "sent once more");
  assert.equal(count(/^(POST|PATCH) \/api\/catalog-variants/, klaviyo), 0);
});

test("a stock update of 50,000 SKUs is some hundred jobs", async () => {
  const held = [];
  for (let n = 0; n < STOCK; n += 1) held.push(entry(n));
  for (const each of held) stack.commercetools.put("inventory-entry", each);
  stack.klaviyo.hold("item", { attributes: { external_id: "i", title: "I" } });
  for (const { sku, version } of held) {
    // Klaviyo does not hold every hundredth, as with what is not for sale.
    if (version === 1) stack.klaviyo.hold("variant", variantOf("i", sku));
  }
  // What lay idle while all that was made is closed by now, and is not to be used.
  await new Promise((resolve) => setTimeout(resolve, 200));
  const begun = Date.now();
  let slowest = 0;
  for (const some of chunks(held, 1000)) {
    const pushed = Date.now();
    const answer = await stack.push(some.map((each) => changed("inventory-entry", each)));
    assert.deepEqual([answer.status, answer.body.outcome], [202, "parked"]);
    slowest = Math.max(slowest, Date.now() - pushed);
  }
  const parked = Date.now() - begun;
  await drained({ limitMs: 500_000, everyMs: 250 });
  console.log(
    `${STOCK} SKUs: parked in ${parked} ms, the slowest push in ${slowest} ms; all in ${Date.now() - begun} ms`,
  );
  console.log(summary());
  assert.ok(slowest < 4000);
  const stock = new Map(
    variants().map(({ id, attributes }) => [id, attributes.inventory_quantity]),
  );
  for (const { sku, version, availableQuantity } of held) {
    const expected = version === 1 ? availableQuantity : undefined;
    if (stock.get(klaviyoId(sku)) !== expected) assert.fail(`${sku}: ${stock.get(klaviyoId(sku))}`);
  }
  // Of 500 rows 495 are held, which makes five jobs; each slice begins with a few rows alone.
  assert.ok(jobs("catalog-variant-bulk-update") <= (STOCK / 100) * 1.1 + 10, "too many jobs");
  assert.ok(stack.klaviyo.requests.length <= (STOCK / 100) * 3.5 + 100, "too many calls");
  assert.ok(count(/^PATCH/) <= 30 + STOCK / 1000, "too many alone");
  assert.equal(throttled(), 0);
  assert.equal((await outbox()).deadLetters, 0);
});

const entry = (n) => ({
  ...shop.inventory[0],
  id: `00000000-0000-4000-8000-${String(n).padStart(12, "0")}`,
  version: n % 100 === 99 ? 2 : 1,
  sku: `MASS-${n}`,
  quantityOnStock: n % 1000,
  availableQuantity: n % 1000,
});

const chunks = (list, size) =>
  Array.from({ length: Math.ceil(list.length / size) }, (_, n) =>
    list.slice(n * size, (n + 1) * size),
  );
