// Tests of the common rules of all operations: key, revision, scopes, sizes, rate limits.

import assert from "node:assert/strict";
import { test } from "node:test";
import { ALL_SCOPES } from "../../../sandbox/klaviyo/server.mjs";
import { event, importJob, pointers, profile, refused, start } from "./help.mjs";

test("a wrong or missing key is a 401 in the recorded shape, without rate limit headers", async (t) => {
  const { klaviyo, call } = await start(t, { limits: true });
  for (const authorization of ["Klaviyo-API-Key pk_wrong", "Bearer x", ""]) {
    const answer = await call("GET", "/api/accounts", undefined, { authorization });
    const [{ id, ...error }] = refused(answer, 401, "authentication_failed");
    const text = "Incorrect authentication credentials.";
    assert.deepEqual(error, {
      code: "authentication_failed",
      title: text,
      detail: text,
      source: { pointer: "/data/" },
      status: 401,
    });
    assert.equal(answer.headers.get("ratelimit-limit"), null);
  }
  klaviyo.settings.key = "pk_new";
  assert.equal((await call("GET", "/api/accounts")).status, 200);
  assert.deepEqual(klaviyo.violations, []);
});

test("the revision header is required and must be known; answers name its retirement", async (t) => {
  const { klaviyo, call } = await start(t);
  for (const revision of ["", "2026-07-16"]) {
    const [error] = refused(
      await call("GET", "/api/accounts", undefined, { revision }),
      400,
      "invalid",
    );
    assert.deepEqual(error.source, { parameter: "revision" });
  }
  const optOut = "x-klaviyo-revision-fall-forward-opt-out";
  for (const value of ["", "0"]) {
    const answer = await call("GET", "/api/accounts", undefined, { [optOut]: value });
    assert.deepEqual(refused(answer, 400, "invalid")[0].source, { parameter: optOut });
  }
  assert.equal(klaviyo.violations.length, 4);
  const answer = await call("GET", "/api/accounts");
  assert.equal(answer.headers.get("x-klaviyo-api-retirement-date"), "2028-10-15");
  assert.equal(answer.headers.get("content-type"), "application/vnd.api+json");
});

test("the content type must be one of JSON's", async (t) => {
  const { call } = await start(t);
  const send = (type) => call("POST", "/api/events", event(), { "content-type": type });
  refused(await send("text/plain"), 415, "unsupported_media_type");
  refused(await send("application/x-www-form-urlencoded"), 415, "unsupported_media_type");
  assert.equal((await send("application/json; charset=utf-8")).status, 202);
});

test("paths and methods: 404, 405 with Allow, a trailing slash is accepted", async (t) => {
  const { klaviyo, get, call } = await start(t);
  refused(await get("/api/nothing"), 404, "not_found");
  const answer = await call("PUT", "/api/profiles", profile({ email: "a@example.com" }));
  refused(answer, 405, "method_not_allowed");
  assert.equal(answer.headers.get("allow"), "POST, GET");
  assert.equal((await get("/api/profiles/")).status, 200);
  assert.equal(klaviyo.violations.length, 2);
  refused(await get(`/api/profiles?filter=${"x".repeat(8200)}`), 414, "uri_too_long");
});

test("a scope that the key lacks is a 403, for each operation its own", async (t) => {
  const scopes = ALL_SCOPES.filter((scope) => scope !== "lists:write");
  const { klaviyo, post } = await start(t, { scopes });
  const answer = await post("/api/profile-bulk-import-jobs", importJob([{ email: "a@b.co" }]));
  assert.match(refused(answer, 403, "permission_denied")[0].detail, /lists:write/);
  assert.equal((await post("/api/profiles", profile({ email: "a@b.co" }))).status, 201);
  assert.deepEqual(klaviyo.store.jobs(), []);
});

test("bodies over 5 MB, profiles over 100 KB and broken JSON are refused", async (t) => {
  const { klaviyo, post } = await start(t);
  const large = (bytes) => profile({ email: "a@b.co", properties: { text: "x".repeat(bytes) } });
  refused(await post("/api/events", "x".repeat(5_000_001)), 413, "payload_too_large");
  refused(await post("/api/profiles", large(100_000)), 413, "payload_too_large");
  assert.equal((await post("/api/profiles", large(99_000))).status, 201);
  assert.deepEqual(pointers(await post("/api/events", "{")), ["/data"]);
  assert.equal(klaviyo.violations.length, 3);
});

test("rate limits: a burst and a steady window per operation, with the live headers", async (t) => {
  const { klaviyo, get, tick } = await start(t, { limits: true });
  const first = await get("/api/metrics"); // tier M: 10/s, 150/m
  assert.equal(first.headers.get("ratelimit-limit"), "10, 10;w=1, 150;w=60");
  assert.equal(first.headers.get("ratelimit-remaining"), "9");
  assert.match(first.headers.get("ratelimit-reset"), /^\d+$/);
  const status = async () => (await get("/api/metrics")).status;
  for (let count = 1; count < 10; count += 1) assert.equal(await status(), 200);
  const throttled = await get("/api/metrics");
  const [{ id, ...error }] = refused(throttled, 429, "throttled");
  assert.deepEqual(error, {
    status: 429,
    code: "throttled",
    title: "Request was throttled.",
    detail: "Request was throttled. Expected available in 1 second.",
    source: { pointer: "/data" },
    links: {
      type: "https://developers.klaviyo.com/en/docs/rate_limits_and_error_handling#rate-limits",
    },
    meta: {},
  });
  assert.equal(throttled.headers.get("retry-after"), "1");
  assert.equal(throttled.headers.get("ratelimit-limit"), null);
  assert.equal((await get("/api/events")).status, 200, "another operation has its own windows");

  for (let second = 1; second < 15; second += 1) {
    tick(1000);
    for (let count = 0; count < 10; count += 1) assert.equal(await status(), 200);
  }
  tick(1000);
  const drained = await get("/api/metrics");
  assert.equal(drained.status, 429);
  assert.equal(drained.headers.get("retry-after"), "45");
  tick(44_999);
  assert.equal(await status(), 429);
  tick(1);
  assert.equal(await status(), 200);
  for (let count = 1; count < 10; count += 1) await status();
  assert.equal(await status(), 429);
  klaviyo.reset();
  assert.equal(await status(), 200, "a reset opens new windows");
  klaviyo.settings.limits = false;
  for (let count = 0; count < 20; count += 1) assert.equal(await status(), 200);
});

test("a refused request counts; a request with a wrong key does not", async (t) => {
  const { call, get, post } = await start(t, { limits: true });
  for (let count = 0; count < 5; count += 1) {
    await call("GET", "/api/accounts", undefined, { authorization: "" });
  }
  assert.equal((await get("/api/accounts")).status, 200); // tier XS: 1/s
  assert.equal((await get("/api/accounts")).status, 429);
  for (let count = 0; count < 10; count += 1) {
    const answer = await post("/api/event-bulk-create-jobs", {});
    assert.equal(answer.status, 400);
    assert.ok(answer.headers.get("ratelimit-limit"));
  }
  assert.equal((await post("/api/event-bulk-create-jobs", {})).status, 429);
});
