// The configuration check and the preview on the dashboard.

import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach, test } from "node:test";
import { message } from "../../sandbox/commercetools/notifications.mjs";
import { sampleShop } from "../../sandbox/shop/index.mjs";
import { start } from "../runtime/harness.mjs";
import { launch, openDesk } from "./browser.mjs";

const [customer] = sampleShop().customers;

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
  assert.equal(await room.getByRole("listitem").count(), checks.length);
  for (const { detail } of checks) await room.getByText(detail, { exact: true }).first().waitFor();
  const wrong = checks.filter(({ ok }) => !ok).length;
  assert.equal(await room.getByRole("img", { name: "not in order" }).count(), wrong);

  const key = stack.klaviyo.settings.key;
  stack.klaviyo.settings.key = "pk_another";
  try {
    await room.getByRole("button", { name: "Check now" }).click();
    await room.getByRole("img", { name: "not in order" }).nth(wrong).waitFor();
    await page.getByRole("link", { name: /of the configuration failed/ }).waitFor();
  } finally {
    stack.klaviyo.settings.key = key;
  }
});

test("a record's requests are shown, and nothing is sent", async () => {
  const { page } = desk;
  await page.getByLabel("Kind", { exact: true }).selectOption("customers");
  await page.getByLabel("Id", { exact: true }).fill(customer.id);
  await page.keyboard.press("Enter");
  await shown(page).getByRole("heading", { name: "1 request" }).waitFor();
  const requests = await asked({ kind: "customers", id: customer.id });
  await shown(page).getByText(requests[0].path).waitFor();
  assert.deepEqual(
    await bodies(page),
    requests.map(({ body }) => body),
  );
  assert.equal(stack.klaviyo.store.profileByExternalId(customer.id), undefined);
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
