// Data that is a script or markup: the page shows it as text, and it has no other effect.

import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import { message } from "../../sandbox/commercetools/notifications.mjs";
import { sampleShop } from "../../sandbox/shop/index.mjs";
import { start } from "../runtime/harness.mjs";
import { imported } from "../runtime/imports.mjs";
import { card, dialog, launch, openDesk } from "./browser.mjs";

const HOSTILE = [
  `<img src="x" onerror="alert(1)" class="injected">`,
  `"><script class="injected">alert(2)</script>`,
  `<svg class="injected" onload="alert(3)"></svg>`,
  `javascript:alert(4) \${alert(5)} </pre></code><b class="injected">`,
];
const everything = HOSTILE.join(" ");
const customer = { ...sampleShop().customers[0], firstName: everything };

let stack;
let browser;
before(async () => {
  stack = await start({ settings: { CONFIG: '{"import":{"oneByOne":true}}' } });
  stack.commercetools.put("customer", customer);
  browser = await launch();
});
after(async () => {
  await browser.close();
  await stack.close();
});
beforeEach(() => {
  const errors = [{ code: "invalid", detail: everything, source: { pointer: everything } }];
  stack.klaviyo.faults.clear();
  stack.klaviyo.faults.add({ path: "/api/profile-import", status: 400, body: { errors } });
});

/** The page shows the text as it is, in an element of this kind; no element came of it. */
async function showsVerbatim(room, selector) {
  const shown = await room
    .locator(selector)
    .evaluateAll((all) => all.map((one) => one.textContent));
  for (const text of HOSTILE) {
    const found = shown.some(
      (one) => one.includes(text) || one.includes(JSON.stringify(text).slice(1, -1)),
    );
    assert.ok(found, `${text} is not in ${JSON.stringify(shown)}`);
  }
}

async function nothingInjected(page) {
  assert.equal(await page.locator(".injected, b, script:not([src])").count(), 0);
}

test("Klaviyo's words about a record", async () => {
  const { page, close } = await openDesk(browser, stack.worker.url);
  await imported(stack.worker.url, "customers", { ids: [customer.id] });
  await page.getByRole("button", { name: /Failures of customers/ }).click();
  await dialog(page).getByRole("listitem").waitFor();
  await showsVerbatim(dialog(page), ".detail");
  await showsVerbatim(dialog(page), ".soft code");
  await nothingInjected(page);
  await close();
});

test("an id that was asked for", async () => {
  const { page, close } = await openDesk(browser, stack.worker.url);
  await imported(stack.worker.url, "orders", { ids: HOSTILE });
  await page.getByRole("button", { name: /Failures of orders/ }).click();
  await dialog(page)
    .getByRole("listitem")
    .nth(HOSTILE.length - 1)
    .waitFor();
  await showsVerbatim(dialog(page), ".row-head code");
  await nothingInjected(page);
  assert.equal(await card(page, "orders").locator(".injected").count(), 0);
  await close();
});

test("a customer's name in a dead letter, and Klaviyo's words about it", async () => {
  const { page, close } = await openDesk(browser, stack.worker.url);
  const resource = { typeId: "customer", id: customer.id };
  await stack.push(message("CustomerCreated", resource, { customer }));
  const letter = page.locator("#letters li");
  await letter.waitFor();
  await showsVerbatim(letter, ".detail");
  await letter.getByRole("button", { name: "Read" }).click();
  await dialog(page).locator("pre").waitFor();
  await showsVerbatim(dialog(page), "pre");
  await nothingInjected(page);
  await close();
});

test("a customer's name in the preview", async () => {
  const { page, close } = await openDesk(browser, stack.worker.url);
  await page.getByLabel("Kind", { exact: true }).selectOption("customers");
  await page.getByLabel("Known by", { exact: true }).selectOption("Id");
  await page.getByLabel("Id", { exact: true }).fill(customer.id);
  await page.getByRole("button", { name: "Preview" }).click();
  const result = page.getByRole("region", { name: "Requests" });
  await result.getByText("1 request").waitFor();
  await showsVerbatim(result, "pre");
  await nothingInjected(page);
  await close();
});

test("the page takes no markup and no code, even from its own scripts", async () => {
  const { page, close } = await openDesk(browser, stack.worker.url);
  const outcome = await page.evaluate(() => {
    const attempts = {
      markup: () => {
        document.body.innerHTML += "<b>injected</b>";
      },
      script: () => {
        document.createElement("script").text = "alert(6)";
      },
      handler: () => document.body.setAttribute("onclick", "alert(7)"),
    };
    return Object.entries(attempts).map(([name, attempt]) => {
      try {
        attempt();
        return `${name} was taken`;
      } catch (error) {
        return error.name;
      }
    });
  });
  assert.deepEqual(outcome, ["TypeError", "TypeError", "TypeError"]);
  await nothingInjected(page);
  await close(/requires 'Trusted(HTML|Script)'/);
});
