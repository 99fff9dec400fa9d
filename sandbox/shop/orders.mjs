// The shop's orders: all four states, customers, guests and nobody, five currencies, discounts,
// vouchers, gifts, returns, and one imported from the previous shop.

import { highPrecisionMoney, image, money, refTo } from "./build.mjs";
import { customers } from "./customers.mjs";
import { fixedId } from "./ids.mjs";
import { order } from "./order-parts.mjs";
import { price, product, variant } from "./product-parts.mjs";
import { products } from "./products.mjs";

const theProduct = (n) => products.find(({ id }) => id === fixedId("product", n));

function sampleOrder(n, createdAt, spec) {
  const idOf = (type, part) => fixedId(type, 100 * n + part);
  return order(fixedId("order", n), createdAt, idOf, {
    orderNumber: `F-${2_600_000 + n}`,
    ...spec,
  });
}

/** What an order takes from its customer; `address` is the place of the one used. */
function boughtBy(n, address = 0) {
  const customer = customers.find(({ id }) => id === fixedId("customer", n));
  const { id, email, customerGroup, locale, addresses } = customer;
  return {
    customerId: id,
    customerEmail: email,
    ...(customerGroup && { customerGroup }),
    ...(locale && { locale }),
    billingAddress: addresses[address],
    shippingAddress: addresses[address],
  };
}

const paidBy = (...payments) => ({
  paymentInfo: { payments: payments.map((n) => refTo("payment", n)) },
});

const withCode = (n, state = "MatchesCart") => ({
  discountCodes: [{ discountCode: refTo("discount-code", n), state }],
});

const guestAddress = {
  firstName: "Ida",
  lastName: "Brandt",
  streetName: "Lange Reihe",
  streetNumber: "77",
  postalCode: "20099",
  city: "Hamburg",
  country: "DE",
  phone: "+49 40 66969 123",
  email: "ida.brandt@example.org",
};

/** Ten percent off every line, by a code. */
const withDiscountCode = sampleOrder(1, "2026-05-02T16:41:27.310Z", {
  ...boughtBy(1),
  country: "DE",
  currency: "EUR",
  lines: [
    { product: theProduct(1), sku: "STORM-W-S-BLU", percentOff: 10 },
    { product: theProduct(2), sku: "MER150-BER-S", quantity: 2, percentOff: 10 },
  ],
  shipping: { cents: 490 },
  paymentState: "Pending",
  ...withCode(1),
  ...paidBy(1),
  custom: {
    type: refTo("type", 2),
    fields: { giftMessage: "Alles Gute, Mama!", carbonNeutral: true },
  },
});

/** A discount on the total, and a code that did not match. */
const confirmed = sampleOrder(2, "2026-04-18T07:12:40.000Z", {
  lastModifiedAt: "2026-04-19T06:00:12.500Z",
  ...boughtBy(2, 1),
  country: "GB",
  currency: "GBP",
  lines: [
    { product: theProduct(1), sku: "STORM-W-L-BLU" },
    { product: theProduct(2), sku: "MER150-NVY-XL", quantity: 3 },
    { product: theProduct(5), sku: "VIA-43", price: price(money("GBP", 16900), { country: "GB" }) },
  ],
  offTotal: 2000,
  shipping: { cents: 0 },
  orderState: "Confirmed",
  shipmentState: "Ready",
  paymentState: "Paid",
  ...withCode(2, "NotActive"),
  ...paidBy(2),
});

/** Shipped, one line sent back, and refunded; taxes on top of the prices. */
const returned = sampleOrder(3, "2026-01-22T21:30:05.007Z", {
  lastModifiedAt: "2026-02-14T10:20:30.400Z",
  ...boughtBy(3),
  country: "US",
  currency: "USD",
  lines: [
    { product: theProduct(1), sku: "STORM-W-M-BLU", state: 2 },
    { product: theProduct(3), sku: "CAIRN-28-GRY", state: 2 },
  ],
  shipping: { name: "Express", cents: 1895 },
  deliveries: (lines) => [delivery(301, "2026-01-23T18:00:00.000Z", lines)],
  orderState: "Complete",
  shipmentState: "Delivered",
  paymentState: "CreditOwed",
  returnInfo: [
    {
      items: [
        {
          type: "LineItemReturnItem",
          id: fixedId("return-item", 301),
          quantity: 1,
          lineItemId: fixedId("line-item", 302),
          comment: "Too small",
          shipmentState: "Returned",
          paymentState: "Refunded",
          createdAt: "2026-02-10T09:00:00.000Z",
          lastModifiedAt: "2026-02-14T10:20:30.400Z",
        },
      ],
      returnTrackingId: "RET-55120",
      returnDate: "2026-02-10T09:00:00.000Z",
    },
  ],
  ...paidBy(3),
});

function delivery(n, createdAt, lines) {
  const items = lines.map(({ id, quantity }) => ({ id, quantity }));
  const trackingData = { trackingId: `1Z999AA1${n}`, carrier: "UPS", isReturn: false };
  const parcels = [{ id: fixedId("parcel", n), createdAt, trackingData, items }];
  return { id: fixedId("delivery", n), createdAt, items, parcels };
}

/** Cancelled after it was paid: two refunds, one still on its way. */
const cancelled = sampleOrder(4, "2026-03-01T11:11:11.000Z", {
  lastModifiedAt: "2026-03-05T08:45:00.000Z",
  ...boughtBy(4),
  country: "CH",
  currency: "CHF",
  lines: [
    { product: theProduct(1), sku: "STORM-W-M-BLU" },
    { product: theProduct(7), sku: "HUETTE-38", quantity: 2 },
  ],
  orderState: "Cancelled",
  paymentState: "CreditOwed",
  ...paidBy(4),
});

/** A guest, with gift wrapping and a voucher. */
const guest = sampleOrder(5, "2026-06-11T19:08:00.230Z", {
  customerEmail: "ida.brandt@example.org",
  anonymousId: "6f1c2b52-8a07-4c4e-9b43-0f6f4f5d1a10",
  locale: "de",
  country: "DE",
  currency: "EUR",
  lines: [{ product: theProduct(7), sku: "HUETTE-38" }],
  customLines: [
    { slug: "gift-wrapping", name: { en: "Gift wrapping", de: "Geschenkverpackung" }, cents: 350 },
    { slug: "voucher-ab12", name: { en: "Voucher AB12", de: "Gutschein AB12" }, cents: -1500 },
  ],
  shipping: { cents: 490 },
  billingAddress: guestAddress,
  shippingAddress: guestAddress,
  ...paidBy(5),
});

/** The same guest again; a first attempt to refund it failed. */
const guestRefunded = sampleOrder(6, "2025-12-03T13:37:00.000Z", {
  lastModifiedAt: "2025-12-29T08:00:00.000Z",
  customerEmail: "ida.brandt@example.org",
  country: "DE",
  currency: "EUR",
  lines: [{ product: theProduct(3), sku: "CAIRN-28-GRN" }],
  orderState: "Complete",
  shipmentState: "Shipped",
  paymentState: "Paid",
  billingAddress: guestAddress,
  ...paidBy(6),
});

/** Known by a session only. */
const anonymous = sampleOrder(7, "2026-06-12T05:00:00.000Z", {
  anonymousId: "c0a1f7de-5d2e-4b58-8a67-7f0e3d9b2c44",
  country: "DE",
  currency: "EUR",
  lines: [{ product: theProduct(8), sku: "MUG-ENAMEL", quantity: 4 }],
});

/** Sold over the counter: nobody is known. */
const { orderNumber: _none, ...overTheCounter } = sampleOrder(8, "2026-06-13T15:20:00.000Z", {
  origin: "Merchant",
  country: "DE",
  currency: "EUR",
  lines: [{ product: theProduct(2), sku: "MER150-BLK-M" }],
  orderState: "Complete",
  custom: { type: refTo("type", 2), fields: { salesChannel: "munich-store" } },
});

/** A currency without decimals. */
const inYen = sampleOrder(9, "2026-02-20T01:02:03.000Z", {
  ...boughtBy(11),
  country: "JP",
  currency: "JPY",
  lines: [
    { product: theProduct(1), sku: "STORM-W-S-BLU" },
    { product: theProduct(9), sku: "LAMP-RIDGE", quantity: 2 },
  ],
  shipping: { cents: 1200 },
  orderState: "Confirmed",
});

/** A price finer than a cent, times forty metres, for a company. */
const byTheMetre = sampleOrder(10, "2026-05-28T09:30:00.000Z", {
  ...boughtBy(6),
  purchaseOrderNumber: "HW-2026-17",
  country: "DE",
  currency: "EUR",
  lines: [
    { product: theProduct(6), sku: "ROPE-STATIC-11", quantity: 40 },
    { product: theProduct(5), sku: "VIA-42", price: price(money("EUR", 16990)) },
  ],
  orderState: "Confirmed",
  store: { typeId: "store", key: "dach" },
});

/** The mug is a gift; the red jacket is reduced by a product discount. */
const withGift = sampleOrder(11, "2026-06-14T20:00:59.000Z", {
  ...boughtBy(9),
  country: "DE",
  currency: "EUR",
  lines: [
    { product: theProduct(1), sku: "STORM-W-M-RED" },
    { product: theProduct(3), sku: "CAIRN-28-GRY" },
    { product: theProduct(8), sku: "MUG-ENAMEL", gift: true },
  ],
  shipping: { cents: 0 },
});

const tent = product(fixedId("product", 99), "ridge-tent-2", "2016-01-01T00:00:00.000Z", {
  type: 2,
  data: { name: { en: "Ridge 2 tent" }, slug: { en: "ridge-2-tent" } },
  variants: [
    variant(1, "DISCONTINUED-TENT", {
      prices: [price(money("EUR", 29900))],
      images: [image("ridge-2")],
    }),
  ],
});

/** From the former shop: its product is long gone, and `completedAt` is its real date. */
const imported = sampleOrder(12, "2024-02-02T02:02:02.000Z", {
  orderNumber: "M-2019-0417",
  ...boughtBy(12),
  customerEmail: "sean.obrien@example.com",
  country: "DE",
  currency: "EUR",
  lines: [{ product: tent, sku: "DISCONTINUED-TENT" }],
  orderState: "Complete",
  shipmentState: "Delivered",
  completedAt: "2019-04-17T14:05:00.000Z",
});

/** Cancelled by a guest before it was paid. */
const neverPaid = sampleOrder(13, "2026-06-01T10:10:10.100Z", {
  lastModifiedAt: "2026-06-01T10:31:00.000Z",
  customerEmail: "pat.murphy@example.ie",
  country: "GB",
  currency: "GBP",
  lines: [
    {
      product: theProduct(1),
      sku: "STORM-W-S-BLU",
      price: price(highPrecisionMoney("GBP", 1_790_000, 4)),
    },
  ],
  orderState: "Cancelled",
  paymentState: "Failed",
});

export const orders = [
  ...[guest, inYen, withDiscountCode, imported, returned, neverPaid, overTheCounter],
  ...[confirmed, byTheMetre, cancelled, withGift, anonymous, guestRefunded],
];
