// The feed: the content of commercetools' Messages reaches Klaviyo without a broker, once, whatever happens to the
// runtime meanwhile.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { DEFAULT_SCOPES } from "../../sandbox/commercetools/resources.mjs";
import { sampleShop } from "../../sandbox/shop/index.mjs";
import { modularForm } from "../../sandbox/shop/modular.mjs";
import { READ_TOKEN } from "../../sandbox/worker.mjs";
import { eventually } from "../eventually.mjs";
import { about, isOpen, klaviyoId, numbered } from "./documents.mjs";
import { begin, feed, feedOf, LOOK_MS, orderLike, placed, reaches, tellOf } from "./feeds.mjs";
import { call, start, startAlone, unreachable } from "./harness.mjs";

const shop = sampleShop();
const open = shop.orders.filter(isOpen);
const [customer] = shop.customers;

describe("without a broker", () => {
  let stack;
  before(async () => {
    stack = await start({ settings: feed() });
    await begin(stack);
  });
  after(() => stack.close());

  test("a message reaches Klaviyo, and the status says how far the feed is", async () => {
    const { mode, lastError, lostByBroker, late } = await feedOf(stack);
    assert.deepEqual([mode, lastError, late], ["only", null, 0]);
    assert.deepEqual(lostByBroker, { count: 0, last: [] });
    const told = tellOf(stack, open[0]);
    await eventually(
      "the event",
      () => placed(stack).length,
      (count) => count === 1,
    );
    const { cursor, lagSeconds } = await reaches(
      stack,
      "the cursor",
      ({ cursor }) => cursor.id === told.id,
    );
    assert.equal(cursor.createdAt, told.createdAt);
    assert.ok(lagSeconds <= 10, `${lagSeconds}`);
  });

  test("many of one millisecond are each delivered once", async () => {
    const createdAt = new Date().toISOString();
    for (let number = 0; number < 40; number += 1) {
      tellOf(stack, orderLike(open[1], number), { createdAt });
    }
    await eventually(
      "the events",
      () => placed(stack).length,
      (count) => count === 41,
      {
        limitMs: LOOK_MS,
      },
    );
    await stack.drained();
  });

  test("a message that cannot be read is a dead letter, and the next one is delivered", async () => {
    const before = placed(stack).length;
    stack.commercetools.tell("OrderCreated", { typeId: "order", id: "x" }, { order: { not: 1 } });
    tellOf(stack, open[2]);
    await eventually(
      "the event",
      () => placed(stack).length,
      (count) => count === before + 1,
    );
    const [letter, ...others] = await stack.letters();
    assert.deepEqual([letter.code, others], ["message_malformed", []]);
  });

  test("a customer's locale, of which no message tells, is found by its version", async () => {
    stack.commercetools.change("customer", customer.id, { locale: "fr" });
    const profile = () => stack.klaviyo.store.profileByExternalId(customer.id);
    await eventually("the locale", profile, (found) => /^fr/.test(found?.attributes.locale), {
      limitMs: LOOK_MS,
    });
  });

  test("who reads may see it, and nobody else", async () => {
    const headers = { authorization: `Bearer ${READ_TOKEN}` };
    assert.equal((await stack.call("/feed", { headers })).status, 200);
    assert.equal((await stack.call("/feed")).status, 401);
  });
});

/** A feed that can be told that an hour has passed: everything is due then. */
const AN_HOUR_PASSES = `
  import worker, { Feed as Own } from "./index.js";
  export default worker;
  export * from "./index.js";
  export class Feed {
    constructor(state, env) {
      this.storage = state.storage;
      this.own = new Own(state, env);
    }
    alarm() {
      return this.own.alarm();
    }
    async fetch(request) {
      if (new URL(request.url).pathname !== "/hour") return this.own.fetch(request);
      const state = JSON.parse(this.storage.sql.exec("SELECT content FROM state").one().content);
      state.project.due = state.categories.due = 0;
      for (const cursors of Object.values(state.cursors)) cursors.lookDue = 0;
      this.storage.sql.exec("UPDATE state SET content = ?", JSON.stringify(state));
      await this.storage.setAlarm(Date.now());
      return new Response();
    }
  }
`;

const anHourLater = (stack) => stack.worker.object("FEED", "feed", "/hour");

/** The settings by which the catalogue is mapped. */
const CATALOGUE = {
  PREFERRED_LOCALE: "en",
  PREFERRED_CURRENCY: "EUR",
  PRODUCT_URL_TEMPLATE: "https://shop.example/{{productSlug}}?sku={{sku}}",
};

/** A shop whose categories and products are at Klaviyo, by the feed alone. */
async function startCatalogue(of, catalogModel) {
  const stack = await start({
    settings: { ...feed(), ...CATALOGUE },
    commercetools: { shop: of, catalogModel },
    entry: AN_HOUR_PASSES,
  });
  await begin(stack);
  const walked = ({ path, query, status }) =>
    path.endsWith("/categories") && query.sort === "id asc" && status === 200;
  await eventually("the first look at all categories", () =>
    stack.commercetools.requests.some(walked),
  );
  const { tell } = stack.commercetools;
  for (const category of of.categories) {
    tell("CategoryCreated", about("category", category), { category });
  }
  for (const product of of.products) tell("ProductPublished", about("product", product));
  const { store } = stack.klaviyo;
  const sold = of.products.filter(({ masterData }) => masterData.published);
  const limitMs = LOOK_MS;
  await eventually(
    "the catalogue",
    () => [store.categories().length, store.items().length],
    ([categories, items]) => categories === of.categories.length && items === sold.length,
    { limitMs },
  );
  await stack.drained();
  return stack;
}

describe("what no message tells", () => {
  let stack;
  before(async () => {
    stack = await startCatalogue(shop, "Classic");
  });
  after(() => stack.close());

  const at = (kind, id) => stack.klaviyo.store[kind]().find((each) => each.id === klaviyoId(id));
  const price = shop.standalonePrices.find(({ sku, country }) => sku === "VIA-42" && !country);
  const stock = shop.inventory.find(({ sku }) => sku === "CAIRN-28-GRY");
  const category = numbered(shop.categories, "category", 5);
  const sale = numbered(shop.categories, "category", 13);
  const product = numbered(shop.products, "product", 1);
  const { masterData } = product;
  const renamed = { ...masterData, current: { ...masterData.current, name: { en: "Renamed" } } };

  const rows = [
    {
      name: "a category that is renamed",
      change: ["category", category.id, { name: { en: "Underwear" } }],
      seen: () => at("categories", category.id).attributes.name,
      expected: /Underwear$/,
    },
    {
      name: "a product that a background update changes",
      change: ["product", product.id, { masterData: renamed }],
      seen: () => at("items", product.id).attributes.title,
      expected: /^Renamed$/,
    },
    {
      name: "stock that an order takes",
      change: ["inventory-entry", stock.id, { quantityOnStock: 30, availableQuantity: 29 }],
      seen: () => at("variants", stock.sku).attributes.inventory_quantity,
      expected: /^29$/,
    },
    {
      name: "a standalone price",
      change: ["standalone-price", price.id, { value: { ...price.value, centAmount: 12_300 } }],
      seen: () => at("variants", price.sku).attributes.price,
      expected: /^123$/,
    },
  ];
  for (const { name, change, seen, expected } of rows) {
    test(`${name} is found by its version`, async () => {
      assert.doesNotMatch(String(seen()), expected);
      stack.commercetools.change(...change);
      await anHourLater(stack);
      await eventually(name, seen, (value) => expected.test(String(value)), { limitMs: LOOK_MS });
    });
  }

  test("a category that is deleted is found by comparing all of them", async () => {
    assert.ok(at("categories", sale.id));
    stack.commercetools.remove("category", sale.id);
    await anHourLater(stack);
    await eventually(
      "the category to be gone",
      () => at("categories", sale.id),
      (found) => found === undefined,
      { limitMs: LOOK_MS },
    );
    const others = stack.klaviyo.store.categories().length;
    assert.equal(others, shop.categories.length - 1);
  });

  test("nothing of it became a dead letter", async () => {
    await stack.drained();
    assert.deepEqual(await stack.letters(), []);
  });
});

test("a variant that is a document of its own is found by its version", async (t) => {
  const modular = modularForm(shop);
  const stack = await startCatalogue(modular, "Modular");
  t.after(() => stack.close());
  const variant = modular.variants.find(({ current }) => current.sku === "CAIRN-28-GRY");
  const images = [{ url: "https://cdn.example/new.jpg", dimensions: { w: 1, h: 1 } }];
  stack.commercetools.change("variant", variant.id, { current: { ...variant.current, images } });
  await anHourLater(stack);
  const { store } = stack.klaviyo;
  const pictureOf = ({ attributes }) => attributes.image_full_url;
  await eventually(
    "the picture",
    () => pictureOf(store.variants().find(({ id }) => id === klaviyoId("CAIRN-28-GRY"))),
    (picture) => picture === images[0].url,
    { limitMs: LOOK_MS },
  );
});

test("what commercetools refuses is said in its words", async (t) => {
  const scopes = DEFAULT_SCOPES.filter((scope) => scope !== "view_messages");
  const stack = await start({ settings: feed(), commercetools: { scopes } });
  t.after(() => stack.close());
  await begin(stack);
  const { lastError } = await reaches(stack, "the error", ({ lastError }) => lastError);
  assert.match(lastError, /^commercetools answered 403: .*view_messages/);
});

test("a 403 that is mended later: nothing is lost, and its alert ends", async (t) => {
  const stack = await start({ settings: feed() });
  t.after(() => stack.close());
  await begin(stack);
  const body = { statusCode: 403, message: "Insufficient scope: view_messages" };
  stack.commercetools.faults.add({ path: /\/messages$/, status: 403, body });
  await reaches(stack, "the error", ({ lastError }) => lastError);
  const { cursor } = await feedOf(stack);
  const told = tellOf(stack, open[0]);
  const alerts = async () => (await stack.admin("GET", "/sync/status")).body.alerts;
  const [{ code, detail }, ...others] = await alerts();
  assert.deepEqual([code, others], ["feed_failing", []]);
  assert.match(detail, /commercetools answered 403: Insufficient scope: view_messages/);
  assert.deepEqual((await feedOf(stack)).cursor, cursor);
  stack.commercetools.faults.clear();
  const mended = await reaches(stack, "the message", ({ cursor }) => cursor.id === told.id);
  assert.equal(mended.lastError, null);
  await stack.drained();
  assert.equal(placed(stack).length, 1);
  assert.deepEqual(await alerts(), []);
});

for (const [what, options, expected] of [
  ["that the client has no rights in", {}, /^commercetools answered 403: .*scope/],
  [
    "that is not there",
    { auth: false },
    /^commercetools answered 404: .*'other-shop' was not found/,
  ],
]) {
  test(`a wrong project, ${what}, is said, and no cursor moves`, async (t) => {
    const stack = await start({
      settings: { ...feed(), CT_PROJECT_ID: "other-shop" },
      commercetools: options,
    });
    t.after(() => stack.close());
    await begin(stack);
    const { lastError, needsPerson } = await reaches(stack, "an error", (seen) => seen.lastError);
    assert.match(lastError, expected);
    assert.equal(needsPerson, true);
    tellOf(stack, open[0]);
    const failed = ({ status }) => status === 403 || status === 404;
    const failures = () => stack.commercetools.requests.filter(failed).length;
    const before = failures();
    await eventually("another try", failures, (count) => count > before);
    assert.equal((await feedOf(stack)).cursor?.id ?? null, null);
    assert.deepEqual(placed(stack), []);
  });
}

test("messages that are off are said, and no cursor moves", async (t) => {
  const stack = await start({ settings: feed() });
  t.after(() => stack.close());
  stack.commercetools.setMessages({ enabled: false });
  await begin(stack);
  const { lastError, cursor } = await feedOf(stack);
  assert.match(lastError, /Messages are off/);
  assert.equal(cursor, null);
  stack.commercetools.setMessages({ enabled: true });
  await reaches(stack, "the feed to begin", ({ cursor }) => cursor);
  tellOf(stack, open[0]);
  await eventually(
    "the event",
    () => placed(stack).length,
    (count) => count === 1,
  );
});

test("a feed that is off asks nobody, and a Worker for imports has none", async (t) => {
  const off = await startAlone(unreachable);
  t.after(() => off.close());
  const headers = { authorization: `Bearer ${unreachable.ADMIN_TOKEN}` };
  const { body } = await off.call("/feed", { headers });
  assert.deepEqual([body.mode, body.cursor, body.lagSeconds], ["off", null, null]);
  const bulk = await startAlone({ ...unreachable, APP_TYPE: "BULK_IMPORT" });
  t.after(() => bulk.close());
  assert.equal((await bulk.call("/feed", { headers })).status, 404);
  const wrong = await startAlone({ ...unreachable, ...feed(), APP_TYPE: "BULK_IMPORT" });
  t.after(() => wrong.close());
  const { status, text } = await call(`${wrong.url}/sync/status`, { headers });
  assert.equal(status, 503);
  assert.match(text, /CONFIG\.feed\.mode/);
});

test("beside a broker: what it brings is not delivered again, what it loses is", async (t) => {
  const CONFIG = JSON.stringify({ feed: { mode: "beside", everySeconds: 2 } });
  const stack = await start({ settings: { CONFIG } });
  t.after(() => stack.close());
  await begin(stack);
  const [brought, lost] = [open[0], open[1]].map((order) => tellOf(stack, order));
  await stack.expectStatus(204, brought);
  assert.equal(placed(stack).length, 1);
  const counted = await reaches(
    stack,
    "what the broker lost",
    ({ lostByBroker }) => lostByBroker.count > 0,
    180_000,
  );
  const { id, type } = lost;
  const [only, ...others] = counted.lostByBroker.last;
  assert.deepEqual([only.id, only.type, others], [id, type, []]);
  await eventually(
    "the event",
    () => placed(stack).length,
    (count) => count === 2,
  );
  const { body } = await stack.admin("GET", "/sync/status");
  assert.deepEqual(
    body.alerts.map(({ code }) => code),
    ["lost_by_broker"],
  );
  await stack.push(lost);
  await reaches(stack, "what came late", ({ late }) => late === 1);
  const { lostByBroker } = await feedOf(stack);
  assert.equal(lostByBroker.count, 0);
});

test("a past time is read once more", async (t) => {
  const stack = await start({ settings: feed() });
  t.after(() => stack.close());
  const told = tellOf(stack, open[0], { skewMs: -3_600_000 });
  await begin(stack);
  assert.equal(placed(stack).length, 0);
  const at = (ms) => new Date(Date.parse(told.createdAt) + ms).toISOString();
  const ask = (from, to) => stack.admin("POST", "/feed/replay", { from, to });
  const tooOld = await ask(at(-16 * 86_400_000), at(0));
  assert.equal(tooOld.status, 400);
  assert.match(tooOld.body.message, /may be \d{4}-\d\d-\d\dT.* or later/);
  assert.equal((await ask(at(-1_000), at(1_000))).status, 202);
  await eventually(
    "the event",
    () => placed(stack).length,
    (count) => count === 1,
  );
});
