// No sequence of bytes at the endpoint gives anything except a status of the contract. `SEED=… npm test -- runtime`
// draws others.

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { seedFor } from "../seed.mjs";
import { useStack } from "./harness.mjs";
import { AUDIENCE, base64url, CERTIFICATE_PATH, claims, EMAIL, TOPIC_ARN } from "./signers.mjs";

const NOWHERE = "http://127.0.0.1:9";
const STATUSES = [200, 202, 204, 413, 503];
const seed = seedFor("the bytes");

const stack = useStack({
  settings: {
    PUSH_OIDC_AUDIENCE: AUDIENCE,
    PUSH_OIDC_EMAIL: EMAIL,
    PUSH_OIDC_KEYS_URL: NOWHERE,
    PUSH_SNS_TOPIC_ARN: TOPIC_ARN,
    PUSH_SNS_URL: NOWHERE,
  },
});

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

const json = fc.oneof(fc.jsonValue(), fc.string({ maxLength: 30 }));
const perhaps = (value) => fc.oneof({ weight: 9, arbitrary: fc.constant(value) }, json);
const part = (members) => fc.record(members, { requiredKeys: [] });
const tokens = fc
  .tuple(
    part({ alg: perhaps("RS256"), kid: perhaps("k1"), crit: json }),
    part(Object.fromEntries(Object.entries(claims()).map(([name, v]) => [name, perhaps(v)]))),
    fc.string({ maxLength: 40 }),
  )
  .map((parts) => parts.map((part) => base64url(JSON.stringify(part))).join("."));
const messages = part({
  Type: fc.constantFrom("Notification", "SubscriptionConfirmation", "UnsubscribeConfirmation"),
  TopicArn: perhaps(TOPIC_ARN),
  Message: perhaps("{}"),
  MessageId: perhaps("1"),
  Subject: json,
  Token: perhaps("t"),
  Timestamp: perhaps("2026-07-01T12:00:00.000Z"),
  SignatureVersion: perhaps("1"),
  Signature: perhaps("c2ln"),
  SigningCertURL: perhaps(NOWHERE + CERTIFICATE_PATH),
  SubscribeURL: perhaps(NOWHERE),
});

test("nothing that is signed by nobody is let in; whose keys are out of reach may try again", () =>
  fc.assert(
    fc.asyncProperty(tokens, messages, async (token, message) => {
      const headers = { authorization: `Bearer ${token}` };
      const body = JSON.stringify(message);
      const { status, text } = await stack.call("/", { method: "POST", headers, body });
      assert.ok([401, 503].includes(status), `${status} ${text}`);
    }),
    { seed, numRuns: 200 },
  ));
