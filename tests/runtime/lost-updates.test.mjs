// Stored data is neither lost nor left behind: a notification parked during an older try of its
// row, a failed write of the storage, and the data that an erasure has to remove.

import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";
import { change, message } from "../../sandbox/commercetools/notifications.mjs";
import { startCommercetools } from "../../sandbox/commercetools/server.mjs";
import { startKlaviyo } from "../../sandbox/klaviyo/server.mjs";
import { sampleShop } from "../../sandbox/shop/index.mjs";
import { settingsFor, startWorker } from "../../sandbox/worker.mjs";
import { eventually } from "../eventually.mjs";
import { admin, push } from "./harness.mjs";

/**
 * The worker, whose outbox can be told how to fail when it is to store something ("/fail"), and shows
 * what is in its tables ("/stored").
 */
const WITH_A_WAY_IN = `
  import worker, { Outbox as Own } from "./index.js";
  export default worker;
  export * from "./index.js";
  let failing = "";
  const failures = {
    "answers 500": () => new Response("{}", { status: 500 }),
    "is broken": () => { throw new Error("broken"); },
    "answers too late": () => new Promise((resolve) => setTimeout(resolve, 5_000)),
    "answers what is not asked": () => Response.json([], { status: 201 }),
  };
  const read = (value) => (value instanceof ArrayBuffer ? new TextDecoder().decode(value) : value);
  export class Outbox {
    constructor(state, env) {
      this.sql = state.storage.sql;
      const sql = Object.getPrototypeOf(this.sql);
      const exec = sql.exec;
      sql.exec = function (query, ...values) {
        const stores = /INSERT INTO (parked|dead_letters) /.test(query);
        if (stores && failing === "cannot write") throw new Error("the disk is full");
        return exec.call(this, query, ...values);
      };
      this.own = new Own(state, env);
    }
    async fetch(request) {
      const { pathname } = new URL(request.url);
      if (pathname === "/fail") {
        failing = await request.text();
        return new Response();
      }
      if (pathname === "/stored") return Response.json(this.stored());
      if (pathname === "/notifications" && failures[failing]) return failures[failing]();
      return this.own.fetch(request);
    }
    alarm() {
      return this.own.alarm();
    }
    stored() {
      const rows = (query) => [...this.sql.exec(query).raw()].map((row) => row.map(read));
      const names = rows("SELECT name FROM sqlite_master WHERE type = 'table'").flat();
      const own = names.filter((name) => !/^(_cf|sqlite)_/.test(name));
      return Object.fromEntries(own.map((name) => [name, rows("SELECT * FROM " + name)]));
    }
  }
`;

const shop = sampleShop();
const order = shop.orders.find(
  ({ customerId, customerEmail, orderState }) =>
    customerId && customerEmail && orderState === "Open",
);
const customer = shop.customers.find(({ id }) => id === order.customerId);
const somebodyElse = shop.customers.find(({ id }) => id !== customer.id);
const about = (typeId, { id }) => ({ typeId, id });
const changed = (document = customer) => change("ResourceUpdated", about("customer", document));
const created = (document = order) =>
  message("OrderCreated", about("order", document), { order: document });

let commercetools;
let klaviyo;
let worker;
beforeEach(async () => {
  commercetools = await startCommercetools();
  klaviyo = await startKlaviyo();
  const CONFIG = JSON.stringify({ customer: { deletion: "erase" } });
  const settings = { ...settingsFor(commercetools, klaviyo), CONFIG };
  worker = await startWorker({ settings, entry: WITH_A_WAY_IN });
});
afterEach(async () => {
  await worker.close();
  await klaviyo.close();
  await commercetools.close();
});
const object = (path, body) => worker.object("OUTBOX", "outbox", path, { method: "POST", body });
const stored = async () => (await object("/stored")).json();
const outbox = async () => (await admin(worker.url, "GET", "/sync/status")).body.outbox;
const drained = () =>
  eventually("the outbox to be empty", outbox, ({ waiting }) => waiting === 0, { limitMs: 90_000 });
const profile = ({ id }) => klaviyo.store.profileByExternalId(id);
async function expectOutcome(status, outcome, body) {
  const answer = await push(worker.url, body);
  assert.deepEqual([answer.status, answer.body?.outcome], [status, outcome], answer.text);
  return answer;
}

/** A promise with its end in hand. */
function held() {
  let letGo;
  const until = new Promise((resolve) => {
    letGo = resolve;
  });
  return { until, letGo };
}

test("what is parked while an older try of it is under way is tried in its turn", async () => {
  const path = "/api/profile-import";
  const { until, letGo } = held();
  klaviyo.faults.add({ path, status: 503, times: 1 });
  klaviyo.faults.add({ path, until, after: true, times: 1 });
  commercetools.put("customer", { ...customer, firstName: "Older" });
  await expectOutcome(202, "parked", changed());
  // The outbox has written what there was; it does not know yet that it has.
  await eventually(
    "the older name",
    () => profile(customer)?.attributes.first_name,
    (name) => name === "Older",
  );

  commercetools.put("customer", { ...customer, firstName: "Newer" });
  commercetools.faults.add({ path: "/sandbox-shop/customers", status: 503 });
  await expectOutcome(202, "parked", changed());
  commercetools.faults.clear();
  assert.equal(klaviyo.requests.at(-1).status, null, "the older try is still under way");
  letGo();
  await drained();
  assert.equal(profile(customer).attributes.first_name, "Newer");
  assert.deepEqual(klaviyo.violations, []);
});

test("what is parked while an older try of it is refused is not given up with it", async () => {
  const path = "/api/profile-import";
  const { until, letGo } = held();
  klaviyo.faults.add({ path, status: 503, times: 1 });
  klaviyo.faults.add({ path, until, status: 400, body: { errors: [] }, times: 1 });
  await expectOutcome(202, "parked", changed());
  await eventually(
    "the second request",
    () => klaviyo.requests.filter((request) => request.path === path).length,
    (count) => count === 2,
  );

  commercetools.faults.add({ path: "/sandbox-shop/customers", status: 503 });
  await expectOutcome(202, "parked", changed());
  commercetools.faults.clear();
  assert.equal(klaviyo.requests.at(-1).status, null, "the older try is still under way");
  letGo();
  await drained();
  assert.ok(profile(customer));
  assert.equal((await outbox()).deadLetters, 0);
});

for (const failure of [
  "cannot write",
  "answers 500",
  "is broken",
  "answers too late",
  "answers what is not asked",
]) {
  test(`an outbox that ${failure} has not stored anything: the sender has to try again`, async () => {
    const stop = klaviyo.faults.add({ status: 503 });
    const unreadable = { hello: failure };
    const several = [changed(somebodyElse), created(), unreadable];
    await object("/fail", failure);
    for (const body of [changed(), created(), unreadable, several]) {
      const answer = await push(worker.url, body);
      assert.equal(answer.status, 503, answer.text);
      assert.ok(Number(answer.headers.get("retry-after")) > 0);
    }
    const { waiting, deadLetters } = await outbox();
    assert.deepEqual([waiting, deadLetters], [0, 0]);

    await object("/fail", "");
    await expectOutcome(202, "parked", changed());
    await expectOutcome(202, "parked", created());
    await expectOutcome(202, "dead_lettered", unreadable);
    stop();
    await drained();
    assert.ok(profile(customer));
    assert.equal(klaviyo.store.events({ metric: "Placed Order" }).length, 1);
    assert.equal((await outbox()).deadLetters, 1);
  });
}

test("nothing that is stored names a customer who was erased", async () => {
  const broken = { ...order, id: "broken", totalPrice: "free" };
  await expectOutcome(202, "dead_lettered", created(broken));
  klaviyo.faults.add({ status: 503 });
  await expectOutcome(202, "parked", created());
  const { email } = customer;
  const told = { customer: { id: customer.id, email } };
  await expectOutcome(202, "parked", message("CustomerCreated", about("customer", customer), told));
  const other = {
    ...order,
    id: "other",
    customerId: somebodyElse.id,
    customerEmail: "o@ther.example",
  };
  await expectOutcome(202, "parked", created(other));
  const before = await stored();
  const naming = (tables, text) =>
    Object.keys(tables).filter((name) => JSON.stringify(tables[name]).includes(text));
  assert.deepEqual(naming(before, email).sort(), ["dead_letter_parts", "parked_parts"]);

  commercetools.remove("customer", customer.id);
  const erased = change("ResourceDeleted", about("customer", customer), { dataErasure: true });
  await expectOutcome(202, "parked", erased);
  const left = await stored();
  assert.deepEqual(naming(left, email), []);
  assert.deepEqual(naming(left, order.id), []);
  assert.deepEqual(naming(left, "o@ther.example"), ["parked_parts"]);
  klaviyo.faults.clear();
  await drained();
  assert.deepEqual((await stored()).parked_parts, [], "what is parked is removed whole");
});
