// Nothing newer is overwritten: concurrent pushes about one resource, with calls that are carried
// out late.

import assert from "node:assert/strict";
import { test } from "node:test";
import { change, message } from "../../sandbox/commercetools/notifications.mjs";
import { seededRandom } from "../../sandbox/faults.mjs";
import { sampleShop } from "../../sandbox/shop/index.mjs";
import { allVariants } from "../../sandbox/shop/product-parts.mjs";
import { eventually } from "../eventually.mjs";
import { seedFor } from "../seed.mjs";
import { about, changed, klaviyoId, variantOf } from "./documents.mjs";
import { useStack } from "./harness.mjs";

const shop = sampleShop();
const [customer] = shop.customers;
const product = shop.products.find(({ masterData }) => masterData.published);

const stack = useStack({
  settings: { CONFIG: JSON.stringify({ customer: { deletion: "erase" } }) },
});
const { expectStatus, drained } = stack;

const profile = () => stack.klaviyo.store.profileByExternalId(customer.id);
const item = () => stack.klaviyo.store.items().find(({ id }) => id === klaviyoId(product.id));

/** A push whose first write is carried out only after what `meanwhile` does. */
async function overtaken(path, older, meanwhile) {
  const method = "POST";
  let write;
  const until = new Promise((resolve) => {
    write = resolve;
  });
  stack.klaviyo.faults.add({ method, path, until, times: 1 });
  const under_way = expectStatus(204, older);
  await eventually("the older write to be under way", () =>
    stack.klaviyo.requests.some(
      (request) => request.method === method && request.path.startsWith(path) && !request.status,
    ),
  );
  await meanwhile();
  write();
  await under_way;
}

test("a customer keeps the newer name", async () => {
  await overtaken("/api/profile-import", changed("customer", customer), async () => {
    stack.commercetools.put("customer", { ...customer, firstName: "Newer" });
    await expectStatus(204, changed("customer", customer));
    assert.equal(profile().attributes.first_name, "Newer");
  });
  assert.equal(profile().attributes.first_name, "Newer");
});

test("a product that is taken from sale beside its change does not come back", async () => {
  const published = message("ProductPublished", about("product", product));
  await overtaken("/api/catalog-items", published, async () => {
    const masterData = { ...product.masterData, published: false };
    stack.commercetools.put("product", { ...product, masterData });
    await expectStatus(204, message("ProductUnpublished", about("product", product)));
  });
  assert.equal(item(), undefined);
  const left = allVariants(product).map(({ sku }) => klaviyoId(sku));
  assert.ok(!stack.klaviyo.store.variants().some(({ id }) => left.includes(id)));
});

test("who is erased beside a change stays erased", async () => {
  await expectStatus(204, changed("customer", customer));
  await overtaken("/api/profile-import", changed("customer", customer), async () => {
    stack.commercetools.remove("customer", customer.id);
    const erased = change("ResourceDeleted", about("customer", customer), { dataErasure: true });
    await expectStatus(204, erased);
    await eventually("the profile to be gone", profile, (found) => found === undefined);
  });
  await drained();
  await eventually("the profile to be gone again", profile, (found) => found === undefined);
});

/** Begins an import whose jobs take a while; when Klaviyo has one of them, `meanwhile` happens. */
async function beside(kind, job, meanwhile) {
  stack.klaviyo.settings.jobMs = { min: 3_000, max: 3_000 };
  assert.equal((await stack.admin("POST", `/sync/${kind}`)).status, 202);
  await eventually("a job", () => stack.klaviyo.requests.some(({ path }) => path === job));
  await meanwhile();
  await eventually(
    "the end of the import",
    async () => (await stack.admin("GET", `/sync/${kind}`)).body.current.state,
    (state) => state === "completed",
    { limitMs: 120_000 },
  );
  stack.klaviyo.settings.jobMs = { min: 200, max: 500 };
  await drained();
}

test("who is erased beside an import stays erased", async () => {
  await beside("customers", "/api/profile-bulk-import-jobs", async () => {
    stack.commercetools.remove("customer", customer.id);
    const erased = change("ResourceDeleted", about("customer", customer), { dataErasure: true });
    const { status, text } = await stack.push(erased);
    assert.ok([202, 204].includes(status), text);
  });
  await eventually("the profile to be gone", profile, (found) => found === undefined);
});

test("a product that is deleted beside an import does not come back", async () => {
  await beside("products", "/api/catalog-item-bulk-create-jobs", async () => {
    stack.commercetools.remove("product", product.id);
    const { status, text } = await stack.push(change("ResourceDeleted", about("product", product)));
    assert.ok([202, 204].includes(status), text);
  });
  await eventually("the item to be gone", item, (found) => found === undefined);
});

test("stock that changes again and again beside itself ends as the shop has it", async () => {
  const random = seededRandom(seedFor("when stock is pushed"));
  const [some] = shop.inventory.filter(({ supplyChannel }) => !supplyChannel);
  stack.klaviyo.hold("item", { attributes: { external_id: "jitter", title: "I" } });
  const counted = Array.from({ length: 117 }, (_, n) => ({
    ...some,
    id: `00000000-0000-4000-8000-${String(n).padStart(12, "0")}`,
    sku: `JITTER-${n}`,
  }));
  for (const { sku } of counted) stack.klaviyo.hold("variant", variantOf("jitter", sku));
  // Nothing but jitter, with medians of 40 and 120 ms.
  stack.commercetools.faults.add({ jitterMs: 40 });
  stack.klaviyo.faults.add({ jitterMs: 120 });
  const pushes = [];
  for (let round = 1; round <= 6; round += 1) {
    for (const entry of counted) {
      stack.commercetools.put("inventory-entry", { ...entry, availableQuantity: round * 10 });
      pushes.push(stack.push(changed("inventory-entry", entry)));
      await new Promise((resolve) => setTimeout(resolve, 5 * random()));
    }
  }
  for (const { status, text } of await Promise.all(pushes)) {
    assert.ok([202, 204].includes(status), text);
  }
  stack.commercetools.faults.clear();
  stack.klaviyo.faults.clear();
  await drained();
  const stale = counted.filter(({ sku }) => {
    const variant = stack.klaviyo.store.variants().find(({ id }) => id === klaviyoId(sku));
    return variant.attributes.inventory_quantity !== 60;
  });
  assert.deepEqual(
    stale.map(({ sku }) => sku),
    [],
    "stale stock",
  );
});
