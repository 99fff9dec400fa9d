// commercetools' two catalogue models: variants within products (Classic), and variants that are documents of their own
// (Modular). The same shop in either form gives the same catalogue at Klaviyo, by import and by push, also during its
// migration.
//
// The variants of a product are not certain until the migration is over, so until then none is removed; nor is any if
// commercetools does not say which exist.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { change, message } from "../../sandbox/commercetools/notifications.mjs";
import { DEFAULT_SCOPES } from "../../sandbox/commercetools/resources.mjs";
import { modularForm, variantDocumentId } from "../../sandbox/shop/modular.mjs";
import { allVariants } from "../../sandbox/shop/product-parts.mjs";
import { eventually } from "../eventually.mjs";
import { about, changed, klaviyoId } from "./documents.mjs";
import { start, useStack } from "./harness.mjs";
import { counts, current, ended, imported, sameEnd } from "./imports.mjs";
import { comparableShop, SHOP_SETTINGS } from "./modular-shop.mjs";

const classic = comparableShop();
const modular = modularForm(classic);

const SMALL_PAGES = { CONFIG: '{"import":{"pageSize":10}}' };
const options = (shop, catalogModel, settings = {}) => ({
  settings: { ...SHOP_SETTINGS, ...settings },
  commercetools: { shop, catalogModel },
});

/** What Klaviyo holds of the shop after an import of its Classic form, and the counts of that. */
let expected;

before(async () => {
  const stack = await start(options(classic, "Classic"));
  try {
    const runs = await importedCatalogue(stack);
    expected = { held: catalogueOf(stack), products: counts(runs.products) };
  } finally {
    await stack.close();
  }
});

async function importedCatalogue({ worker }) {
  const categories = await imported(worker.url, "categories");
  const products = await imported(worker.url, "products");
  for (const run of [categories, products]) {
    assert.equal(run.state, "completed", JSON.stringify(run));
    assert.equal(run.failed, 0);
  }
  return { categories, products };
}

/** Items, variants and categories, by their external ids. */
function catalogueOf({ klaviyo }) {
  const { items, variants, categories } = klaviyo.snapshot();
  return { items, variants, categories };
}

const assertWhole = (stack) => sameEnd(catalogueOf(stack), expected.held);

const published = (product) => message("ProductPublished", about("product", product));

/** Published, with a SKU for each variant; the nth of them. */
const wholeProduct = (n) =>
  classic.products.filter(
    ({ masterData, ...product }) =>
      masterData.published && allVariants({ masterData, ...product }).every(hasPrice),
  )[n];

const hasPrice = ({ sku }) =>
  sku && modular.standalonePrices.some((price) => price.sku === sku && price.country === "CH");

const documentOf = (product, variant) =>
  modular.variants.find(({ id }) => id === variantDocumentId(product, variant.id));

/** A message about a variant, with the product as all of them have it. */
const ofVariant = (type, variant) =>
  message(type, about("variant", variant), { product: variant.product });

/** Done at once, or soon after, and without a dead letter. */
async function expectDone(stack, notification) {
  const before = (await stack.letters()).map(({ id }) => id);
  const { waiting } = await stack.outbox();
  const { status, text } = await stack.push(notification);
  assert.ok([202, 204].includes(status), text);
  await stack.drained({ but: waiting });
  const letters = await stack.letters();
  assert.deepEqual(
    letters.filter(({ id }) => !before.includes(id)),
    [],
  );
}

const variantsOf = ({ klaviyo }, { id }) =>
  klaviyo.store.variants().filter(({ item }) => item === klaviyoId(id));
const skusAt = (stack, product) =>
  variantsOf(stack, product)
    .map(({ attributes }) => attributes.sku)
    .sort();
const variantAt = ({ klaviyo }, sku) =>
  klaviyo.store.variants().find(({ id }) => id === klaviyoId(sku));
const skusOf = (product) =>
  allVariants(product)
    .map(({ sku }) => sku)
    .sort();

/** Fails if Klaviyo was told to delete or to hide anything. */
function nothingWasTakenAway({ klaviyo }) {
  const taken = klaviyo.requests.filter(
    ({ method, path, body }) =>
      method === "DELETE" || path.includes("bulk-delete") || hides(JSON.stringify(body ?? "")),
  );
  assert.deepEqual(
    taken.map(({ method, path }) => `${method} ${path}`),
    [],
  );
}

const hides = (body) => /"published\\*":\s*false/.test(body);

test("the shop shows what the two forms might differ in", () => {
  const { items, variants } = expected.held;
  const forSale = classic.products.filter(({ masterData }) => masterData.published);
  assert.ok(forSale.length < classic.products.length);
  assert.equal(Object.keys(items).length, forSale.length);
  const all = forSale.flatMap(allVariants);
  const priced = all.filter(hasPrice).map(({ sku }) => sku);
  assert.ok(priced.length < all.length);
  assert.deepEqual(Object.keys(variants).sort(), priced.sort());
  const values = Object.values(variants);
  assert.ok(values.every(({ price, title }) => price > 0 && title));
  for (const policy of [0, 1]) {
    assert.ok(values.some(({ inventory_policy }) => inventory_policy === policy));
  }
  assert.ok(values.some(({ image_full_url: picture }) => !picture));
  assert.ok(values.some(({ title }) => title.includes("rot")));
});

describe("a Modular project", () => {
  const stack = useStack(options(modular, "Modular"));

  test("is imported as the Classic one is", async () => {
    const { products } = await importedCatalogue(stack);
    assert.deepEqual(counts(products), expected.products);
    assertWhole(stack);
    const again = await imported(stack.worker.url, "products");
    assert.deepEqual(counts(again), expected.products);
    assertWhole(stack);
    nothingWasTakenAway(stack);
  });

  test("arrives by what is told of products and variants", async () => {
    await imported(stack.worker.url, "categories");
    const told = modular.products.map((product, n) => {
      const variant = modular.variants.find((each) => each.product.id === product.id);
      return [
        published(product),
        changed("product", product),
        ofVariant("VariantPublished", variant),
        changed("variant", variant),
      ][n % 4];
    });
    for (let at = 0; at < told.length; at += 100) {
      await expectDone(stack, told.slice(at, at + 100));
    }
    assertWhole(stack);
  });

  for (const [what, tell] of [
    ["a message with its product", (variant) => ofVariant("VariantSkuSet", variant)],
    ["a change without it", (variant) => changed("variant", variant)],
  ]) {
    test(`a variant that is changed is written, by ${what}`, async () => {
      const product = wholeProduct(0);
      await expectDone(stack, published(product));
      const [first, ...others] = allVariants(product).map((each) => documentOf(product, each));
      const images = [
        { url: "https://images.fellweg.example/new.jpg", dimensions: { w: 1, h: 1 } },
      ];
      stack.commercetools.put("variant", { ...first, current: { ...first.current, images } });
      await expectDone(stack, tell(first));
      const { attributes } = variantAt(stack, first.current.sku);
      assert.equal(attributes.image_full_url, images[0].url);
      assert.deepEqual(skusAt(stack, product), skusOf(product));
      for (const { current: data } of others) {
        const { item: _item, ...held } = expected.held.variants[data.sku];
        assert.equal(variantAt(stack, data.sku).attributes.title, held.title);
      }
    });
  }

  describe("a variant that is no more for sale leaves, and its siblings stay:", () => {
    for (const [what, type, takeAway] of [
      [
        "unpublished",
        "VariantUnpublished",
        (variant) => stack.commercetools.put("variant", { ...variant, published: false }),
      ],
      ["deleted", "VariantDeleted", ({ id }) => stack.commercetools.remove("variant", id)],
    ]) {
      for (const [which, index] of [
        ["the default one", 0],
        ["another", 2],
      ]) {
        test(`${what}, ${which}`, async () => {
          const product = wholeProduct(1);
          await expectDone(stack, published(product));
          assert.deepEqual(skusAt(stack, product), skusOf(product));
          const gone = documentOf(product, allVariants(product)[index]);
          takeAway(gone);
          const { sku } = gone.current;
          const left = skusOf(product).filter((each) => each !== sku);
          // An import may have left jobs in doubt: then the product is written once more after that.
          await stack.push(ofVariant(type, gone));
          await eventually(
            `${sku} to be away`,
            () => skusAt(stack, product),
            (skus) => !skus.includes(sku),
          );
          assert.deepEqual(skusAt(stack, product), left);
          // Told once more, and late: it stays away.
          await expectDone(stack, ofVariant("VariantPublished", gone));
          assert.deepEqual(skusAt(stack, product), left);
        });
      }
    }

    test("deleted, and told without its product: no dead letter", async () => {
      const gone = documentOf(wholeProduct(1), allVariants(wholeProduct(1))[0]);
      stack.commercetools.remove("variant", gone.id);
      await expectDone(stack, change("ResourceDeleted", about("variant", gone)));
    });

    test("by an import", async () => {
      const product = wholeProduct(2);
      await expectDone(stack, published(product));
      const [, gone, other] = allVariants(product).map((each) => documentOf(product, each));
      stack.commercetools.put("variant", { ...gone, published: false });
      stack.commercetools.remove("variant", other.id);
      const run = await imported(stack.worker.url, "products", { ids: [product.id] });
      assert.deepEqual([run.state, run.sent], ["completed", 1]);
      const away = [gone, other].map(({ current: data }) => data.sku);
      const left = skusOf(product).filter((sku) => !away.includes(sku));
      assert.deepEqual(skusAt(stack, product), left);
    });
  });

  test("a SKU that moved to another product goes with it", async () => {
    const [from, to] = [wholeProduct(3), wholeProduct(4)];
    for (const product of [from, to]) await expectDone(stack, published(product));
    const moved = documentOf(from, allVariants(from)[1]);
    stack.commercetools.put("variant", {
      ...moved,
      variantId: 9,
      product: { typeId: "product", id: to.id },
    });
    for (const product of [to, from, to]) {
      await expectDone(stack, changed("product", product));
      assert.equal(variantAt(stack, moved.current.sku)?.item, klaviyoId(to.id));
    }
    assert.equal(skusAt(stack, from).length, skusOf(from).length - 1);
    assert.equal(skusAt(stack, to).length, skusOf(to).length + 1);
  });

  test("the price of a SKU reaches its variant", async () => {
    const product = wholeProduct(5);
    await expectDone(stack, published(product));
    const { sku } = allVariants(product)[1];
    const price = modular.standalonePrices.find(
      (each) =>
        each.sku === sku && each.country === "CH" && !each.validUntil && !each.customerGroup,
    );
    const dated = modular.standalonePrices.filter(
      (each) => each.sku === sku && each.country === "CH" && each.validUntil,
    );
    for (const { id } of dated) stack.commercetools.remove("standalone-price", id);
    const put = (centAmount) =>
      stack.commercetools.put("standalone-price", {
        ...price,
        value: { ...price.value, centAmount },
      });
    put(12_345);
    const fields = { sku, value: { ...price.value, centAmount: 12_345 } };
    const valued = message("StandalonePriceValueChanged", about("standalone-price", price), fields);
    await expectDone(stack, valued);
    assert.equal(variantAt(stack, sku).attributes.price, 123.45);
    put(54_321);
    await expectDone(stack, changed("standalone-price", price));
    assert.equal(variantAt(stack, sku).attributes.price, 543.21);
    assert.deepEqual(skusAt(stack, product), skusOf(product));
  });

  test("the stock of a SKU reaches its variant", async () => {
    const { sku, entry, product } = tracked();
    await expectDone(stack, published(product));
    stack.commercetools.put("inventory-entry", { ...entry, availableQuantity: 4711 });
    const fields = { sku, newAvailableQuantity: 4711 };
    const set = message("InventoryEntryQuantitySet", about("inventory-entry", entry), fields);
    await expectDone(stack, set);
    assert.equal(variantAt(stack, sku).attributes.inventory_quantity, 4711);
    stack.commercetools.put("inventory-entry", { ...entry, availableQuantity: 815 });
    await expectDone(stack, changed("inventory-entry", entry));
    assert.equal(variantAt(stack, sku).attributes.inventory_quantity, 815);
    assert.deepEqual(skusAt(stack, product), skusOf(product));
  });
});

/** A SKU whose stock is one entry without a channel, and its product. */
function tracked() {
  for (let n = 0; ; n += 1) {
    const product = wholeProduct(n);
    const { sku } = allVariants(product)[1];
    const [entry, ...others] = classic.inventory.filter((each) => each.sku === sku);
    if (entry && !entry.supplyChannel && others.length === 0) return { sku, entry, product };
  }
}

describe("where commercetools does not tell of variants", () => {
  const stack = useStack(options(modular, "Modular"));
  const products = [6, 7, 8].map(wholeProduct);
  const ids = products.map(({ id }) => id);

  for (const status of [400, 404]) {
    test(`but answers ${status}, the run and the notification fail with that, and Klaviyo keeps what it has`, async () => {
      const { url } = stack.worker;
      await imported(url, "products", { ids });
      const held = catalogueOf(stack);
      assert.equal(Object.keys(held.items).length, ids.length);
      stack.klaviyo.requests.clear();
      const errors = [
        { code: status === 404 ? "ResourceNotFound" : "InvalidOperation", message: "m" },
      ];
      const body = { statusCode: status, message: "m", errors };
      const stop = stack.commercetools.faults.add({ path: /\/variants/, status, body });

      const run = await imported(url, "products", { ids });
      assert.deepEqual([run.state, run.error.code], ["failed", `commercetools_${status}`]);

      const { waiting } = await stack.outbox();
      await stack.push(changed("product", products[0]));
      await stack.drained({ but: waiting });
      const letters = (await stack.letters()).filter(({ resource }) =>
        JSON.stringify(resource).includes(products[0].id),
      );
      assert.deepEqual(
        letters.map(({ code }) => code),
        [`commercetools_${status}`],
      );
      sameEnd(catalogueOf(stack), held);
      nothingWasTakenAway(stack);

      // What failed goes on where it was.
      stop();
      await stack.admin("DELETE", `/dead-letters/${letters[0].id}`);
      const answer = await stack.admin("POST", "/sync/products/resume");
      assert.equal(answer.status, 202, answer.text);
      const resumed = await ended(url, "products");
      assert.deepEqual(counts(resumed), { read: 3, sent: 3, skipped: 0, failed: 0 });
      sameEnd(catalogueOf(stack), held);
    });
  }

  for (const [what, rule] of [
    ["503 for a while", { status: 503, times: 2 }],
    ["a page of a proxy", { status: 404, body: "<html>", times: 2 }],
  ]) {
    test(`but answers ${what}, it is asked again`, async () => {
      await imported(stack.worker.url, "products", { ids });
      const held = catalogueOf(stack);
      assert.deepEqual(skusAt(stack, products[1]), skusOf(products[1]));
      stack.klaviyo.requests.clear();
      stack.commercetools.faults.add({ path: /\/variants/, ...rule });
      await expectDone(stack, changed("product", products[1]));
      assert.deepEqual(stack.commercetools.faults.rules, [], "it was not even asked");
      sameEnd(catalogueOf(stack), held);
      nothingWasTakenAway(stack);
    });
  }
});

describe("a Modular project that may not be read", () => {
  const scopes = DEFAULT_SCOPES.filter((scope) => scope !== "view_project_settings");
  const { settings, commercetools } = options(modular, "Modular");
  const stack = useStack({ settings, commercetools: { ...commercetools, scopes } });

  test("is imported all the same, and what is not certain stays", async () => {
    const { products } = await importedCatalogue(stack);
    assert.deepEqual(counts(products), expected.products);
    assertWhole(stack);
    stack.klaviyo.requests.clear();
    const product = wholeProduct(11);
    const gone = documentOf(product, allVariants(product)[2]);
    stack.commercetools.remove("variant", gone.id);
    await stack.push(ofVariant("VariantDeleted", gone));
    // It is read, written, and stays in the outbox until no job of the import is in doubt.
    await eventually(
      "its other variants to be written",
      () => stack.klaviyo.requests.map(({ method, path }) => `${method} ${path}`),
      (calls) => calls.filter((call) => /^PATCH .*catalog-variants/.test(call)).length >= 3,
    );
    assert.deepEqual(skusAt(stack, product), skusOf(product));
    nothingWasTakenAway(stack);
  });
});

describe("a project in migration", () => {
  const stack = useStack(options(modular, "InMigration"));

  for (const [what, kept] of [
    ["only a part", 2],
    ["none", 0],
  ]) {
    test(`that lists ${what} of a product's variants: none is taken away`, async () => {
      const product = wholeProduct(9);
      await expectDone(stack, published(product));
      assert.deepEqual(skusAt(stack, product), skusOf(product));
      const held = catalogueOf(stack);
      stack.klaviyo.requests.clear();
      for (const variant of allVariants(product).slice(kept)) {
        stack.commercetools.remove("variant", variantDocumentId(product, variant.id));
      }
      await expectDone(stack, changed("product", product));
      const run = await imported(stack.worker.url, "products", { ids: [product.id] });
      assert.deepEqual([run.state, run.failed], ["completed", 0]);
      assert.deepEqual(catalogueOf(stack).variants, held.variants);
      nothingWasTakenAway(stack);
    });
  }

  test("whose item has no variant yet keeps its picture and its price", async () => {
    const product = wholeProduct(9);
    await expectDone(stack, published(product));
    const held = catalogueOf(stack).items[product.id];
    assert.ok(held.price && held.image_full_url);
    for (const { id } of allVariants(product)) {
      stack.commercetools.remove("variant", variantDocumentId(product, id));
    }
    await expectDone(stack, changed("product", product));
    const { price, image_full_url } = catalogueOf(stack).items[product.id];
    assert.deepEqual([price, image_full_url], [held.price, held.image_full_url]);
  });

  test("has products of both forms, and is imported as either", async () => {
    for (const [n, product] of classic.products.entries()) {
      if (n % 2 === 1) unmigrate(stack.commercetools, product);
    }
    const { products } = await importedCatalogue(stack);
    assert.deepEqual(counts(products), expected.products);
    assertWhole(stack);
    nothingWasTakenAway(stack);
  });
});

/** Gives a product its Classic form again; its prices may stand by themselves all the same. */
function unmigrate(commercetools, product) {
  for (const { id } of allVariants(product)) {
    commercetools.remove("variant", variantDocumentId(product, id));
  }
  commercetools.put("product", product);
}

/** Replaces these products of the Classic form, with all that goes with them. */
function migrate(commercetools, products) {
  const moved = new Set(products.map(({ id }) => id));
  const skus = new Set(products.flatMap(skusOf));
  for (const variant of modular.variants) {
    if (moved.has(variant.product.id)) commercetools.put("variant", variant);
  }
  for (const price of modular.standalonePrices) {
    if (skus.has(price.sku)) commercetools.put("standalone-price", price);
  }
  for (const product of modular.products) {
    if (moved.has(product.id)) commercetools.put("product", product);
  }
}

describe("a migration", () => {
  let stack;
  before(async () => {
    stack = await start(options(classic, "Classic", SMALL_PAGES));
  });
  after(() => stack.close());

  test("in the middle of an import leaves the catalogue as it is", async () => {
    const { commercetools, worker, klaviyo } = stack;
    await importedCatalogue(stack);
    assertWhole(stack);
    klaviyo.requests.clear();
    commercetools.requests.clear();

    const PRODUCTS = "/sandbox-shop/products";
    const pages = () => commercetools.requests.filter(({ path }) => path === PRODUCTS).length;
    const pagesAfter = (count) => eventually(`${count} pages`, pages, (seen) => seen >= count);
    /** Waits for so many pages, and calls `work` while the next one is waited for. */
    const whileHeld = async (count, work) => {
      await pagesAfter(count);
      let goOn;
      const until = new Promise((resolve) => {
        goOn = resolve;
      });
      const stop = commercetools.faults.add({ path: PRODUCTS, until });
      await pagesAfter(pages() + 1);
      const run = await current(worker.url, "products");
      assert.equal(run.state, "running");
      assert.ok(run.read < classic.products.length);
      work();
      stop();
      goOn();
    };
    const half = classic.products.length / 2;
    const { status } = await stack.admin("POST", "/sync/products");
    assert.equal(status, 202);
    await whileHeld(4, () => {
      commercetools.setCatalogModel("InMigration");
      migrate(commercetools, classic.products.slice(0, half));
    });
    await whileHeld(pages() + 6, () => {
      migrate(commercetools, classic.products.slice(half));
      commercetools.setCatalogModel("Modular");
    });
    const run = await ended(worker.url, "products");
    assert.equal(run.state, "completed", JSON.stringify(run));
    assert.deepEqual(counts(run), expected.products);
    assertWhole(stack);
    nothingWasTakenAway(stack);
  });

  test("that is over is what the next import and what is told next find", async () => {
    await importedCatalogue(stack);
    assertWhole(stack);
    await expectDone(stack, changed("product", wholeProduct(10)));
    assertWhole(stack);
    nothingWasTakenAway(stack);
  });
});

describe("a product of 10,000 variants", () => {
  const COUNT = 10_000;
  const { shop, product } = withMany(COUNT);
  const stack = useStack({ ...options(shop, "Modular"), klaviyo: { recordBodies: false } });

  test("arrives by import, each variant with its own title, price and stock", async () => {
    const run = await imported(stack.worker.url, "products");
    assert.deepEqual(counts(run), { read: 1, sent: 1, skipped: 0, failed: 0 });
    const held = variantsOf(stack, product);
    assert.equal(held.length, COUNT);
    const distinct = (of) => new Set(held.map(({ attributes }) => of(attributes))).size;
    assert.equal(
      distinct(({ title }) => title),
      COUNT,
    );
    for (const { attributes } of held) {
      const n = Number(attributes.sku.slice("MANY-".length));
      assert.deepEqual([attributes.price, attributes.inventory_quantity], [10 + n, n]);
    }
    const throttled = stack.klaviyo.requests.filter(({ status }) => status === 429);
    assert.equal(throttled.length, 0);
  });
});

/** A Modular shop of one product with so many variants, each with a price and stock of its own. */
function withMany(count) {
  const own = comparableShop({ products: 2 });
  const form = modularForm(own);
  const product = form.products[1];
  const [sample] = form.variants.filter((each) => each.product.id === product.id);
  const [price] = form.standalonePrices.filter(({ country }) => country === "CH");
  const numbers = Array.from({ length: count }, (_, n) => n);
  const sku = (n) => `MANY-${n}`;
  const attributesOf = (n) =>
    sample.current.attributes.map((each) =>
      each.name === "size" ? { ...each, value: `size ${n}` } : each,
    );
  const shop = {
    ...form,
    products: [product],
    variants: numbers.map((n) => ({
      ...sample,
      id: variantDocumentId(product, n + 1),
      key: sku(n),
      variantId: n + 1,
      current: { ...sample.current, sku: sku(n), attributes: attributesOf(n) },
    })),
    standalonePrices: numbers.map((n) => ({
      ...price,
      id: variantDocumentId({ id: "price" }, n),
      key: sku(n),
      sku: sku(n),
      value: { ...price.value, centAmount: 1000 + 100 * n },
    })),
    inventory: numbers.map((n) => ({
      ...own.inventory[0],
      id: variantDocumentId({ id: "stock" }, n),
      sku: sku(n),
      supplyChannel: undefined,
      quantityOnStock: n,
      availableQuantity: n,
    })),
  };
  return { shop, product };
}
