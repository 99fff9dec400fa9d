// The measured imports: how many records, of which shape.
//
// For: the sections of imports.
// Not for: measuring an import (imports.mjs), and making a shop's documents (documents.mjs).

const CATEGORIES = 50;

/** Records of each kind. */
export const SIZES = { customers: 100_000, orders: 100_000, products: 20_000 };

/** Records of the one-by-one mode: enough to see its pace. */
const ONE_BY_ONE = { customers: 100, orders: 40, products: 25 };

/** An import of so many records of a kind. `more` are further sizes of the shop. */
export function importOf(kind, size, more = {}) {
  return { name: kind, kind, sizes: { ...shopFor(kind, size), ...more, [kind]: size } };
}

/** The same in the one-by-one mode, of as many records as show its pace. */
export function oneByOne(kind, size) {
  const few = importOf(kind, Math.min(size, ONE_BY_ONE[kind]));
  return { ...few, name: `${kind}, one by one`, rules: { oneByOne: true } };
}

/** Imports of ordinary size; products have five variants. */
export const ORDINARY = [
  importOf("customers", 50_000),
  importOf("orders", 8_000),
  importOf("products", 2_500),
];

const customers = importOf("customers", 100_000);
const oneDay = 0.95;

/** Two imports that differ in one thing, and the figure of a row that shows what it costs. */
export const PAIRS = [
  {
    what: "CPU per record",
    figure: "cpuMsPer1000",
    pair: [
      { ...importOf("orders", 20_000, { products: 200 }), name: "orders of 200 products" },
      { ...importOf("orders", 20_000, { products: 15_000 }), name: "orders of 15,000 products" },
    ],
  },
  {
    what: "time",
    figure: "seconds",
    pair: [
      { ...customers, name: "customers spread evenly" },
      { ...customers, name: "customers, 95 % of one day", shape: { oneDay } },
    ],
  },
];

/** Documents of which an answer holds few: those of tests/runtime/memory.test.mjs. */
export const LARGE = [
  { ...importOf("orders", 300), name: "orders of 100 lines", shape: { lines: 100 } },
  {
    ...importOf("orders", 300, { products: 120 }),
    name: "orders, products of 438 kB",
    shape: { productBytes: 217_000 },
  },
  { ...importOf("products", 60), name: "products of 901 kB", shape: { productBytes: 448_000 } },
];

/** What a shop needs beside the records that are imported: an order has a customer, and products. */
function shopFor(kind, size) {
  const none = { customers: 0, orders: 0, products: 0, categories: CATEGORIES };
  return kind === "orders" ? { ...none, customers: size, products: 2_000 } : none;
}
