// Who may push and administer, which paths exist, and the effect of a wrong setting.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { change } from "../../sandbox/commercetools/notifications.mjs";
import { ADMIN_TOKEN, PUSH_TOKEN, READ_TOKEN } from "../../sandbox/worker.mjs";
import { startAlone, unreachable, useStack } from "./harness.mjs";

const NOTHING = JSON.stringify(change("ResourceCreated", { typeId: "subscription", id: "s1" }));

describe("a configured worker", () => {
  const stack = useStack();

  const push = (path, headers = {}) => stack.call(path, { method: "POST", headers, body: NOTHING });
  const basic = (password) => `Basic ${Buffer.from(`anyone:${password}`).toString("base64")}`;

  for (const [how, path, headers] of [
    ["a bearer token", "/", { authorization: `Bearer ${PUSH_TOKEN}` }],
    ["a bearer token in another case", "/events", { authorization: `bearer ${PUSH_TOKEN}` }],
    ["the password of HTTP Basic", "/", { authorization: basic(PUSH_TOKEN) }],
    ["X-Api-Key", "/events", { "x-api-key": PUSH_TOKEN }],
    ["the query", `/?token=${PUSH_TOKEN}`, {}],
  ]) {
    test(`the push secret may come as ${how}`, async () => {
      assert.equal((await push(path, headers)).status, 204);
    });
  }

  for (const [how, path, headers] of [
    ["nothing", "/", {}],
    ["another token", "/", { authorization: `Bearer ${PUSH_TOKEN}x` }],
    ["a part of the token", "/", { authorization: `Bearer ${PUSH_TOKEN.slice(0, -1)}` }],
    ["an empty token", "/?token=", {}],
    ["the admin token", "/", { authorization: `Bearer ${ADMIN_TOKEN}` }],
    ["Basic that is no base64", "/", { authorization: "Basic %%%" }],
    ["a scheme without a token", "/", { authorization: "Bearer" }],
  ]) {
    test(`a push with ${how} is 401`, async () => {
      const answer = await push(path, headers);
      assert.equal(answer.status, 401);
      assert.equal(answer.body.code, "unauthorized");
    });
  }

  test("the admin endpoints take only the admin token", async () => {
    const list = (headers) => stack.call("/dead-letters", { headers });
    assert.equal((await list({ authorization: `Bearer ${ADMIN_TOKEN}` })).status, 200);
    assert.equal((await list({ authorization: `Bearer ${PUSH_TOKEN}` })).status, 401);
    assert.equal((await list({})).status, 401);
    assert.equal((await stack.call(`/dead-letters?token=${ADMIN_TOKEN}`)).status, 401);
  });

  test("the token that reads sees how far everything is, and does nothing", async () => {
    const asReader = (method, path) =>
      stack.call(path, { method, headers: { authorization: `Bearer ${READ_TOKEN}` } });
    for (const path of ["/sync/status", "/sync/orders", "/check"])
      assert.equal((await asReader("GET", path)).status, 200, path);
    for (const [method, path] of [
      ["POST", "/sync"],
      ["POST", "/sync/orders"],
      ["POST", "/sync/orders/stop"],
      ["GET", "/sync/orders/failures"],
      ["GET", "/dead-letters"],
      ["POST", "/dead-letters/replay"],
      ["POST", "/preview"],
    ]) {
      const { status, body } = await asReader(method, path);
      assert.deepEqual([status, body.code], [403, "read_only_token"], `${method} ${path}`);
    }
    assert.equal((await asReader("POST", "/")).status, 401, "it is none of a push");
    assert.equal((await asReader("GET", "/elsewhere")).status, 404);
    assert.equal((await asReader("PUT", "/check")).status, 405);
    assert.equal((await stack.admin("GET", "/sync/orders")).body.current.state, "idle");
  });

  test("the token that reads is shown the last check, the admin token makes one", async () => {
    const check = async (token) => {
      const headers = { authorization: `Bearer ${token}` };
      const { body } = await stack.call("/check", { headers });
      return body.checks.find(({ name }) => name === "klaviyo_key").ok;
    };
    assert.equal(await check(ADMIN_TOKEN), true);
    stack.klaviyo.faults.add({ status: 401 });
    assert.equal(await check(READ_TOKEN), true);
    assert.equal(await check(ADMIN_TOKEN), false);
    stack.klaviyo.faults.clear();
    assert.equal(await check(READ_TOKEN), false);
    assert.equal(await check(ADMIN_TOKEN), true);
  });

  test("health needs no token", async () => {
    const { status, body } = await stack.call("/health");
    assert.equal(status, 200);
    assert.equal(body.status, "ok");
    assert.equal(body.configured, true);
    assert.match(body.version, /^\d+\.\d+\.\d+$/);
  });

  test("an unknown path is 404, a wrong method 405", async () => {
    const unknown = await stack.call("/elsewhere");
    assert.equal(unknown.status, 404);
    assert.equal(unknown.body.code, "not_found");
    for (const [method, path, allowed] of [
      ["DELETE", "/", "GET, POST, OPTIONS"],
      ["GET", "/events", "POST, OPTIONS"],
      ["OPTIONS", "/events", "POST, OPTIONS"],
      ["POST", "/health", "GET"],
      ["PUT", "/dead-letters/x", "GET, DELETE"],
    ]) {
      const wrong = await stack.call(path, { method });
      assert.equal(wrong.status, 405, `${method} ${path}`);
      assert.equal(wrong.headers.get("allow"), allowed);
    }
  });

  test("a body over 10 MB is 413, announced or not", async () => {
    const large = new Uint8Array(10 * 1024 * 1024 + 1).fill(32);
    const headers = { authorization: `Bearer ${PUSH_TOKEN}` };
    const announced = await stack.call("/", { method: "POST", headers, body: large });
    assert.equal(announced.status, 413);
    assert.equal(announced.body.code, "body_too_large");
    const body = new Blob([large]).stream();
    const streamed = await stack.call("/", { method: "POST", headers, body, duplex: "half" });
    assert.equal(streamed.status, 413);
  });
});

describe("settings", () => {
  const pushed = {
    method: "POST",
    headers: { authorization: `Bearer ${PUSH_TOKEN}` },
    body: NOTHING,
  };

  async function withSettings(changes, use) {
    const alone = await startAlone({ ...unreachable, ...changes });
    try {
      await use(alone);
      assert.ok(!alone.lines.join("\n").includes("hidden"), "a secret was logged");
    } finally {
      await alone.close();
    }
  }

  test("all problems come at once, without a value", () =>
    withSettings(
      {
        CT_API_CLIENT: "{hidden",
        KLAVIYO_AUTH_KEY: undefined,
        APP_TYPE: "hidden",
        PUSH_OIDC_EMAIL: "hidden@example.com",
        PUSH_SNS_TOPIC_ARN: "hidden",
        CONFIG: '{"order":{"metric":{}},"disabledEvents":["Nothing"]}',
      },
      async ({ call }) => {
        for (const [path, init] of [
          ["/", pushed],
          ["/dead-letters", { headers: { authorization: `Bearer ${ADMIN_TOKEN}` } }],
        ]) {
          const { status, body, headers, text } = await call(path, init);
          assert.equal(status, 503);
          assert.equal(body.code, "not_configured");
          assert.ok(Number(headers.get("retry-after")) > 0);
          assert.deepEqual(
            body.problems.map((problem) => problem.split(":")[0]),
            [
              "CT_API_CLIENT",
              "KLAVIYO_AUTH_KEY",
              "APP_TYPE",
              "PUSH_OIDC_AUDIENCE",
              "PUSH_SNS_TOPIC_ARN",
              "CONFIG.order.metric",
              "CONFIG.disabledEvents",
            ],
          );
          assert.ok(!text.includes("hidden"));
        }
        const health = await call("/health");
        assert.equal(health.status, 200);
        assert.equal(health.body.configured, false);
        assert.ok(!health.text.includes("hidden"));
      },
    ));

  test("the token that reads must not be the admin token", () =>
    withSettings({ ADMIN_TOKEN: "hidden-token", READ_TOKEN: "hidden-token" }, async ({ call }) => {
      const headers = { authorization: "Bearer hidden-token" };
      const { status, body, text } = await call("/sync/status", { headers });
      assert.equal(status, 503);
      assert.match(body.problems.join(), /^READ_TOKEN: .*`ADMIN_TOKEN`$/);
      assert.ok(!text.includes("hidden"));
    }));

  test("without a push secret every push is 503, without an admin token every call 401", () =>
    withSettings({ PUSH_TOKEN: undefined, ADMIN_TOKEN: undefined }, async ({ call }) => {
      const answer = await call("/?token=", pushed);
      assert.equal(answer.status, 503);
      assert.equal(answer.body.code, "push_auth_not_configured");
      assert.ok(Number(answer.headers.get("retry-after")) > 0);
      const headers = { authorization: "Bearer " };
      assert.equal((await call("/dead-letters", { headers })).status, 401);
      const notes = (await call("/health")).body.notes.join(" ");
      assert.match(notes, /PUSH_TOKEN.*ADMIN_TOKEN/);
    }));

  test("an import deployment takes no pushes, a realtime one does", async () => {
    await withSettings({ APP_TYPE: "BULK_IMPORT" }, async ({ call }) => {
      assert.equal((await call("/", pushed)).status, 404);
      assert.equal((await call("/events", pushed)).status, 404);
      assert.equal((await call("/health")).status, 200);
    });
    await withSettings({ APP_TYPE: "EVENT" }, async ({ call }) => {
      assert.equal((await call("/", pushed)).status, 204);
    });
  });

  test("the Durable Objects can be put into a jurisdiction", () =>
    withSettings({ DATA_JURISDICTION: "eu" }, async ({ call }) => {
      const { status, body } = await call("/", { ...pushed, body: "no notification" });
      assert.equal(status, 202, JSON.stringify(body));
    }));
});
