// The outbox on the dashboard: what waits and why, and what needs a person.

import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach, test } from "node:test";
import { change, message } from "../../sandbox/commercetools/notifications.mjs";
import { sampleShop } from "../../sandbox/shop/index.mjs";
import { eventually } from "../eventually.mjs";
import { start } from "../runtime/harness.mjs";
import { dialog, figure, launch, openDesk, PATIENCE } from "./browser.mjs";

const [customer] = sampleShop().customers;
const ORDER = { typeId: "order", id: "no-order" };

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
  stack.klaviyo.faults.clear();
  const { deadLetters } = (await stack.admin("GET", "/dead-letters")).body;
  for (const { id } of deadLetters) await stack.admin("DELETE", `/dead-letters/${id}`);
  desk = await openDesk(browser, stack.worker.url);
});
afterEach(() => desk.close());

const room = (page) => page.getByRole("region", { name: "Realtime" });
const letters = (page) => room(page).getByRole("listitem");
const kept = async () => (await stack.admin("GET", "/sync/status")).body.outbox.deadLetters;

/** Pushes an order that cannot be read: a dead letter of that id. */
async function refuse(id = ORDER.id) {
  const notification = message("OrderCreated", { ...ORDER, id }, { order: { not: "an order" } });
  assert.equal((await stack.push(notification)).body.outcome, "dead_lettered");
}

test("what waits is counted, with its age and its last error", async () => {
  const { page } = desk;
  const stop = stack.klaviyo.faults.add({ status: 503 });
  await stack.push(change("ResourceUpdated", { typeId: "customer", id: customer.id }));
  await room(page).getByText("klaviyo_503 (1)").waitFor();
  assert.equal(await figure(room(page), "waiting"), 1);
  const { oldest } = (await stack.admin("GET", "/sync/status")).body.outbox;
  const time = room(page).locator('[data-term="oldest"] time');
  assert.equal(await time.getAttribute("datetime"), oldest);
  stop();
  await eventually(
    "nothing to be shown as waiting",
    () => figure(room(page), "waiting"),
    (waiting) => waiting === 0,
    { limitMs: PATIENCE },
  );
  await room(page).getByText("klaviyo_503").waitFor({ state: "hidden" });
});

test("a key that Klaviyo refuses needs attention at once", async () => {
  const { page } = desk;
  const { key } = stack.klaviyo.settings;
  stack.klaviyo.settings.key = "pk_another";
  await stack.push(change("ResourceUpdated", { typeId: "customer", id: customer.id }));
  const why = "Klaviyo refuses the key: see KLAVIYO_AUTH_KEY. 1 notification waits until then.";
  await page.getByRole("link", { name: why }).waitFor();
  await page.getByRole("heading", { name: /needs? attention/ }).waitFor();
  stack.klaviyo.settings.key = key;
  await page.getByText("Klaviyo refuses the key").waitFor({ state: "hidden", timeout: PATIENCE });
});

test("a dead letter is read whole, and replayed", async () => {
  const { page } = desk;
  const invalid = { path: "/api/profile-import", status: 400 };
  const errors = [{ code: "invalid", detail: "The name is too lovely." }];
  stack.klaviyo.faults.add({ ...invalid, body: { errors } });
  await stack.push(change("ResourceUpdated", { typeId: "customer", id: customer.id }));
  const letter = letters(page).filter({ hasText: `customer/${customer.id}` });
  await letter.getByText("klaviyo_400").waitFor();
  await letter.getByText("The name is too lovely.").waitFor();
  await page.getByRole("link", { name: /^1 notification could not be delivered/ }).waitFor();

  await letter.getByRole("button", { name: "Read" }).click();
  const text = await dialog(page).getByLabel("The dead letter").textContent();
  const { id, notification } = JSON.parse(text);
  const { body } = await stack.admin("GET", `/dead-letters/${id}`);
  assert.deepEqual(notification, body.notification);
  await dialog(page).getByRole("button", { name: "Close" }).click();

  stack.klaviyo.faults.clear();
  stack.klaviyo.reset();
  await letter.getByRole("button", { name: /^Retry/ }).click();
  await letter.waitFor({ state: "hidden" });
  await eventually("the customer to be at Klaviyo", () =>
    stack.klaviyo.store.profileByExternalId(customer.id),
  );
  assert.equal(await kept(), 0);
});

test("a deletion asks first, and takes the one that was meant", async () => {
  const { page } = desk;
  await refuse("one");
  await refuse("another");
  await letters(page).nth(1).waitFor();
  const remove = page.getByRole("button", { name: "Delete order/one" });
  for (const answer of ["Escape", "Cancel"]) {
    await remove.click();
    await page.getByRole("alertdialog", { name: "Delete this dead letter?" }).waitFor();
    if (answer === "Escape") await page.keyboard.press("Escape");
    else await dialog(page).getByRole("button", { name: "Cancel" }).click();
    await dialog(page).waitFor({ state: "detached" });
    assert.equal(await kept(), 2);
  }
  await remove.click();
  await dialog(page).getByRole("button", { name: "Delete" }).click();
  await letters(page).filter({ hasText: "order/one" }).waitFor({ state: "hidden" });
  assert.equal(await letters(page).count(), 1);
  const { deadLetters } = (await stack.admin("GET", "/dead-letters")).body;
  assert.deepEqual(
    deadLetters.map(({ resource }) => resource),
    ["order/another"],
  );
});

test("all are replayed when that was agreed to", async () => {
  const { page } = desk;
  for (const id of ["one", "two", "three"]) await refuse(id);
  const before = (await stack.admin("GET", "/dead-letters")).body.deadLetters;
  await letters(page).nth(2).waitFor();
  await room(page).getByRole("button", { name: "Retry all" }).click();
  await dialog(page).getByText("3 dead letters will be tried again").waitFor();
  await dialog(page).getByRole("button", { name: "Retry all" }).click();
  // They fail again, and come back: each was tried once more.
  const newest = before.map(({ at }) => at).sort()[2];
  await eventually(
    "three dead letters, all of them newer",
    stack.letters,
    (letters) => letters.length === 3 && letters.every(({ at }) => at > newest),
    { limitMs: PATIENCE },
  );
});

test("dead letters are shown page by page", async () => {
  const { page } = desk;
  const notifications = Array.from({ length: 120 }, (_, n) =>
    message("OrderCreated", { ...ORDER, id: `page-${n}` }, { order: { not: "an order" } }),
  );
  await stack.push(notifications);
  await room(page).getByRole("button", { name: "Show more" }).click();
  await letters(page).nth(119).waitFor();
  assert.equal(await letters(page).count(), 120);
  await room(page).getByRole("button", { name: "Show more" }).waitFor({ state: "hidden" });
});
