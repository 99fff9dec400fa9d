// Makes the pictures in docs/images: the dashboard in the README, with the sample shop, a running import and a partly
// failed one (`dashboard.png`); and each state of the dashboard.
//
//   node scripts/screenshot.mjs

import { mkdirSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { build } from "./build.mjs";
import { CHROMIUM, ensureChromium } from "./chromium.mjs";
import { ROOT } from "./lib/project.mjs";
import { asProgram, Failure, say } from "./lib/run.mjs";

const picture = (name) => join(ROOT, "docs", "images", `${name}.png`);

/** A picture in the README is to be small. */
const LIMIT = 150_000;

async function screenshot() {
  await build();
  await ensureChromium();
  // What these import is installed by the build.
  const { chromium } = await import("playwright-core");
  const { startCommercetools } = await import("../sandbox/commercetools/server.mjs");
  const { startKlaviyo } = await import("../sandbox/klaviyo/server.mjs");
  const { generateShop } = await import("../sandbox/shop/generate.mjs");
  const { ADMIN_TOKEN, settingsFor, startWorker } = await import("../sandbox/worker.mjs");

  const shop = generateShop({ customers: 600, orders: 400, products: 80 });
  const commercetools = await startCommercetools({ shop });
  const klaviyo = await startKlaviyo();
  const settings = {
    ...settingsFor(commercetools, klaviyo),
    PREFERRED_CURRENCY: "EUR",
    CONFIG: '{"import":{"pageSize":20,"lanes":1}}',
  };
  const worker = await startWorker({ settings });
  const browser = await chromium.launch({ executablePath: CHROMIUM });
  try {
    mkdirSync(dirname(picture("dashboard")), { recursive: true });
    const page = await open(browser, worker.url, ADMIN_TOKEN);
    await states(page, { worker, klaviyo, customer: shop.customers[0] });
    await imports(worker.url, ADMIN_TOKEN, shop);
    commercetools.faults.add({ path: /customers$/, latencyMs: 800 });
    await whole(page);
  } finally {
    await browser.close();
    await worker.close();
    await klaviyo.close();
    await commercetools.close();
  }
  for (const name of ["dashboard", ...STATES]) {
    const { size } = statSync(picture(name));
    if (size > LIMIT) throw new Failure(`${name} has ${size} bytes, and may have ${LIMIT}`);
    say(`${picture(name)}: ${size} bytes`);
  }
}

const STATES = ["empty", "healthy", "degraded", "needs-attention", "unreachable"];

/** A picture of each state of the headline, with the room below it. */
async function states(page, { worker, klaviyo, customer }) {
  const { change, message } = await import("../sandbox/commercetools/notifications.mjs");
  const { PUSH_TOKEN } = await import("../sandbox/worker.mjs");
  const push = (body, token = PUSH_TOKEN) =>
    fetch(worker.url, {
      method: "POST",
      headers: { authorization: `Bearer ${token}` },
      body: JSON.stringify(body),
    });
  const changed = change("ResourceUpdated", { typeId: "customer", id: customer.id });
  const take = async (name, mood) => {
    await page.locator(`#summary[data-mood="${mood}"]`).waitFor();
    await page.evaluate(() => window.scrollTo(0, 0));
    await page.screenshot({
      path: picture(name),
      clip: { x: 0, y: 0, width: WIDTH, height: 620 },
    });
  };
  await take("empty", "empty");
  for (let pushes = 0; pushes < 12; pushes++) await push(changed);
  await page.getByRole("img", { name: /12 delivered/ }).waitFor();
  await take("healthy", "well");
  const over = klaviyo.faults.add({ status: 503 });
  await push(changed);
  await page.getByText("What waits").click();
  await take("degraded", "degraded");
  const order = { order: { not: "an order" } };
  for (const id of ["one", "two"])
    await push(message("OrderCreated", { typeId: "order", id }, order));
  await page.locator("#letters li").nth(1).waitFor();
  await take("needs-attention", "needs");
  await page.route("**/sync/status", (route) => route.abort());
  await take("unreachable", "unreachable");
  await page.unroute("**/sync/status");
  over();
  const { ADMIN_TOKEN } = await import("../sandbox/worker.mjs");
  await fetch(`${worker.url}/dead-letters?all=true`, {
    method: "DELETE",
    headers: { authorization: `Bearer ${ADMIN_TOKEN}` },
  });
  await page.locator('#summary[data-mood="well"]').waitFor();
}

/** Imports that are over: some of each kind, one of them with records that are gone. */
async function imports(url, token, shop) {
  const call = async (method, path, body) => {
    const headers = { authorization: `Bearer ${token}` };
    const response = await fetch(url + path, { method, headers, body: JSON.stringify(body) });
    return response.json();
  };
  const run = async (kind, body) => {
    await call("POST", `/sync/${kind}`, body);
    while ((await call("GET", `/sync/${kind}`)).current.state === "running") await pause(100);
  };
  for (const kind of ["categories", "products", "orders"]) {
    await run(kind);
    await run(kind, { since: "2020-01-01T00:00:00Z" });
  }
  await run("orders", { ids: [...shop.orders.slice(0, 120).map(({ id }) => id), "no-such-order"] });
}

const WIDTH = 1200;

async function open(browser, url, token) {
  const viewport = { width: WIDTH, height: 1300 };
  const page = await browser.newPage({ viewport, colorScheme: "light", locale: "en-GB" });
  await page.goto(url);
  await page.getByLabel("Token", { exact: true }).fill(token);
  await page.keyboard.press("Enter");
  await page.getByText("Checked at").waitFor();
  return page;
}

async function whole(page) {
  await page.getByRole("button", { name: "Start an import of customers" }).click();
  await page.getByRole("button", { name: "Start", exact: true }).click();
  await page
    .locator("#run-customers")
    .getByText(/a second · about/)
    .waitFor();
  await page.locator("#run-customers .after code").waitFor();
  await page.evaluate(() => window.scrollTo(0, 0));
  await page.screenshot({ path: picture("dashboard") });
}

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

await asProgram(import.meta.url, screenshot);
