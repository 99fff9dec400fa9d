// Creates, updates or deletes one subscription. Each try begins by reading the current state: so a call whose reply was
// lost turns out to have taken effect, and is not repeated. (Except for a destination that is only sent again: its
// change is not visible, so it is sent until an answer comes.)

import { Failure } from "../lib/run.mjs";
import { compare } from "./comparison.mjs";

const TRIES = 4;
const FIRST_DELAY_MS = 1000;

/**
 * Gives `{ done, comparison, status }`: `done` is "created", "updated", "replaced", "kept" or
 * "refused" (nothing was done, since a new format takes `recreate`), `comparison` the last one that
 * called for something, `status` the health of a subscription that was there. With `dryRun` nothing
 * is changed, and `done` is what would be.
 */
export async function install(client, { key, draft }, { dryRun, recreate, reconnect, wait }) {
  let made; // what an earlier try called for
  return persistently(wait, async () => {
    const present = await client.read(key);
    const comparison = compare(draft, present, { reconnect });
    const status = present?.status;
    if (comparison.kind === "keep") return { ...(made ?? { done: "kept", comparison }), status };
    if (comparison.kind === "replace" && !recreate) return { done: "refused", comparison };
    made ??= { done: DONE[comparison.kind], comparison };
    if (!dryRun) await perform(client, { key, draft, present, comparison });
    return { ...made, status };
  });
}

/** Gives "deleted", or "absent" if there was none. */
export async function uninstall(client, key, { dryRun, wait }) {
  let tried = false;
  return persistently(wait, async () => {
    const present = await client.read(key);
    if (!present) return tried ? "deleted" : "absent";
    tried = true;
    if (!dryRun) await client.remove(key, present.version);
    return "deleted";
  });
}

const DONE = { create: "created", update: "updated", replace: "replaced" };

async function perform(client, { key, draft, present, comparison }) {
  switch (comparison.kind) {
    case "create":
      return client.create(draft);
    case "update":
      return client.update(key, present.version, comparison.actions);
    case "replace":
      await client.remove(key, present.version);
      return client.create(draft).catch(afterDeletion);
  }
}

function afterDeletion(error) {
  if (error.passing) throw error;
  const text = `it was deleted, and could not be created anew: ${error.message}`;
  throw Object.assign(new Failure(text), { code: error.code });
}

/** Tries `work` again where its failure may pass. */
export async function persistently(wait, work) {
  for (let tried = 1; ; tried += 1) {
    try {
      return await work();
    } catch (error) {
      if (!error.passing || tried === TRIES) throw error;
      await wait(error.retryAfterMs ?? FIRST_DELAY_MS * 2 ** (tried - 1));
    }
  }
}
