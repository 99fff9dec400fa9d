// Tests of Klaviyo's own SDK as a judge: it knows the body of every operation, it refuses what it would lose, and each
// of its exceptions is needed.

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { OPERATIONS } from "../../../sandbox/klaviyo/operations.mjs";
import { DIFFERENCES, loadSdk, MODELS } from "../../../sandbox/klaviyo/sdk.mjs";
import { bulkEvents, event, item, profile, start } from "./help.mjs";

const judge = await loadSdk();

test("every operation has the model that the SDK's own call of it writes", () => {
  const bodies = OPERATIONS.filter(({ shape }) => shape).map(({ name }) => name);
  assert.deepEqual(Object.keys(MODELS).sort(), bodies.sort());
  const called = modelsOfCalls();
  for (const [operation, model] of Object.entries(MODELS)) {
    assert.equal(called[operation], model, operation);
  }
});

/** The model that each call of the SDK writes its body with, read from the SDK's source. */
function modelsOfCalls() {
  const folder = join(dirname(createRequire(import.meta.url).resolve("klaviyo-api")), "api");
  const calls = {};
  for (const file of readdirSync(folder).filter((name) => name.endsWith("Api.js"))) {
    const source = readFileSync(join(folder, file), "utf8");
    for (const call of source.split("localVarPath = this.basePath + ").slice(1)) {
      const [, path] = /^'([^']+)'/.exec(call);
      const [, method, rest] = /method: '(\w+)',([^}]*)}/.exec(call);
      const body = /data: .*serialize\(\w+, "(\w+)"\)/.exec(rest);
      if (body) calls[`${method} ${path}`] = body[1];
    }
  }
  return calls;
}

test("a member that is misnamed, misplaced or unknown is refused, wherever it stands", () => {
  const wrongly = (attributes) => ({ ...event(), data: { ...event().data, ...attributes } });
  const { unique_id: uniqueId, ...named } = event().data.attributes;
  for (const [operation, body, pointer] of [
    [
      "POST /api/events",
      wrongly({ attributes: { ...named, uniqueId } }),
      "/data/attributes/uniqueId",
    ],
    ["POST /api/events", wrongly({ unique_id: uniqueId }), "/data/unique_id"],
    ["POST /api/events", event({ back_fill: true }), "/data/attributes/back_fill"],
    [
      "POST /api/event-bulk-create-jobs",
      bulkEvents([{ events: [{}, { uniqueId }] }]),
      "/data/attributes/events-bulk-create/data/0/attributes/events/data/1/attributes/uniqueId",
    ],
    [
      "POST /api/profile-import",
      profile({ email: "a@b.co", firstName: "A" }),
      "/data/attributes/firstName",
    ],
    [
      "POST /api/catalog-items",
      { data: item("a", { imageFullUrl: "https://s.example/a.png" }) },
      "/data/attributes/imageFullUrl",
    ],
    ["POST /api/events", event({ metric: "Placed Order" }), "/data/attributes/metric"],
    ["GET /api/events", event(), ""],
  ]) {
    assert.equal(judge(operation, body)?.pointer, pointer, operation);
  }
});

test("what is free stays free, and a time is the same in any offset", () => {
  const properties = { uniqueId: 1, nested: { anyCase: [null, { x: true }] } };
  const time = "2026-08-01T10:15:30.123+02:00";
  assert.equal(judge("POST /api/events", event({ properties, time })), null);
  const nulls = { email: "a@b.co", first_name: null, location: { city: null } };
  assert.equal(judge("POST /api/profile-import", profile(nulls)), null);
});

test("each difference that the SDK is excused is needed", async () => {
  for (const difference of DIFFERENCES) {
    const { needed, model } = difference;
    assert.equal(judge(...needed), null, model);
    assert.ok(await judge.without(difference, () => judge(...needed)), `${model} needs no excuse`);
  }
});

test("what the SDK would lose is a 400 and a violation, though all else accepts it", async (t) => {
  const { klaviyo, post } = await start(t);
  const [difference] = DIFFERENCES;
  const [operation, body] = difference.needed;
  const path = operation.replace("POST ", "");
  await judge.without(difference, async () => assert.equal((await post(path, body)).status, 400));
  assert.deepEqual(
    klaviyo.violations.map(({ operation: at, by, status }) => ({ at, by, status })),
    [{ at: operation, by: "sdk", status: 400 }],
  );
  assert.deepEqual(klaviyo.store.profiles(), []);
  assert.equal((await post(path, body)).status, 201);
  assert.equal(klaviyo.violations.length, 1);
});

test("what depends on data hides nothing from the SDK", async (t) => {
  const { klaviyo, post } = await start(t);
  const [difference] = DIFFERENCES;
  const { data } = structuredClone(difference.needed[1]);
  data.attributes.email = "no-address";
  await judge.without(difference, () => post("/api/profile-import", { data }));
  assert.deepEqual(
    klaviyo.violations.map(({ by }) => by),
    ["sdk"],
  );
});
