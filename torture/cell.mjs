// One cell of the table: a way, a fault, a length.
//
// `openStack` starts the worker between the sandboxes, `run` does the work of a way on it, with or without a fault, and
// returns the result. Not here: the list of cells (table.mjs), and the expected result (compare.mjs).

import { ADMIN_TOKEN, PUSH_TOKEN, READ_TOKEN } from "../sandbox/worker.mjs";
import { eventually } from "../tests/eventually.mjs";
import { HASTY, startLasting } from "../tests/runtime/harness.mjs";
import { SHIFTING, shiftWorker } from "./clock.mjs";
import { compare, isSame, leaks } from "./compare.mjs";
import { FAULTS, LENGTHS, suffer, telltales } from "./faults.mjs";
import { personalValues, tortureShop } from "./shop.mjs";
import { KINDS, WAYS } from "./ways.mjs";

/** How long the work may take once the fault has passed. */
const REST_MS = Number(process.env.REST_MS ?? 240_000);

/** Each call takes a moment, so that a fault finds some of them under way. */
const BASE_LATENCY_MS = 12;

/** Up to how many calls are made before a fault begins. */
const CALLS_BEFORE = 6;

/** For longer than a write without an answer may still be carried out. */
const DOUBT_MS = 660_000;

/** What somebody who may only read can ask for. */
const OPEN_TO_READERS = [
  "/health",
  "/metrics",
  "/sync/status",
  "/feed",
  "/check",
  ...KINDS.map((kind) => `/sync/${kind}`),
];

/** Runs a cell on a stack of its own; `random` draws the moment at which the fault begins. */
export async function cell({ wayName, faultName, lengthName, expected, random }) {
  const began = performance.now();
  const stack = await openStack({ shop: tortureShop(), wayName, faultName });
  try {
    const row = await run(stack, { wayName, faultName, lengthName, expected, random });
    return { ...row, seconds: Math.round((performance.now() - began) / 1_000) };
  } finally {
    await stack.close();
  }
}

/** What the way comes to without a fault; fails unless that is all there is in commercetools. */
export async function calm({ wayName }) {
  const stack = await openStack({ shop: tortureShop(), wayName });
  try {
    return await expectedOf(stack, { wayName });
  } finally {
    await stack.close();
  }
}

/**
 * The worker with the settings of a way, its storage in a folder, and what it says in `lines`. With `told`
 * "messages", the feed has only those to read: what has no message is found by a look, which comes once a minute.
 */
export async function openStack({ shop, wayName, faultName, told }) {
  const clock = { shiftMs: 0, workerMs: 0 };
  const lines = [];
  const stack = await startLasting({
    commercetools: { shop, now: () => Date.now() + clock.shiftMs },
    settings: { ...HASTY, ...WAYS[wayName].settings },
    entry: SHIFTING,
    ...(faultName === "upgrade" && { build: process.env.EARLIER_BUILD }),
    log: (line) => lines.push(line),
  });
  return Object.assign(stack, { clock, lines, shop, told });
}

/** As `calm`, on a stack that there is. */
export async function expectedOf(stack, { wayName }) {
  const { held, stuck } = await work(stack, { wayName });
  const missing = missingIn(held, stack, WAYS[wayName]);
  if (stuck || missing.length > 0) {
    throw new Error(`${wayName}, without a fault: ${stuck ?? `no ${missing[0]}`}`);
  }
  return held;
}

/** Does the work of a way while the fault is suffered; gives the row of the table. */
export async function run(stack, { wayName, faultName, lengthName, expected, random }) {
  const came = await work(stack, { wayName, faultName, lengthName, expected, random });
  const { lost, doubled, different, first } = compare(came.held, expected);
  const { hits, leaked, byHand, letters, stuck, restSeconds, doubts } = came;
  return {
    way: wayName,
    fault: faultName,
    length: lengthName,
    where: FAULTS[faultName].where,
    hits,
    lost,
    doubled,
    different,
    leaked: leaked.length,
    letters,
    byHand,
    restSeconds,
    doubts,
    notes: [...first, ...leaked.map((value) => `leaked: ${value}`), ...(stuck ? [stuck] : [])],
  };
}

/** A cell that is as it should be. One whose fault never acted has shown nothing. */
export const isGood = (row) =>
  isSame(row) && row.leaked === 0 && row.letters === 0 && row.hits > 0 && row.notes.length === 0;

async function work(stack, options) {
  const { wayName, faultName, lengthName = "once", expected, random = () => 0 } = options;
  const way = WAYS[wayName];
  const fault = FAULTS[faultName];
  const length = LENGTHS[lengthName];
  const { shop } = stack;
  const personal = personalValues(shop);
  const answers = [];
  const said = stack.lines.length;
  stack.clock.shiftMs = 0;
  for (const { faults } of [stack.klaviyo, stack.commercetools]) {
    faults.add({ latencyMs: BASE_LATENCY_MS });
  }
  await way.prepare?.(stack);
  const calls = () => stack.klaviyo.requests.length + stack.commercetools.requests.length;
  const from = calls() + Math.floor(random() * CALLS_BEFORE);
  const sent = way.begin(stack, { shop, spreadMs: fault ? length.spreadMs : 0, answers });
  let suffered;
  if (fault) {
    await eventually("the work to begin", calls, (count) => count > from);
    suffered = await suffer(stack, fault, length, personal);
  }
  await sent;
  const rest = await atRest(stack, way, expected);
  suffered?.end();
  const held = heldBy(stack);
  // An event that Klaviyo has twice under one name is one record of a snapshot, and is counted all the same.
  const events = stack.klaviyo.store.events().length;
  if (events > Object.keys(held.events).length) held.events["taken twice"] = events;
  const letters = (await stack.letters()).length;
  const shown = await Promise.all(OPEN_TO_READERS.map((path) => readable(stack, path)));
  const texts = [...stack.lines.slice(said), ...answers.map(({ text }) => text), ...shown];
  const leaked = leaks(texts, [...personal, ...telltales, ...secrets(stack)]);
  return { held, hits: suffered?.hits() ?? 0, leaked, letters, ...rest };
}

async function readable(stack, path) {
  const { text } = await stack.call(path, { headers: { authorization: `Bearer ${READ_TOKEN}` } });
  return text;
}

function secrets({ commercetools, klaviyo }) {
  const { credentials, issuedTokens } = commercetools;
  return [credentials.secret, klaviyo.key, PUSH_TOKEN, ADMIN_TOKEN, READ_TOKEN, ...issuedTokens];
}

/**
 * Waits until Klaviyo has what it should have, if that comes about at all, and then until nothing is left to do. A write
 * without an answer, which Klaviyo may still carry out, is followed by another one after up to ten minutes: these
 * pass at once, by the worker's clock.
 */
async function atRest(stack, way, expected) {
  let byHand = 0;
  const began = performance.now();
  const look = async () => {
    const failedWith = await way.mend?.(stack);
    if (failedWith) byHand += 1;
    const outbox = await stack.outbox().catch(() => undefined);
    const done = (await way.isDone?.(stack)) ?? true;
    const held = heldBy(stack);
    const wrong = expected ? compare(held, expected).first : missingIn(held, stack, way);
    return { waiting: outbox?.waiting, done, wrong: wrong.slice(0, 1), failedWith };
  };
  const isThere = ({ done, wrong }) => done && wrong.length === 0;
  const isOver = (seen) => isThere(seen) && seen.waiting === 0;
  const limits = { limitMs: REST_MS, everyMs: 300 };
  try {
    const { waiting } = await eventually("everything to be there", look, isThere, limits);
    const restSeconds = Math.round((performance.now() - began) / 1_000);
    if (waiting !== 0) {
      await shiftWorker(stack, DOUBT_MS);
      await stack.admin("POST", "/outbox/retry");
      await eventually("nothing to be in doubt", look, isOver, limits);
    }
    return { byHand, restSeconds, doubts: waiting };
  } catch (error) {
    const restSeconds = Math.round((performance.now() - began) / 1_000);
    const rows = (await stack.admin("GET", "/outbox")).body.parked.map(
      ({ resource, code, attempts, nextAttempt }) =>
        `${resource} ${code} ${attempts} ${nextAttempt}`,
    );
    const now = new Date().toISOString();
    return { byHand, restSeconds, stuck: `${error.message}; now ${now}: ${rows.slice(0, 5)}` };
  }
}

/** What Klaviyo has. An event that happened when it was told of has no other time than that. */
function heldBy({ klaviyo, shop }) {
  const held = klaviyo.snapshot();
  const newest = Math.max(...shop.orders.map(({ createdAt }) => Date.parse(createdAt)));
  for (const event of Object.values(held.events)) {
    if (Date.parse(event.time) > newest) event.time = "when it was told of";
  }
  return held;
}

/** What commercetools has and Klaviyo has not, of what a way brings there. */
function missingIn(held, { shop, told }, way) {
  const brings = way === WAYS.feed && told === "messages" ? ["orders"] : way.brings;
  const ofOrders = Object.keys(held.events).map((key) => [key.split(" ")[2], true]);
  const there = { ...held, orders: Object.fromEntries(ofOrders) };
  const wanted = {
    categories: shop.categories,
    items: shop.products,
    profiles: shop.customers,
    orders: shop.orders,
  };
  return brings.flatMap((kind) =>
    wanted[kind].filter(({ id }) => !there[kind][id]).map(({ id }) => `${kind} ${id}`),
  );
}
