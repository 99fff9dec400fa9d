// Measures how long a worker takes from the start of its runtime to the first answer.
//
// For: the section of the start: the time that our worker takes beyond the bare one.
// Not for: a start at Cloudflare, where the runtime already runs.

import { startWorker } from "../sandbox/worker.mjs";
import { startBare } from "./bare.mjs";
import { settingsFor } from "./runtime.mjs";

const STARTS = 5;

/** A start makes no calls, so nobody has to listen there. */
const SETTINGS = settingsFor({ port: 9 }, { key: "pk_bench", url: "http://127.0.0.1:9" });

/** The times of both workers in ms, in turns, so that noise hits both, and what ours takes beyond the bare one. */
export async function measureStarts() {
  const [ours, bare] = [[], []];
  for (let start = 0; start < STARTS; start += 1) {
    ours.push(await startMs(() => startWorker({ settings: SETTINGS })));
    bare.push(await startMs(() => startBare([])));
  }
  return { ours, bare, beyondMs: median(ours) - median(bare) };
}

async function startMs(start) {
  const began = performance.now();
  const worker = await start();
  const response = await fetch(`${worker.url}/health`);
  await response.text();
  const took = performance.now() - began;
  await worker.close();
  if (!response.ok) throw new Error(`/health was answered ${response.status}`);
  return took;
}

function median(times) {
  return [...times].sort((one, other) => one - other)[Math.floor(times.length / 2)];
}
