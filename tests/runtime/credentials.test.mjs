// Who gets in: every endpoint and method of docs/openapi.yaml with no credential, with a wrong one, with the read-only
// one, and with one that opens something else, in every place where a request can carry one. A refused caller has
// caused nothing, and no output repeats what the caller sent.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ADMIN_TOKEN, PUSH_TOKEN, READ_TOKEN } from "../../sandbox/worker.mjs";
import { useStack } from "./harness.mjs";
import { filled, operations } from "./openapi.mjs";

const WRONG = "wrong-token-qx7";

/** Not the right length, not the right case, and not only the beginning. */
const ALMOST = [ADMIN_TOKEN.slice(0, -1), `${ADMIN_TOKEN}x`, ADMIN_TOKEN.toUpperCase()];

const bearer = (token) => ({ headers: { authorization: `Bearer ${token}` } });
const basic = (token) => ({
  headers: { authorization: `Basic ${Buffer.from(`anyone:${token}`).toString("base64")}` },
});
const apiKey = (token) => ({ headers: { "x-api-key": token } });
const query = (token) => ({ query: `?token=${encodeURIComponent(token)}` });

/** Whom a request says it is from, by what it carries where. */
const CARRIED = [
  ["nothing", {}],
  ["an empty token", bearer("")],
  ...[WRONG, ...ALMOST].map((token, n) => [`a wrong token (${n})`, bearer(token)]),
  ["a wrong token in the query", query(WRONG)],
  ["a wrong password", basic(WRONG)],
  ["a wrong key", apiKey(WRONG)],
  ["the push token", bearer(PUSH_TOKEN)],
  ["the token that reads", bearer(READ_TOKEN)],
  ["the admin token", bearer(ADMIN_TOKEN)],
  ["the push token in the query", query(PUSH_TOKEN)],
  ["the push token as the password", basic(PUSH_TOKEN)],
  ["the push token as the key", apiKey(PUSH_TOKEN)],
  ["the admin token in the query", query(ADMIN_TOKEN)],
  ["the admin token as the password", basic(ADMIN_TOKEN)],
  ["the admin token as the key", apiKey(ADMIN_TOKEN)],
  ["the token that reads in the query", query(READ_TOKEN)],
];

/** What each of them opens: pushes take the secret in four places, all else a bearer token. */
const OPENS = {
  "the push token": "push",
  "the push token in the query": "push",
  "the push token as the password": "push",
  "the push token as the key": "push",
  "the token that reads": "reading",
  "the admin token": "everything",
};

/** The status that a request is refused with; none if it is let in. */
function refusal({ security }, who) {
  if (security.length === 0) return undefined;
  const opens = OPENS[who];
  const takes = (name) => security.some((scheme) => name in scheme);
  if (takes("pushBearer")) return opens === "push" ? undefined : 401;
  if (opens === "everything") return undefined;
  if (opens === "reading") return takes("readToken") ? undefined : 403;
  return 401;
}

describe("who gets in", () => {
  const stack = useStack();

  const called = ({ method, path, parameters }, { headers = {}, query: added = "" }) =>
    stack.call(filled({ path, parameters }) + added, {
      method,
      headers: {
        ...headers,
        ...(method === "OPTIONS" && { "webhook-request-origin": "eventgrid.azure.net" }),
      },
      body: method === "POST" ? "{}" : undefined,
    });

  for (const operation of operations) {
    test(`${operation.method} ${operation.path}`, async () => {
      for (const [who, carried] of CARRIED) {
        const wanted = refusal(operation, who);
        if (wanted === undefined && operation.security.length > 0) continue;
        const { status, body, text } = await called(operation, carried);
        if (wanted === undefined) assert.ok(![401, 403].includes(status), `${who}: ${text}`);
        else {
          const code = wanted === 403 ? "read_only_token" : "unauthorized";
          assert.deepEqual([status, body?.code], [wanted, code], `${who}: ${text}`);
        }
        for (const secret of [WRONG, ...ALMOST, ADMIN_TOKEN, READ_TOKEN, PUSH_TOKEN]) {
          assert.ok(!text.includes(secret), `${who}: the answer repeats what was carried`);
        }
      }
      const calls = [stack.klaviyo, stack.commercetools].map(({ requests }) => requests.length);
      assert.deepEqual(calls, [0, 0], "who is not let in made a call of Klaviyo or commercetools");
    });
  }

  test("those who may are let in", async () => {
    for (const operation of operations.filter(({ method }) => method === "GET")) {
      const opened = await called(operation, bearer(ADMIN_TOKEN));
      assert.ok(![401, 403].includes(opened.status), `${operation.path}: ${opened.text}`);
    }
    const push = operations.find(({ method, path }) => method === "POST" && path === "/");
    for (const who of Object.keys(OPENS).filter((name) => OPENS[name] === "push")) {
      const [, carried] = CARRIED.find(([name]) => name === who);
      assert.equal((await called(push, carried)).status, 202, who);
    }
  });

  test("nobody made anything happen, and no log line repeats a token", async () => {
    const { body } = await stack.admin("GET", "/sync/status");
    for (const kind of ["customers", "orders", "categories", "products"]) {
      assert.equal(body[kind].state, "idle", kind);
    }
    const said = stack.lines.join("\n");
    for (const secret of [WRONG, ...ALMOST, ADMIN_TOKEN, READ_TOKEN, PUSH_TOKEN]) {
      assert.ok(!said.includes(secret), "a log line holds a token");
    }
  });
});
