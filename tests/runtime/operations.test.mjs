// An operator's actions on kept entries: selected by id or code, deleted, tried now, and shown as a table.

import assert from "node:assert/strict";
import { test } from "node:test";
import { generateShop } from "../../sandbox/shop/generate.mjs";
import { ADMIN_TOKEN, READ_TOKEN } from "../../sandbox/worker.mjs";
import { eventually } from "../eventually.mjs";
import { changed } from "./documents.mjs";
import { HASTY, useStack } from "./harness.mjs";
import { imported } from "./imports.mjs";

const shop = generateShop({ customers: 8, orders: 0, products: 0 });
const stack = useStack({ commercetools: { shop }, settings: HASTY });
const { admin, letters } = stack;

/** Pushes what becomes a dead letter; its id. */
async function deadLetter(body) {
  const answer = await stack.push(body);
  assert.equal(answer.body.outcome, "dead_lettered", answer.text);
  return answer.body.id;
}

test("dead letters are replayed and dropped by their ids or their code", async () => {
  const text = await deadLetter("no JSON");
  const list = await deadLetter({ nothing: 1 });
  const codes = Object.fromEntries((await letters()).map(({ id, code }) => [id, code]));
  assert.notEqual(codes[text], codes[list]);
  const replay = async (body) => (await admin("POST", "/dead-letters/replay", body)).body.replayed;
  assert.equal(await replay(), 2);
  assert.equal(await replay({ ids: [text, "unknown"] }), 1);
  assert.equal(await replay({ code: codes[list] }), 1);
  assert.equal(await replay({ code: "unknown" }), 0);
  for (const body of [{ id: [text] }, { ids: [text], code: "x" }]) {
    const { status, body: said } = await admin("POST", "/dead-letters/replay", body);
    assert.deepEqual([status, said.code], [400, "bad_request"]);
  }
  const drop = async (query) => (await admin("DELETE", `/dead-letters${query}`)).status;
  assert.equal(await drop(""), 400);
  assert.equal(await drop("?all=false"), 400);
  assert.equal((await letters()).length, 2);
  assert.equal(await drop(`?code=${codes[text]}`), 204);
  assert.deepEqual(
    (await letters()).map(({ id }) => id),
    [list],
  );
  assert.equal(await drop("?all=true"), 204);
  assert.deepEqual(await letters(), []);
});

test("failures are filtered, retried and forgotten by their ids or their code, and given as CSV", async () => {
  const [one, two] = shop.customers;
  stack.commercetools.put("customer", { ...one, email: "no-address" });
  const missing = "gone/for ever";
  const ids = [one.id, two.id, missing];
  const run = await imported(stack.worker.url, "customers", { ids });
  assert.deepEqual([run.sent, run.failed], [1, 2]);
  const failures = async (query = "") => {
    const { body } = await admin("GET", `/sync/customers/failures${query}`);
    return body.failures.map(({ id }) => id).sort();
  };
  assert.deepEqual(await failures(), [one.id, missing].sort());
  assert.deepEqual(await failures("?code=malformed_email"), [one.id]);
  assert.deepEqual(await failures("?code=unknown"), []);

  const table = async (query, accept) => {
    const headers = { authorization: `Bearer ${ADMIN_TOKEN}`, accept };
    return stack.call(`/sync/customers/failures${query}`, { headers });
  };
  const csv = await table("?code=not_found", "text/html;q=0.9, Text/CSV; charset=utf-8");
  assert.equal(csv.headers.get("content-type"), "text/csv; charset=utf-8");
  assert.equal(csv.headers.get("link"), null);
  const [header, line, rest] = csv.text.split("\r\n");
  assert.equal(header, "id,code,detail,pointer,run,at");
  assert.ok(line.startsWith(`${missing},not_found,`), line);
  assert.equal(rest, "");
  assert.ok((await table("", "*/*")).body.failures);

  const retried = async (body) => {
    const answer = await admin("POST", "/sync/customers/failures/retry", body);
    assert.equal(answer.status, 202, answer.text);
    const ended = await eventually(
      "the retry to end",
      async () => (await admin("GET", "/sync/customers")).body.current,
      ({ state }) => state === "completed",
    );
    assert.equal(ended.mode, "retry");
    return ended.read;
  };
  assert.equal(await retried({ ids: [one.id, two.id] }), 1, "only those that failed");
  assert.equal(await retried({ code: "not_found" }), 1);
  const none = await admin("POST", "/sync/customers/failures/retry", { code: "unknown" });
  assert.deepEqual([none.status, none.body.code], [400, "no_failures"]);
  // The retry found that it is gone, and healed it.
  await imported(stack.worker.url, "customers", { ids: [missing] });

  const forget = async (path) => (await admin("DELETE", `/sync/customers/failures${path}`)).status;
  assert.equal(await forget(""), 400);
  assert.equal(await forget(`/${encodeURIComponent(missing)}`), 204);
  assert.equal(await forget(`/${encodeURIComponent(missing)}`), 404);
  assert.equal(await forget("?code=unknown"), 204);
  assert.deepEqual(await failures(), [one.id]);
  assert.equal(await forget("?all=true"), 204);
  assert.deepEqual(await failures(), []);
});

test("the token that reads is not shown what was said of a run that failed", async () => {
  const { key } = stack.klaviyo;
  stack.klaviyo.settings.key = "pk_another";
  const { error } = await imported(stack.worker.url, "customers");
  stack.klaviyo.settings.key = key;
  const headers = { authorization: `Bearer ${READ_TOKEN}` };
  const { body: runs } = await stack.call("/sync/customers", { headers });
  const { body: status } = await stack.call("/sync/status", { headers });
  for (const seen of [runs.current, runs.history[0], status.customers]) {
    assert.equal(seen.error.code, error.code);
    assert.notEqual(seen.error.message, error.message);
  }
});

test("what waits is shown, and tried now for who asks", async () => {
  const stop = stack.klaviyo.faults.add({ status: 503 });
  const customers = shop.customers.slice(2, 6);
  for (const customer of customers) await stack.expectParked(changed("customer", customer));
  const waiting = async () => (await admin("GET", "/outbox")).body.parked;
  const shown = await waiting();
  assert.deepEqual(
    shown.map(({ resource }) => resource).sort(),
    customers.map(({ id }) => `customer/${id}`).sort(),
  );
  for (const row of shown) {
    assert.equal(row.code, "klaviyo_503");
    assert.ok(row.attempts >= 1 && Date.parse(row.nextAttempt) >= Date.parse(row.since));
  }
  // By now the next try is seconds away.
  const attempts = (rows) => Math.min(...rows.map((row) => row.attempts));
  await eventually("some tries", waiting, (rows) => attempts(rows) >= 4, { limitMs: 60_000 });
  stop();
  const { status, body } = await admin("POST", "/outbox/retry");
  assert.equal(status, 202);
  assert.ok(body.retried <= customers.length);
  await eventually("all of it", waiting, (rows) => rows.length === 0, { limitMs: 3_000 });
});
