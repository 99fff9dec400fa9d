// The catalogue through the built worker: categories, products with their variants, stock and
// standalone prices, between the two sandboxes.

import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach, test } from "node:test";
import { change, message, payloadNotIncluded } from "../../sandbox/commercetools/notifications.mjs";
import { sampleShop } from "../../sandbox/shop/index.mjs";
import { eventually, start } from "./harness.mjs";

const shop = sampleShop();
const about = (typeId, { id }) => ({ typeId, id });
const published = shop.products.filter(({ masterData }) => masterData.published);
const hidden = shop.products.find(({ masterData }) => !masterData.published);
const variantsOf = ({ masterData: { current } }) => [current.masterVariant, ...current.variants];
const largest = published.reduce((one, other) =>
  variantsOf(one).length > variantsOf(other).length ? one : other,
);
const small = published.find(
  (product) => product !== largest && variantsOf(product).every(({ sku }) => sku),
);

let stack;
before(async () => {
  const settings = {
    PREFERRED_LOCALE: "en",
    PREFERRED_CURRENCY: "EUR",
    PRODUCT_URL_TEMPLATE: "https://shop.example.com/p/{{productSlug}}",
  };
  // The rate limits have tests of their own; a hundred variants at once would meet them.
  stack = await start({ settings, klaviyo: { limits: false } });
});
after(() => stack.close());
beforeEach(() => {
  stack.klaviyo.reset();
  stack.klaviyo.faults.clear();
});
afterEach(() => {
  assert.deepEqual(stack.klaviyo.violations, [], "Klaviyo's schema was broken");
});

const { store } = { store: () => stack.klaviyo.store };
const items = () =>
  new Map(
    store()
      .items()
      .map((item) => [item.attributes.external_id, item]),
  );
const variants = () =>
  new Map(
    store()
      .variants()
      .map((variant) => [variant.attributes.external_id, variant]),
  );
const categories = () =>
  new Map(
    store()
      .categories()
      .map(({ attributes }) => [attributes.external_id, attributes.name]),
  );

/** Pushes, and waits until it is through, should it have been parked. */
async function through(notification) {
  const { status, text } = await stack.push(notification);
  assert.ok([202, 204].includes(status), text);
  await eventually(async () => {
    const { outbox } = (await stack.admin("GET", "/sync/status")).body;
    assert.equal(outbox.deadLetters, 0);
    return outbox.waiting === 0;
  });
}

const publish = (product) => through(message("ProductPublished", about("product", product)));
const stockChanged = (entry) => through(change("ResourceUpdated", about("inventory-entry", entry)));

test("the whole catalogue of the shop arrives (R10, R14)", async () => {
  for (const category of shop.categories) {
    await through(message("CategoryCreated", about("category", category)));
  }
  for (const product of shop.products) await publish(product);
  assert.equal(categories().size, shop.categories.length);
  assert.deepEqual([...items().keys()].sort(), published.map(({ id }) => id).sort());
  const expected = published.flatMap((product) =>
    variantsOf(product).map(({ sku, id }) => sku ?? `${product.id}:${id}`),
  );
  assert.equal(variants().size, expected.length);
  assert.ok(variantsOf(largest).length >= 100);
  for (const { sku } of variantsOf(largest)) assert.ok(variants().has(sku));
});

test("a product comes with its categories, before there are any", async () => {
  await publish(small);
  assert.ok(items().has(small.id));
  const expected = small.masterData.current.categories.map(({ id }) => id);
  for (const id of expected) assert.ok(categories().has(id));
});

test("a payload that was left out is read (R5)", async () => {
  const notification = message("ProductPublished", about("product", small), { scope: "All" });
  await through(payloadNotIncluded(notification));
  assert.ok(items().has(small.id));
});

test("what is unpublished or deleted goes, and does not come back with a late message (R16, R20)", async () => {
  await publish(small);
  const withdrawn = { ...small, masterData: { ...small.masterData, published: false } };
  stack.commercetools.put("product", withdrawn);
  await through(message("ProductUnpublished", about("product", small)));
  assert.equal(items().size, 0);
  await publish(small);
  assert.equal(items().size, 0);

  stack.commercetools.put("product", small);
  await publish(small);
  stack.commercetools.remove("product", small.id);
  await through(change("ResourceDeleted", about("product", small)));
  await publish(small);
  stack.commercetools.put("product", small);
  assert.equal(items().size, 0);
  assert.equal(variants().size, 0);
  await publish(hidden);
  assert.equal(items().size, 0);
});

test("a variant that the product has no more goes", async () => {
  await publish(largest);
  const { current } = largest.masterData;
  const [dropped, ...kept] = current.variants;
  const masterData = { ...largest.masterData, current: { ...current, variants: kept } };
  stack.commercetools.put("product", { ...largest, masterData });
  await publish(largest);
  stack.commercetools.put("product", largest);
  assert.ok(!variants().has(dropped.sku));
  assert.equal(variants().size, variantsOf(largest).length - 1);
});

test("a renamed parent renames those below it (R21), a deleted category goes", async () => {
  const parent = shop.categories.find(({ id }) =>
    shop.categories.some(({ ancestors }) => ancestors.length > 1 && ancestors[0].id === id),
  );
  const below = shop.categories.filter(({ ancestors }) =>
    ancestors.some(({ id }) => id === parent.id),
  );
  for (const category of shop.categories) {
    await through(change("ResourceCreated", about("category", category)));
  }
  stack.commercetools.put("category", { ...parent, name: { ...parent.name, en: "Renamed" } });
  await through(change("ResourceUpdated", about("category", parent)));
  stack.commercetools.put("category", parent);
  for (const { id } of below) assert.match(categories().get(id), /(^| > )Renamed > /);
  await through(change("ResourceDeleted", about("category", below[0])));
  assert.ok(!categories().has(below[0].id));
  await through(change("ResourceDeleted", about("category", below[0])));
});

test("stock: zero is zero, a channel's is not the shop's, untracked is not hidden (R18, R19)", async () => {
  for (const product of published) await publish(product);
  const stockOf = (sku) => {
    const { inventory_quantity, inventory_policy } = variants().get(sku).attributes;
    return [inventory_quantity, inventory_policy];
  };
  const entry = shop.inventory.find(
    ({ sku, supplyChannel }) =>
      !supplyChannel && variants().has(sku) && stockOf(sku)[0] > 1 && sku.startsWith("VIA-42"),
  );
  stack.commercetools.put("inventory-entry", {
    ...entry,
    quantityOnStock: 0,
    availableQuantity: 0,
  });
  await stockChanged(entry);
  assert.deepEqual(stockOf(entry.sku), [0, 1]);
  stack.commercetools.remove("inventory-entry", entry.id);
  await through(
    message("InventoryEntryDeleted", about("inventory-entry", entry), { sku: entry.sku }),
  );
  assert.deepEqual(stockOf(entry.sku), [0, 0]);
  stack.commercetools.put("inventory-entry", entry);
  await through(
    message("InventoryEntryCreated", about("inventory-entry", entry), { inventoryEntry: entry }),
  );
  assert.deepEqual(stockOf(entry.sku), [entry.availableQuantity, 1]);

  const before = stockOf("STORM-W-S-BLU");
  const elsewhere = shop.inventory.find(
    ({ sku, supplyChannel }) => supplyChannel && sku === "STORM-W-S-BLU",
  );
  stack.commercetools.put("inventory-entry", { ...elsewhere, availableQuantity: 77 });
  await stockChanged(elsewhere);
  stack.commercetools.put("inventory-entry", elsewhere);
  assert.deepEqual(stockOf("STORM-W-S-BLU"), before);

  const unknown = shop.inventory.find(({ sku }) => sku === "DISCONTINUED-TENT");
  await stockChanged(unknown);
  assert.ok(!variants().has(unknown.sku));
});

test("a standalone price is the price of its variant", async () => {
  const price = shop.standalonePrices.find(
    ({ value, country, customerGroup, channel, validFrom, validUntil }) =>
      value.currencyCode === "EUR" &&
      ![country, customerGroup, channel, validFrom, validUntil].some(Boolean),
  );
  const product = published.find((candidate) =>
    variantsOf(candidate).some(({ sku }) => sku === price.sku),
  );
  await publish(product);
  const cheaper = { ...price, value: { ...price.value, centAmount: 123 }, discounted: undefined };
  stack.commercetools.put("standalone-price", cheaper);
  await through(change("ResourceUpdated", about("standalone-price", price)));
  stack.commercetools.put("standalone-price", price);
  assert.equal(variants().get(price.sku).attributes.price, 1.23);
});
