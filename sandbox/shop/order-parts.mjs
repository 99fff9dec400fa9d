// The parts of an order: lines with a snapshot of their variant, custom lines, shipping, taxes, and
// totals that add up. For: the sample shop and generated ones. No orders here.
//
// It rounds to the nearest cent, while commercetools rounds half to even; the sums match anyway.

import { money, refTo, resource, sum } from "./build.mjs";
import { derivedId, fixedId } from "./ids.mjs";
import { allVariants } from "./product-parts.mjs";

/** [name, rate, whether prices include it] */
const TAXES = {
  CH: ["8,1 % MwSt.", 0.081, true],
  DE: ["19 % MwSt.", 0.19, true],
  GB: ["20 % VAT", 0.2, true],
  JP: ["消費税 10 %", 0.1, true],
  US: ["Sales tax", 0.0881, false],
};

export function taxRate(country) {
  const [name, amount, includedInPrice] = TAXES[country];
  return {
    id: fixedId("tax-rate", Object.keys(TAXES).indexOf(country)),
    name,
    amount,
    includedInPrice,
    country,
  };
}

function taxed(total, { name, amount, includedInPrice }) {
  const { currencyCode, centAmount } = total;
  const net = includedInPrice ? Math.round(centAmount / (1 + amount)) : centAmount;
  const gross = includedInPrice ? centAmount : Math.round(centAmount * (1 + amount));
  const tax = money(currencyCode, gross - net);
  return {
    totalNet: money(currencyCode, net),
    totalGross: money(currencyCode, gross),
    taxPortions: [{ name, rate: amount, amount: tax }],
    totalTax: tax,
  };
}

/** The price that commercetools would select for a guest. */
export function selectPrice(prices, currencyCode, country) {
  const open = ({ customerGroup, channel, validFrom, validUntil }) =>
    !customerGroup && !channel && !validFrom && !validUntil;
  const inCurrency = prices.filter(
    (price) => open(price) && price.value.currencyCode === currencyCode,
  );
  return (
    inCurrency.find((price) => price.country === country) ??
    inCurrency.find((price) => !price.country)
  );
}

/**
 * A line of `{ product, sku, quantity }`. `price` where none is to be selected; `percentOff` of
 * the discount code; `gift` for what a cart discount adds without charge; `state` 2 is "shipped".
 */
export function lineItem(id, addedAt, country, currencyCode, spec) {
  const { product, sku, quantity = 1, percentOff = 0, gift = false, state = 1 } = spec;
  const { name, slug } = product.masterData.current;
  const variant = allVariants(product).find((each) => each.sku === sku);
  const given = spec.price && { id: derivedId(`price of ${id}`), ...spec.price };
  const price = given ?? selectPrice(variant.prices, currencyCode, country);
  const full = price.discounted?.value ?? price.value;
  const off = gift ? full.centAmount : Math.round((full.centAmount * percentOff) / 100);
  const charged = (amountOf(full) - off) * quantity;
  const totalPrice = money(currencyCode, Math.round(charged));
  const rate = taxRate(country);
  const discount = refTo("cart-discount", gift ? 2 : 1);
  const discountedAmount = money(currencyCode, off);
  const discountedPrice = {
    value: money(currencyCode, full.centAmount - off),
    includedDiscounts: [{ discount, discountedAmount }],
  };
  return {
    id,
    productId: product.id,
    productKey: product.key,
    name,
    productType: product.productType,
    productSlug: slug,
    variant,
    price,
    quantity,
    discountedPricePerQuantity: off > 0 ? [{ quantity, discountedPrice }] : [],
    perMethodTaxRate: [],
    addedAt,
    lastModifiedAt: addedAt,
    state: [{ quantity, state: refTo("state", state) }],
    priceMode: "Platform",
    lineItemMode: gift ? "GiftLineItem" : "Standard",
    totalPrice,
    taxRate: rate,
    taxedPrice: taxed(totalPrice, rate),
    taxedPricePortions: [],
  };
}

/** In cents, with their fraction where the money is more precise. */
function amountOf({ type, centAmount, preciseAmount, currencyCode, fractionDigits }) {
  if (type === "centPrecision") return centAmount;
  return preciseAmount / 10 ** (fractionDigits - money(currencyCode, 0).fractionDigits);
}

/** `{ slug, name, cents }`; a negative amount is a voucher. */
export function customLineItem(id, country, currencyCode, { slug, name, cents, quantity = 1 }) {
  const totalPrice = money(currencyCode, cents * quantity);
  const rate = taxRate(country);
  return {
    id,
    name,
    money: money(currencyCode, cents),
    slug,
    quantity,
    totalPrice,
    state: [{ quantity, state: refTo("state", 1) }],
    taxCategory: refTo("tax-category", 1),
    taxRate: rate,
    taxedPrice: taxed(totalPrice, rate),
    taxedPricePortions: [],
    perMethodTaxRate: [],
    discountedPricePerQuantity: [],
    priceMode: "Standard",
  };
}

function shippingInfo(country, currencyCode, { name = "Standard", cents, deliveries = [] }) {
  const price = money(currencyCode, cents);
  const rate = taxRate(country);
  return {
    shippingMethodName: name,
    price,
    shippingRate: { price, tiers: [] },
    taxRate: rate,
    taxCategory: refTo("tax-category", 1),
    taxedPrice: taxed(price, rate),
    deliveries,
    shippingMethodState: "MatchesCart",
  };
}

/**
 * An order, with totals over its lines, custom lines and shipping. `idOf(type, n)` names the parts.
 * `offTotal` is a discount on the total price, in cents. Whatever else `spec` has is the order's.
 */
export function order(id, createdAt, idOf, spec) {
  const { country, currency, lines = [], customLines = [], shipping, offTotal = 0, ...rest } = spec;
  const { lastModifiedAt, deliveries, ...fields } = rest;
  const lineItems = lines.map((line, n) =>
    lineItem(idOf("line-item", n + 1), createdAt, country, currency, line),
  );
  const customLineItems = customLines.map((line, n) =>
    customLineItem(idOf("custom-line-item", n + 1), country, currency, line),
  );
  const charged = [...lineItems, ...customLineItems];
  const info =
    shipping &&
    shippingInfo(country, currency, { ...shipping, deliveries: deliveries?.(lineItems) });
  const parts = [...charged.map(({ totalPrice }) => totalPrice), ...(info ? [info.price] : [])];
  const totalPrice = sum([...parts, money(currency, -offTotal)]);
  const discountedAmount = money(currency, offTotal);
  const includedDiscounts = [{ discount: refTo("cart-discount", 3), discountedAmount }];
  return {
    type: "Order",
    ...resource(id, createdAt, { lastModifiedAt }),
    totalPrice,
    taxedPrice: taxed(totalPrice, taxRate(country)),
    ...(info && { shippingInfo: info, taxedShippingPrice: info.taxedPrice }),
    ...(offTotal > 0 && { discountOnTotalPrice: { discountedAmount, includedDiscounts } }),
    country,
    orderState: "Open",
    syncInfo: [],
    returnInfo: [],
    taxMode: "Platform",
    inventoryMode: "None",
    taxRoundingMode: "HalfEven",
    taxCalculationMode: "LineItemLevel",
    origin: "Customer",
    shippingMode: "Single",
    shipping: [],
    lineItems,
    customLineItems,
    directDiscounts: [],
    discountCodes: [],
    itemShippingAddresses: [],
    refusedGifts: [],
    ...fields,
  };
}
