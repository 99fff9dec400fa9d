// Subscriptions in the commercetools sandbox: the required form of a draft, what a client can read
// of it, and who may write.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { requestToken, withSandbox } from "./commercetools-client.mjs";

const SCOPES = ["manage_subscriptions"];
const DRAFT = {
  key: "one",
  destination: { type: "GoogleCloudPubSub", projectId: "p", topic: "t" },
  messages: [{ resourceTypeId: "order", types: ["OrderCreated"] }],
};
const SECRETS = {
  EventGrid: { uri: "https://grid", accessKey: "hidden" },
  AzureServiceBus: { connectionString: "Endpoint=sb://b/;SharedAccessKey=hidden;EntityPath=q" },
  SNS: { topicArn: "arn", accessKey: "id", accessSecret: "hidden" },
  SQS: { queueUrl: "https://q", region: "r", accessKey: "id", accessSecret: "hidden" },
  ConfluentCloud: {
    bootstrapServer: "b",
    topic: "t",
    acks: "all",
    apiKey: "hidden",
    apiSecret: "hidden",
  },
};

/** `send(method, path, body)` → `[status, body]`, for a client with these scopes. */
async function withClient(work, scopes = SCOPES) {
  await withSandbox({ scopes }, async (sandbox) => {
    const { access_token: token } = await (await requestToken(sandbox)).json();
    await work(async (method, path = "", body = undefined) => {
      const answer = await fetch(`${sandbox.url}/sandbox-shop/subscriptions${path}`, {
        method,
        headers: { authorization: `Bearer ${token}` },
        body: body && JSON.stringify(body),
      });
      return [answer.status, await answer.json()];
    }, sandbox);
  });
}

describe("a draft is refused", () => {
  const format = { type: "Platform" };
  const cases = [
    ["with a type that there is not", { destination: { type: "HTTP" } }, "InvalidInput"],
    ["without a member", { destination: { type: "SQS", region: "r" } }, "InvalidInput"],
    ["for an unreachable queue", unreachable(), "InvalidInput"],
    ["to Event Grid as Platform", { destination: secret("EventGrid"), format }, "InvalidInput"],
    ["for nothing", { messages: [] }, "InvalidInput"],
    ["with a key that is taken", {}, "DuplicateField"],
  ];
  for (const [name, change, code] of cases) {
    test(name, async () => {
      await withClient(async (send) => {
        assert.equal((await send("POST", "", DRAFT))[0], 201);
        const key = code === "DuplicateField" ? "one" : "two";
        const [status, body] = await send("POST", "", { ...DRAFT, key, ...change });
        assert.deepEqual([status, body.errors?.[0].code], [400, code]);
        assert.equal((await send("GET"))[1].results.length, 1);
      });
    });
  }
});

for (const type of Object.keys(SECRETS)) {
  test(`the secrets of ${type} are kept and not read, after an update neither`, async () => {
    await withClient(async (send, sandbox) => {
      const destination = secret(type);
      const format = { type: "CloudEvents", cloudEventsVersion: "1.0" };
      const [, made] = await send("POST", "", { ...DRAFT, destination, format });
      const actions = [{ action: "setMessages", messages: [{ resourceTypeId: "payment" }] }];
      const updated = await send("POST", "/key=one", { version: 1, actions });
      const answers = [made, updated, await send("GET", "/key=one"), await send("GET")];
      assert.equal(updated[0], 200);
      for (const answer of answers) {
        assert.ok(!JSON.stringify(answer).includes("hidden"));
        assert.ok(JSON.stringify(answer).includes("****"));
      }
      assert.deepEqual(sandbox.get("subscription", made.id).destination, destination);
    });
  });
}

test("an update and a deletion need the version", async () => {
  await withClient(async (send) => {
    await send("POST", "", DRAFT);
    const actions = [{ action: "setChanges", changes: [{ resourceTypeId: "product" }] }];
    assert.equal((await send("POST", "/key=one", { version: 4, actions }))[0], 409);
    assert.equal((await send("DELETE", "/key=one"))[0], 400);
    const [status, body] = await send("DELETE", "/key=one?version=4");
    assert.deepEqual([status, body.errors[0].currentVersion], [409, 1]);
    assert.equal((await send("DELETE", "/key=one?version=1"))[0], 200);
    assert.equal((await send("DELETE", "/key=one?version=1"))[0], 404);
  });
});

test("another scope opens nothing", async () => {
  await withClient(
    async (send) => {
      assert.equal((await send("GET"))[0], 403);
      assert.equal((await send("POST", "", DRAFT))[0], 403);
    },
    ["view_orders", "manage_customers"],
  );
});

function secret(type) {
  return { type, ...SECRETS[type] };
}

function unreachable() {
  return { destination: { ...secret("SQS"), queueUrl: "https://sqs/0000000000/q" } };
}
