// The shared parts of the dashboard's tests: a browser, and the page in it under observation.
//
// If a page calls another host, breaks its own policy, opens a dialog of the browser or logs an error, the test that
// opened it fails, unless the test expects the error.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";
import { ADMIN_TOKEN } from "../../sandbox/worker.mjs";
import { CHROMIUM } from "../../scripts/chromium.mjs";

export const DESKTOP = { width: 1280, height: 800 };
export const PHONE = { width: 360, height: 740 };

/** How long a condition may take to come true, in ms. Nothing is asserted of the time itself. */
export const PATIENCE = 60_000;

/** Starts the browser, with a profile of its own. */
export function launch() {
  return chromium.launch({
    executablePath: CHROMIUM,
    args: ["--disable-background-networking", "--disable-component-update"],
  });
}

/** Opens the page at `url` and watches it; `options` are those of a browser context. */
export async function open(browser, url, options = {}) {
  const context = await browser.newContext({ viewport: DESKTOP, locale: "en-GB", ...options });
  context.setDefaultTimeout(PATIENCE);
  const page = await context.newPage();
  const complaints = [];
  const complain = (what) => complaints.push(what);
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) complain(message.text());
  });
  page.on("pageerror", (error) => complain(String(error)));
  page.on("dialog", (dialog) => {
    complain(`a dialog: ${dialog.message()}`);
    dialog.dismiss();
  });
  page.on("request", (request) => {
    const asked = request.url();
    if (!asked.startsWith(`${url}/`) && !asked.startsWith("data:")) complain(`asked ${asked}`);
  });
  await page.goto(`${url}/`);
  return {
    page,
    context,
    /** Ends it; nothing may have been complained of but what matches `expected`. */
    async close(expected) {
      await context.close();
      const others = complaints.filter((complaint) => !expected?.test(complaint));
      assert.deepEqual(others, []);
    },
  };
}

/** Opens the page and signs in. */
export async function openDesk(browser, url, options) {
  const desk = await open(browser, url, options);
  await signIn(desk.page);
  return desk;
}

/** Gives the admin token, or another one, and waits for the desk. */
export async function signIn(page) {
  await giveToken(page, ADMIN_TOKEN);
  await page.getByRole("heading", { name: "Imports" }).waitFor();
}

export async function giveToken(page, token) {
  await page.getByLabel("Token", { exact: true }).fill(token);
  await page.keyboard.press("Enter");
}

/** The card of a kind. */
export const card = (page, kind) => page.locator(`#run-${kind}`);

/** Waits until a card's badge says so. */
export const isIn = (page, kind, state) =>
  card(page, kind).locator(".badge", { hasText: state }).waitFor();

/** The number that a term of this name has within `room`. */
export async function figure(room, name) {
  const text = await room.locator(`[data-term="${name}"] dd`).textContent();
  return Number(text.replaceAll(",", ""));
}

/** The dialog that is open. */
export const dialog = (page) => page.locator("dialog[open]");

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** Fails if the page, as it is now, has a fault of accessibility. Its context must bypass the policy. */
export async function accessible(page) {
  await page.evaluate(AXE);
  const { violations } = await page.evaluate(() => globalThis.axe.run());
  const said = violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html)}`);
  assert.deepEqual(said, []);
}
