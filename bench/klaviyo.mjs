// The sandbox's Klaviyo in a process of its own, with a latency, and its true rate limits unless they are off.
//
// For: the benchmark, which asks for its `state`, or only for the number of its `requests`.
// Not for: tests that look at what arrived; they start sandbox/klaviyo themselves.

import { startKlaviyo } from "../sandbox/klaviyo/server.mjs";

const { latencyMs, jobMs, limits } = JSON.parse(process.argv[2]);
const klaviyo = await startKlaviyo({
  keepProperties: false,
  jobMs,
  limits,
  schema: null,
  sdk: false,
});
if (latencyMs > 0) klaviyo.faults.add({ path: "/api", latencyMs });
process.send({ url: klaviyo.url, key: klaviyo.key });

const ANSWERS = { state, requests: () => klaviyo.requests.length };
process.on("message", (question) => process.send(ANSWERS[question]()));

function state() {
  klaviyo.finishJobs();
  const operations = {};
  let throttled = 0;
  for (const { operation, status, bytes } of klaviyo.requests) {
    operations[operation] ??= { requests: 0, bytes: 0 };
    operations[operation].requests += 1;
    operations[operation].bytes += bytes;
    if (status === 429) throttled += 1;
  }
  const kinds = ["profiles", "events", "items", "variants"];
  return {
    requests: klaviyo.requests.length,
    throttled,
    operations,
    violations: klaviyo.violations.slice(0, 3),
    held: Object.fromEntries(kinds.map((kind) => [kind, klaviyo.store[kind]().length])),
  };
}
