// The requests of each broker, through the built worker: its envelope and its handshake, with the
// shared secret. Signatures: signatures.test.mjs.

import assert from "node:assert/strict";
import { after, beforeEach, describe, test } from "node:test";
import { gzipSync } from "node:zlib";
import {
  binaryCloudEvent,
  change,
  cloudEvent,
  eventBridge,
  eventGrid,
  eventGridValidation,
  message,
  pubsub,
  sns,
  snsConfirmation,
  subscription,
} from "../../sandbox/commercetools/notifications.mjs";
import { sampleShop } from "../../sandbox/shop/index.mjs";
import { PUSH_TOKEN } from "../../sandbox/worker.mjs";
import { about } from "./documents.mjs";
import { useStack } from "./harness.mjs";
import { startPublisher } from "./signers.mjs";

const [customer] = sampleShop().customers;
const created = message("CustomerCreated", about("customer", customer), { customer });
const trial = change("ResourceCreated", subscription());
const textOf = (value) => JSON.stringify(value);
const base64 = (value) => Buffer.from(textOf(value)).toString("base64");

const amazon = await startPublisher({});
after(() => amazon.close());
const stack = useStack({ settings: { PUSH_SNS_URL: amazon.url } });
beforeEach(() => {
  amazon.faults.clear();
  amazon.requests.length = 0;
});

describe("each wire form brings the notification", () => {
  const { data: _, ...attributes } = cloudEvent(created);
  const binary = binaryCloudEvent(created);
  for (const [form, body, headers] of [
    ["a bare notification", created],
    ["a CloudEvent, structured", cloudEvent(created)],
    ["a CloudEvent in base64", { ...attributes, data_base64: base64(created) }],
    ["a CloudEvent whose data is text", { ...attributes, data: textOf(created) }],
    ["a CloudEvent, binary", binary.body, binary.headers],
    ["CloudEvents, batched", [cloudEvent(trial), cloudEvent(created)]],
    ["Google Pub/Sub", pubsub(created)],
    ["Google Pub/Sub with a CloudEvent", pubsub(cloudEvent(created))],
    ["Google Pub/Sub, unwrapped", created, { "x-goog-pubsub-message-id": "1" }],
    ["Amazon SNS", sns(created), { "x-amz-sns-message-type": "Notification" }],
    ["Amazon SNS with a CloudEvent", sns(cloudEvent(created))],
    ["Amazon SNS, raw", created, { "x-amz-sns-rawdelivery": "true" }],
    ["Amazon EventBridge", eventBridge(created)],
    ["Azure Event Grid", eventGrid(created), { "aeg-event-type": "Notification" }],
    ["Azure Event Grid, batched", eventGrid(trial, created)],
    ["Confluent's HTTP sink", { key: customer.id, value: created }],
    ["Confluent's HTTP sink, batched", [{ key: null, value: created, topic: "klaviyo" }]],
    ["Confluent's HTTP sink with text", [{ key: null, value: textOf(created) }]],
    ["gzip", gzipSync(textOf(created)), { "content-encoding": "gzip" }],
    ["gzip without its header", gzipSync(textOf([pubsub(created)]))],
    ["with a byte order mark", `\ufeff${textOf(created)}`],
    ["with byte order marks between members", `[\ufeff${textOf(trial)},\ufeff${textOf(created)}]`],
    ["with half of a surrogate pair", textOf(created).replace("{", '{"more":{"name":"\\ud83d"},')],
    ["a list of all", [trial, pubsub(trial), sns(trial), eventBridge(trial), [sns(created)]]],
  ]) {
    for (const type of ["application/json", "text/plain; charset=UTF-8", "application/x-other"]) {
      test(`${form} as ${type}`, async () => {
        const answer = await stack.push(body, { headers: { ...headers, "content-type": type } });
        assert.equal(answer.status, 204, answer.text);
        assert.ok(stack.klaviyo.store.profileByExternalId(customer.id));
      });
    }
  }
});

describe("what cannot be read is kept, and never refused", () => {
  for (const [form, body, code] of [
    ["a CloudEvent without data", { specversion: "1.0" }, "envelope_undecodable"],
    ["a CloudEvent of something else", { specversion: "1.0", data: {} }, "not_a_notification"],
    ["an SNS message that is no JSON", sns(created, { Message: "Hi" }), "envelope_undecodable"],
    ["an event without a detail", { "detail-type": "x" }, "envelope_undecodable"],
    [
      "Event Grid's handshake without a code",
      [{ ...eventGridValidation("x")[0], data: {} }],
      "envelope_undecodable",
    ],
    ["a binary CloudEvent without a body", "", "not_json"],
    [
      "too deep",
      Array(20)
        .fill()
        .reduce((inner) => [inner], created),
      "envelope_undecodable",
    ],
  ]) {
    test(form, async () => {
      const { status, body: kept } = await stack.push(body, {
        headers: { "ce-specversion": "1.0" },
      });
      assert.equal(status, 202);
      assert.deepEqual([kept.outcome, kept.code], ["dead_lettered", code]);
    });
  }

  for (const [what, broken] of [
    ["half of a surrogate pair", '{"name":"\\ud83d"}'],
    ["a number that is too large", '{"amount":1e999}'],
  ]) {
    test(`${what} costs only the member of the list that it is in`, async () => {
      const list = `[${broken},${textOf(created)}]`;
      for (const body of [list, gzipSync(list)]) {
        stack.klaviyo.reset();
        const { status, body: kept } = await stack.push(body);
        assert.deepEqual([status, kept.outcome, kept.code], [202, "dead_lettered", "not_json"]);
        assert.ok(stack.klaviyo.store.profileByExternalId(customer.id));
      }
    });
  }

  test("gzip that is broken is kept", async () => {
    const { status, body } = await stack.push(gzipSync(textOf(created)).subarray(0, -9));
    assert.deepEqual([status, body.code], [202, "not_json"]);
  });

  test("10 MB counts after inflation", async () => {
    const text = Buffer.from(textOf(created));
    const spaces = (bytes) =>
      gzipSync(Buffer.concat([text, Buffer.alloc(bytes - text.length, " ")]));
    const limit = 10 * 1024 * 1024;
    assert.equal((await stack.push(spaces(limit))).status, 204);
    for (const bytes of [limit + 1, 40 * limit]) {
      assert.equal((await stack.push(spaces(bytes))).status, 413);
    }
  });

  test("a hundred thousand things at once, most of them in one list", async () => {
    const kept = async () => (await stack.outbox()).deadLetters;
    const before = await kept();
    const junk = Array.from({ length: 100_000 }, (_, n) => ({ junk: n }));
    const { status, body } = await stack.push(junk);
    assert.deepEqual([status, body.outcome], [202, "dead_lettered"]);
    assert.equal(await kept(), before + 101);
  });
});

describe("Azure Event Grid's handshakes", () => {
  const ask = (path, headers = { "webhook-request-origin": "eventgrid.azure.net" }) =>
    stack.call(path, { method: "OPTIONS", headers });

  for (const path of ["/", "/events"]) {
    test(`OPTIONS ${path} is consented to with the secret`, async () => {
      const { status, headers, text } = await ask(`${path}?token=${PUSH_TOKEN}`);
      assert.equal(status, 200, text);
      assert.equal(headers.get("webhook-allowed-origin"), "eventgrid.azure.net");
      assert.equal(headers.get("webhook-allowed-rate"), "*");
      assert.equal(headers.get("allow"), "POST, OPTIONS");
    });

    test(`OPTIONS ${path} is 401 without it, and consents to nothing`, async () => {
      for (const query of ["", "?token=", "?token=x"]) {
        const { status, headers } = await ask(path + query);
        assert.equal(status, 401);
        assert.equal(headers.get("webhook-allowed-origin"), null);
      }
    });

    test(`OPTIONS ${path} that is no handshake is 405`, async () => {
      const { status, headers } = await ask(`${path}?token=${PUSH_TOKEN}`, {});
      assert.equal(status, 405);
      assert.equal(headers.get("allow"), "POST, OPTIONS");
      assert.equal(headers.get("webhook-allowed-origin"), null);
    });
  }

  test("the validation event gets its code back, in a list and alone", async () => {
    const list = eventGridValidation("512d38b6-c7b8-40c8-89fe-f46f9e9622b6");
    for (const body of [list, list[0], [...list, created]]) {
      const answer = await stack.push(body, {
        headers: { "aeg-event-type": "SubscriptionValidation" },
      });
      assert.equal(answer.status, 200);
      assert.deepEqual(answer.body, { validationResponse: "512d38b6-c7b8-40c8-89fe-f46f9e9622b6" });
    }
    assert.ok(stack.klaviyo.store.profileByExternalId(customer.id));
  });

  test("the validation event is 401 without the secret", async () => {
    const body = textOf(eventGridValidation("code"));
    const { status, text } = await stack.call("/", { method: "POST", body });
    assert.equal(status, 401);
    assert.ok(!text.includes("validationResponse"));
  });
});

describe("Amazon SNS's handshake, with the secret", () => {
  const confirmation = (SubscribeURL, options = {}) =>
    snsConfirmation({ SubscribeURL, ...options });
  const path = "/?Action=ConfirmSubscription&Token=2336412f37f";

  test("the subscription is confirmed at the address that it names", async () => {
    const { status, text } = await stack.push(confirmation(amazon.url + path));
    assert.equal(status, 200, text);
    assert.deepEqual(amazon.requests, [path]);
  });

  test("without the secret nothing is fetched", async () => {
    const body = textOf(confirmation(amazon.url + path));
    assert.equal((await stack.call("/", { method: "POST", body })).status, 401);
    assert.deepEqual(amazon.requests, []);
  });

  test("no other address is fetched", async () => {
    const elsewhere = await startPublisher({});
    try {
      for (const url of [
        elsewhere.url + path,
        `${amazon.url}@${elsewhere.url.slice("http://".length)}${path}`,
        snsConfirmation().SubscribeURL,
        "no address",
        undefined,
      ]) {
        const { status, body } = await stack.push(confirmation(url));
        assert.equal(status, 202, url);
        assert.equal(body.code, "handshake_refused");
      }
      assert.deepEqual([...elsewhere.requests, ...amazon.requests], []);
    } finally {
      await elsewhere.close();
    }
  });

  for (const [how, rule] of [
    ["fails", { status: 500 }],
    ["breaks off", { reset: true }],
    ["hangs", { hang: true }],
  ]) {
    test(`where Amazon ${how}, SNS has to try again`, async () => {
      const remove = amazon.faults.add(rule);
      const began = Date.now();
      const { status, body, headers } = await stack.push(confirmation(amazon.url + path));
      assert.equal(status, 503);
      assert.equal(body.code, "sns_confirmation_failed");
      assert.ok(Number(headers.get("retry-after")) > 0);
      assert.ok(Date.now() - began < 4000);
      remove();
      assert.equal((await stack.push(confirmation(amazon.url + path))).status, 200);
    });
  }

  test("its end is heard", async () => {
    const { status } = await stack.push(snsConfirmation({ Type: "UnsubscribeConfirmation" }));
    assert.equal(status, 200);
    assert.deepEqual(amazon.requests, []);
  });
});
