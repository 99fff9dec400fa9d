// Failed records of an import on the dashboard: with Klaviyo's own words, page by page, and tried again.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, afterEach, before, beforeEach, test } from "node:test";
import { sampleShop } from "../../sandbox/shop/index.mjs";
import { eventually } from "../eventually.mjs";
import { start } from "../runtime/harness.mjs";
import { ended, imported } from "../runtime/imports.mjs";
import { card, dialog, figure, isIn, launch, openDesk } from "./browser.mjs";

const [customer] = sampleShop().customers;
const REFUSED = {
  path: "/api/profile-import",
  status: 400,
  body: {
    errors: [
      {
        code: "invalid",
        detail: "The last name is too lovely.",
        source: { pointer: "/data/attributes/last_name" },
      },
    ],
  },
};

let stack;
let browser;
let desk;
before(async () => {
  stack = await start({ settings: { CONFIG: '{"import":{"oneByOne":true}}' } });
  browser = await launch();
});
after(async () => {
  await browser.close();
  await stack.close();
});
beforeEach(async () => {
  stack.klaviyo.reset();
  stack.klaviyo.faults.clear();
  desk = await openDesk(browser, stack.worker.url);
});
afterEach(() => desk.close());

test("a failure is shown with Klaviyo's words, and is gone after the retry", async () => {
  const { page } = desk;
  const { url } = stack.worker;
  stack.klaviyo.faults.add(REFUSED);
  await imported(url, "customers", { ids: [customer.id] });
  await page.getByRole("link", { name: "1 of the customers could not be sent" }).waitFor();
  await page.getByRole("button", { name: "Failures of customers: 1" }).click();
  const row = dialog(page).getByRole("listitem");
  await row.getByText(customer.id).waitFor();
  await row.getByText("klaviyo_400").waitFor();
  await row.getByText("The last name is too lovely.").waitFor();
  await row.getByText("/data/attributes/last_name").waitFor();

  stack.klaviyo.faults.clear();
  await dialog(page).getByRole("button", { name: "Retry all" }).click();
  const sure = page.getByRole("alertdialog", { name: "Retry all failures of customers?" });
  await sure.getByRole("button", { name: "Retry all" }).click();
  await dialog(page).waitFor({ state: "detached" });
  await card(page, "customers").getByText("retry of failures").waitFor();
  await isIn(page, "customers", "completed");
  assert.equal(await figure(card(page, "customers"), "sent"), 1);
  assert.ok(stack.klaviyo.store.profileByExternalId(customer.id));
  await page
    .getByRole("heading", { name: /^(Healthy|No notification was received yet)$/ })
    .waitFor();
  await page.getByRole("button", { name: /Failures of customers/ }).waitFor({ state: "hidden" });
});

test("skipped records are shown with the reason", async () => {
  const { page } = desk;
  const { customerId: _id, customerEmail: _email, ...nobodys } = sampleShop().orders[0];
  stack.commercetools.put("order", { ...nobodys, id: "nobodys" });
  await stack.admin("POST", "/sync/orders", { ids: ["nobodys"] });
  await ended(stack.worker.url, "orders");
  await page.getByRole("button", { name: "Skipped orders: 1" }).click();
  const row = dialog(page).getByRole("listitem");
  await row.getByText("nobodys", { exact: true }).waitFor();
  await row.getByText("no_identity").waitFor();
  await row.getByText("The order names neither a customer nor an e-mail address.").waitFor();
  await dialog(page).getByRole("button", { name: "Show more" }).waitFor({ state: "hidden" });
});

test("failures of a code are shown, retried and forgotten by themselves", async () => {
  const { page } = desk;
  const [order] = sampleShop().orders;
  await stack.admin("POST", "/sync/orders", { ids: ["gone-1", "gone-2"] });
  await ended(stack.worker.url, "orders");
  const { customerId: _id, ...guests } = order;
  stack.commercetools.put("order", { ...guests, id: "bad-email", customerEmail: "no address" });
  await stack.admin("POST", "/sync/orders", { ids: ["bad-email"] });
  await ended(stack.worker.url, "orders");
  await page.getByRole("button", { name: "Failures of orders: 3" }).click();
  const rows = dialog(page).getByRole("listitem");
  await rows.nth(2).waitFor();

  await dialog(page).getByLabel("Which failures of orders").selectOption("malformed_email");
  await dialog(page).getByText("Correct the e-mail address in commercetools").waitFor();
  assert.equal(await rows.count(), 1);
  await rows.getByRole("button", { name: "Request bad-email" }).click();
  const request = page.getByRole("dialog", { name: "The request, as it would be sent now" });
  const shown = JSON.parse(await request.locator("pre").textContent());
  assert.equal(shown.refusal.code, "malformed_email");
  await request.getByRole("button", { name: "Copy" }).waitFor();
  await page.keyboard.press("Escape");

  const downloads = page.waitForEvent("download");
  await dialog(page).getByRole("button", { name: "Download as CSV" }).click();
  const file = await (await downloads).path();
  const lines = readFileSync(file, "utf8").trimEnd().split("\r\n");
  assert.deepEqual(
    lines.map((line) => line.split(",")[0]),
    ["id", "bad-email", "gone-1", "gone-2"],
  );

  await dialog(page).getByLabel("Which failures of orders").selectOption("not_found");
  await dialog(page).getByRole("button", { name: "Forget these" }).click();
  const sure = page.getByRole("alertdialog", { name: "Forget these failures of orders?" });
  await sure.getByText("2 failures of orders will be forgotten").waitFor();
  await sure.getByRole("button", { name: "Forget these" }).click();
  await rows.filter({ hasText: "bad-email" }).waitFor();
  await eventually(
    "one to be left",
    () => rows.count(),
    (count) => count === 1,
  );
  await dialog(page).getByRole("button", { name: "Forget bad-email" }).click();
  await dialog(page).getByText("There are none.").waitFor();
});

test("failures are shown page by page", async () => {
  const { page } = desk;
  const ids = Array.from({ length: 205 }, (_, n) => `gone-${String(n).padStart(3, "0")}`);
  await stack.admin("POST", "/sync/orders", { ids });
  await ended(stack.worker.url, "orders");
  await page.getByRole("button", { name: "Failures of orders: 205" }).click();
  const rows = dialog(page).getByRole("listitem");
  const more = dialog(page).getByRole("button", { name: "Show more" });
  for (const count of [100, 200, 205]) {
    await rows.nth(count - 1).waitFor();
    assert.equal(await rows.count(), count);
    if (count < 205) await more.click();
  }
  await more.waitFor({ state: "hidden" });
  assert.deepEqual(await rows.locator(".row-head code").allTextContents(), ids);
});
