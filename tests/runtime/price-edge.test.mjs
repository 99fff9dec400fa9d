// A price that starts or ends without a notification: through the built worker, in real time. The rule is five minutes;
// these edges are seconds ahead.

import assert from "node:assert/strict";
import { test } from "node:test";
import { message } from "../../sandbox/commercetools/notifications.mjs";
import { money } from "../../sandbox/shop/build.mjs";
import { fixedId } from "../../sandbox/shop/ids.mjs";
import { sampleShop } from "../../sandbox/shop/index.mjs";
import { price } from "../../sandbox/shop/product-parts.mjs";
import { eventually } from "../eventually.mjs";
import { about, klaviyoId, numbered } from "./documents.mjs";
import { useStack } from "./harness.mjs";
import { imported } from "./imports.mjs";

const FIVE_MINUTES_MS = 300_000;

const shop = sampleShop();
const [mug, boots] = [8, 5].map((n) => numbered(shop.products, "product", n));
const stack = useStack({ settings: { PREFERRED_LOCALE: "en-GB", PREFERRED_CURRENCY: "EUR" } });

const priceOf = (sku) =>
  stack.klaviyo.store.variants().find(({ id }) => id === klaviyoId(sku))?.attributes.price;

/** From a few seconds ahead, for a few seconds. */
function soon() {
  const at = (seconds) => new Date(Date.now() + seconds * 1000).toISOString();
  return { validFrom: at(8), validUntil: at(16) };
}

/** The variant has the one price, then for a while the other; and nothing waits for that. */
async function assertOnSale(sku, regular, sale) {
  const until = (expected) =>
    eventually(
      `${sku} at ${expected}`,
      () => priceOf(sku),
      (shown) => shown === expected,
      {
        limitMs: FIVE_MINUTES_MS,
      },
    );
  assert.equal(priceOf(sku), regular);
  assert.equal((await stack.outbox()).oldest, null, "an edge is nothing that waits");
  await until(sale);
  await until(regular);
}

test("a price that a push wrote before it was valid", async () => {
  const { current, ...rest } = mug.masterData;
  const masterVariant = {
    ...current.masterVariant,
    prices: [...current.masterVariant.prices, price(money("EUR", 990), soon())],
  };
  const masterData = { ...rest, current: { ...current, masterVariant } };
  stack.commercetools.put("product", { ...mug, masterData });
  const { status, text } = await stack.push(message("ProductPublished", about("product", mug)));
  assert.ok([202, 204].includes(status), text);
  await stack.drained();
  await assertOnSale("MUG-ENAMEL", 12.9, 9.9);
});

test("a standalone price that an import wrote before it was valid", async () => {
  const [standalone] = shop.standalonePrices;
  const sale = { ...standalone, ...soon(), id: fixedId("standalone-price", 99), key: "sale" };
  stack.commercetools.put("standalone-price", { ...sale, value: money("EUR", 14_900) });
  // Its items are there, so that no job of the import is left in doubt, which would write them later.
  await stack.push(message("ProductPublished", about("product", boots)));
  await stack.drained();
  await imported(stack.worker.url, "products", { ids: [boots.id] });
  await assertOnSale("VIA-42", 189.9, 149);
});
