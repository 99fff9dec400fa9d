// The shared parts of the tests in the runtime: the worker between the two sandboxes, and ways to call it.

import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, before, beforeEach } from "node:test";
import { startCommercetools } from "../../sandbox/commercetools/server.mjs";
import { startKlaviyo } from "../../sandbox/klaviyo/server.mjs";
import { runtimeIds } from "../../sandbox/runtimes.mjs";
import { ADMIN_TOKEN, PUSH_TOKEN, settingsFor, startWorker } from "../../sandbox/worker.mjs";
import { eventually } from "../eventually.mjs";

/**
 * How long the worker may take over a push: a machine that is busy must not decide whether a test sees
 * 204 or 202. A test of the answer within 4 s unsets it (`HASTY`).
 */
const PATIENT = { PUSH_PATIENCE_MS: "60000" };

/** For a push that is to be given up: the worker's own time limits. */
export const HASTY = { PUSH_PATIENCE_MS: undefined };

/** How long the outbox may take to be empty: its pauses grow while nothing goes through. */
const DRAINED_MS = 90_000;

/**
 * Starts all three. `settings` are laid over those that point at the sandboxes; `entry` stands before the
 * worker's module.
 */
export async function start(options) {
  return launch(newStack(), options);
}

/**
 * One stack for all tests of a file or a suite: started before them, reset before each, closed after.
 * It can be called, and taken apart, from the first line on.
 */
export function useStack(options) {
  const stack = newStack();
  before(() => launch(stack, options));
  after(() => stack.close());
  beforeEach(() => stack.reset());
  afterEach(() => assert.deepEqual(stack.klaviyo.violations, [], "Klaviyo's rules were broken"));
  return stack;
}

function newStack() {
  const lines = [];
  const stack = { lines, ...linesOf(lines), ...callsOf(() => stack.worker.url) };
  return stack;
}

async function launch(
  stack,
  { settings = {}, commercetools: shop = {}, klaviyo: account = {}, entry } = {},
) {
  const commercetools = await startCommercetools(shop);
  const klaviyo = await startKlaviyo({ recordBodies: true, ...account });
  const worker = await startWorker({
    settings: { ...settingsFor(commercetools, klaviyo), ...PATIENT, ...settings },
    log: (line) => stack.lines.push(line),
    entry,
  });
  return Object.assign(stack, {
    commercetools,
    klaviyo,
    worker,
    /** As if nothing had happened, except for what the worker keeps. */
    reset() {
      klaviyo.reset();
      commercetools.reset();
    },
    async close() {
      await worker.close();
      await klaviyo.close();
      await commercetools.close();
      assert.deepEqual(klaviyo.broken, [], "Klaviyo's rules were broken");
    },
  });
}

/**
 * All three, of which the worker keeps what it stores in a folder, so that it can be killed and
 * started anew.
 */
export async function startLasting({
  commercetools: shop = {},
  klaviyo: account = {},
  settings = {},
  ...options
} = {}) {
  const commercetools = await startCommercetools(shop);
  const klaviyo = await startKlaviyo(account);
  const persist = mkdtempSync(join(tmpdir(), "worker-"));
  const all = { ...settingsFor(commercetools, klaviyo), ...PATIENT, ...settings };
  const started = { settings: all, persist, ...options };
  const others = runtimeIds();
  let worker = await startWorker(started);
  return {
    commercetools,
    klaviyo,
    settings: all,
    ...callsOf(() => worker.url),
    get worker() {
      return worker;
    },
    /** Kills the runtime (SIGKILL), and starts it anew; `as` says what is different from then on. */
    async kill({ meanwhile = () => {}, as = {} } = {}) {
      const own = () => runtimeIds().filter((pid) => !others.includes(pid));
      for (const pid of own()) process.kill(pid, "SIGKILL");
      await eventually("the runtime to be gone", own, (left) => left.length === 0);
      await worker.close();
      meanwhile();
      Object.assign(started, as);
      worker = await startWorker(started);
    },
    async close() {
      await worker.close();
      await klaviyo.close();
      await commercetools.close();
      rmSync(persist, { recursive: true, force: true });
      assert.deepEqual(klaviyo.broken, [], "Klaviyo's rules were broken");
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

/** Starts only the worker, with exactly these settings and its patience. */
export async function startAlone(settings, options = {}) {
  const lines = [];
  const worker = await startWorker({
    settings: { ...PATIENT, ...settings },
    log: (line) => lines.push(line),
    ...options,
  });
  const { url, close } = worker;
  return { url, lines, call: (path, init) => call(url + path, init), close };
}

/** The ways to call a worker, wherever it is at the time, and what is expected of its answers. */
function callsOf(url) {
  const pushed = (body, init) => push(url(), body, init);
  const administered = (method, path, body) => admin(url(), method, path, body);
  async function expectStatus(status, body) {
    const answer = await pushed(body);
    assert.equal(answer.status, status, answer.text);
    return answer;
  }
  async function outbox() {
    const { status, body, text } = await administered("GET", "/sync/status");
    assert.equal(status, 200, text);
    return body.outbox;
  }
  return {
    call: (path, init) => call(url() + path, init),
    push: pushed,
    admin: administered,
    expectStatus,
    async expectParked(body) {
      const answer = await expectStatus(202, body);
      assert.deepEqual(answer.body, { outcome: "parked" });
    },
    outbox,
    /** Waits until nothing is parked any more. */
    /** `but`: rows that may be left, such as those that wait until no job of an import is in doubt. */
    drained: ({ but = 0, ...options } = {}) =>
      eventually("the outbox to be empty", outbox, ({ waiting }) => waiting <= but, {
        limitMs: DRAINED_MS,
        ...options,
      }),
    letters: async () => (await administered("GET", "/dead-letters")).body.deadLetters,
  };
}

/** What the worker printed. */
function linesOf(lines) {
  const logged = () => lines.filter((line) => line.startsWith("{")).map((line) => JSON.parse(line));
  return {
    /** The log lines of notifications so far. */
    logged,
    /** Waits for a log line: the runtime prints it after it has answered. */
    async lineWith(matches) {
      await eventually("a log line", logged, (all) => all.some(matches));
      return logged().find(matches);
    },
  };
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

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
