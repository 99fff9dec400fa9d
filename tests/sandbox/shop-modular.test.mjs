// The Modular form of a shop has the same content as the Classic one: its variants, prices and pictures are the same.
// Its answers: commercetools-modular.test.mjs.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { generateShop } from "../../sandbox/shop/generate.mjs";
import { modularForm, variantDocumentId } from "../../sandbox/shop/modular.mjs";
import { allVariants } from "../../sandbox/shop/product-parts.mjs";
import { ids, shop } from "./commercetools-client.mjs";

const generated = generateShop({ seed: 9, customers: 4, orders: 6, products: 12 });

/** `[sku, …]` of a shop in Classic form, with what stands beside each. */
const classicVariants = ({ products }) =>
  products.flatMap((product) => allVariants(product).map((variant) => ({ product, variant })));

const bySku = (entries) =>
  Object.fromEntries(entries.filter(([sku]) => sku).toSorted(([a], [b]) => (a < b ? -1 : 1)));

const withoutId = ({ id: _own, ...price }) => price;

/** The prices that count for a SKU of a shop in Classic form. */
function classicPrices({ product, variant }, { standalonePrices }) {
  if (product.priceMode !== "Standalone") return variant.prices.map(withoutId);
  return standalonePrices.filter(({ sku }) => sku === variant.sku);
}

for (const [name, classic] of Object.entries({ sample: shop, generated })) {
  describe(`the Modular form of the ${name} shop`, () => {
    const modular = modularForm(classic);

    test("has exactly the SKUs, with the pictures and attributes of each", () => {
      const expected = classicVariants(classic).map(({ variant }) => [
        variant.sku,
        { images: variant.images, attributes: variant.attributes, key: variant.key },
      ]);
      const actual = modular.variants.map(({ key, current: { sku, images, attributes } }) => [
        sku,
        { images, attributes, key },
      ]);
      assert.deepEqual(bySku(actual), bySku(expected));
      assert.equal(modular.variants.length, classicVariants(classic).length);
    });

    test("has exactly the prices of those that have a SKU", () => {
      const own = ["id", "version", "versionModifiedAt", "lastMessageSequenceNumber", "key"];
      const set = ["createdAt", "lastModifiedAt", "createdBy", "lastModifiedBy", "active", "sku"];
      const plain = (price) => {
        const members = Object.entries(price).filter(([name]) => ![...own, ...set].includes(name));
        return JSON.stringify([price.active ?? true, Object.fromEntries(members)]);
      };
      const expected = classicVariants(classic).map((each) => [
        each.variant.sku,
        classicPrices(each, classic).map(plain).sort(),
      ]);
      const actual = modular.variants.map(({ current: { sku } }) => [
        sku,
        modular.standalonePrices
          .filter((price) => price.sku === sku)
          .map(plain)
          .sort(),
      ]);
      assert.deepEqual(bySku(actual), bySku(expected));
      assert.equal(
        modular.standalonePrices.length,
        Object.values(bySku(expected)).flat().length,
        "and none beside them",
      );
    });

    test("has products without variants, which know their default one", () => {
      assert.deepEqual(ids(modular.products), ids(classic.products));
      modular.products.forEach(({ priceMode, masterData, ...rest }, index) => {
        const { priceMode: _mode, masterData: before, ...same } = classic.products[index];
        assert.deepEqual(rest, same);
        assert.equal(priceMode, "Standalone");
        assert.equal(masterData.published, before.published);
        for (const part of ["current", "staged"]) {
          const { variants, defaultVariant, ...data } = masterData[part];
          const { masterVariant, variants: _others, ...dataBefore } = before[part];
          assert.deepEqual([variants, data], [[], dataBefore]);
          const found = modular.variants.find(({ id }) => id === defaultVariant.id);
          assert.deepEqual([defaultVariant.typeId, found.variantId], ["variant", masterVariant.id]);
          assert.equal(found.product.id, rest.id);
        }
      });
    });

    test("has unique ids, and changes nothing else", () => {
      const { products, variants, standalonePrices, ...others } = modular;
      const all = ids([...products, ...variants, ...standalonePrices]);
      assert.equal(new Set(all).size, all.length);
      const { products: _own, standalonePrices: _prices, ...before } = classic;
      assert.deepEqual(others, before);
    });
  });
}

describe("variants", () => {
  const modular = modularForm(shop);
  const of = ({ id }) => modular.variants.filter(({ product }) => product.id === id);

  test("are published as their product is", () => {
    for (const product of shop.products) {
      const { published } = product.masterData;
      assert.ok(
        of(product).every((variant) => variant.published === published),
        product.key,
      );
      assert.equal(of(product).length, allVariants(product).length);
    }
    assert.ok(modular.variants.some(({ published }) => !published));
  });

  test("without a SKU have no price", () => {
    const nameless = modular.variants.filter(({ current }) => !("sku" in current));
    assert.equal(nameless.length, 1);
    assert.ok(modular.standalonePrices.every(({ sku }) => sku));
  });

  test("have staged data where those of the product differ, and may be there only", () => {
    assert.ok(modular.variants.every((variant) => !("staged" in variant)));
    const [product] = generated.products;
    const { current } = product.masterData;
    const changed = { ...current.masterVariant, sku: "CHANGED" };
    const added = { ...current.masterVariant, id: 50, sku: "ADDED" };
    const staged = { ...current, masterVariant: changed, variants: [...current.variants, added] };
    const masterData = { ...product.masterData, hasStagedChanges: true, staged };
    const { variants } = modularForm({ ...generated, products: [{ ...product, masterData }] });
    const one = (id) => variants.find((each) => each.id === variantDocumentId(product, id));
    assert.deepEqual(
      [one(1).current.sku, one(1).staged.sku, one(1).published],
      [current.masterVariant.sku, "CHANGED", true],
    );
    assert.equal("staged" in one(2), false);
    assert.deepEqual([one(50).current.sku, one(50).published], ["ADDED", false]);
  });

  test("leave behind standalone prices that a product with embedded ones had no use for", () => {
    const [product] = generated.products;
    const { sku } = product.masterData.current.masterVariant;
    const unused = { ...shop.standalonePrices[0], id: "unused", sku };
    const { standalonePrices } = modularForm({ ...generated, standalonePrices: [unused] });
    assert.ok(standalonePrices.some((price) => price.sku === sku));
    assert.ok(standalonePrices.every(({ id }) => id !== "unused"));
  });
});
