// The configuration check and the preview on the dashboard.

import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach, test } from "node:test";
import { message } from "../../sandbox/commercetools/notifications.mjs";
import { sampleShop } from "../../sandbox/shop/index.mjs";
import { start } from "../runtime/harness.mjs";
import { launch, openDesk } from "./browser.mjs";

const shop = sampleShop();
const [customer] = shop.customers;
const order = shop.orders.find(({ orderNumber }) => orderNumber === "F-2600001");
const product = shop.products.find(({ key }) => key === "cairn-28");

let stack;
let browser;
let desk;
before(async () => {
  stack = await start();
  browser = await launch();
});
after(async () => {
  await browser.close();
  await stack.close();
});
beforeEach(async () => {
  desk = await openDesk(browser, stack.worker.url);
  // What is found moves what stands below it.
  await desk.page.getByText("Checked at").waitFor();
});
afterEach(() => desk.close());

const shown = (page) => page.getByRole("region", { name: "Requests" });
const bodies = async (page) => (await shown(page).locator("pre").allTextContents()).map(JSON.parse);
const asked = async (body) => (await stack.admin("POST", "/preview", body)).body.requests;

test("each check is shown with what was found, and made again on demand", async () => {
  const { page } = desk;
  const room = page.getByRole("region", { name: "Configuration" });
  await room.getByText("Checked at").waitFor();
  const { checks } = (await stack.admin("GET", "/check")).body;
  // What is in order is folded into one line.
  await room.getByText(/checks are in order/).click();
  assert.equal(await room.getByRole("listitem").count(), checks.length);
  for (const { detail } of checks) await room.getByText(detail, { exact: true }).first().waitFor();
  const wrong = checks.filter(({ ok }) => !ok).length;
  assert.equal(await room.getByRole("img", { name: "not in order" }).count(), wrong);

  const key = stack.klaviyo.settings.key;
  stack.klaviyo.settings.key = "pk_another";
  try {
    await room.getByRole("button", { name: "Check now" }).click();
    await room.getByRole("img", { name: "not in order" }).nth(wrong).waitFor();
    await page.getByRole("link", { name: /^klaviyo_key: / }).waitFor();
    await page.getByRole("heading", { name: /needs? attention/ }).waitFor();
  } finally {
    stack.klaviyo.settings.key = key;
  }
});

/** Asks for a record by what a person knows of it. */
async function askFor(page, kind, by, value) {
  await page.getByLabel("Kind", { exact: true }).selectOption(kind);
  await page.getByLabel("Known by", { exact: true }).selectOption(by);
  await page.getByLabel(by, { exact: true }).fill(value);
  await page.keyboard.press("Enter");
}

/** The titles of the requests that are shown. */
const titles = (page) => shown(page).locator("summary strong").allTextContents();

test("a record's requests are shown, and nothing is sent", async () => {
  const { page } = desk;
  await askFor(page, "customers", "Id", customer.id);
  await shown(page).getByRole("heading", { name: "Would be sent · 1 request" }).waitFor();
  const requests = await asked({ kind: "customers", id: customer.id });
  await shown(page).getByText(requests[0].path).waitFor();
  assert.deepEqual(
    await bodies(page),
    requests.map(({ body }) => body),
  );
  assert.equal(stack.klaviyo.store.profileByExternalId(customer.id), undefined);
});

test("a record is found by what a person knows of it, and each request says what it is", async () => {
  const { page } = desk;
  for (const [kind, by, value, titled] of [
    ["orders", "Order number", order.orderNumber, /^Placed Order · \d[\d,]*\.\d\d EUR$/],
    ["products", "SKU", product.masterData.current.masterVariant.sku, /^Item · Cairn 28/],
    ["customers", "E-mail", customer.email.toUpperCase(), new RegExp(`^Profile · ${customer.id}$`)],
  ]) {
    await askFor(page, kind, by, value);
    await shown(page).locator("summary strong").getByText(titled).first().waitFor();
  }
  assert.ok(!(await titles(page)).join().includes("@"));
});

test("what commercetools does not have says where was looked", async () => {
  const { page, close } = await openDesk(browser, stack.worker.url);
  await askFor(page, "orders", "Order number", "F-0");
  const room = page.getByRole("region", { name: "Preview" });
  await room.getByRole("alert").getByText("no order with the number F-0").waitFor();
  // The browser tells of the answer by itself.
  await close(/404/);
});

test("a notification's requests are shown", async () => {
  const { page } = desk;
  const notification = message(
    "CustomerCreated",
    { typeId: "customer", id: customer.id },
    { customer },
  );
  await page.getByLabel("A notification", { exact: true }).check();
  await page.getByLabel(/as the broker sends it/).fill(JSON.stringify(notification));
  await page.getByRole("button", { name: "Preview" }).click();
  await shown(page).getByRole("listitem").getByText("delivered").waitFor();
  const requests = await asked(notification);
  assert.ok(requests.length > 0);
  assert.deepEqual(
    await bodies(page),
    requests.map(({ body }) => body),
  );
});

test("what cannot be previewed is said", async () => {
  const { page } = desk;
  const room = page.getByRole("region", { name: "Preview" });
  await page.getByLabel("A notification", { exact: true }).check();
  await page.getByLabel(/as the broker sends it/).fill("{not json");
  await room.getByRole("button", { name: "Preview" }).click();
  await room.getByRole("alert").getByText("That is not JSON.").waitFor();
  assert.equal(await shown(page).isVisible(), false);
});
