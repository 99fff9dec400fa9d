// Which imports are measured: how many records, of what shape.
//
// For: the sections of imports.
// Not for: how an import is measured (imports.mjs), and how a shop makes its documents.

const CATEGORIES = 50;

/** Records of each kind. */
export const SIZES = { customers: 100_000, orders: 100_000, products: 20_000 };

/** Records of the one-by-one mode: enough to see its pace. */
const ONE_BY_ONE = { customers: 100, orders: 40, products: 25 };

/** An import of so many records of a kind. */
export function importOf(kind, size) {
  return { kind, sizes: { ...shopFor(kind, size), [kind]: size } };
}

/** The same in the one-by-one mode, of as many records as show its pace. */
export function oneByOne(kind, size) {
  return { ...importOf(kind, Math.min(size, ONE_BY_ONE[kind])), rules: { oneByOne: true } };
}

/** What a shop needs beside the records that are imported: an order has a customer, and products. */
function shopFor(kind, size) {
  const none = { customers: 0, orders: 0, products: 0, categories: CATEGORIES };
  return kind === "orders" ? { ...none, customers: size, products: 2_000 } : none;
}
