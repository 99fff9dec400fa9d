// Accessibility: the page works by keyboard, on a phone and on a desktop, light and dark, and axe-core finds no
// problem.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { message } from "../../sandbox/commercetools/notifications.mjs";
import { start } from "../runtime/harness.mjs";
import { current, imported } from "../runtime/imports.mjs";
import {
  accessible,
  card,
  DESKTOP,
  dialog,
  isIn,
  launch,
  open,
  openDesk,
  PHONE,
  signIn,
} from "./browser.mjs";

let stack;
let browser;
before(async () => {
  stack = await start();
  browser = await launch();
  // Something of everything is to be seen.
  await imported(stack.worker.url, "categories");
  await imported(stack.worker.url, "customers", { ids: ["nobody"] });
  for (const id of ["one", "two"]) {
    const order = { not: "an order", with: "a-long-word".repeat(30) };
    await stack.push(message("OrderCreated", { typeId: "order", id }, { order }));
  }
  const key = stack.klaviyo.settings.key;
  stack.klaviyo.settings.key = "pk_another";
  await imported(stack.worker.url, "orders");
  stack.klaviyo.settings.key = key;
});
after(async () => {
  await browser.close();
  await stack.close();
});

/** Presses Tab until the element has the focus. */
async function tabTo(page, locator) {
  const isFocused = () => locator.evaluate((node) => node === document.activeElement);
  for (let presses = 0; presses < 100; presses++) {
    if (await isFocused()) return;
    await page.keyboard.press("Tab");
  }
  assert.fail(`${locator} cannot be reached by Tab`);
}

test("an import is started by keyboard alone", async () => {
  const { page, close } = await open(browser, stack.worker.url);
  await page.getByLabel("Token", { exact: true }).waitFor();
  assert.equal(await page.evaluate(() => document.activeElement.id), "token");
  await page.keyboard.type("sandbox-admin-token");
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "Imports" }).waitFor();

  const starter = page.getByRole("button", { name: "Start an import of products" });
  await tabTo(page, starter);
  await page.keyboard.press("Enter");
  await dialog(page).waitFor();
  await page.keyboard.press("Escape");
  await dialog(page).waitFor({ state: "detached" });
  assert.ok(await starter.evaluate((node) => node === document.activeElement), "the focus is lost");
  assert.equal((await current(stack.worker.url, "products")).state, "idle");

  await page.keyboard.press("Enter");
  await tabTo(page, dialog(page).getByRole("button", { name: "Start", exact: true }));
  await page.keyboard.press("Enter");
  await isIn(page, "products", "completed");
  await close();
});

test("the first Tab leads past the header, and a question has its safe answer focused", async () => {
  const { page, close } = await openDesk(browser, stack.worker.url);
  await page.locator("#letters li").first().waitFor();
  await page.reload();
  await page.locator("#letters li").first().waitFor();
  await page.keyboard.press("Tab");
  const first = await page.evaluate(() => document.activeElement.textContent);
  assert.equal(first, "Skip to the content");
  const remove = page.getByRole("button", { name: "Delete order/one" });
  await tabTo(page, remove);
  await page.keyboard.press("Enter");
  await dialog(page).waitFor();
  assert.equal(await page.evaluate(() => document.activeElement.textContent), "Cancel");
  await page.keyboard.press("Enter");
  await dialog(page).waitFor({ state: "detached" });
  assert.equal((await stack.admin("GET", "/sync/status")).body.outbox.deadLetters, 2);
  await close();
});

const fits = (page) =>
  page.evaluate(() => document.documentElement.scrollWidth <= document.documentElement.clientWidth);

for (const [width, viewport] of Object.entries({
  phone: PHONE,
  desk: DESKTOP,
  narrow: { width: 320, height: 640 },
})) {
  for (const colorScheme of ["light", "dark"]) {
    describe(`on a ${width}, ${colorScheme}`, () => {
      let opened;
      let page;
      before(async () => {
        // axe-core is put into the page, which its policy forbids; what the policy does is tested elsewhere.
        opened = await open(browser, stack.worker.url, { viewport, colorScheme, bypassCSP: true });
        page = opened.page;
      });
      after(() => opened.close());

      const room = async (name, show) => {
        await show();
        assert.ok(await fits(page), `${name} is wider than the screen`);
        await accessible(page);
      };

      test("the question for the token", () =>
        room("the question", () => page.getByLabel("Token", { exact: true }).waitFor()));

      test("the desk", () =>
        room("the desk", async () => {
          await signIn(page);
          await page.locator("#letters li").nth(1).waitFor();
          await page.getByText("Checked at").waitFor();
          await card(page, "categories").getByText("Recent runs").click();
        }));

      test("the preview", () =>
        room("the preview", async () => {
          await page.getByLabel("Kind", { exact: true }).selectOption("categories");
          const { body } = await stack.admin("GET", "/sync/categories");
          assert.ok(body.current.id);
          await page.getByLabel("A notification", { exact: true }).check();
          const order = message("OrderCreated", { typeId: "order", id: "x" }, { order: {} });
          await page.getByLabel(/as the broker sends it/).fill(JSON.stringify(order));
          await page.getByRole("button", { name: "Preview" }).click();
          await page.getByRole("region", { name: "Requests" }).waitFor();
        }));

      for (const [name, opener] of Object.entries({
        "the start": () => page.getByRole("button", { name: "Start an import of categories" }),
        "the failures": () => page.getByRole("button", { name: /Failures of customers/ }),
        "a dead letter": () => page.getByRole("button", { name: "Read order/one" }),
        "a question": () => page.getByRole("button", { name: "Delete order/one" }),
      })) {
        test(name, async () => {
          await room(name, async () => {
            await opener().click();
            await dialog(page).waitFor();
          });
          await page.keyboard.press("Escape");
          await dialog(page).waitFor({ state: "detached" });
        });
      }
    });
  }
}
