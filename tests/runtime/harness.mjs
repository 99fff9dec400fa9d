// What the tests in the runtime share: the worker between the two sandboxes, and ways to call it.

import { execFileSync } from "node:child_process";
import { startCommercetools } from "../../sandbox/commercetools/server.mjs";
import { startKlaviyo } from "../../sandbox/klaviyo/server.mjs";
import { ADMIN_TOKEN, PUSH_TOKEN, settingsFor, startWorker } from "../../sandbox/worker.mjs";

/** Starts all three. `settings` are laid over those that point at the sandboxes. */
export async function start({
  settings = {},
  commercetools: shop = {},
  klaviyo: account = {},
} = {}) {
  const commercetools = await startCommercetools(shop);
  const klaviyo = await startKlaviyo({ recordBodies: true, ...account });
  const lines = [];
  const worker = await startWorker({
    settings: { ...settingsFor(commercetools, klaviyo), ...settings },
    log: (line) => lines.push(line),
  });
  return {
    commercetools,
    klaviyo,
    worker,
    lines,
    /** The log lines of notifications so far. */
    logged: () => lines.filter((line) => line.startsWith("{")).map((line) => JSON.parse(line)),
    call: (path, init) => call(worker.url + path, init),
    push: (body, init) => push(worker.url, body, init),
    admin: (method, path, body) => admin(worker.url, method, path, body),
    async close() {
      await worker.close();
      await klaviyo.close();
      await commercetools.close();
    },
  };
}

/** Settings with which the worker is in order, and reaches neither system. */
export const unreachable = settingsFor(
  {
    projectKey: "shop",
    credentials: {
      clientId: "id",
      secret: "hidden-secret",
      authUrl: "http://127.0.0.1:9",
      apiUrl: "http://127.0.0.1:9",
    },
  },
  { key: "pk_hidden", url: "http://127.0.0.1:9" },
);

/** Starts only the worker, with exactly these settings. */
export async function startAlone(settings, options = {}) {
  const lines = [];
  const worker = await startWorker({ settings, log: (line) => lines.push(line), ...options });
  const { url, close } = worker;
  return { url, lines, call: (path, init) => call(url + path, init), close };
}

/** Calls the worker; the answer's body is read as JSON where it is JSON. */
export async function call(url, init) {
  const response = await fetch(url, init);
  const text = await response.text();
  const { status, headers } = response;
  return { status, headers, text, body: parsed(text) };
}

/** Pushes a body, JSON unless it is text or bytes, with the push token. */
export function push(url, body, { path = "/", headers = {} } = {}) {
  const raw = typeof body === "string" || body instanceof Uint8Array;
  return call(url + path, {
    method: "POST",
    headers: { authorization: `Bearer ${PUSH_TOKEN}`, ...headers },
    body: raw ? body : JSON.stringify(body),
  });
}

export function admin(url, method, path, body) {
  return call(url + path, {
    method,
    headers: { authorization: `Bearer ${ADMIN_TOKEN}` },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
}

/** Waits until `holds` does. What never comes true is ended by the test runner's own time limit. */
export async function eventually(holds, everyMs = 20) {
  while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, everyMs));
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Kills the runtime that this process started (SIGKILL), and starts one anew. */
export async function killAndRestart(worker, options) {
  for (const pid of runtimes()) process.kill(pid, "SIGKILL");
  await eventually(() => runtimes().length === 0);
  await worker.close();
  return startWorker(options);
}

/** The runtimes that this test started, by their ids. */
export function runtimes() {
  const children = execFileSync("ps", ["-o", "pid=,stat=,comm=", "--ppid", String(process.pid)], {
    encoding: "utf8",
  });
  return children
    .split("\n")
    .map((line) => line.trim().split(/\s+/))
    .filter(([, stat, name]) => name?.includes("workerd") && !stat.startsWith("Z"))
    .map(([pid]) => Number(pid));
}
