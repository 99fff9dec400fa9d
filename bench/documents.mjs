// The documents of a generated shop, as commercetools' text: a customer, an order, a product or a category with any
// number. Pure: the same number gives the same document.
//
// For: bench/shop.mjs, and the pushes of the benchmark.
// Not for: queries (shop.mjs), and shops that look real (sandbox/shop).
//
// Ids ascend with the numbers, and so do the times of creation (times.mjs).

import { timesOf } from "./times.mjs";

const CATEGORIES = 50;
const LINES = 3;
const VARIANTS = 5;

/**
 * The makers of a shop's documents, by the resource's path. `sizes` has how many there are of each; of `shape`,
 * `lines` are those of an order, of which one in `longEvery` has `longLines`, `variants` those of a product, and
 * `productBytes` what it carries beside them.
 */
export function documentsOf(sizes, shape = {}) {
  const dated = (make, path) => {
    const times = timesOf(sizes[path] ?? 0, shape);
    return (n) => make(n, new Date(times.at(n)).toISOString(), { sizes, shape });
  };
  const makers = Object.entries(MAKERS);
  return Object.fromEntries(makers.map(([path, make]) => [path, dated(make, path)]));
}

/** The number in an id. */
export function numberOf(text) {
  return Number.parseInt(text.slice(0, 8), 16);
}

const id = (kind, n) => `${n.toString(16).padStart(8, "0")}-0000-4000-8000-${kind}00000000000`;

const euros = (cents) =>
  `{"type":"centPrecision","currencyCode":"EUR","centAmount":${cents},"fractionDigits":2}`;
const base = (kind, n, time) =>
  `"id":"${id(kind, n)}","version":3,"createdAt":"${time}","lastModifiedAt":"${time}"`;

function customer(n, time) {
  return `{${base("c", n, time)},"email":"customer.${n}@example.com","firstName":"Jane","lastName":"Doe ${n}","title":"Dr","companyName":"Example ${n}","customerNumber":"${n}","isEmailVerified":true,"authenticationMode":"Password","addresses":[{"id":"a${n}","firstName":"Jane","lastName":"Doe","streetName":"Example Street","streetNumber":"${n % 200}","postalCode":"10115","city":"Berlin","country":"DE","phone":"030 ${1000000 + (n % 9000000)}"},{"id":"b${n}","firstName":"Jane","lastName":"Doe","streetName":"Other Street","streetNumber":"1","postalCode":"20095","city":"Hamburg","country":"DE"}],"defaultBillingAddressId":"a${n}","billingAddressIds":["a${n}"],"shippingAddressIds":["b${n}"],"defaultShippingAddressId":"b${n}","stores":[],"custom":{"type":{"typeId":"type","id":"${id("f", 1)}"},"fields":{"loyalty":${n % 1000},"newsletter":true}}}`;
}

function line(n, index, product) {
  const sku = `SKU-${product}-1`;
  return `{"id":"${id("d", n * 1000 + index)}","productId":"${id("b", product)}","productKey":"product-${product}","name":{"en":"Product ${product}","de":"Produkt ${product}"},"productType":{"typeId":"product-type","id":"${id("e", 1)}"},"productSlug":{"en":"product-${product}","de":"produkt-${product}"},"variant":{"id":1,"sku":"${sku}","prices":[{"id":"p","value":${euros(1990)}},{"id":"q","country":"GB","value":${euros(2190)}}],"images":[{"url":"https://cdn.example.com/${sku}.jpg","dimensions":{"w":800,"h":600}}],"attributes":[{"name":"brand","value":"Fellweg"},{"name":"size","value":"M"},{"name":"color","value":{"key":"blue","label":"Blue"}}],"assets":[],"availability":{"isOnStock":true,"availableQuantity":12}},"price":{"id":"p","value":${euros(1990)}},"quantity":1,"discountedPricePerQuantity":[],"taxedPrice":{"totalNet":${euros(1672)},"totalGross":${euros(1990)}},"taxRate":{"name":"VAT","amount":0.19,"includedInPrice":true,"country":"DE"},"totalPrice":${euros(1990)},"state":[{"quantity":1,"state":{"typeId":"state","id":"${id("a", 1)}"}}],"priceMode":"Platform","lineItemMode":"Standard","custom":{"type":{"typeId":"type","id":"${id("f", 2)}"},"fields":{"gift":false}}}`;
}

/** How many lines an order has: one in so many has far more than the others. */
function linesOf(n, { lines = LINES, longEvery, longLines }) {
  return longEvery && n % longEvery === longEvery - 1 ? longLines : lines;
}

function order(n, time, { sizes, shape }) {
  const address = `{"id":"a","firstName":"Jane","lastName":"Doe","streetName":"Example Street","streetNumber":"1","postalCode":"10115","city":"Berlin","country":"DE"}`;
  const lines = Array.from({ length: linesOf(n, shape) }, (_, index) =>
    line(n, index, (n * 7 + index * 13) % sizes.products),
  );
  const state = n % 4 === 0 ? "Complete" : "Open";
  return `{${base("a", n, time)},"type":"Order","orderNumber":"${n}","customerId":"${id("c", n % sizes.customers)}","customerEmail":"customer.${n % sizes.customers}@example.com","totalPrice":${euros(5970)},"taxedPrice":{"totalNet":${euros(5016)},"totalGross":${euros(5970)}},"country":"DE","orderState":"${state}","paymentState":"Paid","shipmentState":"Shipped","syncInfo":[],"returnInfo":[],"taxMode":"Platform","inventoryMode":"None","origin":"Customer","shippingMode":"Single","lineItems":[${lines.join(",")}],"customLineItems":[],"transactionFee":true,"discountCodes":[],"directDiscounts":[],"billingAddress":${address},"shippingAddress":${address},"itemShippingAddresses":[],"refusedGifts":[]}`;
}

const category = (n, time) =>
  `{${base("9", n, time)},"name":{"en":"Category ${n}","de":"Kategorie ${n}"},"slug":{"en":"category-${n}"},"ancestors":[],"orderHint":"0.${n + 1}"}`;

function variant(n, index) {
  return `{"id":${index + 1},"sku":"SKU-${n}-${index + 1}","prices":[{"id":"p","value":${euros(1990)}},{"id":"q","country":"GB","value":${euros(2190)}}],"images":[{"url":"https://cdn.example.com/${n}-${index}.jpg","dimensions":{"w":800,"h":600}}],"attributes":[{"name":"brand","value":"Fellweg"},{"name":"size","value":"${index}"},{"name":"color","value":{"key":"blue","label":"Blue"}}],"assets":[],"availability":{"isOnStock":true,"availableQuantity":${n % 50}}}`;
}

function product(n, time, { shape }) {
  // What no one reads: assets, search keywords, staged texts.
  const beside = "x".repeat(shape.productBytes ?? 0);
  const variants = Array.from({ length: shape.variants ?? VARIANTS }, (_, index) =>
    variant(n, index),
  );
  const of = n % CATEGORIES;
  const data = `{"name":{"en":"Product ${n}","de":"Produkt ${n}"},"description":{"en":"${"Made for long days outside. ".repeat(8)}"},"slug":{"en":"product-${n}","de":"produkt-${n}"},"categories":[{"typeId":"category","id":"${id("9", of)}","obj":${category(of, time)}}],"masterVariant":${variants[0]},"variants":[${variants.slice(1).join(",")}],"searchKeywords":{"en":[{"text":"${beside}"}]},"attributes":[]}`;
  return `{${base("b", n, time)},"key":"product-${n}","productType":{"typeId":"product-type","id":"${id("e", 1)}"},"priceMode":"Embedded","masterData":{"published":true,"hasStagedChanges":false,"current":${data},"staged":${data}},"lastVariantId":${variants.length}}`;
}

const MAKERS = { customers: customer, orders: order, products: product, categories: category };
