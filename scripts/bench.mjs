// `npm run bench`: what the built worker takes in the real runtime, between two systems of which each is a process of
// its own. Builds the worker, prints tables, and writes target/bench/<section>.json.
//
//   npm run bench                     everything
//   npm run bench -- customers=20000  the import of one kind, of that size
//
// For: the figures of docs/performance.md.
// Not for: tests; nothing here decides whether something is right, but what does not add up is said.

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ceilingOf } from "../bench/ceiling.mjs";
import { importOf, oneByOne, SIZES } from "../bench/shapes.mjs";
import { build } from "./build.mjs";
import { ROOT } from "./lib/project.mjs";
import { asProgram, Failure } from "./lib/run.mjs";

async function bench(args) {
  const sizes = sizesOf(args);
  await build();
  await imports(sizes);
}

function sizesOf(args) {
  if (args.length === 0) return SIZES;
  return Object.fromEntries(
    args.map((arg) => {
      const [kind, size = SIZES[kind]] = arg.split("=");
      if (!(kind in SIZES && /^\d+$/.test(size))) throw new Failure(`not understood: ${arg}`);
      return [kind, Number(size)];
    }),
  );
}

/** Each kind in both modes. */
async function imports(sizes) {
  const rows = [];
  for (const [kind, size] of Object.entries(sizes)) {
    console.log(`${kind}: ${size} records`);
    const fast = await measured(importOf(kind, size));
    const ceiling = ceilingOf(kind, fast.records, fast);
    rows.push({ ...fast, ceiling, share: ceiling.seconds / fast.seconds });
    printImport(rows.at(-1));
    const slow = await measured(oneByOne(kind, size));
    rows.push({ ...slow, kind: `${kind}, one by one`, gain: fast.rate / slow.rate });
    printImport(rows.at(-1));
  }
  write("import", rows);
  console.table(rows.map(importRow));
}

async function measured(asked) {
  // What this imports is installed by the build.
  const { measureImport } = await import("../bench/imports.mjs");
  return measureImport(asked);
}

function printImport({ kind, seconds, rate, ceiling, share, gain }) {
  const part = share ? `, ${percent(share)} of what is possible` : "";
  const times = gain ? `, ${gain.toFixed(0)} times slower` : "";
  console.log(`  ${kind}: ${seconds.toFixed(1)} s, ${rate.toFixed(0)}/s${part}${times}`);
  if (ceiling) console.log(`  least: ${ceiling.seconds.toFixed(1)} s, ${ceiling.what}`);
}

function importRow(row) {
  return {
    import: row.kind,
    records: row.records,
    seconds: row.seconds.toFixed(1),
    "records/s": row.rate.toFixed(0),
    "ceiling s": row.ceiling?.seconds.toFixed(1) ?? "",
    share: row.share ? percent(row.share) : "",
    requests: row.requests,
    "CPU ms/1000": row.cpuMsPer1000.toFixed(0),
    "peak MB": row.peakMb.toFixed(0),
    "wasm MB": row.wasmMb.toFixed(0),
    "429s": row.throttled,
    gain: row.gain ? `× ${row.gain.toFixed(0)}` : "",
  };
}

function percent(share) {
  return `${(share * 100).toFixed(0)} %`;
}

function write(name, rows) {
  const folder = join(ROOT, "target", "bench");
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, `${name}.json`), `${JSON.stringify(rows, null, 2)}\n`);
}

await asProgram(import.meta.url, bench);
