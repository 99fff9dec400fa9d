// The sandbox's Klaviyo in a process of its own, with its true rate limits and a latency.

import { startKlaviyo } from "../sandbox/klaviyo/server.mjs";

const { latencyMs, jobMs } = JSON.parse(process.argv[2]);
const klaviyo = await startKlaviyo({ keepProperties: false, jobMs, schema: null, sdk: false });
if (latencyMs > 0) klaviyo.faults.add({ path: "/api", latencyMs });
process.send({ url: klaviyo.url, key: klaviyo.key });

process.on("message", () => {
  klaviyo.finishJobs();
  const operations = {};
  let throttled = 0;
  for (const { operation, status, bytes } of klaviyo.requests) {
    operations[operation] ??= { requests: 0, bytes: 0 };
    operations[operation].requests += 1;
    operations[operation].bytes += bytes;
    if (status === 429) throttled += 1;
  }
  const count = (name) => klaviyo.store[name]().length;
  process.send({
    requests: klaviyo.requests.length,
    throttled,
    operations,
    violations: klaviyo.violations.slice(0, 3),
    held: {
      profiles: count("profiles"),
      events: count("events"),
      items: count("items"),
      variants: count("variants"),
    },
  });
});
