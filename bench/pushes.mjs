// Measures pushes: how many a second, how long each takes, and the CPU of the runtime, for our worker and the bare one
// in turns, so that noise hits both.
//
// For: the section of pushes. Both systems answer at once, and Klaviyo's limits are off.
// Not for: imports. Any answer other than 204 ends the benchmark.

import { change, message } from "../sandbox/commercetools/notifications.mjs";
import { PUSH_TOKEN, startWorker } from "../sandbox/worker.mjs";
import { startBare } from "./bare.mjs";
import { documentsOf } from "./documents.mjs";
import { recordCalls } from "./recording.mjs";
import { withRuntime, withSystems } from "./runtime.mjs";

/** Pushes of a worker in a round. CPU comes in ticks of 10 ms, so that there have to be many. */
const PUSHES = 2_000;
const ROUNDS = 3;
const WARM_UP = 1_000;
const PARALLEL = [1, 10, 100];

/** All orders have the same three products, so that only the first one's push reads them. */
const SIZES = { customers: 100_000, orders: 100_000, products: 3, categories: 50 };
const SYSTEMS = {
  shop: { sizes: SIZES, latencyMs: 0 },
  klaviyo: { latencyMs: 0, jobMs: { min: 0, max: 0 }, limits: false },
};
const documents = documentsOf(SIZES);

/** What is pushed, of any number. */
const NOTIFICATIONS = {
  "customer changed": (n) => {
    const { id, version } = JSON.parse(documents.customers(n));
    return change("ResourceUpdated", { typeId: "customer", id }, { version });
  },
  "order created": (n) => {
    const order = { ...JSON.parse(documents.orders(n)), orderState: "Open" };
    return message("OrderCreated", { typeId: "order", id: order.id }, { order });
  },
};

/** Measures each notification, with each number of pushes in parallel: a row for each worker. */
export async function measurePushes(tell) {
  const rows = [];
  for (const [name, notification] of Object.entries(NOTIFICATIONS)) {
    await withSystems(SYSTEMS, (systems) =>
      withWorkers(systems, notification, async (workers, bodies) => {
        for (const parallel of PARALLEL) {
          const pair = await inTurns(workers, systems, bodies, parallel);
          rows.push(...pair.map((row) => ({ push: name, parallel, ...row })));
          tell(`${name}, ${parallel} in parallel`);
        }
      }),
    );
  }
  return rows;
}

/** Both workers, warm, and the bodies to push, for `use`. */
async function withWorkers(systems, notification, use) {
  const bodies = bodiesOf(notification);
  const settings = { ...systems.settings, PUSH_TOKEN };
  const stages = await recordCalls(settings, (url) => push(url, bodies.next().value));
  const startOurs = () => startWorker({ settings });
  await withRuntime(startOurs, (ours) =>
    withRuntime(
      () => startBare(stages),
      async (bare) => {
        for (const { url } of [ours, bare]) await pushAll(url, take(bodies, WARM_UP), 10);
        await use({ ours, bare }, bodies);
      },
    ),
  );
}

/** The bodies of pushes, each about another document. */
function* bodiesOf(notification) {
  for (let n = 0; ; n += 1) yield JSON.stringify(notification(n));
}

/** What each worker takes, and of ours the `ratio` of its CPU to that of the bare one. */
async function inTurns(workers, systems, bodies, parallel) {
  const rounds = { ours: [], bare: [] };
  for (let round = 0; round < ROUNDS; round += 1) {
    const pushed = take(bodies, PUSHES);
    for (const [name, all] of Object.entries(rounds)) {
      all.push(await measure(workers[name], systems, pushed, parallel));
    }
  }
  const [ours, bare] = [summary(rounds.ours), summary(rounds.bare)];
  return [
    { worker: "ours", ...ours, ratio: ours.cpuMs / bare.cpuMs },
    { worker: "bare", ...bare },
  ];
}

function take(bodies, count) {
  return Array.from({ length: count }, () => bodies.next().value);
}

async function measure({ url, cpuMs }, systems, pushed, parallel) {
  const [cpuBefore, callsBefore] = [cpuMs(), await callsOf(systems)];
  const began = performance.now();
  const times = await pushAll(url, pushed, parallel);
  const seconds = (performance.now() - began) / 1000;
  return {
    times,
    seconds,
    cpuMs: cpuMs() - cpuBefore,
    calls: (await callsOf(systems)) - callsBefore,
  };
}

async function callsOf({ shop, klaviyo }) {
  return (await shop.ask("requests")) + (await klaviyo.ask("requests"));
}

/** How long each push took, in ms. */
async function pushAll(url, bodies, parallel) {
  const left = bodies.values();
  const times = [];
  const lane = async () => {
    for (const body of left) {
      const began = performance.now();
      await push(url, body);
      times.push(performance.now() - began);
    }
  };
  await Promise.all(Array.from({ length: parallel }, lane));
  return times;
}

async function push(url, body) {
  const headers = { authorization: `Bearer ${PUSH_TOKEN}`, "content-type": "application/json" };
  const response = await fetch(url, { method: "POST", headers, body });
  const text = await response.text();
  if (response.status !== 204) throw new Error(`a push was answered ${response.status}: ${text}`);
}

function summary(rounds) {
  const sum = (figure) => rounds.reduce((all, round) => all + round[figure], 0);
  const times = rounds.flatMap((round) => round.times).sort((one, other) => one - other);
  return {
    pushes: times.length,
    rate: times.length / sum("seconds"),
    p50Ms: quantile(times, 0.5),
    p99Ms: quantile(times, 0.99),
    cpuMs: sum("cpuMs") / times.length,
    calls: sum("calls") / times.length,
  };
}

function quantile(sorted, share) {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
}
