// Imports on the dashboard: started, watched, stopped and resumed, their failures seen and retried.

import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach, test } from "node:test";
import { eventually } from "../eventually.mjs";
import { start } from "../runtime/harness.mjs";
import { current, ended, imported, largeShop } from "../runtime/imports.mjs";
import { card, dialog, figure, isIn, launch, openDesk, PATIENCE } from "./browser.mjs";

const shop = largeShop();
const CUSTOMERS = shop.customers.length;

let stack;
let browser;
let desk;
before(async () => {
  const settings = { CONFIG: '{"import":{"pageSize":10,"lanes":1}}' };
  stack = await start({ settings, commercetools: { shop } });
  browser = await launch();
});
after(async () => {
  await browser.close();
  await stack.close();
});
beforeEach(async () => {
  stack.klaviyo.reset();
  stack.klaviyo.faults.clear();
  stack.commercetools.faults.clear();
  desk = await openDesk(browser, stack.worker.url);
});
afterEach(() => desk.close());

async function startFrom(page, kind, choose = () => {}) {
  await page.getByRole("button", { name: `Start an import of ${kind}` }).click();
  await choose(dialog(page));
  await dialog(page).getByRole("button", { name: "Start", exact: true }).click();
  await dialog(page).waitFor({ state: "detached" });
}

test("an import is started, moves, stops and goes on", async () => {
  const { page } = desk;
  const customers = card(page, "customers");
  // Twelve pages, one after the other: time enough to be seen on the way.
  stack.commercetools.faults.add({ path: /customers$/, latencyMs: 1_500 });
  await startFrom(page, "customers");
  await isIn(page, "customers", "running");
  await page.getByRole("heading", { name: "Customers are being imported" }).waitFor();
  const moreThan = (count) =>
    eventually(
      `more than ${count} records to be read`,
      () => figure(customers, "read"),
      (read) => read > count,
      { limitMs: PATIENCE },
    );
  await moreThan(await moreThan(0));
  assert.equal(await customers.locator("progress").getAttribute("max"), String(CUSTOMERS));
  await customers.getByText(new RegExp(`of ${CUSTOMERS} .* a second · about .* left`)).waitFor();
  const known = new Set(shop.customers.map(({ id }) => id));
  await eventually(
    "the id of a customer to be shown",
    () => customers.locator(".after code").textContent(),
    (id) => known.has(id),
    { limitMs: PATIENCE },
  );

  await page.getByRole("button", { name: "Stop the import of customers" }).click();
  await isIn(page, "customers", "stopped");
  const stopped = await figure(customers, "read");
  assert.ok(stopped < CUSTOMERS, `${stopped} were read`);
  const { id } = await current(stack.worker.url, "customers");

  stack.commercetools.faults.clear();
  await page.getByRole("button", { name: "Resume the import of customers" }).click();
  await isIn(page, "customers", "completed");
  assert.equal(await figure(customers, "read"), CUSTOMERS);
  assert.equal(await figure(customers, "sent"), CUSTOMERS);
  assert.equal((await current(stack.worker.url, "customers")).id, id);
  await page
    .getByRole("heading", { name: /^(Healthy|No notification was received yet)$/ })
    .waitFor();
});

test("a run waits, and says for what", async () => {
  const { page } = desk;
  stack.klaviyo.faults.add({ status: 503 });
  await startFrom(page, "categories");
  await card(page, "categories")
    .getByText(/Waits since .*klaviyo_503/)
    .waitFor();
  stack.klaviyo.faults.clear();
  await isIn(page, "categories", "completed");
});

test("a run that fails says why, and can be resumed", async () => {
  const { page } = desk;
  const key = stack.klaviyo.settings.key;
  stack.klaviyo.settings.key = "pk_another";
  try {
    await startFrom(page, "orders");
    await isIn(page, "orders", "failed");
    await card(page, "orders")
      .getByText(/klaviyo_401: .*KLAVIYO_AUTH_KEY/)
      .waitFor();
    await page.getByRole("link", { name: /import of orders failed \(klaviyo_401\)/ }).waitFor();
  } finally {
    stack.klaviyo.settings.key = key;
  }
  await page.getByRole("button", { name: "Resume the import of orders" }).click();
  await isIn(page, "orders", "completed");
});

test("a list, a first id and a time choose records", async () => {
  const { page } = desk;
  const ids = shop.customers.map((customer) => customer.id).sort();
  const read = () => figure(card(page, "customers"), "read");
  // Which ids follow another one only commercetools knows.
  const startId = ids[60];
  const { read: following } = await imported(stack.worker.url, "customers", { startId });
  assert.ok(following > 0 && following < CUSTOMERS);
  const choose = (label, field, value) => async (room) => {
    await room.getByLabel(label, { exact: true }).check();
    await room.getByLabel(field, { exact: true }).fill(value);
  };
  for (const [mode, choice, count] of [
    ["a list of ids", choose("These ids", "Ids", `${ids[0]}, ${ids[1]}\n${ids[2]}`), 3],
    ["from an id on", choose("From an id on", "First id", startId), following],
    ["changed since", choose("Changed since", "Since when", "2000-01-01T00:00"), CUSTOMERS],
  ]) {
    await startFrom(page, "customers", choice);
    await card(page, "customers").getByText(mode).waitFor();
    await ended(stack.worker.url, "customers");
    await isIn(page, "customers", "completed");
    assert.equal(await read(), count, mode);
  }
});

test("what is asked for wrongly is said, and nothing is started", async () => {
  const { page } = desk;
  const before = await current(stack.worker.url, "products");
  await page.getByRole("button", { name: "Start an import of products" }).click();
  await dialog(page).getByLabel("These ids").check();
  await dialog(page).getByRole("button", { name: "Start", exact: true }).click();
  await dialog(page).getByRole("alert").getByText("Give at least one id.").waitFor();
  await page.keyboard.press("Escape");
  await dialog(page).waitFor({ state: "detached" });
  assert.deepEqual(await current(stack.worker.url, "products"), before);
});

test("everything is deleted only when its kind was typed", async () => {
  const { page } = desk;
  await imported(stack.worker.url, "categories");
  assert.ok(stack.klaviyo.store.categories().length > 0);
  await page.getByRole("button", { name: "Delete all categories", exact: true }).click();
  const room = dialog(page);
  const go = room.getByRole("button", { name: "Delete all categories" });
  for (const typed of ["", "categorie", "Categories", "products"]) {
    await room.getByLabel(/to confirm/).fill(typed);
    assert.ok(await go.isDisabled(), `“${typed}” was enough`);
  }
  await room.getByLabel(/to confirm/).press("Enter");
  assert.equal((await current(stack.worker.url, "categories")).mode, "full");
  await room.getByLabel(/to confirm/).fill("categories");
  await go.click();
  await card(page, "categories").getByText("delete everything").waitFor();
  await isIn(page, "categories", "completed");
  assert.deepEqual(stack.klaviyo.store.categories(), []);
  // Orders and customers of Klaviyo's cannot be deleted so.
  assert.equal(await page.getByRole("button", { name: "Delete all orders" }).count(), 0);
});

test("past runs are a chart and a table", async () => {
  const { page } = desk;
  const run = await imported(stack.worker.url, "categories");
  const { history } = (await stack.admin("GET", "/sync/categories")).body;
  const room = card(page, "categories");
  await room.getByRole("img", { name: `The last ${history.length} runs of categories` }).waitFor();
  await room.getByText("Recent runs").click();
  const rows = room.locator("tbody tr");
  assert.equal(await rows.count(), history.length);
  const time = rows.first().locator("time");
  assert.equal(await time.getAttribute("datetime"), run.startedAt);
  assert.match(await time.getAttribute("title"), /UTC/);
});
