// Large bodies take turns: only one at a time is in the memory of an isolate. (memory.test.mjs measures how much they
// take.)

import assert from "node:assert/strict";
import { once } from "node:events";
import { request } from "node:http";
import { after, before, test } from "node:test";
import { gzipSync } from "node:zlib";
import { eventually } from "../eventually.mjs";
import { startAlone, unreachable } from "./harness.mjs";

const LARGE = "x".repeat(700_000);
const SMALL = "x".repeat(1_000);
const known = { authorization: `Bearer ${unreachable.PUSH_TOKEN}` };

let worker;
before(async () => {
  const topic = "arn:aws:sns:eu-central-1:123456789012:shop";
  worker = await startAlone({ ...unreachable, PUSH_SNS_TOPIC_ARN: topic });
});
after(() => worker.close());

const push = (headers, body) => worker.call("/", { method: "POST", headers, body });

/** Begins to send a large body; what it gives sends the rest, and gives the status. */
async function begin(headers) {
  const length = { "content-length": LARGE.length };
  const sent = request(worker.url, { method: "POST", headers: { ...headers, ...length } });
  sent.write(LARGE.slice(0, 100_000));
  const answered = once(sent, "response");
  return async () => {
    sent.end(LARGE.slice(100_000));
    const [answer] = await answered;
    answer.resume();
    return answer.statusCode;
  };
}

const isBusy = ({ status, body, headers }) =>
  status === 503 && body.code === "busy" && headers.has("retry-after");

test("who comes while another large body is sent is asked to come again", async () => {
  const finish = await begin(known);
  await eventually("a large body to have to wait", () => push(known, LARGE), isBusy);
  // Compressed, it may be as large; small ones do not wait.
  assert.ok(isBusy(await push(known, gzipSync(SMALL))));
  assert.equal((await push(known, SMALL)).status, 202);
  assert.equal(await finish(), 202);
  assert.equal((await push(known, LARGE)).status, 202);
});

test("a stranger takes nobody's turn who is known", async () => {
  const stranger = { "x-amz-sns-message-type": "Notification" };
  const finish = await begin(stranger);
  await eventually("another stranger to have to wait", () => push(stranger, LARGE), isBusy);
  assert.equal((await push(known, LARGE)).status, 202);
  assert.equal(await finish(), 401);
});
