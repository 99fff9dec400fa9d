// Makes docs/images/dashboard.png: the dashboard as the README shows it, of the sample shop, with an
// import under way and one that failed in part.
//
//   node scripts/screenshot.mjs

import { mkdirSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { build } from "./build.mjs";
import { CHROMIUM, ensureChromium } from "./chromium.mjs";
import { ROOT } from "./lib/project.mjs";
import { asProgram, Failure, say } from "./lib/run.mjs";

const PICTURE = join(ROOT, "docs", "images", "dashboard.png");

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
    await imports(worker.url, ADMIN_TOKEN, shop);
    commercetools.faults.add({ path: /customers$/, latencyMs: 800 });
    await picture(browser, worker.url, ADMIN_TOKEN);
  } finally {
    await browser.close();
    await worker.close();
    await klaviyo.close();
    await commercetools.close();
  }
  const { size } = statSync(PICTURE);
  if (size > LIMIT) throw new Failure(`${PICTURE} has ${size} bytes, and may have ${LIMIT}`);
  say(`${PICTURE}: ${size} bytes`);
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

async function picture(browser, url, token) {
  const viewport = { width: 1200, height: 980 };
  const page = await browser.newPage({ viewport, colorScheme: "light", locale: "en-GB" });
  await page.goto(url);
  await page.getByLabel("Token", { exact: true }).fill(token);
  await page.keyboard.press("Enter");
  await page.getByText("Checked at").waitFor();
  await page.getByRole("button", { name: "Start an import of customers" }).click();
  await page.getByRole("button", { name: "Start", exact: true }).click();
  await page
    .locator("#run-customers")
    .getByText(/a second · about/)
    .waitFor();
  await page.locator("#run-customers .after code").waitFor();
  mkdirSync(dirname(PICTURE), { recursive: true });
  await page.screenshot({ path: PICTURE });
}

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

await asProgram(import.meta.url, screenshot);
