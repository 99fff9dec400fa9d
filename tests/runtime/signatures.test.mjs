// Pushes with a signature: Google's token and Amazon SNS's messages, signed here for real, and
// every possible error in either.

import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { after, afterEach, before, beforeEach, describe, test } from "node:test";
import { gzipSync } from "node:zlib";
import {
  change,
  pubsub,
  sns,
  snsConfirmation,
  subscription,
} from "../../sandbox/commercetools/notifications.mjs";
import { PUSH_TOKEN } from "../../sandbox/worker.mjs";
import { changed } from "./documents.mjs";
import { HASTY, start, startAlone, unreachable } from "./harness.mjs";
import {
  AUDIENCE,
  base64url,
  CERTIFICATE_PATH,
  certificate,
  claims,
  EMAIL,
  jwk,
  keyPair,
  signed,
  startPublisher,
  TOPIC_ARN,
  token,
} from "./signers.mjs";

const google = keyPair();
const amazon = keyPair();
const stranger = keyPair();
const trial = change("ResourceCreated", subscription());

const documents = {
  "/certs": { keys: [jwk(google)] },
  [CERTIFICATE_PATH]: certificate(amazon),
  "/SimpleNotificationService-0dd.pem": certificate(stranger),
  "/SimpleNotificationService-01d.pem": certificate(amazon, { fromDays: -9, toDays: -1 }),
  "/SimpleNotificationService-0e7.pem": certificate(amazon, { fromDays: 1, toDays: 9 }),
  "/SimpleNotificationService-0bad.pem": "<Error/>",
  "/other.pem": certificate(stranger),
};
let publisher;
let signedOnly;
before(async () => {
  publisher = await startPublisher(documents);
  signedOnly = {
    PUSH_TOKEN: undefined,
    PUSH_OIDC_AUDIENCE: AUDIENCE,
    PUSH_OIDC_EMAIL: EMAIL,
    PUSH_OIDC_KEYS_URL: `${publisher.url}/certs`,
    PUSH_SNS_TOPIC_ARN: TOPIC_ARN,
    PUSH_SNS_URL: publisher.url,
  };
});
after(() => publisher.close());
beforeEach(() => {
  publisher.requests.length = 0;
});
afterEach(() => publisher.faults.clear());

const post = ({ call }, body, headers = {}) =>
  call("/events", {
    method: "POST",
    headers,
    body: typeof body === "string" ? body : JSON.stringify(body),
  });
const withToken = (stack, bearer, body = pubsub(trial)) =>
  post(stack, body, { authorization: `Bearer ${bearer}` });
const fresh = (changes = {}) => startAlone({ ...unreachable, ...signedOnly, ...changes });
const message = (changes = {}) =>
  sns(trial, { SigningCertURL: publisher.url + CERTIFICATE_PATH, ...changes });
const confirmation = (changes = {}) =>
  snsConfirmation({
    SigningCertURL: publisher.url + CERTIFICATE_PATH,
    SubscribeURL: `${publisher.url}/?Action=ConfirmSubscription`,
    ...changes,
  });
const certificateAt = (path) => ({ SigningCertURL: publisher.url + path });

function expectNoKeys({ status, body, headers }) {
  assert.equal(status, 503);
  assert.equal(body.code, "keys_unavailable");
  assert.ok(Number(headers.get("retry-after")) > 0);
}

/** What can be wrong with a server of keys. */
const outages = [
  ["fails", { status: 500 }],
  ["breaks off", { reset: true }],
  ["hangs", { hang: true }],
  ["leads elsewhere", { status: 302, headers: { location: "/certs" } }],
];

describe("Google's token", () => {
  let stack;
  before(async () => {
    stack = await fresh();
  });
  after(() => stack.close());

  test("lets a push in, and the keys are asked for once", async () => {
    for (const said of [{}, { iss: "accounts.google.com" }]) {
      const answer = await withToken(stack, token(google.privateKey, claims(said)));
      assert.equal(answer.status, 204, answer.text);
    }
    assert.deepEqual(publisher.requests, ["/certs"]);
  });

  const now = Math.floor(Date.now() / 1000);
  const hour = 3600;
  for (const [what, said] of [
    ["is over", { iat: now - 2 * hour, exp: now - hour }],
    ["is of the future", { iat: now + hour, exp: now + 2 * hour }],
    ["is for another audience", { aud: "https://other.example.com" }],
    ["is of another issuer", { iss: "https://accounts.example.com" }],
    ["is of another account", { email: "other@fellweg.iam.gserviceaccount.com" }],
    ["is of an account that is not verified", { email_verified: false }],
    ["does not say whose it is", { email: undefined }],
    ["never ends", { exp: undefined }],
  ]) {
    test(`one that ${what} is 401, and nothing is fetched`, async () => {
      const { status, body } = await withToken(stack, token(google.privateKey, claims(said)));
      assert.equal(status, 401);
      assert.equal(body.code, "unauthorized");
      assert.deepEqual(publisher.requests, []);
    });
  }

  const good = token(google.privateKey);
  const [header, said, signature] = good.split(".");
  const part = (value) => base64url(JSON.stringify(value));
  const hmac = (text) =>
    createHmac("sha256", google.publicKey.export({ format: "pem", type: "spki" })).update(text);
  const symmetric = `${part({ alg: "HS256", kid: "k1" })}.${said}`;
  for (const [what, bearer] of [
    ["is not signed", `${part({ alg: "none", kid: "k1" })}.${said}.`],
    ["says it is not signed", `${part({ alg: "none", kid: "k1" })}.${said}.${signature}`],
    ["is signed with the public key", `${symmetric}.${base64url(hmac(symmetric).digest())}`],
    ["names another algorithm", token(google.privateKey, claims(), { alg: "RS512" })],
    ["names no key", token(google.privateKey, claims(), { kid: undefined })],
    ["is signed by a stranger", token(stranger.privateKey)],
    ["was changed", `${header}.${part(claims({ sub: "other" }))}.${signature}`],
    ["has lost its signature", `${header}.${said}.`],
    ["has lost a part", `${header}.${signature}`],
    ["brings a key of its own", token(stranger.privateKey, claims(), { jwk: jwk(stranger) })],
    ["is none", "secret"],
    ["is empty", ""],
  ]) {
    test(`one that ${what} is 401`, async () => {
      assert.equal((await withToken(stack, bearer)).status, 401);
      assert.ok(publisher.requests.length <= 1);
    });
  }

  test("a new key is known at once, one that is invented is not asked for again and again", async () => {
    const alone = await fresh();
    try {
      assert.equal((await withToken(alone, token(google.privateKey))).status, 204);
      const next = keyPair();
      const ofNext = token(next.privateKey, claims(), { kid: "k2" });
      documents["/certs"] = { keys: [jwk(google), jwk(next, "k2")] };
      assert.equal((await withToken(alone, ofNext)).status, 204);
      for (const kid of ["k3", "k4", "k5"]) {
        const invented = token(stranger.privateKey, claims(), { kid });
        assert.equal((await withToken(alone, invented)).status, 401);
      }
      assert.deepEqual(publisher.requests, ["/certs", "/certs"]);
    } finally {
      documents["/certs"] = { keys: [jwk(google)] };
      await alone.close();
    }
  });

  for (const [how, rule] of [
    ...outages,
    ["knows of nothing", { status: 404 }],
    ["answers something else", { status: 200, body: "hi" }],
  ]) {
    test(`while the server of the keys ${how}, a push is 503`, async () => {
      const alone = await fresh();
      try {
        const remove = publisher.faults.add({ path: "/certs", ...rule });
        const began = Date.now();
        expectNoKeys(await withToken(alone, token(google.privateKey)));
        assert.ok(Date.now() - began < 2000, "the fetch of keys has a limit of its own");
        assert.equal((await withToken(alone, "no token")).status, 401);
        remove();
        assert.equal((await withToken(alone, token(google.privateKey))).status, 204);
      } finally {
        await alone.close();
      }
    });
  }

  test("it is no admin token, and does not answer for the shared secret", async () => {
    const authorization = `Bearer ${token(google.privateKey)}`;
    assert.equal((await stack.call("/dead-letters", { headers: { authorization } })).status, 401);
    assert.equal((await post(stack, trial, { authorization: `Bearer ${PUSH_TOKEN}` })).status, 401);
  });
});

describe("Amazon SNS's signature", () => {
  let stack;
  before(async () => {
    stack = await fresh();
  });
  after(() => stack.close());

  for (const version of ["1", "2"]) {
    test(`version ${version} lets a push in, with a subject and without`, async () => {
      for (const titled of [{}, { Subject: "Änderung" }]) {
        const answer = await post(stack, signed(message(titled), amazon.privateKey, version));
        assert.equal(answer.status, 204, answer.text);
      }
    });

    test(`version ${version} signed by a stranger is 401`, async () => {
      const { status } = await post(stack, signed(message(), stranger.privateKey, version));
      assert.equal(status, 401);
    });
  }

  test("the certificate is asked for once", async () => {
    const alone = await fresh();
    try {
      for (let n = 0; n < 3; n += 1) {
        assert.equal((await post(alone, signed(message(), amazon.privateKey))).status, 204);
      }
      assert.deepEqual(publisher.requests, [CERTIFICATE_PATH]);
    } finally {
      await alone.close();
    }
  });

  const other = JSON.stringify(change("ResourceDeleted", { typeId: "customer", id: "c" }));
  for (const [what, changes] of [
    ["message", { Message: other }],
    ["time", { Timestamp: "2026-07-02T12:00:00.000Z" }],
    ["subject, added", { Subject: "Hello" }],
    ["topic", { TopicArn: `${TOPIC_ARN}2` }],
    ["type", { Type: "UnsubscribeConfirmation", Token: "t", SubscribeURL: "https://x" }],
    ["version", { SignatureVersion: "2" }],
    ["version, unknown", { SignatureVersion: "3" }],
    ["signature", { Signature: Buffer.alloc(256).toString("base64") }],
    ["signature, gone", { Signature: undefined }],
  ]) {
    test(`a changed ${what} is 401`, async () => {
      const genuine = signed(message(), amazon.privateKey);
      assert.equal((await post(stack, { ...genuine, ...changes })).status, 401);
    });
  }

  test("what is added to a signed message is not heard", async () => {
    const forged = { ...signed(message(), amazon.privateKey), ...JSON.parse(other) };
    const { status } = await post(stack, forged);
    assert.equal(status, 204);
    const lines = stack.lines.filter((line) => line.includes("ResourceDeleted"));
    assert.deepEqual(lines, []);
  });

  test("another topic is 401, genuine or not", async () => {
    const of = (TopicArn) => post(stack, signed(message({ TopicArn }), amazon.privateKey));
    assert.equal((await of(`${TOPIC_ARN}2`)).status, 401);
    assert.equal((await of(undefined)).status, 401);
    assert.deepEqual(publisher.requests, []);
  });

  for (const [what, path, key] of [
    ["another's", "/SimpleNotificationService-0dd.pem", amazon],
    ["over", "/SimpleNotificationService-01d.pem", amazon],
    ["not yet valid", "/SimpleNotificationService-0e7.pem", amazon],
    ["none", "/SimpleNotificationService-0bad.pem", amazon],
    ["of another name", "/other.pem", stranger],
    ["the answer to a question", `${CERTIFICATE_PATH}?x`, amazon],
    ["a part of a document", `${CERTIFICATE_PATH}#x`, amazon],
    ["not there", "/SimpleNotificationService-0404.pem", amazon],
  ]) {
    test(`a certificate that is ${what} is 401`, async () => {
      const { status } = await post(stack, signed(message(certificateAt(path)), key.privateKey));
      assert.equal(status, 401);
    });
  }

  test("a certificate elsewhere is 401, and not fetched", async () => {
    const elsewhere = await startPublisher({ [CERTIFICATE_PATH]: certificate(stranger) });
    try {
      for (const SigningCertURL of [
        elsewhere.url + CERTIFICATE_PATH,
        `${publisher.url}@${elsewhere.url.slice("http://".length)}${CERTIFICATE_PATH}`,
        "no address",
      ]) {
        const body = signed(message({ SigningCertURL }), stranger.privateKey);
        assert.equal((await post(stack, body)).status, 401);
      }
      assert.deepEqual([...elsewhere.requests, ...publisher.requests], []);
    } finally {
      await elsewhere.close();
    }
  });

  for (const [how, rule] of outages) {
    test(`while the server of the certificate ${how}, a push is 503`, async () => {
      const alone = await fresh();
      try {
        const remove = publisher.faults.add({ path: CERTIFICATE_PATH, ...rule });
        const began = Date.now();
        expectNoKeys(await post(alone, signed(message(), amazon.privateKey)));
        assert.ok(Date.now() - began < 2000, "the fetch of keys has a limit of its own");
        remove();
        assert.equal((await post(alone, signed(message(), amazon.privateKey))).status, 204);
      } finally {
        await alone.close();
      }
    });
  }

  test("a few certificates are asked for, however many a stranger names", async () => {
    const alone = await fresh();
    try {
      assert.equal((await post(alone, signed(message(), amazon.privateKey))).status, 204);
      publisher.requests.length = 0;
      for (let n = 0; n < 30; n += 1) {
        const path = `/SimpleNotificationService-${n.toString(16)}aaa.pem`;
        const body = signed(message(certificateAt(path)), stranger.privateKey);
        // What is not asked for may be genuine: it has to come again.
        assert.ok([401, 503].includes((await post(alone, body)).status));
      }
      const asked = publisher.requests.length;
      assert.ok(asked > 0 && asked <= 5, `${asked} were asked for`);
      assert.equal((await post(alone, signed(message(), amazon.privateKey))).status, 204);
    } finally {
      await alone.close();
    }
  });

  test("what nobody known sends is not read beyond 1 MB", async () => {
    const megabytes = (count) => JSON.stringify({ Type: "x".repeat(count * 1024 * 1024) });
    for (const body of [megabytes(2), gzipSync(megabytes(9)), gzipSync(Buffer.alloc(9 << 20))]) {
      const { status } = await stack.call("/events", { method: "POST", body });
      assert.equal(status, 401);
    }
    const genuine = await post(stack, signed(message(), amazon.privateKey));
    assert.equal(genuine.status, 204, genuine.text);
  });

  test("what is no message, or more than one, is 401", async () => {
    const genuine = signed(message(), amazon.privateKey);
    for (const body of ["", "{", "[]", "null", trial, [genuine], pubsub(trial)]) {
      assert.equal((await post(stack, body)).status, 401, JSON.stringify(body));
    }
  });

  test("a subscription is confirmed, and its end is heard", async () => {
    const confirm = () => publisher.requests.filter((path) => path.startsWith("/?Action"));
    const answer = await post(stack, signed(confirmation(), amazon.privateKey, "2"));
    assert.equal(answer.status, 200, answer.text);
    assert.equal(confirm().length, 1);
    const ended = confirmation({ Type: "UnsubscribeConfirmation" });
    assert.equal((await post(stack, signed(ended, amazon.privateKey))).status, 200);
    assert.equal(confirm().length, 1);
  });

  test("a subscription that is not Amazon's, or not to this topic, is not confirmed", async () => {
    const elsewhere = await startPublisher({});
    try {
      const leads = { SubscribeURL: `${elsewhere.url}/?Action=ConfirmSubscription` };
      for (const [status, body] of [
        [401, signed(confirmation(), stranger.privateKey)],
        [401, { ...signed(confirmation(), amazon.privateKey), ...leads }],
        [401, signed(confirmation({ TopicArn: `${TOPIC_ARN}2` }), amazon.privateKey)],
        [202, signed(confirmation(leads), amazon.privateKey)],
      ]) {
        assert.equal((await post(stack, body)).status, status);
      }
      assert.deepEqual(elsewhere.requests, []);
      assert.ok(!publisher.requests.some((path) => path.startsWith("/?Action")));
    } finally {
      await elsewhere.close();
    }
  });
});

describe("what is set decides", () => {
  async function withSettings(changes, use) {
    const alone = await fresh(changes);
    try {
      await use(alone);
    } finally {
      await alone.close();
    }
  }
  const noOidc = { PUSH_OIDC_AUDIENCE: undefined, PUSH_OIDC_EMAIL: undefined };
  const noSns = { PUSH_SNS_TOPIC_ARN: undefined };

  test("a token does not suffice where none is expected, nor does a message", async () => {
    await withSettings(noOidc, async (stack) => {
      assert.equal((await withToken(stack, token(google.privateKey))).status, 401);
      assert.equal((await post(stack, signed(message(), amazon.privateKey))).status, 204);
    });
    await withSettings(noSns, async (stack) => {
      assert.equal((await withToken(stack, token(google.privateKey))).status, 204);
      assert.equal((await post(stack, signed(message(), amazon.privateKey))).status, 401);
    });
    await withSettings({ ...noOidc, ...noSns }, async (stack) => {
      for (const answer of [
        await withToken(stack, token(google.privateKey)),
        await post(stack, signed(message(), amazon.privateKey)),
      ]) {
        assert.equal(answer.status, 503);
        assert.equal(answer.body.code, "push_auth_not_configured");
      }
    });
  });

  test("the shared secret suffices beside them, even for what is signed wrongly", () =>
    withSettings({ PUSH_TOKEN }, async (stack) => {
      const headers = { authorization: `Bearer ${PUSH_TOKEN}` };
      assert.equal((await post(stack, trial, headers)).status, 204);
      const wrong = signed(message(), stranger.privateKey);
      assert.equal((await post(stack, wrong, headers)).status, 204);
      const another = confirmation({ TopicArn: `${TOPIC_ARN}2` });
      assert.equal((await post(stack, another, headers)).status, 202);
      assert.equal((await withToken(stack, token(google.privateKey))).status, 204);
      assert.equal((await withToken(stack, token(stranger.privateKey))).status, 401);
      assert.deepEqual(publisher.requests, ["/certs"]);
    }));

  test("where no address is set, the keys are Google's and Amazon's own", async () => {
    const asked = [];
    const internet = (request) => {
      const { origin, pathname, search } = new URL(request.url);
      asked.push(origin + pathname + search);
      const document = { "/oauth2/v3/certs": documents["/certs"], "/": "" }[pathname];
      return new Response(document === undefined ? documents[pathname] : JSON.stringify(document));
    };
    const host = "https://sns.eu-central-1.amazonaws.com";
    const own = { SigningCertURL: host + CERTIFICATE_PATH };
    const settings = { ...unreachable, ...signedOnly };
    for (const name of ["PUSH_OIDC_KEYS_URL", "PUSH_SNS_URL"]) settings[name] = undefined;
    const stack = await startAlone(settings, { internet });
    try {
      assert.equal((await withToken(stack, token(google.privateKey))).status, 204);
      assert.equal((await post(stack, signed(message(own), amazon.privateKey))).status, 204);
      const path = "/?Action=ConfirmSubscription";
      const confirmed = confirmation({ ...own, SubscribeURL: host + path });
      assert.equal((await post(stack, signed(confirmed, amazon.privateKey))).status, 200);
      assert.equal((await post(stack, signed(message(), amazon.privateKey))).status, 401);
      const elsewhere = signed(confirmation(own), amazon.privateKey);
      assert.equal((await post(stack, elsewhere)).status, 202);
      assert.deepEqual(asked, [
        "https://www.googleapis.com/oauth2/v3/certs",
        host + CERTIFICATE_PATH,
        host + path,
      ]);
      assert.deepEqual(publisher.requests, []);
    } finally {
      await stack.close();
    }
  });

  test("a push that takes long to be let in still answers in time", async () => {
    const stack = await start({ settings: { ...signedOnly, ...HASTY } });
    try {
      publisher.faults.add({ path: "/certs", latencyMs: 800 });
      stack.commercetools.faults.add({ hang: true });
      const began = Date.now();
      const body = pubsub(changed("customer", { id: "c" }));
      const { status } = await withToken(stack, token(google.privateKey), body);
      assert.ok([202, 503].includes(status));
      assert.ok(Date.now() - began < 4000);
    } finally {
      await stack.close();
    }
  });
});
