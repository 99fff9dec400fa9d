// The catalogue through the built worker, in the real runtime, between the two sandboxes.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { change, message, payloadNotIncluded } from "../../sandbox/commercetools/notifications.mjs";
import { fixedId } from "../../sandbox/shop/ids.mjs";
import { sampleShop } from "../../sandbox/shop/index.mjs";
import { allVariants } from "../../sandbox/shop/product-parts.mjs";
import { eventually } from "../eventually.mjs";
import { about, changed, klaviyoId, numbered } from "./documents.mjs";
import { useStack } from "./harness.mjs";

const shop = sampleShop();
const product = (n) => numbered(shop.products, "product", n);
const category = (n) => numbered(shop.categories, "category", n);
const [storm, merino, cairn, parka, boots] = [1, 2, 3, 4, 5].map(product);
const MUNICH = fixedId("channel", 1);

const settings = {
  PREFERRED_LOCALE: "en-GB",
  PREFERRED_CURRENCY: "EUR",
  PRODUCT_URL_TEMPLATE: "https://shop.example/{{productSlug}}?sku={{sku}}",
};

const stack = useStack({ settings });

/** Done at once, or, where it is too much for a push, soon after. */
async function expectDone(notification, { push, drained, outbox } = stack) {
  const { status, text } = await push(notification);
  assert.ok([202, 204].includes(status), text);
  await drained();
  assert.equal((await outbox()).deadLetters, 0);
}

/** What Klaviyo does not have is created, and a category that it has is left as it is. */
const isTaken = ({ method, path, status }) =>
  status < 300 ||
  status === 404 ||
  (status === 409 && method === "POST" && path === "/api/catalog-categories");

const published = (document) => message("ProductPublished", about("product", document));
const unpublished = (document) => message("ProductUnpublished", about("product", document));
const items = () => stack.klaviyo.store.items();
const item = ({ id }) => items().find((each) => each.id === klaviyoId(id));
const variants = () => stack.klaviyo.store.variants();
const variant = (externalId, { klaviyo } = stack) =>
  klaviyo.store.variants().find(({ id }) => id === klaviyoId(externalId));
const variantsOf = ({ id }) => variants().filter((each) => each.item === klaviyoId(id));
const names = () =>
  Object.fromEntries(
    stack.klaviyo.store.categories().map(({ id, attributes: { name } }) => [id, name]),
  );
const nameOf = ({ id }) => names()[klaviyoId(id)];
const writes = () => stack.klaviyo.requests.filter(({ method }) => method !== "GET");

/** With other data now, as commercetools has it after the change. */
function putProduct(document, { published = true, ...data }) {
  const { current, ...rest } = document.masterData;
  const masterData = { ...rest, published, current: { ...current, ...data } };
  stack.commercetools.put("product", { ...document, masterData });
}

describe("the whole shop", () => {
  test("R14 it arrives, items before their variants", async () => {
    for (const document of shop.categories) {
      await expectDone(message("CategoryCreated", about("category", document)));
    }
    for (const document of shop.products) await expectDone(published(document));
    const forSale = shop.products.filter(({ masterData }) => masterData.published);
    assert.equal(items().length, forSale.length);
    const priced = forSale.flatMap(allVariants).filter(({ sku }) => sku !== "REPAIR");
    assert.equal(variants().length, priced.length);
    assert.ok(variants().every(({ attributes }) => attributes.price > 0));
    assert.equal(stack.klaviyo.store.categories().length, shop.categories.length);
    assert.equal(nameOf(category(3)), "Women > Jackets > Rain jackets");
    assert.ok(stack.klaviyo.requests.every(isTaken));
  });

  test("a product brings the categories that Klaviyo does not know", async () => {
    await expectDone(published(storm));
    const held = item(storm);
    const expected = [3, 13, 1, 2].map((n) => klaviyoId(fixedId("category", n)));
    assert.deepEqual(held.categories.sort(), expected.sort());
    assert.equal(nameOf(category(3)), "Women > Jackets > Rain jackets");
    stack.klaviyo.requests.clear();
    await expectDone(published(storm));
    assert.ok(writes().every(({ path }) => !path.includes("categor")));
    assert.ok(writes().every(({ method }) => method === "PATCH"));
  });

  test("M2 the right price, with text, picture and address", async () => {
    for (const n of [1, 6, 7, 10]) await expectDone(published(product(n)));
    const { attributes } = item(storm);
    assert.equal(attributes.title, "Storm Hollow rain jacket");
    assert.equal(attributes.price, 199.9);
    assert.equal(attributes.images.length, 2);
    assert.equal(attributes.image_full_url, attributes.images[0]);
    assert.equal(attributes.url, "https://shop.example/storm-hollow?sku=STORM-W-S-BLU");
    const prices = JSON.parse(attributes.custom_metadata.price_json);
    assert.equal(prices.price_EUR, 199.9);
    assert.equal(prices.price_DE, 199.5);
    assert.equal(prices.price_AT, 199.9);
    assert.equal(prices.price_CH, 219);
    assert.equal(prices.price_JPY, 32800);
    assert.equal(variant("STORM-W-M-RED").attributes.price, 149.9);
    assert.equal(variant("STORM-W-M-RED").attributes.custom_metadata.attribute_fit, "Slim");
    assert.equal(item(product(6)).attributes.price, 2.3455);
    assert.equal(item(product(7)).attributes.title, "Hüttenschuh Loden");
    assert.equal(item(product(10)).attributes.price, null);
  });

  test("R10 a category that is gone does not keep its products", async () => {
    stack.commercetools.remove("category", fixedId("category", 13));
    stack.commercetools.remove("category", fixedId("category", 1));
    await expectDone(published(storm));
    const expected = [3, 2].map((n) => klaviyoId(fixedId("category", n)));
    assert.deepEqual(item(storm).categories.sort(), expected.sort());
  });

  test("R5 a payload that was left out is read", async () => {
    await expectDone(payloadNotIncluded(published(cairn)));
    await expectDone(
      payloadNotIncluded(message("CategoryCreated", about("category", category(1)))),
    );
    assert.ok(item(cairn) && nameOf(category(1)));
    putProduct(cairn, { published: false });
    await expectDone(payloadNotIncluded(unpublished(cairn)));
    assert.equal(item(cairn), undefined);
    const [stock] = shop.inventory;
    const counted = message("InventoryEntryQuantitySet", about("inventory-entry", stock));
    await expectDone(payloadNotIncluded(counted));
    const [price] = shop.standalonePrices;
    const valued = message("StandalonePriceValueChanged", about("standalone-price", price));
    await expectDone(payloadNotIncluded(valued));
    assert.ok(item(boots));
  });

  test("the same again changes nothing", async () => {
    const pushes = [published(storm), changed("category", category(1)), published(product(8))];
    for (const body of pushes) await expectDone(body);
    const once = stack.klaviyo.snapshot();
    for (const body of pushes) await expectDone(body);
    assert.deepEqual(stack.klaviyo.snapshot(), once);
  });
});

describe("products", () => {
  test("R16 what is not for sale is taken away, in whatever order it is told", async () => {
    await expectDone(published(parka));
    assert.equal(item(parka), undefined);
    await expectDone(published(cairn));
    putProduct(cairn, { published: false });
    await expectDone(unpublished(cairn));
    assert.deepEqual([item(cairn), variantsOf(cairn).length], [undefined, 0]);
    await expectDone(published(cairn));
    assert.equal(item(cairn), undefined, "a late message brought it back");
    putProduct(cairn, {});
    await expectDone(published(cairn));
    await expectDone(unpublished(cairn));
    assert.ok(item(cairn), "a late message took it away");
    stack.commercetools.remove("product", cairn.id);
    await expectDone(change("ResourceDeleted", about("product", cairn)));
    assert.equal(item(cairn), undefined);
    await expectDone(message("ProductDeleted", about("product", cairn)));
    assert.equal(variants().length, 0);
  });

  test("a hundred variants, of which some become stale, and one has no SKU", async () => {
    await expectDone(published(merino));
    assert.equal(variantsOf(merino).length, 100);
    putProduct(merino, { variants: merino.masterData.current.variants.slice(0, 49) });
    await expectDone(changed("product", merino));
    assert.equal(variantsOf(merino).length, 50);
    await expectDone(published(cairn));
    const nameless = variant(`${cairn.id}:3`);
    assert.equal(nameless.item, klaviyoId(cairn.id));
    assert.equal(nameless.attributes.sku, `${cairn.id}:3`);
  });

  test("more than a hundred known variants are all seen", async () => {
    await expectDone(published(merino));
    const [first] = allVariants(merino);
    const renamed = allVariants(merino).map((each) => ({ ...each, sku: `NEW-${each.sku}` }));
    // Two products' worth: those of before are stale, but only after those of now are there.
    stack.klaviyo.faults.add({ method: "DELETE", status: 503 });
    putProduct(merino, { masterVariant: renamed[0], variants: renamed.slice(1) });
    const refused = await stack.push(published(merino));
    assert.equal(refused.status, 202);
    await eventually(
      "the variants of now to be there beside those of before",
      () => variantsOf(merino).length,
      (count) => count === 200 || variant(first.sku) === undefined,
    );
    stack.klaviyo.faults.clear();
    await expectDone(published(merino));
    assert.equal(variantsOf(merino).length, 100);
    assert.equal(variant(first.sku), undefined);
  });

  test("R14 a SKU that moved to another product goes with it", async () => {
    await expectDone(published(storm));
    const { masterVariant, variants: others } = storm.masterData.current;
    putProduct(storm, { variants: others.slice(0, 2) });
    const moved = others[2];
    putProduct(cairn, { variants: [...cairn.masterData.current.variants, { ...moved, id: 9 }] });
    await expectDone(published(cairn));
    assert.equal(variant(moved.sku).item, klaviyoId(cairn.id));
    await expectDone(published(storm));
    assert.equal(variant(moved.sku).item, klaviyoId(cairn.id));
    assert.ok(variant(masterVariant.sku));
  });

  test("what a product has no more is cleared", async () => {
    await expectDone(published(cairn));
    const { masterVariant } = cairn.masterData.current;
    const bare = { ...masterVariant, images: [], prices: [] };
    putProduct(cairn, { masterVariant: bare, categories: [] });
    await expectDone(changed("product", cairn));
    const { attributes, categories } = item(cairn);
    assert.deepEqual([attributes.image_full_url, attributes.images], ["", []]);
    assert.deepEqual([attributes.price, categories], [null, []]);
  });
});

describe("categories", () => {
  test("R21 a renamed or moved parent renames those below it", async () => {
    for (const document of shop.categories) {
      await expectDone(change("ResourceCreated", about("category", document)));
    }
    const women = { ...category(1), name: { en: "Ladies", de: "Damen" } };
    stack.commercetools.put("category", women);
    await expectDone(changed("category", women));
    assert.equal(nameOf(category(4)), "Ladies > Jackets > Insulated jackets");
    assert.equal(nameOf(category(8)), "Men > Jackets > Rain jackets");
    const [men, jackets] = [category(6), category(2)];
    const above = [{ typeId: "category", id: men.id }];
    stack.commercetools.put("category", { ...jackets, ancestors: above, parent: above[0] });
    for (const n of [3, 4]) {
      const ancestors = [...above, { typeId: "category", id: jackets.id }];
      stack.commercetools.put("category", { ...category(n), ancestors });
    }
    await expectDone(changed("category", jackets));
    assert.equal(nameOf(category(2)), "Men > Jackets");
    assert.equal(nameOf(category(3)), "Men > Jackets > Rain jackets");
  });

  test("a moved one takes the items of its whole subtree along", async () => {
    const [women, jackets, rain, men] = [1, 2, 3, 6].map(category);
    const inRain = { categories: [{ typeId: "category", id: rain.id }] };
    const many = Array.from({ length: 43 }, (_, n) => ({ ...cairn, id: `moved-${n}` }));
    for (const document of many) {
      const { current } = document.masterData;
      const masterVariant = { ...current.masterVariant, sku: `SKU-${document.id}` };
      putProduct(document, { ...inRain, masterVariant, variants: [] });
    }
    for (const document of [women, jackets, rain, men])
      await expectDone(message("CategoryCreated", about("category", document)));
    await expectDone(many.map(published));
    const above = [{ typeId: "category", id: men.id }];
    stack.commercetools.put("category", { ...jackets, ancestors: above, parent: above[0] });
    const ancestors = [...above, { typeId: "category", id: jackets.id }];
    stack.commercetools.put("category", { ...rain, ancestors });
    const { status, body } = await stack.push(changed("category", jackets));
    assert.deepEqual([status, body], [202, { outcome: "parked" }]);
    await expectDone([]);
    const expected = [rain, jackets, men].map(({ id }) => klaviyoId(id)).sort();
    for (const document of many) assert.deepEqual(item(document).categories.sort(), expected);
    assert.equal(nameOf(rain), "Men > Jackets > Rain jackets");
    stack.klaviyo.requests.clear();
    assert.equal((await stack.push(changed("category", jackets))).status, 204);
    assert.ok(writes().every(({ path }) => path.includes("categories")));
    for (const document of many) stack.commercetools.remove("product", document.id);
  });

  test("one that is deleted is deleted, and a late change does not bring it back", async () => {
    const sale = category(13);
    await expectDone(message("CategoryCreated", about("category", sale)));
    assert.equal(nameOf(sale), "Sale %");
    stack.commercetools.remove("category", sale.id);
    await expectDone(change("ResourceDeleted", about("category", sale)));
    await expectDone(changed("category", sale));
    await expectDone(change("ResourceDeleted", about("category", sale)));
    assert.deepEqual(names(), {});
  });
});

describe("stock", () => {
  const CONFIG = JSON.stringify({ product: { inventory: { useChannelInventory: MUNICH } } });
  const withChannel = useStack({ settings: { ...settings, CONFIG } });
  const entryOf = (sku, channel) =>
    shop.inventory.find(
      ({ sku: its, supplyChannel }) => its === sku && supplyChannel?.id === channel,
    );
  const stockOf = (sku, of) => {
    const { inventory_policy, inventory_quantity } = variant(sku, of).attributes;
    return [inventory_policy, inventory_quantity];
  };

  test("R18 zero is zero, and untracked is not zero", async () => {
    for (const n of [1, 8, 9]) await expectDone(published(product(n)));
    assert.deepEqual(stockOf("LAMP-RIDGE"), [1, 0]);
    assert.deepEqual(stockOf("MUG-ENAMEL"), [0, 0]);
    assert.deepEqual(stockOf("STORM-W-S-BLU"), [1, 14]);
    assert.deepEqual(stockOf("STORM-W-M-BLU"), [1, 7]);
    assert.deepEqual(stockOf("STORM-W-M-RED"), [1, 4], "in a channel only");
  });

  test("R19 an entry is read afresh when it is created, changed or deleted", async () => {
    await expectDone(published(storm));
    const entry = entryOf("STORM-W-S-BLU");
    const put = (availableQuantity) =>
      stack.commercetools.put("inventory-entry", { ...entry, availableQuantity });
    put(3);
    await expectDone(changed("inventory-entry", entry));
    assert.deepEqual(stockOf(entry.sku), [1, 3]);
    put(0);
    const identifiers = { resourceUserProvidedIdentifiers: { sku: entry.sku } };
    await expectDone(changed("inventory-entry", entry, identifiers));
    assert.deepEqual(
      stockOf(entry.sku),
      [0, 0],
      "Munich has some, and nobody said it does not sell",
    );
    put(5);
    const quantity = { newAvailableQuantity: 4, sku: entry.sku };
    const set = message("InventoryEntryQuantitySet", about("inventory-entry", entry), quantity);
    await expectDone(set);
    assert.deepEqual(stockOf(entry.sku), [1, 5], "the message is older than the entry");
    for (const { id, sku } of shop.inventory) {
      if (sku === entry.sku) stack.commercetools.remove("inventory-entry", id);
    }
    const deleted = { sku: entry.sku };
    await expectDone(message("InventoryEntryDeleted", about("inventory-entry", entry), deleted));
    assert.deepEqual(stockOf(entry.sku), [0, 0]);
    put(2);
    await expectDone(
      message("InventoryEntryCreated", about("inventory-entry", entry), { inventoryEntry: entry }),
    );
    assert.deepEqual(stockOf(entry.sku), [1, 2]);
  });

  test("what Klaviyo does not know comes with its product", async () => {
    await expectDone(changed("inventory-entry", entryOf("DISCONTINUED-TENT")));
    assert.equal(variants().length, 0);
  });

  test("R19 only the channel of the settings counts, with its zero", async () => {
    await expectDone(published(storm), withChannel);
    assert.deepEqual(stockOf("STORM-W-S-BLU", withChannel), [1, 3]);
    assert.deepEqual(stockOf("STORM-W-M-RED", withChannel), [1, 4]);
    await expectDone(changed("inventory-entry", entryOf("STORM-W-S-BLU")), withChannel);
    assert.deepEqual(stockOf("STORM-W-S-BLU", withChannel), [1, 3], "stock of no channel");
    const entry = entryOf("STORM-W-S-BLU", MUNICH);
    withChannel.commercetools.put("inventory-entry", { ...entry, availableQuantity: 0 });
    await expectDone(changed("inventory-entry", entry), withChannel);
    assert.deepEqual(stockOf("STORM-W-S-BLU", withChannel), [1, 0]);
  });
});

describe("standalone prices", () => {
  test("M2 they are those of the product, and a change of one writes it", async () => {
    await expectDone(published(boots));
    assert.equal(variant("VIA-42").attributes.price, 189.9);
    assert.equal(variant("VIA-43").attributes.price, 170.91);
    assert.equal(item(boots).attributes.price, 189.9);
    const [price] = shop.standalonePrices;
    const value = { ...price.value, centAmount: 17990 };
    stack.commercetools.put("standalone-price", { ...price, value });
    await expectDone(changed("standalone-price", price));
    assert.equal(variant("VIA-42").attributes.price, 179.9);
    stack.commercetools.remove("standalone-price", price.id);
    const deleted = { sku: price.sku };
    await expectDone(message("StandalonePriceDeleted", about("standalone-price", price), deleted));
    assert.equal(variant("VIA-42").attributes.published, false, "no price, and no false 0");
  });

  test("of a product with prices of its own change nothing", async () => {
    const price = { ...shop.standalonePrices[0], id: "other", sku: "CAIRN-28-GRY" };
    stack.commercetools.put("standalone-price", price);
    await expectDone(change("ResourceCreated", about("standalone-price", price)));
    assert.equal(writes().length, 0);
    stack.commercetools.remove("standalone-price", price.id);
  });
});
