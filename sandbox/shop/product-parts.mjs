// The parts of a product: variant, price and stock entry. For: the sample shop and generated ones.
// No products here.

import { reference, refTo, resource } from "./build.mjs";
import { derivedId } from "./ids.mjs";

/** Without a scope a price is for everybody; country, group, channel or time narrow it. */
export function price(value, scope = {}) {
  return { value, ...scope };
}

export function discounted(value) {
  return { discounted: { value, discount: refTo("product-discount", 1) } };
}

export function attributes(values) {
  return Object.entries(values).map(([name, value]) => ({ name, value }));
}

/** `sku` may be undefined: commercetools does not ask for one. */
export function variant(id, sku, { key = sku, prices = [], images = [], ...values }) {
  const owner = sku ?? key;
  return {
    id,
    ...(sku && { sku }),
    key,
    prices: prices.map((each, n) => ({ id: derivedId(`price ${owner} ${n}`), ...each })),
    images,
    attributes: attributes(values),
    assets: [],
  };
}

/**
 * A published product whose staged data are the current ones. `staged` holds what differs in the
 * staged data; `published: false` makes it one that never was.
 */
export function product(id, key, createdAt, { type = 1, data, variants, staged, ...rest }) {
  const [masterVariant, ...others] = variants;
  const common = { categories: [], searchKeywords: {}, categoryOrderHints: {}, attributes: [] };
  const current = { ...common, ...data, masterVariant, variants: others };
  const { lastModifiedAt, published = true, priceMode = "Embedded" } = rest;
  return {
    ...resource(id, createdAt, { lastModifiedAt }),
    key,
    productType: refTo("product-type", type),
    taxCategory: refTo("tax-category", 1),
    priceMode,
    masterData: {
      published,
      hasStagedChanges: Boolean(staged),
      current,
      staged: { ...current, ...staged },
    },
  };
}

export function allVariants({ masterData: { current } }) {
  return [current.masterVariant, ...current.variants];
}

/** `reserved` of the `quantityOnStock` is not available. */
export function stockEntry(
  id,
  sku,
  createdAt,
  quantityOnStock,
  { reserved = 0, channel, ...rest } = {},
) {
  return {
    ...resource(id, createdAt),
    sku,
    ...(channel && { supplyChannel: reference("channel", channel) }),
    quantityOnStock,
    availableQuantity: quantityOnStock - reserved,
    ...rest,
  };
}

/** The products with the `availability` that commercetools derives from the stock entries. */
export function withAvailability(products, inventory) {
  const entries = {};
  for (const entry of inventory) {
    entries[entry.sku] ??= [];
    entries[entry.sku].push(entry);
  }
  const track = (variant) =>
    variant.sku in entries
      ? { ...variant, availability: availability(entries[variant.sku]) }
      : variant;
  const trackAll = (data) => ({
    ...data,
    masterVariant: track(data.masterVariant),
    variants: data.variants.map(track),
  });
  return products.map((product) => {
    const { current, staged, ...rest } = product.masterData;
    const masterData = { ...rest, current: trackAll(current), staged: trackAll(staged) };
    return { ...product, masterData };
  });
}

function availability(entries) {
  const general = entries.find(({ supplyChannel }) => !supplyChannel);
  const channels = entries.filter(({ supplyChannel }) => supplyChannel);
  return {
    ...(general && state(general)),
    ...(channels.length > 0 && {
      channels: Object.fromEntries(channels.map((entry) => [entry.supplyChannel.id, state(entry)])),
    }),
  };
}

function state({ id, version, availableQuantity, restockableInDays }) {
  return {
    isOnStock: availableQuantity > 0,
    ...(restockableInDays !== undefined && { restockableInDays }),
    availableQuantity,
    id,
    version,
  };
}
