// Measures one import: the built worker in the real runtime, between a generator of commercetools documents and the
// sandbox's Klaviyo with its true rate limits.
//
// For: the sections of imports. If figures do not add up, it says so, or ends the benchmark.
// Not for: the choice of imports (shapes.mjs), the least time they need (ceiling.mjs), and tests.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { MEASURED, wasmMemory } from "../sandbox/wasm-memory.mjs";
import { ADMIN_TOKEN, startWorker } from "../sandbox/worker.mjs";
import { CALL_MS, JOB_MS, PAGE_MS } from "./ceiling.mjs";
import { withRuntime, withSystems } from "./runtime.mjs";

const POLL_MS = 100;
const MB = 1_000_000;

/**
 * Imports all records of a kind from a shop of these sizes. `rules` are those of `CONFIG.import`. Answers what the
 * import took, and what Klaviyo was asked for and holds.
 */
export async function measureImport({ name, kind, sizes, shape, rules = {} }) {
  const options = {
    shop: { sizes, shape, latencyMs: PAGE_MS },
    klaviyo: { latencyMs: CALL_MS, jobMs: JOB_MS },
  };
  const persist = mkdtempSync(join(tmpdir(), "bench-"));
  try {
    return await withSystems(options, async ({ shop, klaviyo, settings }) => {
      const own = { ADMIN_TOKEN, CONFIG: JSON.stringify({ import: rules }) };
      const start = () =>
        startWorker({ persist, entry: MEASURED, settings: { ...settings, ...own } });
      const taken = await withRuntime(start, (worker) => run(worker, kind));
      const systems = seen(await klaviyo.ask("state"), await shop.ask("requests"));
      return { name, kind, ...taken, ...systems };
    });
  } finally {
    rmSync(persist, { recursive: true, force: true });
  }
}

async function run({ url, cpuMs, peakMb }, kind) {
  const before = cpuMs();
  const began = performance.now();
  await ask(url, `/sync/${kind}`, "POST");
  const { run: last, limits } = await ended(url, kind);
  const { state, read, failed, ...rest } = last;
  const seconds = (performance.now() - began) / 1000;
  if (state !== "completed")
    throw new Error(`the run ended: ${JSON.stringify({ state, ...rest })}`);
  const cpu = cpuMs() - before;
  return {
    records: read,
    failed,
    seconds,
    rate: read / seconds,
    cpuMs: cpu,
    cpuMsPer1000: (cpu / read) * 1000,
    peakMb: peakMb(),
    wasmMb: (await wasmMemory(url)) / MB,
    limits,
  };
}

/** The run when it has ended, and in what share of the looks at it what limited it. */
async function ended(url, kind) {
  const looks = [];
  for (;;) {
    await sleep(POLL_MS);
    const { [kind]: run } = await ask(url, "/sync/status");
    if (run.state !== "running") return { run, limits: sharesOf(looks) };
    looks.push(run.limit ? Object.values(run.limit).join(" ") : "nothing");
  }
}

function sharesOf(looks) {
  const shares = {};
  for (const look of looks) shares[look] = (shares[look] ?? 0) + 1 / looks.length;
  return shares;
}

async function ask(url, path, method = "GET") {
  const headers = { authorization: `Bearer ${ADMIN_TOKEN}` };
  const response = await fetch(url + path, { method, headers });
  return response.json();
}

/** What the two systems saw. */
function seen({ requests, violations, throttled, held, operations }, reads) {
  if (violations.length > 0) console.log("violations:", violations);
  return { requests: requests + reads, reads, throttled, held, operations };
}
