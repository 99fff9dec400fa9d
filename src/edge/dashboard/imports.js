// The imports: a card for each kind, and its details, which the page loads again only after a run
// began or ended.

import { get, post } from "./api.js";
import { byId, el, show } from "./dom.js";
import { failures } from "./failures.js";
import { card, isActive } from "./run.js";
import * as sequence from "./sequence.js";
import { skipped } from "./skipped.js";
import { deleteAll, start } from "./start.js";

/** In the order of their import: an item can only name existing categories. */
export const KINDS = ["categories", "products", "customers", "orders"];

/** The kinds that Klaviyo can delete completely. */
const DELETABLE = ["categories", "products"];

const cards = new Map();
const seen = new Map();
let sequenceStands = () => {};

/** Creates the cards; `changed` is called after an action. */
export function prepare(changed) {
  for (const kind of KINDS) {
    const run = async (action) => {
      await post(`/sync/${kind}/${action}`);
      await changed();
    };
    const acts = {
      start: (loses) => start(kind, changed, loses),
      stop: () => run("stop"),
      resume: () => run("resume"),
      failures: () => failures(kind, changed),
      skipped: () => skipped(kind),
      deleteAll: DELETABLE.includes(kind) && (() => deleteAll(kind, changed)),
    };
    cards.set(kind, card(kind, acts));
  }
  sequenceStands = sequence.prepare(changed);
}

/** Shows that imports are off here, or shows the cards. */
export function arrange(parts) {
  const off = el(
    "p",
    { class: "card off" },
    "Imports are off in this deployment: it has ",
    el("code", {}, "APP_TYPE=EVENT"),
    ". They are run by the other one.",
  );
  show(byId("sequence"), parts.includes("imports"));
  const shown = parts.includes("imports") ? [...cards.values()].map(({ root }) => root) : [off];
  byId("runs").replaceChildren(...shown);
}

/** Shows the state of the runs. */
export async function update(status, parts) {
  if (!parts.includes("imports")) return;
  const { sequence: all, schedule, lastSuccess } = status;
  for (const kind of KINDS) {
    cards.get(kind).update(status[kind], performance.now());
    cards.get(kind).plan(schedule[kind], lastSuccess[kind]);
  }
  sequenceStands(
    all,
    KINDS.some((kind) => isActive(status[kind])),
  );
  await Promise.all(KINDS.map((kind) => look(kind, status[kind])));
}

/** Forgets what was seen, so that the page loads all of it again. */
export const forget = () => seen.clear();

async function look(kind, { id, state, startedAt }) {
  const mark = `${id} ${state} ${startedAt}`;
  if (seen.get(kind) === mark) return;
  const { history } = await get(`/sync/${kind}`);
  seen.set(kind, mark);
  cards.get(kind).records(history);
}
