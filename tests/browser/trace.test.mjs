// The search box on the dashboard: where an order, a product or a person is.

import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach, test } from "node:test";
import { message } from "../../sandbox/commercetools/notifications.mjs";
import { sampleShop } from "../../sandbox/shop/index.mjs";
import { changed, numbered } from "../runtime/documents.mjs";
import { start } from "../runtime/harness.mjs";
import { accessible, launch, openDesk, PHONE } from "./browser.mjs";

const shop = sampleShop();
const [customer] = shop.customers;
const [order, anonymous] = [1, 7].map((n) => numbered(shop.orders, "order", n));

let stack;
let browser;
let desk;
before(async () => {
  stack = await start();
  browser = await launch();
  const resource = { typeId: "order", id: order.id };
  assert.equal((await stack.push(message("OrderCreated", resource, { order }))).status, 204);
  assert.equal((await stack.push(changed("customer", customer))).status, 204);
});
after(async () => {
  await browser.close();
  await stack.close();
});
beforeEach(async () => {
  // axe-core is put into the page, which its policy forbids; what the policy does is tested elsewhere.
  desk = await openDesk(browser, stack.worker.url, { bypassCSP: true });
});
afterEach(() => desk.close());

const room = (page) => page.getByRole("region", { name: "Trace", exact: true });
const parts = async (page) => {
  const rows = await room(page).getByRole("listitem").all();
  return Promise.all(
    rows.map(async (row) => [
      await row.locator("strong").textContent(),
      await row.getAttribute("data-verdict"),
    ]),
  );
};

/** Looks for it, by the keyboard. */
async function find(page, by, value) {
  await page.getByLabel("Looked for by", { exact: true }).selectOption(by);
  await page.getByRole("searchbox", { name: "Where is …" }).fill(value);
  await page.keyboard.press("Enter");
}

test("an order is found by its number, and each part of it has its verdict", async () => {
  const { page } = desk;
  await find(page, "Order number", order.orderNumber);
  await room(page).getByRole("heading", { name: "What there is of it" }).waitFor();
  const { lines } = (await stack.admin("GET", `/trace?order=${order.id}`)).body;
  assert.deepEqual(
    await parts(page),
    lines.map(({ what, verdict }) => [what, verdict]),
  );
  assert.ok(lines.every(({ verdict }) => verdict === "there"));
  assert.equal(await room(page).getByRole("img", { name: "there" }).count(), lines.length);
  const placed = room(page).getByRole("listitem").filter({ hasText: "Placed Order" });
  await placed.getByText("Expected and held").click();
  const held = await placed.getByLabel("Held: Placed Order").textContent();
  assert.equal(JSON.parse(held).event_id, order.id);
  await accessible(page);
});

test("an e-mail address is looked for as such, and stands in no address", async () => {
  const { page } = desk;
  const asked = [];
  page.on("request", (request) => asked.push(request.url()));
  await find(page, "Order number", customer.email);
  await room(page).getByText("The customer in commercetools").waitFor();
  assert.equal(await page.getByLabel("Looked for by", { exact: true }).inputValue(), "email");
  assert.ok(asked.every((url) => !url.includes("%40") && !url.includes("@")));
});

test("what is ignored, and what is nowhere, says why", async () => {
  const { page } = desk;
  await find(page, "Order id", anonymous.id);
  await room(page)
    .getByText(/^ignored because the order names neither/)
    .waitFor();
  await find(page, "SKU", "no-such-sku");
  await room(page).getByRole("heading", { name: "commercetools has no such record" }).waitFor();
  await room(page)
    .getByText(/no product with a variant of the SKU no-such-sku/)
    .waitFor();
  await accessible(page);
});

test("it fits a phone, and is forgotten at the end", async () => {
  const { page, close } = await openDesk(browser, stack.worker.url, {
    viewport: PHONE,
    bypassCSP: true,
  });
  await find(page, "Order number", order.orderNumber);
  await room(page).getByText("Placed Order").waitFor();
  const fits = () => document.documentElement.scrollWidth <= document.documentElement.clientWidth;
  assert.ok(await page.evaluate(fits));
  await accessible(page);
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.getByLabel("Token", { exact: true }).waitFor();
  assert.equal(await page.getByText("Placed Order").count(), 0);
  await close();
});
