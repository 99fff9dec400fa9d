// The prices of the one product whose `priceMode` is "Standalone". Among them: two countries, a
// customer group, an inactive price, an expired one, and a reduced one.

import { money, refTo, resource } from "./build.mjs";
import { fixedId } from "./ids.mjs";
import { discounted } from "./product-parts.mjs";

const SET = "2025-01-10T09:00:00.000Z";

/** [sku, value, what else there is to it] */
const PRICES = [
  ["VIA-42", money("EUR", 18990)],
  ["VIA-42", money("EUR", 16990), { customerGroup: refTo("customer-group", 2) }],
  ["VIA-42", money("CHF", 19900), { country: "CH" }],
  ["VIA-42", money("EUR", 9900), { active: false }],
  ["VIA-43", money("EUR", 14990), { validUntil: "2025-02-01T00:00:00.000Z" }],
  ["VIA-43", money("EUR", 18990), discounted(money("EUR", 17091))],
  ["VIA-43", money("GBP", 16900), { country: "GB" }],
];

export const standalonePrices = PRICES.map(([sku, value, rest], index) => ({
  ...resource(fixedId("standalone-price", index + 1), SET),
  key: `${sku.toLowerCase()}-${index + 1}`,
  sku,
  value,
  active: true,
  ...rest,
}));
