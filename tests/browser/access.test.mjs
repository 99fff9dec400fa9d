// Access on the dashboard: the admin token, and the modes of the Worker.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { ADMIN_TOKEN } from "../../sandbox/worker.mjs";
import { eventually } from "../eventually.mjs";
import { start, startAlone, unreachable } from "../runtime/harness.mjs";
import { dialog, giveToken, isIn, launch, open, openDesk, PATIENCE, signIn } from "./browser.mjs";

const UNAUTHORIZED = /status of 401/;

let browser;
before(async () => {
  browser = await launch();
});
after(() => browser.close());

describe("the admin token", () => {
  let stack;
  before(async () => {
    stack = await start();
  });
  after(() => stack.close());

  const stored = (page) => page.evaluate(() => [sessionStorage.length, localStorage.length]);

  test("is asked for; a wrong one is said to be wrong, and not kept", async () => {
    const { page, close } = await open(browser, stack.worker.url);
    await giveToken(page, "wrong");
    await page.getByRole("alert").getByText("not the Worker's ADMIN_TOKEN").waitFor();
    assert.equal(await page.evaluate(() => document.activeElement.id), "token");
    assert.deepEqual(await stored(page), [0, 0]);
    await page.reload();
    assert.equal(await page.getByRole("heading", { name: "Imports" }).isVisible(), false);
    await signIn(page);
    await close(UNAUTHORIZED);
  });

  test("is kept for the tab only, over a reload", async () => {
    const { page, context, close } = await openDesk(browser, stack.worker.url);
    assert.deepEqual(await stored(page), [1, 0]);
    assert.deepEqual(await context.cookies(), []);
    assert.ok(!page.url().includes(ADMIN_TOKEN));
    await page.reload();
    await page.getByRole("heading", { name: "Imports" }).waitFor();
    const other = await context.newPage();
    await other.goto(page.url());
    await other.getByLabel("Token", { exact: true }).waitFor();
    await close();
  });

  test("is forgotten on demand, with all that it opened", async () => {
    const { page, close } = await openDesk(browser, stack.worker.url);
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.getByLabel("Token", { exact: true }).waitFor();
    assert.deepEqual(await stored(page), [0, 0]);
    assert.equal(await page.getByRole("heading", { name: "Imports" }).isVisible(), false);
    await page.reload();
    await page.getByLabel("Token", { exact: true }).waitFor();
    await close();
  });

  test("that is not accepted any more is asked for again", async () => {
    const { page, close } = await openDesk(browser, stack.worker.url);
    await page.evaluate(() => sessionStorage.setItem("admin-token", "old"));
    await page.getByRole("alert").getByText("not the Worker's ADMIN_TOKEN").waitFor();
    await close(UNAUTHORIZED);
  });

  test("a network fault is said, and what was seen stays until it has passed", async () => {
    const { page, close } = await openDesk(browser, stack.worker.url);
    await page.route("**/sync/status", (route) => route.abort());
    const note = page.getByRole("status").getByText(/did not answer.*Trying again/);
    await note.waitFor();
    assert.ok(await page.getByRole("heading", { name: "Imports" }).isVisible());
    const unreachable = page.getByRole("heading", { name: "The worker cannot be reached" });
    await unreachable.waitFor();
    assert.match(await page.title(), /^The worker cannot be reached/);
    await page.unroute("**/sync/status");
    await note.waitFor({ state: "detached" });
    await unreachable.waitFor({ state: "detached" });
    await close(/Failed to load resource: net::ERR_FAILED/);
  });

  test("no round is begun before the one before it has ended", async () => {
    const { page, close } = await openDesk(browser, stack.worker.url);
    let release;
    const held = new Promise((resolve) => {
      release = resolve;
    });
    let under = 0;
    let most = 0;
    await page.route("**/sync/status", async (route) => {
      under += 1;
      most = Math.max(most, under);
      await held;
      under -= 1;
      await route.continue();
    });
    await eventually(
      "one request to be under way",
      () => under,
      (count) => count === 1,
      { limitMs: PATIENCE },
    );
    // What is done meanwhile asks for a round of its own.
    await page.getByRole("button", { name: "Start an import of categories" }).click();
    await dialog(page).getByRole("button", { name: "Start", exact: true }).click();
    await dialog(page).waitFor({ state: "detached" });
    await page.evaluate(() => new Promise(requestAnimationFrame));
    release();
    await isIn(page, "categories", "completed");
    assert.equal(most, 1);
    await page.unrouteAll({ behavior: "wait" });
    await close();
  });
});

describe("the modes", () => {
  async function withWorker(settings, check) {
    const worker = await startAlone({ ...unreachable, ...settings });
    try {
      await check(worker.url);
    } finally {
      await worker.close();
    }
  }

  test("with APP_TYPE=EVENT imports are off, and nothing is an error", () =>
    withWorker({ APP_TYPE: "EVENT" }, async (url) => {
      const { page, close } = await openDesk(browser, url);
      await page.getByText("Imports are off in this deployment").waitFor();
      assert.equal(await page.getByRole("button", { name: /Start an import/ }).count(), 0);
      assert.equal(await page.getByText("Realtime is off").isVisible(), false);
      await close();
    }));

  test("with APP_TYPE=BULK_IMPORT realtime is off, and nothing is an error", () =>
    withWorker({ APP_TYPE: "BULK_IMPORT" }, async (url) => {
      const { page, close } = await openDesk(browser, url);
      await page.getByText("Realtime is off in this deployment").waitFor();
      assert.equal(await page.getByRole("button", { name: /Start an import/ }).count(), 4);
      await close();
    }));

  test("a Worker that is not configured shows all that is wrong", () =>
    withWorker({ CT_PROJECT_ID: undefined, APP_TYPE: "SOMETIMES" }, async (url) => {
      const { page, close } = await open(browser, url);
      await page.getByRole("heading", { name: "The settings are not in order" }).waitFor();
      const problems = page.getByRole("listitem");
      await problems.filter({ hasText: "CT_PROJECT_ID" }).waitFor();
      await problems.filter({ hasText: "APP_TYPE" }).waitFor();
      assert.equal(await page.getByLabel("Token", { exact: true }).isVisible(), false);
      await close(/status of 503/);
    }));

  test("a Worker without an admin token says so", () =>
    withWorker({ ADMIN_TOKEN: undefined }, async (url) => {
      const { page, close } = await open(browser, url);
      await page.getByText("ADMIN_TOKEN is not set").waitFor();
      await close();
    }));
});
