// The headline tells the truth: healthy, degraded, needs attention, nothing received yet, unreachable; and heading,
// dot, title and icon agree. Each test is a state in which the page was once green by mistake.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { change, message } from "../../sandbox/commercetools/notifications.mjs";
import { sampleShop } from "../../sandbox/shop/index.mjs";
import { call, start } from "../runtime/harness.mjs";
import { imported } from "../runtime/imports.mjs";
import { card, launch, openDesk } from "./browser.mjs";

const [customer] = sampleShop().customers;
const CHANGED = change("ResourceUpdated", { typeId: "customer", id: customer.id });

let stack;
let browser;
before(async () => {
  stack = await start();
  browser = await launch();
});
after(async () => {
  await browser.close();
  await stack.close();
});

const ICONS = {
  well: "icon.svg",
  empty: "icon.svg",
  degraded: "icon-degraded.svg",
  needs: "icon-needs.svg",
  unreachable: "icon-needs.svg",
};

/** Waits for a state, and sees that everything says the same. */
async function isIn(page, mood, headline) {
  await page.locator(`#summary[data-mood="${mood}"]`).waitFor();
  const heading = page.locator("#headline").filter({ hasText: headline });
  await heading.waitFor();
  assert.equal(await page.title(), `${await heading.textContent()} · commercetools → Klaviyo`);
  const icon = await page.locator('link[rel="icon"]').getAttribute("href");
  assert.equal(icon, `/dashboard/${ICONS[mood]}`);
}

test("a worker that never received anything says so", async () => {
  const { page, close } = await openDesk(browser, stack.worker.url);
  await isIn(page, "empty", "No notification was received yet");
  await stack.expectStatus(204, CHANGED);
  await isIn(page, "well", "Healthy");
  const room = page.getByRole("region", { name: "Realtime" });
  await room.getByRole("img", { name: /^Last hour: 1 delivered/ }).waitFor();
  await room.getByRole("button", { name: "Last 30 days" }).click();
  await room.getByRole("img", { name: /^Last 30 days: 1 delivered/ }).waitFor();
  await room.getByText("Types of notifications").click();
  await room.getByRole("listitem").filter({ hasText: "ResourceUpdated" }).waitFor();
  await close();
});

test("what waits is no health, and is listed with its reason", async () => {
  const { page, close } = await openDesk(browser, stack.worker.url);
  const over = stack.klaviyo.faults.add({ status: 503 });
  await stack.expectParked(CHANGED);
  await isIn(page, "degraded", "1 notification waits (klaviyo_503)");
  const room = page.getByRole("region", { name: "Realtime" });
  await room.getByText("What waits").click();
  const row = room.getByRole("listitem").filter({ hasText: `customer/${customer.id}` });
  await row.getByText("klaviyo_503").waitFor();
  await row.getByText(/next try/).waitFor();
  over();
  await room.getByRole("button", { name: "Retry now what waits" }).click();
  await isIn(page, "well", "Healthy");
  await close();
});

test("a refused key needs attention at once, and nothing of it stays when it is mended", async () => {
  const { page, close } = await openDesk(browser, stack.worker.url);
  const { key } = stack.klaviyo.settings;
  stack.klaviyo.settings.key = "pk_another";
  await stack.expectParked(CHANGED);
  await isIn(page, "needs", /needs? attention/);
  await page.getByRole("link", { name: /^Klaviyo refuses the key/ }).waitFor();
  await page.getByRole("button", { name: "Check now" }).click();
  const failed = page.getByRole("link", { name: /^klaviyo_key: / });
  await failed.waitFor();
  stack.klaviyo.settings.key = key;
  // It is checked again by itself, within a minute.
  await failed.waitFor({ state: "hidden", timeout: 120_000 });
  await isIn(page, "well", "Healthy");
  await close();
});

test("refused pushes of this project need attention, and scanners do not", async () => {
  const { page, close } = await openDesk(browser, stack.worker.url);
  const body = JSON.stringify({ ...CHANGED, projectKey: stack.commercetools.projectKey });
  const push = (text) =>
    call(stack.worker.url, {
      method: "POST",
      headers: { authorization: "Bearer another-secret" },
      body: text,
    });
  for (let pushes = 0; pushes < 5; pushes++) assert.equal((await push("scan")).status, 401);
  await page.getByRole("img", { name: /5 refused/ }).waitFor();
  await isIn(page, "well", "Healthy");
  for (let pushes = 0; pushes < 3; pushes++) assert.equal((await push(body)).status, 401);
  await isIn(page, "needs", "1 thing needs attention");
  await page.getByRole("link", { name: /the secret they carry is not PUSH_TOKEN/ }).waitFor();
  await page.locator('#summary[data-mood="well"]').waitFor({ timeout: 120_000 });
  await close();
});

test("an import all of whose records failed is no success", async () => {
  const { page, close } = await openDesk(browser, stack.worker.url);
  await imported(stack.worker.url, "orders", { ids: ["one", "another"] });
  await isIn(page, "needs", "1 thing needs attention");
  await page.getByRole("link", { name: /^2 of the orders could not be sent/ }).waitFor();
  await card(page, "orders").getByText("completed").first().waitFor();
  await stack.admin("DELETE", "/sync/orders/failures?all=true");
  await isIn(page, "well", "Healthy");
  await close();
});

test("dead letters need attention", async () => {
  const { page, close } = await openDesk(browser, stack.worker.url);
  const order = { order: { not: "an order" } };
  await stack.push(message("OrderCreated", { typeId: "order", id: "x" }, order));
  await isIn(page, "needs", "1 thing needs attention");
  await page.getByRole("link", { name: /^1 notification could not be delivered/ }).waitFor();
  await stack.admin("DELETE", "/dead-letters?all=true");
  await isIn(page, "well", "Healthy");
  await close();
});

test("a worker that does not answer is not healthy", async () => {
  const { page, close } = await openDesk(browser, stack.worker.url);
  await isIn(page, "well", "Healthy");
  await page.route("**/sync/status", (route) => route.abort());
  await isIn(page, "unreachable", "The worker cannot be reached");
  await page.unroute("**/sync/status");
  await isIn(page, "well", "Healthy");
  await close(/Failed to load resource: net::ERR_FAILED/);
});

test("without a receiver a test alert says what is missing", async () => {
  const { page, close } = await openDesk(browser, stack.worker.url);
  await page.getByRole("button", { name: "Send a test alert" }).click();
  await page.getByRole("alert").filter({ hasText: "ALERT_URL is not set" }).waitFor();
  await close(/status of 409/);
});
