// Tests of faults, the control surface, the log and the snapshot.

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { createFaults, seededRandom } from "../../../sandbox/faults.mjs";
import { eventually } from "../../eventually.mjs";
import { seedFor } from "../../seed.mjs";
import { category, event, item, NOW, profile, start } from "./help.mjs";

test("faults: a status, so many times, for one path; the effect does not take place", async (t) => {
  const { klaviyo, post, get } = await start(t);
  klaviyo.faults.add({
    method: "POST",
    path: "/api/events",
    status: 503,
    times: 2,
    headers: { "retry-after": "7" },
    body: { errors: [] },
  });
  assert.equal((await get("/api/events")).status, 200);
  for (let count = 0; count < 2; count += 1) {
    const answer = await post("/api/events", event());
    assert.equal(answer.status, 503);
    assert.equal(answer.headers.get("retry-after"), "7");
    assert.deepEqual(answer.body, { errors: [] });
  }
  assert.deepEqual(klaviyo.store.events(), []);
  assert.deepEqual(klaviyo.faults.rules, []);
  assert.equal((await post("/api/events", event())).status, 202);
  assert.deepEqual(
    klaviyo.requests.map(({ method, path, status, fault }) => [method, path, status, fault]),
    [
      ["GET", "/api/events", 200, undefined],
      ["POST", "/api/events", 503, "status"],
      ["POST", "/api/events", 503, "status"],
      ["POST", "/api/events", 202, undefined],
    ],
  );
});

test("faults: `after` loses the reply although the write took place", async (t) => {
  const { klaviyo, post } = await start(t);
  const remove = klaviyo.faults.add({ path: /events$/, reset: true, after: true });
  await assert.rejects(post("/api/events", event()));
  assert.equal(klaviyo.store.events().length, 1);
  remove();
  klaviyo.faults.add({ status: 504, after: true, times: 1 });
  assert.equal((await post("/api/events", event({ unique_id: "2" }))).status, 504);
  assert.equal(klaviyo.store.events().length, 2);
});

test("faults: an answer that is held back until the test lets it go", async (t) => {
  const { klaviyo, post } = await start(t);
  let letGo;
  const held = new Promise((resolve) => {
    letGo = resolve;
  });
  klaviyo.faults.add({ until: held, after: true, times: 1 });
  const answer = post("/api/events", event());
  await eventually(
    "the event",
    () => klaviyo.store.events().length,
    (count) => count === 1,
  );
  assert.equal(klaviyo.requests.at(-1).status, null);
  letGo();
  assert.equal((await answer).status, 202);
});

test("faults: reset and hang before the effect, latency that goes on", async (t) => {
  const { klaviyo, call, post } = await start(t);
  klaviyo.faults.add({ reset: true, times: 1 });
  await assert.rejects(post("/api/events", event()));
  klaviyo.faults.add({ hang: true, times: 1 });
  const abort = new AbortController();
  const hanging = fetch(`${klaviyo.url}/api/events`, {
    method: "POST",
    body: "{}",
    signal: abort.signal,
  });
  const expected = assert.rejects(hanging, { name: "AbortError" });
  await eventually(
    "the request to hang",
    () => klaviyo.requests.at(-1)?.fault,
    (fault) => fault === "hang",
  );
  abort.abort();
  await expected;
  assert.deepEqual(klaviyo.store.events(), []);
  klaviyo.faults.add({ latencyMs: 1 });
  assert.equal((await call("POST", "/api/events", event())).status, 202);
  assert.equal(klaviyo.faults.rules[0].hits, 1);
});

test("faults: probability is drawn from the given generator; nonsense is refused", async () => {
  const request = { method: "GET", url: "/x?y=1" };
  const outcomes = async (seed) => {
    const faults = createFaults({ random: seededRandom(seed) });
    faults.add({ hang: true, probability: 0.5, path: "/x" });
    const list = [];
    for (let count = 0; count < 64; count += 1)
      list.push(await faults.apply(request, {}, "before"));
    return list;
  };
  const first = await outcomes(7);
  assert.ok(first.includes("hang") && first.includes(false));
  assert.deepEqual(await outcomes(7), first);
  assert.notDeepEqual(await outcomes(8), first);
  const faults = createFaults();
  assert.throws(() => faults.add({ staus: 500 }), /staus/);
  assert.throws(() => faults.add({ path: "/x" }), TypeError);
});

test("the control surface works without a key and leaves no trace in the log", async (t) => {
  const { klaviyo, call, post } = await start(t, { recordBodies: true });
  const control = (method, path, body) =>
    call(method, `/sandbox/${path}`, body, { authorization: "" });
  const rule = { pathPattern: "events$", status: 500, times: 1 };
  assert.equal((await control("POST", "faults", rule)).status, 201);
  assert.equal((await control("POST", "faults", { status: 500, colour: 1 })).status, 400);
  assert.equal((await post("/api/events", event())).status, 500);
  await control("POST", "faults", { status: 500 });
  assert.equal((await control("DELETE", "faults")).status, 204);
  assert.equal((await post("/api/events", event())).status, 202);
  assert.deepEqual((await control("GET", "state")).body, klaviyo.snapshot());
  const log = (await control("GET", "requests")).body;
  assert.equal(log.length, 2);
  assert.equal(log[1].operation, "POST /api/events");
  assert.equal(log[1].at, NOW);
  assert.equal(log[1].bytes, Buffer.byteLength(JSON.stringify(event())));
  assert.deepEqual(log[1].body, event());
  assert.deepEqual((await control("GET", "violations")).body, []);
  assert.equal((await control("GET", "nothing")).status, 404);
  assert.equal((await control("POST", "reset")).status, 204);
  assert.deepEqual(klaviyo.requests.length, 0);
  assert.deepEqual(klaviyo.snapshot().events, {});
});

test("two runs of the same work in another order give the same snapshot", async (t) => {
  const one = await start(t);
  const two = await start(t);
  const work = [
    ...["a", "b", "c"].map((id) => [
      "/api/profile-import",
      profile({ external_id: id, email: `${id}@example.com`, properties: { id } }),
    ]),
    ...["a", "b"].map((id) => [
      "/api/events",
      event({ unique_id: id, value: id.charCodeAt(0) }, { external_id: id }),
    ]),
    ["/api/events", event({ unique_id: "a", value: 1 }, { external_id: "b" })],
    ...["x", "y"].map((id) => ["/api/catalog-items", { data: item(id) }]),
    ["/api/catalog-categories", { data: category("k") }],
  ];
  const run = async ({ klaviyo, post }, list) => {
    klaviyo.reset();
    for (const [path, body] of list) assert.ok((await post(path, body)).status < 300, path);
    return klaviyo.snapshot();
  };
  const expected = await run(one, work);
  assert.deepEqual(Object.keys(expected.events), [
    "Placed Order a a",
    "Placed Order a b",
    "Placed Order b",
  ]);
  assert.equal(expected.events["Placed Order b"].profile, "b");
  await fc.assert(
    fc.asyncProperty(fc.shuffledSubarray(work, { minLength: work.length }), async (list) => {
      assert.deepEqual(
        await run(two, [...list, ...list.filter(([path]) => path.includes("profile"))]),
        expected,
      );
    }),
    { numRuns: 20, seed: seedFor("the orders of requests") },
  );
  const changed = await run(two, [
    ...work,
    ["/api/profile-import", profile({ external_id: "a", title: "T" })],
  ]);
  assert.notDeepEqual(changed, expected);
});

test("a reset hides no violation from who asks at the end, but what was meant can be taken", async (t) => {
  const { klaviyo, post } = await start(t);
  const breakRule = () => post("/api/events", { ...event(), extra: 1 });
  await breakRule();
  assert.equal(klaviyo.takeViolations().length, 1);
  assert.deepEqual(klaviyo.broken, []);
  await breakRule();
  klaviyo.reset();
  assert.deepEqual(klaviyo.violations, []);
  await breakRule();
  assert.deepEqual(
    klaviyo.broken.map(({ operation, by }) => [operation, by]),
    Array(2).fill(["POST /api/events", "rules"]),
  );
});

test("a large run can keep digests instead of properties", async (t) => {
  const { klaviyo, post } = await start(t, { keepProperties: false });
  await post("/api/events", event({ properties: { a: 1 } }));
  await post("/api/events", event({ unique_id: "2", properties: { a: 2 } }));
  const [first, second] = klaviyo.store.events().map(({ properties }) => properties.$digest);
  assert.equal(typeof first, "string");
  assert.notEqual(first, second);
});
