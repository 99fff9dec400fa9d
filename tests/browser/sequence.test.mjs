// The import of everything from the dashboard, and what it shows about imports that start by themselves.

import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach, test } from "node:test";
import { sampleShop } from "../../sandbox/shop/index.mjs";
import { eventually } from "../eventually.mjs";
import { BACKWARD } from "../runtime/earlier-slots.mjs";
import { start } from "../runtime/harness.mjs";
import { ended, KINDS } from "../runtime/imports.mjs";
import { accessible, card, dialog, isIn, launch, openDesk } from "./browser.mjs";

let stack;
let browser;
let desk;
let expected;
before(async () => {
  // Half an hour away from now, so that no slot comes by itself meanwhile.
  const minute = String((new Date().getUTCMinutes() + 30) % 60).padStart(2, "0");
  const schedule = { orders: { every: "hour", at: `00:${minute}` } };
  stack = await start({
    settings: { CONFIG: JSON.stringify({ import: { schedule } }) },
    entry: BACKWARD,
  });
  browser = await launch();
});
after(async () => {
  await browser.close();
  await stack.close();
});
beforeEach(async () => {
  expected = undefined;
  stack.klaviyo.reset();
  stack.klaviyo.faults.clear();
  stack.commercetools.reset();
  stack.commercetools.faults.clear();
  desk = await openDesk(browser, stack.worker.url, { bypassCSP: true });
});
afterEach(() => desk.close(expected));

const everything = (page) => page.getByRole("button", { name: "Import everything…" });

async function importEverything(page) {
  await everything(page).click();
  await dialog(page).getByRole("button", { name: "Import everything", exact: true }).click();
  await dialog(page).waitFor({ state: "detached" });
}

const sequenceEnded = () =>
  eventually(
    "the sequence to end",
    async () => (await stack.admin("GET", "/sync/status")).body.sequence,
    (sequence) => sequence !== null && sequence.state !== "running",
    { limitMs: 120_000 },
  );

test("everything is imported after a question, and the page says how far it is", async () => {
  const { page } = desk;
  await everything(page).click();
  await dialog(page)
    .getByText(/one kind after the other/)
    .waitFor();
  await dialog(page).getByRole("button", { name: "Cancel" }).click();
  await dialog(page).waitFor({ state: "detached" });
  assert.equal((await stack.admin("GET", "/sync/status")).body.sequence, null);

  stack.commercetools.faults.add({ path: /product-projections|products/, latencyMs: 2_500 });
  await importEverything(page);
  await page.getByText("Importing 2 of 4: products. Stopping it stops the rest.").waitFor();
  await isIn(page, "products", "running");
  assert.equal(await everything(page).count(), 0, "nothing else is to be started");
  await accessible(page);
  stack.commercetools.faults.clear();
  await page.getByText(/^Imported categories, products, customers,? and orders, /).waitFor();
  await everything(page).waitFor();
  for (const kind of KINDS) await isIn(page, kind, "completed");
});

test("what was stopped is to be resumed first, and a start says what is lost", async () => {
  const { page } = desk;
  stack.klaviyo.faults.add({ path: "/api/profile-bulk-import-jobs", status: 503 });
  await importEverything(page);
  await page.getByText("Importing 3 of 4: customers.").waitFor();
  const customers = card(page, "customers");
  await page.getByRole("button", { name: "Stop the import of customers" }).click();
  await isIn(page, "customers", "stopped");
  await page
    .getByText(/^Ended at 3 of 4: customers, which was stopped, .* Not imported: orders\./)
    .waitFor();
  assert.equal((await sequenceEnded()).state, "stopped");

  const resume = page.getByRole("button", { name: "Resume the import of customers" });
  const anew = page.getByRole("button", { name: /Start anew an import of customers.* lost/ });
  assert.equal(await customers.locator("button.primary").count(), 1);
  assert.match(await resume.getAttribute("class"), /primary/);
  assert.equal(await anew.textContent(), "Start anew…");
  await accessible(page);
  await anew.click();
  await dialog(page)
    .getByText(/the position of the run before is lost/)
    .waitFor();
  await page.keyboard.press("Escape");
  stack.klaviyo.faults.clear();
  await resume.click();
  await isIn(page, "customers", "completed");
  const starter = page.getByRole("button", { name: "Start an import of customers" });
  await starter.click();
  assert.equal(
    await dialog(page)
      .getByText(/is lost/)
      .count(),
    0,
  );
  await page.keyboard.press("Escape");
  assert.match(await starter.getAttribute("class"), /primary/);
});

test("why a sequence was refused is said", async () => {
  const { page } = desk;
  expected = /423/;
  await everything(page).click();
  stack.klaviyo.faults.add({ status: 503 });
  await stack.admin("POST", "/sync/customers");
  await dialog(page).getByRole("button", { name: "Import everything", exact: true }).click();
  await page.getByRole("alert").getByText("Customers sync is already running.").waitFor();
  await stack.admin("POST", "/sync/customers/stop");
  await ended(stack.worker.url, "customers");
});

test("a completed import with failures is not green", async () => {
  const { page } = desk;
  const [customer] = sampleShop().customers;
  stack.commercetools.put("customer", { ...customer, email: "no-address" });
  await stack.admin("POST", "/sync/customers");
  await stack.admin("POST", "/sync/categories");
  await isIn(page, "customers", "completed, 1 failed");
  await isIn(page, "categories", "completed");
  const colour = (kind) =>
    card(page, kind)
      .locator(".badge")
      .evaluate((badge) => getComputedStyle(badge).color);
  assert.notEqual(await colour("customers"), await colour("categories"));
  const { body } = await stack.admin("GET", "/sync/status");
  assert.ok(body.lastSuccess.customers < body.customers.finishedAt);
  const term = card(page, "customers").locator('[data-term="success"] time');
  assert.equal(await term.getAttribute("datetime"), body.lastSuccess.customers);
});

test("the next run of a schedule is shown, and that one was skipped", async () => {
  const { page } = desk;
  const orders = card(page, "orders");
  const { schedule } = (await stack.admin("GET", "/sync/status")).body;
  const next = orders.locator('[data-term="next"] time');
  assert.equal(await next.getAttribute("datetime"), schedule.orders.next);
  assert.ok(await card(page, "customers").locator('[data-term="next"]').isHidden());
  stack.klaviyo.faults.add({ status: 503 });
  await stack.admin("POST", "/sync/orders");
  await stack.worker.object("IMPORT", "import", "/backward");
  await stack.worker.tick();
  await orders.getByText(/The run of .* was skipped: another one was under way\./).waitFor();
  await stack.admin("POST", "/sync/orders/stop");
  await ended(stack.worker.url, "orders");
});
