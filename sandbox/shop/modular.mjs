// A shop after its migration to commercetools' Modular Catalog: variants are documents of their
// own, products have none, and every price is a standalone one.
// https://docs.commercetools.com/api/projects/variants
//
// It shares parts with the original shop. Not here: the project's own setting
// (sandbox/commercetools/project.mjs), and orders, which keep the variants of their creation.

import { reference, resource } from "./build.mjs";
import { derivedId } from "./ids.mjs";

/** The same shop, with `variants`. A variant without a SKU loses its prices, which have no other hold. */
export function modularForm(shop) {
  return {
    ...shop,
    products: shop.products.map(withoutVariants),
    variants: shop.products.flatMap(variantsOf),
    standalonePrices: [...standing(shop), ...shop.products.flatMap(pricesOf)],
  };
}

/** The id that a variant of a product has as a document. */
export function variantDocumentId({ id }, variantId) {
  return derivedId(`variant ${id} ${variantId}`);
}

function withoutVariants(product) {
  const { current, staged, ...rest } = product.masterData;
  const masterData = {
    ...rest,
    current: dataWithoutVariants(product, current),
    staged: dataWithoutVariants(product, staged),
  };
  return { ...product, priceMode: "Standalone", masterData };
}

function dataWithoutVariants(product, { masterVariant, ...data }) {
  const defaultVariant = reference("variant", variantDocumentId(product, masterVariant.id));
  return { ...data, variants: [], defaultVariant };
}

/** Those that were never published (of a product that was not, or in its staged data only) too. */
function variantsOf(product) {
  const { published, current, staged } = product.masterData;
  const now = allOf(current);
  const next = new Map(allOf(staged).map((each) => [each.id, each]));
  const added = allOf(staged).filter(({ id }) => !now.some((each) => each.id === id));
  return [
    ...now.map((each) => variantDocument(product, each, { published, next: next.get(each.id) })),
    ...added.map((each) => variantDocument(product, each, { published: false })),
  ];
}

function variantDocument(product, variant, { published, next = variant }) {
  const id = variantDocumentId(product, variant.id);
  const { createdAt, lastModifiedAt } = product;
  const [current, staged] = [dataOf(variant), dataOf(next)];
  const differs = JSON.stringify(current) !== JSON.stringify(staged);
  return {
    ...resource(id, createdAt, { lastModifiedAt }),
    ...(variant.key && { key: variant.key }),
    variantId: variant.id,
    product: reference("product", product.id),
    published,
    current,
    ...(differs && { staged }),
  };
}

function dataOf({ sku, images, attributes, assets }) {
  return { ...(sku && { sku }), images, attributes, assets };
}

/** Of the standalone prices there are, those that counted: a product with embedded ones had no use for them. */
function standing({ products, standalonePrices }) {
  const embedded = products
    .filter(isEmbedded)
    .flatMap(({ masterData }) => allOf(masterData.current));
  const skus = new Set(embedded.map(({ sku }) => sku));
  return standalonePrices.filter(({ sku }) => !skus.has(sku));
}

function pricesOf(product) {
  if (!isEmbedded(product)) return [];
  return allOf(product.masterData.current).flatMap(({ sku, prices }) =>
    sku ? prices.map((price, n) => standalonePrice(product, sku, price, n)) : [],
  );
}

function standalonePrice({ createdAt, lastModifiedAt }, sku, { id: _own, ...price }, n) {
  const id = derivedId(`standalone price ${sku} ${n}`);
  return { ...resource(id, createdAt, { lastModifiedAt }), sku, active: true, ...price };
}

const isEmbedded = ({ priceMode }) => priceMode !== "Standalone";

const allOf = ({ masterVariant, variants }) => [masterVariant, ...variants];
