// `npm run bench`: imports of some size by the built worker, in the real runtime, between a
// generator of commercetools documents and the sandbox's Klaviyo with its true rate limits.
//
// For: the figures of docs/performance.md. It prints a table and writes target/bench/import.json.
// Not for: tests; nothing here decides whether something is right, but what does not add up is said.
//
//   npm run bench                     the sizes of SIZES
//   npm run bench -- customers=20000  one kind, of that size

import { fork } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../", import.meta.url));
const SIZES = { customers: 100_000, orders: 100_000, products: 20_000 };

/** Records of the plain mode: enough to see its pace. */
const PLAIN = { customers: 100, orders: 40, products: 25 };

const PAGE_MS = 300; // commercetools
const CALL_MS = 200; // Klaviyo
const JOB_MS = { min: 1_000, max: 4_000 }; // what Klaviyo takes to carry out a job
const LANES = 4;
const CONNECTIONS = 6; // of a Worker
const BODY = 4_900_000; // bytes of rows in a bulk request

/** Klaviyo's limits: calls a second and a minute. */
const TIERS = { M: [10, 150], L: [75, 750] };

async function main() {
  const { build } = await import("./build.mjs");
  await build?.();
  const rows = [];
  for (const [kind, size] of wanted()) {
    console.log(`${kind}: ${size} records`);
    rows.push(await measure(kind, size, {}));
    print(rows.at(-1));
    const plain = await measure(kind, Math.min(size, PLAIN[kind]), { oneByOne: true });
    rows.push({ ...plain, gain: rows.at(-1).rate / plain.rate });
    print(rows.at(-1));
  }
  const folder = join(ROOT, "target", "bench");
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "import.json"), `${JSON.stringify(rows, null, 2)}\n`);
  table(rows);
}

function wanted() {
  const given = process.argv.slice(2).map((pair) => pair.split("="));
  if (given.length === 0) return Object.entries(SIZES);
  return given.map(([kind, size]) => [kind, Number(size ?? SIZES[kind])]);
}

async function measure(kind, size, importRules) {
  const { startWorker, ADMIN_TOKEN } = await import("../sandbox/worker.mjs");
  const sizes = { customers: size, orders: 0, products: 0, categories: 50, [kind]: size };
  if (kind === "orders") Object.assign(sizes, { customers: size, products: 2_000 });
  const shop = await start("bench/shop.mjs", { sizes, latencyMs: PAGE_MS });
  const klaviyo = await start("bench/klaviyo.mjs", {
    latencyMs: CALL_MS,
    jobMs: JOB_MS,
  });
  const persist = mkdtempSync(join(tmpdir(), "bench-"));
  const address = `http://127.0.0.1:${shop.hello.port}`;
  const worker = await startWorker({
    persist,
    settings: {
      CT_API_CLIENT: JSON.stringify({ clientId: "id", secret: "secret" }),
      CT_AUTH_URL: address,
      CT_API_URL: address,
      CT_PROJECT_ID: "bench",
      KLAVIYO_AUTH_KEY: klaviyo.hello.key,
      KLAVIYO_API_URL: klaviyo.hello.url,
      ADMIN_TOKEN,
      PREFERRED_LOCALE: "en",
      PREFERRED_CURRENCY: "EUR",
      CONFIG: JSON.stringify({ import: importRules }),
    },
  });
  try {
    const call = async (path, method = "GET") => {
      const headers = { authorization: `Bearer ${ADMIN_TOKEN}` };
      const response = await fetch(worker.url + path, { method, headers });
      return response.json();
    };
    const runtime = processes("workerd");
    const before = runtime.reduce((sum, pid) => sum + cpuMs(pid), 0);
    const began = performance.now();
    await call(`/sync/${kind}`, "POST");
    let run;
    do {
      await sleep(100);
      run = (await call("/sync/status"))[kind];
    } while (run.state === "running");
    const seconds = (performance.now() - began) / 1000;
    if (run.state !== "completed") throw new Error(`the run ended: ${JSON.stringify(run)}`);
    const cpu = runtime.reduce((sum, pid) => sum + cpuMs(pid), 0) - before;
    const memory = Math.max(...runtime.map(peakMb));
    const state = await klaviyo.ask();
    const pages = (await shop.ask()).requests;
    if (state.violations.length > 0) console.log("violations:", state.violations);
    const ceiling = importRules.oneByOne ? undefined : ceilingOf(kind, size, state);
    return {
      kind: importRules.oneByOne ? `${kind}, one by one` : kind,
      records: run.read,
      failed: run.failed,
      seconds,
      rate: run.read / seconds,
      ceiling,
      share: ceiling && ceiling.seconds / seconds,
      requests: state.requests + pages,
      throttled: state.throttled,
      cpuMsPer1000: (cpu / run.read) * 1000,
      peakMb: memory,
      held: state.held,
      operations: state.operations,
    };
  } finally {
    await worker.close();
    shop.child.kill();
    klaviyo.child.kill();
    rmSync(persist, { recursive: true, force: true });
  }
}

/** Starts a server in a process of its own; the first thing it says is where it is. */
async function start(file, options) {
  const child = fork(join(ROOT, file), [JSON.stringify(options)]);
  const next = () => new Promise((resolve) => child.once("message", resolve));
  const hello = await next();
  const ask = () => {
    const answer = next();
    child.send("state");
    return answer;
  };
  return { child, hello, ask };
}

/**
 * The least time that any client would need, and why: the longest of the limits, and what Klaviyo takes for the jobs
 * that come last.
 */
function ceilingOf(kind, size, { operations, held }) {
  const limits = [];
  const pageSize = { customers: 500, orders: 500, products: 500, categories: 500 }[kind];
  const pages = Math.ceil(size / pageSize);
  limits.push({
    what: `${pages} pages of ${pageSize}, ${LANES} at once, ${PAGE_MS} ms each`,
    seconds: (pages / LANES) * (PAGE_MS / 1000),
  });
  for (const [operation, { requests, bytes }] of Object.entries(operations)) {
    const tier = tierOf(operation);
    if (!tier) continue;
    const events = operation.includes("event") ? held.events : 0;
    const least = leastRequests(operation, { size, bytes, requests, events });
    const [second, minute] = TIERS[tier];
    limits.push({
      calls: least,
      jobs: !operation.includes("event"),
      what: `${least} × ${operation}, ${minute} a minute and ${second} a second`,
      seconds: windows(least, second, minute),
    });
  }
  const calls = leastCalls(kind, limits);
  limits.push({
    what: `${calls} calls of Klaviyo, ${CALL_MS} ms each, and the pages, ${CONNECTIONS} at once`,
    seconds: (calls * CALL_MS + pages * PAGE_MS) / CONNECTIONS / 1000,
  });
  const { what, seconds } = limits.sort((one, other) => other.seconds - one.seconds)[0];
  const last = lastJobs(kind);
  const jobs = last === 0 ? "" : `, and ${last} s for the last jobs`;
  return { what: `${what}${jobs}`, seconds: seconds + last };
}

/** The seconds that the last job takes, on average; those of items and of their variants follow one another. */
function lastJobs(kind) {
  const inTurn = { customers: 1, orders: 0, products: 2, categories: 1 }[kind];
  return (inTurn * (JOB_MS.min + JOB_MS.max)) / 2 / 1000;
}

/** Each job is begun, and looked at once; items are looked for before and after they are made. */
function leastCalls(kind, limits) {
  const begun = limits.filter(({ calls }) => calls);
  const calls = begun.reduce((sum, { calls, jobs }) => sum + calls * (jobs ? 2 : 1), 0);
  const items = begun.find(({ what }) => what.includes("catalog-item"))?.calls ?? 0;
  return kind === "products" ? calls + 2 * items : calls;
}

function tierOf(operation) {
  if (/^POST .*(event|profile)-bulk/.test(operation)) return "M";
  return /^POST .*catalog-.*-bulk/.test(operation) ? "L" : undefined;
}

function leastRequests(operation, { size, bytes, requests, events }) {
  const byBytes = Math.ceil(bytes / BODY);
  if (events > 0) return Math.max(byBytes, Math.ceil(events / 1_000));
  if (operation.includes("profile-bulk")) return Math.max(byBytes, Math.ceil(size / 10_000));
  if (operation.includes("catalog-item")) return Math.max(byBytes, Math.ceil(size / 100));
  if (operation.includes("catalog-variant")) return Math.max(byBytes, Math.ceil((size * 5) / 100));
  return requests;
}

/** The seconds until the last of so many calls may begin, in fixed windows. */
function windows(calls, second, minute) {
  const last = Math.max(0, calls - 1);
  return Math.floor(last / minute) * 60 + Math.floor((last % minute) / second);
}

function processes(name) {
  const ids = readdirSync("/proc").filter((entry) => /^\d+$/.test(entry));
  return ids.filter((id) => {
    try {
      const status = readFileSync(`/proc/${id}/status`, "utf8");
      return status.startsWith(`Name:\t${name}`) && status.includes(`PPid:\t${process.pid}\n`);
    } catch {
      return false;
    }
  });
}

function cpuMs(id) {
  const fields = readFileSync(`/proc/${id}/stat`, "utf8").split(") ")[1].split(" ");
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

function peakMb(id) {
  const peak = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${id}/status`, "utf8"));
  return Number(peak[1]) / 1024;
}

function print(row) {
  const share = row.share ? `, ${(row.share * 100).toFixed(0)} % of what is possible` : "";
  const gain = row.gain ? `, ${row.gain.toFixed(0)} times slower` : "";
  console.log(
    `  ${row.kind}: ${row.seconds.toFixed(1)} s, ${row.rate.toFixed(0)}/s${share}${gain}`,
  );
  if (row.ceiling) console.log(`  least: ${row.ceiling.seconds.toFixed(1)} s, ${row.ceiling.what}`);
}

function table(rows) {
  console.table(
    rows.map((row) => ({
      import: row.kind,
      records: row.records,
      seconds: row.seconds.toFixed(1),
      "records/s": row.rate.toFixed(0),
      "ceiling s": row.ceiling?.seconds.toFixed(1) ?? "",
      share: row.share ? `${(row.share * 100).toFixed(0)} %` : "",
      requests: row.requests,
      "CPU ms/1000": row.cpuMsPer1000.toFixed(0),
      "peak MB": row.peakMb.toFixed(0),
      "429s": row.throttled,
      gain: row.gain ? `× ${row.gain.toFixed(0)}` : "",
    })),
  );
}

await main();
