// The complete sample shop: every document that the commercetools sandbox serves by default.

import { categories } from "./categories.mjs";
import { customers } from "./customers.mjs";
import { inventory } from "./inventory.mjs";
import { orders } from "./orders.mjs";
import { payments } from "./payments.mjs";
import { products } from "./products.mjs";
import * as project from "./project.mjs";
import { standalonePrices } from "./standalone-prices.mjs";

const shop = {
  ...project,
  customers,
  categories,
  products,
  inventory,
  standalonePrices,
  orders,
  payments,
};

/** A copy that the caller may change. Its members: sandbox/commercetools/resources.mjs. */
export function sampleShop() {
  return JSON.parse(JSON.stringify(shop));
}
