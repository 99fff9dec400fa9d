// `npm run bench`: measures the built worker in the real runtime, between two systems that each have their own process.
// It builds the worker, prints tables, and writes target/bench/<section>.json.
//
//   npm run bench                     all sections
//   npm run bench -- shapes ordinary  these sections
//   npm run bench -- customers=20000  the import of one kind with this size
//
// For: the figures of docs/performance.md.
// Not for: tests; nothing here decides whether something is right, but it says if figures do not add up.

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { busyOf, ceilingOf } from "../bench/ceiling.mjs";
import { importOf, LARGE, ORDINARY, oneByOne, PAIRS, SIZES } from "../bench/shapes.mjs";
import { build } from "./build.mjs";
import { ROOT } from "./lib/project.mjs";
import { asProgram, Failure, say } from "./lib/run.mjs";

const SECTIONS = { imports, shapes, ordinary, pushes, feed, start };

/** `feed.everySeconds`: as it is if nothing is set, and the least. */
const SECONDS_OF_FEEDS = [10, 2];

async function bench(args) {
  const { names, sizes } = understood(args);
  await build();
  for (const name of names) {
    say(name);
    await SECTIONS[name](sizes);
  }
}

/** Which sections are meant, and of the imports which sizes. */
function understood(args) {
  const [names, sizes] = [new Set(), {}];
  for (const arg of args) {
    const [name, size = SIZES[name]] = arg.split("=");
    if (arg in SECTIONS) {
      names.add(arg);
    } else if (name in SIZES && /^[1-9]\d*$/.test(size)) {
      names.add("imports");
      sizes[name] = Number(size);
    } else {
      throw new Failure(`not understood: ${arg}; there are ${known().join(", ")}`);
    }
  }
  return {
    names: args.length > 0 ? names : Object.keys(SECTIONS),
    sizes: Object.keys(sizes).length > 0 ? sizes : SIZES,
  };
}

function known() {
  return [...Object.keys(SECTIONS), ...Object.keys(SIZES).map((kind) => `${kind}=<size>`)];
}

/** Each kind, and a few records of it one by one. */
async function imports(sizes) {
  const rows = [];
  for (const [kind, size] of Object.entries(sizes)) {
    const fast = await measured(importOf(kind, size));
    const ceiling = ceilingOf(kind, fast.records, fast);
    rows.push({ ...fast, ceiling, share: ceiling.seconds / fast.seconds });
    const slow = await measured(oneByOne(kind, size));
    rows.push({ ...slow, gain: fast.rate / slow.rate });
  }
  write("import", rows);
  console.table(rows.map((row) => ({ ...importRow(row), ...ceilingRow(row) })));
  for (const { name, ceiling } of rows.filter((row) => row.ceiling)) {
    console.log(`${name}, least: ${ceiling.seconds.toFixed(1)} s, ${ceiling.what}`);
  }
}

/** What the shape of a shop costs. */
async function shapes() {
  const [rows, ratios] = [[], []];
  for (const { what, figure, pair } of PAIRS) {
    const both = [await measured(pair[0]), await measured(pair[1])];
    rows.push(...both);
    const [one, other] = both;
    ratios.push({ what, of: other.name, to: one.name, ratio: other[figure] / one[figure] });
  }
  for (const large of LARGE) rows.push(await measured(large));
  write("shapes", { rows, ratios });
  console.table(rows.map(importRow));
  for (const { what, of, to, ratio } of ratios) {
    console.log(`${what}: ${of} to ${to}: ${ratio.toFixed(2)}`);
  }
}

/** How near imports of ordinary size come to what keeps them busy longest. */
async function ordinary() {
  const rows = [];
  for (const asked of ORDINARY) {
    const row = await measured(asked);
    const busy = busyOf(row.kind, row.records, row);
    rows.push({ ...row, busy, ratio: row.seconds / busy.least });
  }
  write("ordinary", rows);
  console.table(rows.map((row) => ({ ...importRow(row), ...busyRow(row) })));
}

/** Pushes to our worker and to one that only makes the same calls. */
async function pushes() {
  const { measurePushes } = await import("../bench/pushes.mjs");
  const rows = await measurePushes(say);
  write("pushes", rows);
  console.table(rows.map(pushRow));
}

/** How long an order takes from commercetools to Klaviyo without a broker. */
async function feed() {
  const { measureFeed } = await import("../bench/feed.mjs");
  const rows = await measureFeed(say, SECONDS_OF_FEEDS);
  write("feed", rows);
  const seconds = (ms) => (ms / 1_000).toFixed(1);
  console.table(
    rows.map(({ everySeconds, messages, p50Ms, p99Ms }) => ({
      "reads every s": everySeconds,
      messages,
      "p50 s": seconds(p50Ms),
      "p99 s": seconds(p99Ms),
    })),
  );
}

/** How much longer our worker takes until its first answer. */
async function start() {
  const { measureStarts } = await import("../bench/starts.mjs");
  const starts = await measureStarts();
  write("start", starts);
  const ms = (times) => times.map((time) => time.toFixed(0)).join(", ");
  console.log(`ours ${ms(starts.ours)} ms; bare ${ms(starts.bare)} ms`);
  console.log(`the first answer of /health takes ${starts.beyondMs.toFixed(0)} ms longer`);
}

async function measured(asked) {
  // What this imports is installed by the build.
  const { measureImport } = await import("../bench/imports.mjs");
  const row = await measureImport(asked);
  const failed = row.failed > 0 ? `, of which ${row.failed} failed` : "";
  say(`${row.name}: ${row.records} records${failed} in ${row.seconds.toFixed(1)} s`);
  return row;
}

function importRow(row) {
  return {
    import: row.name,
    records: row.records,
    seconds: row.seconds.toFixed(1),
    "records/s": row.rate.toFixed(row.rate < 10 ? 1 : 0),
    requests: row.requests,
    "CPU ms/1000": row.cpuMsPer1000.toFixed(0),
    "peak MB": row.peakMb.toFixed(0),
    "wasm MB": row.wasmMb.toFixed(0),
    "429s": row.throttled,
  };
}

function ceilingRow({ ceiling, share, gain }) {
  return {
    "ceiling s": ceiling ? ceiling.seconds.toFixed(1) : "",
    share: share ? `${(share * 100).toFixed(0)} %` : "",
    gain: gain ? `× ${gain.toFixed(0)}` : "",
  };
}

function busyRow({ busy: { parts, longest, lastJobs }, ratio }) {
  const seconds = Object.entries(parts).map(([part, taken]) => [`${part} s`, taken.toFixed(1)]);
  return {
    ...Object.fromEntries(seconds),
    longest,
    "last jobs s": lastJobs.toFixed(1),
    ratio: ratio.toFixed(2),
  };
}

function pushRow({ push, parallel, worker, rate, p50Ms, p99Ms, cpuMs, calls, ratio }) {
  return {
    push,
    parallel,
    worker,
    "pushes/s": rate.toFixed(0),
    "p50 ms": p50Ms.toFixed(1),
    "p99 ms": p99Ms.toFixed(1),
    "CPU ms/push": cpuMs.toFixed(2),
    "calls/push": calls.toFixed(2),
    "CPU ours/bare": ratio ? ratio.toFixed(2) : "",
  };
}

function write(name, content) {
  const folder = join(ROOT, "target", "bench");
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, `${name}.json`), `${JSON.stringify(content, null, 2)}\n`);
}

await asProgram(import.meta.url, bench);
