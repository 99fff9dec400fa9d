// A shop of any size, for tests of paging and for the benchmarks: the same seed and sizes give the
// same documents. It has the same parts as the sample shop, but no deliberately odd cases.
// Documents share parts (an order its variant with the product), so copy one before you change it.

import { seededRandom } from "../faults.mjs";
import { image, money, reference, refTo, resource } from "./build.mjs";
import { categories } from "./categories.mjs";
import { order } from "./order-parts.mjs";
import { price, product, stockEntry, variant, withAvailability } from "./product-parts.mjs";
import * as project from "./project.mjs";

/** commercetools' limit, master variant included. */
const MAX_VARIANTS = 100;

const FIRST = Date.parse("2024-07-01T00:00:00.000Z");
const LAST = Date.parse("2026-06-30T00:00:00.000Z");

const NAMES = {
  first: ["Lena", "Oliver", "Amélie", "Jonas", "Priya", "Mateo", "Sofia", "Emil", "Grace", "Yusuf"],
  last: [
    "Schmidt",
    "Taylor",
    "Dubois",
    "Keller",
    "Shah",
    "Rossi",
    "Novák",
    "Berg",
    "Okafor",
    "Yılmaz",
  ],
  product: ["jacket", "trousers", "fleece", "backpack", "gloves", "beanie", "poles", "tent"],
  range: ["Arve", "Birch", "Cirrus", "Dune", "Edelweiss", "Firn", "Glen", "Horn"],
};

/** [country, phone number] */
const PHONES = [
  ["DE", "0151 23456789"],
  ["GB", "+44 20 7946 0018"],
  ["US", "(201) 555-0123"],
  ["CH", "+41 78 123 45 67"],
];

export function generateShop({
  seed = 1,
  customers = 100,
  orders = 200,
  products = 50,
  variantsPerProduct = 3,
  linesPerOrder = 2,
} = {}) {
  if (variantsPerProduct < 1 || variantsPerProduct > MAX_VARIANTS) {
    throw new RangeError(`A product has 1 to ${MAX_VARIANTS} variants`);
  }
  if (orders * linesPerOrder > 0 && products < 1) throw new RangeError("Lines need a product");
  const chance = createChance(seed);
  const people = times(customers, (n) => generateCustomer(chance, n));
  const goods = times(products, (n) => generateProduct(chance, n, variantsPerProduct));
  const inventory = goods.flatMap(({ masterData: { current } }) =>
    [current.masterVariant, ...current.variants].map(({ sku }) =>
      stockEntry(chance.uuid(), sku, chance.time(), chance.upTo(40)),
    ),
  );
  const tracked = withAvailability(goods, inventory);
  const bought = times(orders, (n) => generateOrder(chance, n, people, tracked, linesPerOrder));
  const payments = bought.flatMap((order) => generatePayment(chance, order) ?? []);
  return {
    ...structuredClone({ ...project, categories }),
    customers: people,
    products: tracked,
    inventory,
    standalonePrices: [],
    orders: bought,
    payments,
  };
}

function createChance(seed) {
  const random = seededRandom(seed);
  const upTo = (limit) => Math.floor(random() * limit);
  const hex = (digits) => times(digits, () => upTo(16).toString(16)).join("");
  return {
    upTo,
    pick: (list) => list[upTo(list.length)],
    uuid: () => [hex(8), hex(4), `4${hex(3)}`, `${"89ab"[upTo(4)]}${hex(3)}`, hex(12)].join("-"),
    time: () => new Date(FIRST + upTo(LAST - FIRST)).toISOString(),
  };
}

function times(count, make) {
  return Array.from({ length: count }, (_, n) => make(n));
}

function generateCustomer(chance, n) {
  const [firstName, lastName] = [chance.pick(NAMES.first), chance.pick(NAMES.last)];
  const [country, phone] = chance.pick(PHONES);
  const id = `addr${String(n).padStart(8, "0")}`;
  const home = { id, country, firstName, lastName, city: "Talheim", postalCode: "10115", phone };
  const addresses = n % 5 === 0 ? [] : [home];
  return {
    ...resource(chance.uuid(), chance.time()),
    customerNumber: `G-${n}`,
    email: `customer.${n}@example.com`,
    firstName,
    lastName,
    addresses,
    shippingAddressIds: [],
    billingAddressIds: addresses.map((address) => address.id),
    isEmailVerified: true,
    customerGroupAssignments: [],
    stores: [],
    authenticationMode: "Password",
    custom: {
      type: refTo("type", 1),
      fields: { newsletter: n % 2 === 0, loyaltyPoints: chance.upTo(2000) },
    },
  };
}

function generateProduct(chance, n, variants) {
  const name = `${chance.pick(NAMES.range)} ${chance.pick(NAMES.product)} ${n}`;
  const slug = name.toLowerCase().replaceAll(" ", "-");
  const cents = 1000 + chance.upTo(30_000);
  return product(chance.uuid(), slug, chance.time(), {
    data: {
      name: { en: name, de: `${name} (de)` },
      slug: { en: slug, de: `${slug}-de` },
      description: { en: `Made for long days outside: the ${name}.` },
      categories: [reference("category", chance.pick(categories).id)],
    },
    variants: times(variants, (index) =>
      variant(index + 1, `GEN-${n}-${index + 1}`, {
        prices: [price(money("EUR", cents)), price(money("GBP", cents), { country: "GB" })],
        images: [image(slug)],
        brand: "Fellweg",
        size: String(36 + index),
      }),
    ),
  });
}

function generateOrder(chance, n, customers, products, lines) {
  const customer = n % 3 === 0 ? undefined : customers[chance.upTo(customers.length)];
  const buyer = customer
    ? { customerId: customer.id, customerEmail: customer.email }
    : { customerEmail: `guest.${n}@example.com` };
  const address = { country: "DE", city: "Talheim", postalCode: "10115", lastName: "Gast" };
  const chosen = times(lines, () => chance.pick(products));
  return order(chance.uuid(), chance.time(), () => chance.uuid(), {
    orderNumber: `G-${n}`,
    ...buyer,
    country: "DE",
    currency: "EUR",
    lines: chosen.map((product) => ({
      product,
      sku: chance.pick([
        product.masterData.current.masterVariant,
        ...product.masterData.current.variants,
      ]).sku,
      quantity: 1 + chance.upTo(3),
    })),
    shipping: { cents: 490 },
    orderState: chance.pick(["Open", "Confirmed", "Complete", "Cancelled"]),
    billingAddress: customer?.addresses[0] ?? address,
    ...(n % 4 === 0 && { paymentInfo: { payments: [reference("payment", chance.uuid())] } }),
  });
}

/** Every second payment was given back in part. */
function generatePayment(chance, { id, createdAt, totalPrice, paymentInfo }) {
  if (!paymentInfo) return undefined;
  const transaction = (type, amount) => ({
    id: chance.uuid(),
    timestamp: createdAt,
    type,
    amount,
    state: "Success",
  });
  const refund = money(totalPrice.currencyCode, Math.ceil(totalPrice.centAmount / 2));
  const charged = [transaction("Charge", totalPrice)];
  return {
    ...resource(paymentInfo.payments[0].id, createdAt),
    key: `payment-${id}`,
    amountPlanned: totalPrice,
    paymentMethodInfo: { paymentInterface: "ExamplePay", method: "card" },
    paymentStatus: {},
    transactions: chance.upTo(2) === 0 ? charged : [...charged, transaction("Refund", refund)],
    interfaceInteractions: [],
  };
}
