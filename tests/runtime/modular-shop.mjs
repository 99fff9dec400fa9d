// The shop for the tests of Modular projects: generated, and odd where the two forms of a catalogue might differ.
// Nothing in it depends on the catalogue model: unique attributes name its variants (`CombinationUnique`), and a
// variant without a SKU is only in products that already use standalone prices, since it has no price in the Modular
// form.

import { image, money, reference, refTo } from "../../sandbox/shop/build.mjs";
import { generateShop } from "../../sandbox/shop/generate.mjs";
import { derivedId, fixedId } from "../../sandbox/shop/ids.mjs";
import { price, withAvailability } from "../../sandbox/shop/product-parts.mjs";
import { standalonePrices } from "../../sandbox/shop/standalone-prices.mjs";

const CHANNELS = [1, 2].map((n) => reference("channel", fixedId("channel", n)));

const COLORS = [
  { en: "red", de: "rot", fr: "rouge" },
  { en: "blue", de: "blau", fr: "bleu" },
];

/** The settings by which its catalogue is mapped. */
export const SHOP_SETTINGS = {
  PREFERRED_LOCALE: "de-CH",
  PREFERRED_COUNTRY: "CH",
  PREFERRED_CURRENCY: "CHF",
  PRODUCT_URL_TEMPLATE: "https://shop.example/{{locale}}/{{productSlug}}?sku={{sku}}",
};

/** In Classic form, with nobody in it who buys. */
export function comparableShop({ products = 300, variants = 4 } = {}) {
  const plain = generateShop({
    seed: 11,
    customers: 0,
    orders: 0,
    products,
    variantsPerProduct: variants,
  });
  const goods = plain.products.map(odd);
  const inventory = plain.inventory.flatMap((entry, n) => stockOf(entry, n, variants));
  return {
    ...plain,
    productTypes: plain.productTypes.map(tellingVariantsApart),
    products: withAvailability(
      goods.map(({ product }) => product),
      inventory,
    ),
    inventory,
    standalonePrices: goods.flatMap(({ prices }) => prices),
  };
}

function tellingVariantsApart(type) {
  const attributes = type.attributes.map((each) =>
    ["size", "color"].includes(each.name)
      ? { ...each, attributeConstraint: "CombinationUnique" }
      : each,
  );
  return { ...type, attributes };
}

/** A product with what the nth one is to show, and its standalone prices. */
function odd(product, n) {
  const { current, ...rest } = product.masterData;
  const all = [current.masterVariant, ...current.variants];
  const [masterVariant, ...others] = all.map((variant, index) => oddVariant(variant, n, index));
  const isStandalone = n % 3 === 0;
  const bare = (variant) => ({ ...variant, prices: [] });
  const data = {
    ...current,
    ...texts(current.name.en, n),
    masterVariant: isStandalone ? bare(masterVariant) : masterVariant,
    variants: isStandalone ? others.map(bare) : others,
  };
  const masterData = { ...rest, published: n % 29 !== 3, current: data, staged: data };
  const priceMode = isStandalone ? "Standalone" : "Embedded";
  const priced = isStandalone ? [masterVariant, ...others].filter(({ sku }) => sku) : [];
  return { product: { ...product, priceMode, masterData }, prices: priced.flatMap(standalone) };
}

function texts(name, n) {
  const slug = name.toLowerCase().replaceAll(" ", "-");
  return {
    name: { en: name, de: `${name} auf Deutsch`, fr: `${name} en français` },
    slug: n % 17 === 0 ? {} : { en: slug, de: `${slug}-de`, fr: `${slug}-fr` },
    ...(n % 13 !== 0 && {
      description: { en: `The ${name}.`, de: `Das ist ${name}.`, fr: `Voici ${name}.` },
    }),
  };
}

function oddVariant(variant, n, index) {
  const isNameless = n % 3 === 0 && n % 4 === 0 && index === 2;
  // What is available follows from the inventory entries, and some SKUs have none.
  const { sku, key, availability: _, ...rest } = variant;
  const attributes = variant.attributes.filter(({ name }) => name !== "color");
  return {
    ...rest,
    ...(isNameless ? { key: `nameless-${n}` } : { sku, key }),
    prices: pricesOf(n, index).map((each, at) => ({
      id: derivedId(`${variant.sku} price ${at}`),
      ...each,
    })),
    images: picturesOf(n, index),
    attributes: [...attributes, { name: "color", value: COLORS[index % COLORS.length] }],
  };
}

/** For one country, another, and all others; some for a time only, and some variants without any. */
function pricesOf(n, index) {
  if (n % 19 === 0 && index === 1) return [];
  const euros = 2000 + 10 * n + index;
  const dated = (value, validFrom, validUntil, scope) =>
    price(value, { ...scope, validFrom, validUntil });
  const [CH, DE] = [{ country: "CH" }, { country: "DE" }];
  return [
    price(money("EUR", euros)),
    price(money("EUR", euros - 100), DE),
    price(money("CHF", euros + 300), CH),
    ...(n % 5 === 0
      ? [dated(money("CHF", 999), "2020-01-01T00:00:00.000Z", "2021-01-01T00:00:00.000Z", CH)]
      : []),
    ...(n % 5 === 1
      ? [dated(money("CHF", euros), "2021-01-01T00:00:00.000Z", "2098-01-01T00:00:00.000Z", CH)]
      : []),
    ...(n % 5 === 2
      ? [dated(money("EUR", 1), "2098-01-01T00:00:00.000Z", "2099-01-01T00:00:00.000Z", DE)]
      : []),
    ...(n % 7 === 0
      ? [price(money("CHF", 1), { ...CH, customerGroup: refTo("customer-group", 1) })]
      : []),
  ];
}

function picturesOf(n, index) {
  if (n % 23 === 0 || (n % 2 === 0 && index === 3)) return [];
  return [image(`product-${n}-${index}`), image(`product-${n}-back`)];
}

/** In no channel, in two of them, in both ways, or not tracked at all. */
function stockOf(entry, index, variants) {
  const n = Math.floor(index / variants);
  if (n % 11 === 5) return [];
  const inChannels = CHANNELS.map((supplyChannel, at) => ({
    ...entry,
    id: derivedId(`${entry.sku} stock ${at}`),
    supplyChannel,
    availableQuantity: entry.availableQuantity + at,
  }));
  if (n % 5 === 0) return inChannels;
  return n % 5 === 1 ? [entry, ...inChannels] : [entry];
}

function standalone({ sku, prices }) {
  return prices.map(({ id, ...each }) => ({ ...standalonePrices[0], id, sku, key: id, ...each }));
}
