// A commercetools of any size that answers as fast as it can, after a settable latency: its
// documents are made when they are asked for.
//
// For: the benchmark, in a process of its own. It knows the queries of an import and no others.
// Not for: tests; those have sandbox/commercetools, which knows what commercetools refuses.
//
// Record number n was created at FIRST + n * STEP, and ids are in the order of the numbers, so any
// page is found without a search.

import { createServer } from "node:http";

const FIRST = Date.UTC(2020, 0, 1);
const STEP = 60_000;
const CATEGORIES = 50;
const LINES = 3;
const VARIANTS = 5;

const time = (n) => new Date(FIRST + n * STEP).toISOString();
const id = (kind, n) => `${n.toString(16).padStart(8, "0")}-0000-4000-8000-${kind}00000000000`;
const numberOf = (text) => Number.parseInt(text.slice(0, 8), 16);

const euros = (cents) =>
  `{"type":"centPrecision","currencyCode":"EUR","centAmount":${cents},"fractionDigits":2}`;
const base = (kind, n) =>
  `"id":"${id(kind, n)}","version":3,"createdAt":"${time(n)}","lastModifiedAt":"${time(n)}"`;

function customer(n) {
  return `{${base("c", n)},"email":"customer.${n}@example.com","firstName":"Jane","lastName":"Doe ${n}","title":"Dr","companyName":"Example ${n}","customerNumber":"${n}","isEmailVerified":true,"authenticationMode":"Password","addresses":[{"id":"a${n}","firstName":"Jane","lastName":"Doe","streetName":"Example Street","streetNumber":"${n % 200}","postalCode":"10115","city":"Berlin","country":"DE","phone":"030 ${1000000 + (n % 9000000)}"},{"id":"b${n}","firstName":"Jane","lastName":"Doe","streetName":"Other Street","streetNumber":"1","postalCode":"20095","city":"Hamburg","country":"DE"}],"defaultBillingAddressId":"a${n}","billingAddressIds":["a${n}"],"shippingAddressIds":["b${n}"],"defaultShippingAddressId":"b${n}","stores":[],"custom":{"type":{"typeId":"type","id":"${id("f", 1)}"},"fields":{"loyalty":${n % 1000},"newsletter":true}}}`;
}

function line(n, index, product) {
  const sku = `SKU-${product}-1`;
  return `{"id":"${id("d", n * 1000 + index)}","productId":"${id("b", product)}","productKey":"product-${product}","name":{"en":"Product ${product}","de":"Produkt ${product}"},"productType":{"typeId":"product-type","id":"${id("e", 1)}"},"productSlug":{"en":"product-${product}","de":"produkt-${product}"},"variant":{"id":1,"sku":"${sku}","prices":[{"id":"p","value":${euros(1990)}},{"id":"q","country":"GB","value":${euros(2190)}}],"images":[{"url":"https://cdn.example.com/${sku}.jpg","dimensions":{"w":800,"h":600}}],"attributes":[{"name":"brand","value":"Fellweg"},{"name":"size","value":"M"},{"name":"color","value":{"key":"blue","label":"Blue"}}],"assets":[],"availability":{"isOnStock":true,"availableQuantity":12}},"price":{"id":"p","value":${euros(1990)}},"quantity":1,"discountedPricePerQuantity":[],"taxedPrice":{"totalNet":${euros(1672)},"totalGross":${euros(1990)}},"taxRate":{"name":"VAT","amount":0.19,"includedInPrice":true,"country":"DE"},"totalPrice":${euros(1990)},"state":[{"quantity":1,"state":{"typeId":"state","id":"${id("a", 1)}"}}],"priceMode":"Platform","lineItemMode":"Standard","custom":{"type":{"typeId":"type","id":"${id("f", 2)}"},"fields":{"gift":false}}}`;
}

/** How many lines an order has: one in so many has far more than the others. */
function linesOf(n, { lines = LINES, longEvery, longLines }) {
  return longEvery && n % longEvery === longEvery - 1 ? longLines : lines;
}

function order(n, sizes) {
  const address = `{"id":"a","firstName":"Jane","lastName":"Doe","streetName":"Example Street","streetNumber":"1","postalCode":"10115","city":"Berlin","country":"DE"}`;
  const lines = Array.from({ length: linesOf(n, shape) }, (_, index) =>
    line(n, index, (n * 7 + index * 13) % sizes.products),
  );
  const state = n % 4 === 0 ? "Complete" : "Open";
  return `{${base("a", n)},"type":"Order","orderNumber":"${n}","customerId":"${id("c", n % sizes.customers)}","customerEmail":"customer.${n % sizes.customers}@example.com","totalPrice":${euros(5970)},"taxedPrice":{"totalNet":${euros(5016)},"totalGross":${euros(5970)}},"country":"DE","orderState":"${state}","paymentState":"Paid","shipmentState":"Shipped","syncInfo":[],"returnInfo":[],"taxMode":"Platform","inventoryMode":"None","origin":"Customer","shippingMode":"Single","lineItems":[${lines.join(",")}],"customLineItems":[],"transactionFee":true,"discountCodes":[],"directDiscounts":[],"billingAddress":${address},"shippingAddress":${address},"itemShippingAddresses":[],"refusedGifts":[]}`;
}

const category = (n) =>
  `{${base("9", n)},"name":{"en":"Category ${n}","de":"Kategorie ${n}"},"slug":{"en":"category-${n}"},"ancestors":[],"orderHint":"0.${n + 1}"}`;

function variant(n, index) {
  return `{"id":${index + 1},"sku":"SKU-${n}-${index + 1}","prices":[{"id":"p","value":${euros(1990)}},{"id":"q","country":"GB","value":${euros(2190)}}],"images":[{"url":"https://cdn.example.com/${n}-${index}.jpg","dimensions":{"w":800,"h":600}}],"attributes":[{"name":"brand","value":"Fellweg"},{"name":"size","value":"${index}"},{"name":"color","value":{"key":"blue","label":"Blue"}}],"assets":[],"availability":{"isOnStock":true,"availableQuantity":${n % 50}}}`;
}

function product(n) {
  // What no one reads: assets, search keywords, staged texts.
  const beside = "x".repeat(shape.productBytes ?? 0);
  const variants = Array.from({ length: shape.variants ?? VARIANTS }, (_, index) =>
    variant(n, index),
  );
  const of = n % CATEGORIES;
  const data = `{"name":{"en":"Product ${n}","de":"Produkt ${n}"},"description":{"en":"${"Made for long days outside. ".repeat(8)}"},"slug":{"en":"product-${n}","de":"produkt-${n}"},"categories":[{"typeId":"category","id":"${id("9", of)}","obj":${category(of)}}],"masterVariant":${variants[0]},"variants":[${variants.slice(1).join(",")}],"searchKeywords":{"en":[{"text":"${beside}"}]},"attributes":[]}`;
  return `{${base("b", n)},"key":"product-${n}","productType":{"typeId":"product-type","id":"${id("e", 1)}"},"priceMode":"Embedded","masterData":{"published":true,"hasStagedChanges":false,"current":${data},"staged":${data}},"lastVariantId":${variants.length}}`;
}

const MAKERS = { customers: customer, orders: order, products: product, categories: category };

function answer(path, query, sizes) {
  const make = MAKERS[path];
  const total = sizes[path] ?? 0;
  if (!make) return { results: [] };
  const predicate = query.get("where") ?? "";
  const listed = /^id in \((.*)\)$/.exec(predicate);
  const limit = Number(query.get("limit"));
  let numbers;
  if (listed) {
    numbers = [...listed[1].matchAll(/"([^"]*)"/g)].map((match) => numberOf(match[1]));
  } else {
    const at = (pattern, otherwise) => {
      const found = pattern.exec(predicate);
      return found ? Math.ceil((Date.parse(found[1]) - FIRST) / STEP) : otherwise;
    };
    // Nothing was changed since it was created.
    const since = at(/lastModifiedAt >= "([^"]*)"/, 0);
    const from = Math.max(at(/createdAt >= "([^"]*)"/, 0), since);
    const to = Math.min(at(/createdAt < "([^"]*)"/, total), total);
    const after = /id > "([^"]*)"/.exec(predicate);
    const first = Math.max(from, after ? numberOf(after[1]) + 1 : 0);
    if (query.get("sort") === "createdAt desc") numbers = to > from ? [to - 1] : [];
    else
      numbers = Array.from(
        { length: Math.max(0, Math.min(limit, to - first)) },
        (_, n) => first + n,
      );
    if (query.get("withTotal") === "true")
      return page(numbers, make, sizes, counted(Math.max(0, to - from), predicate));
  }
  return page(numbers, make, sizes);
}

/** Where there is a predicate, commercetools counts up to 10,000. */
const counted = (total, predicate) => (predicate ? Math.min(total, 10_000) : total);

function page(numbers, make, sizes, total) {
  const documents = numbers.map((n) => make(n, sizes)).join(",");
  const told = total === undefined ? "" : `,"total":${total}`;
  return `{"limit":500,"offset":0,"count":${numbers.length},"results":[${documents}]${told}}`;
}

const { sizes, latencyMs, shape = {} } = JSON.parse(process.argv[2]);
let requests = 0;
const server = createServer((request, response) => {
  request.resume();
  request.on("end", () => {
    const url = new URL(request.url, "http://localhost");
    const [path, one] = url.pathname.split("/").slice(2);
    requests += 1;
    const send = (body) => {
      response.setHeader("content-type", "application/json");
      response.end(typeof body === "string" ? body : JSON.stringify(body));
    };
    if (url.pathname.endsWith("/token"))
      return send({ access_token: "t", expires_in: 172_800, scope: "" });
    if (path === undefined) return send({ key: "shop", productCatalogModel: "Classic" });
    const make = MAKERS[path];
    if (one && !make) {
      response.statusCode = 404;
      return send({ statusCode: 404, message: "no such document", errors: [] });
    }
    const body = () => (one ? make(numberOf(one), sizes) : answer(path, url.searchParams, sizes));
    setTimeout(() => send(body()), latencyMs);
  });
});
server.keepAliveTimeout = 65_000;
server.listen(0, "127.0.0.1", () => process.send({ port: server.address().port }));
process.on("message", () => process.send(requests));
