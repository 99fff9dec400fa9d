// No sequence of bytes at the endpoint gives anything but a status of the contract.
// A failing run prints its seed; `SEED=… npm test -- runtime` replays it.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import fc from "fast-check";
import { start } from "./harness.mjs";

const STATUSES = [200, 202, 204, 413, 503];
const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31));

let stack;
before(async () => {
  stack = await start();
  console.log(`seed ${seed}`);
});
after(() => stack.close());

const names = fc.constantFrom(
  "message",
  "data",
  "resource",
  "typeId",
  "id",
  "notificationType",
  "type",
  "order",
  "customer",
  "payloadNotIncluded",
  "transaction",
  "specversion",
  "data_base64",
  "detail",
  "detail-type",
  "Type",
  "Message",
  "TopicArn",
  "SubscribeURL",
  "eventType",
  "validationCode",
);
const values = fc.constantFrom(
  "order",
  "customer",
  "payment",
  "Message",
  "ResourceUpdated",
  "OrderCreated",
  "OrderStateChanged",
  "PaymentTransactionAdded",
  "e30=",
  "Notification",
  "SubscriptionConfirmation",
  "UnsubscribeConfirmation",
  "Microsoft.EventGrid.SubscriptionValidationEvent",
  "https://sns.eu-central-1.amazonaws.com.invalid/?Action=ConfirmSubscription",
);
const { push: almost } = fc.letrec((tie) => ({
  push: fc.oneof(
    { depthSize: "small" },
    values,
    fc.jsonValue(),
    fc.array(tie("push"), { maxLength: 3 }),
    fc.dictionary(names, tie("push"), { maxKeys: 6 }),
  ),
}));

const bodies = fc.oneof(
  fc.uint8Array({ maxLength: 2000 }),
  fc.string({ unit: "binary", maxLength: 500 }),
  fc.json(),
  almost.map((value) => JSON.stringify(value)),
  almost.map((value) => JSON.stringify({ Type: "Notification", Message: JSON.stringify(value) })),
  almost.map((data) => JSON.stringify([{ specversion: "1.0", data }])),
  almost.map((detail) => JSON.stringify({ "detail-type": "x", detail })),
  almost.map((value) => {
    const data = Buffer.from(JSON.stringify(value)).toString("base64");
    return JSON.stringify({ message: { data } });
  }),
);

test("any body gets a status of the contract", () =>
  fc.assert(
    fc.asyncProperty(bodies, async (body) => {
      const { status, text } = await stack.push(body);
      assert.ok(STATUSES.includes(status), `${status} ${text}`);
    }),
    { seed, numRuns: 300 },
  ));

test("any header and query that may carry the secret is refused, not stumbled over", () =>
  fc.assert(
    fc.asyncProperty(
      fc.constantFrom("authorization", "x-api-key"),
      fc.string({ unit: fc.constantFrom(..."Basic Bearer=:%/+é".split("")), maxLength: 40 }),
      fc.string({ maxLength: 20 }),
      async (header, value, token) => {
        const headers = { [header]: value.trim() };
        const path = `/?token=${encodeURIComponent(token)}&${token.replace(/[^\w%&=]/g, "")}`;
        const { status } = await stack.call(path, { method: "POST", headers, body: "{}" });
        assert.equal(status, 401);
      },
    ),
    { seed, numRuns: 100 },
  ));
