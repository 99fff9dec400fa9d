// The processes of a measurement: the two systems, each in its own process, and the runtime of a worker, with its CPU
// and memory.
//
// For: all sections of the benchmark. CPU and memory come from /proc, so they need Linux.
// Not for: the work of a worker meanwhile, and the meaning of the figures.

import { fork } from "node:child_process";
import { readFileSync } from "node:fs";
import { runtimeIds } from "../sandbox/runtimes.mjs";

const TICK_MS = 10; // of the CPU times in /proc

/** Starts both systems, and gives `use` them and the settings that point a worker at them. */
export async function withSystems({ shop: shopOptions, klaviyo: klaviyoOptions }, use) {
  const shop = await startServer("shop.mjs", shopOptions);
  const klaviyo = await startServer("klaviyo.mjs", klaviyoOptions);
  try {
    return await use({ shop, klaviyo, settings: settingsFor(shop.hello, klaviyo.hello) });
  } finally {
    shop.stop();
    klaviyo.stop();
  }
}

/** The worker that `start` starts, for `use`, with what its runtime takes. */
export async function withRuntime(start, use) {
  const others = runtimeIds();
  const worker = await start();
  const own = runtimeIds().filter((id) => !others.includes(id));
  const cpuMs = () => own.reduce((sum, id) => sum + cpuMsOf(id), 0);
  const peakMb = () => Math.max(...own.map(peakMbOf));
  try {
    return await use({ ...worker, cpuMs, peakMb });
  } finally {
    await worker.close();
  }
}

/** Starts a server of this folder; its first message, `hello`, says where it listens. */
async function startServer(file, options) {
  const child = fork(new URL(file, import.meta.url), [JSON.stringify(options)]);
  const nextMessage = () => new Promise((resolve) => child.once("message", resolve));
  const hello = await nextMessage();
  const ask = (question) => {
    const answer = nextMessage();
    child.send(question);
    return answer;
  };
  return { hello, ask, stop: () => child.kill() };
}

/** The settings that point a worker at a shop and at Klaviyo. */
export function settingsFor(shop, klaviyo) {
  const address = `http://127.0.0.1:${shop.port}`;
  return {
    CT_API_CLIENT: JSON.stringify({ clientId: "id", secret: "secret" }),
    CT_AUTH_URL: address,
    CT_API_URL: address,
    CT_PROJECT_ID: "bench",
    KLAVIYO_AUTH_KEY: klaviyo.key,
    KLAVIYO_API_URL: klaviyo.url,
    PREFERRED_LOCALE: "en",
    PREFERRED_CURRENCY: "EUR",
  };
}

function cpuMsOf(id) {
  const [, fields] = readFileSync(`/proc/${id}/stat`, "utf8").split(") ");
  const [user, system] = fields.split(" ").slice(11, 13);
  return (Number(user) + Number(system)) * TICK_MS;
}

function peakMbOf(id) {
  const peak = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${id}/status`, "utf8"));
  return Number(peak[1]) / 1024;
}
