// What the tests of imports share.

import { admin, eventually } from "./harness.mjs";

/** In the order in which they lead to each other. */
export const KINDS = ["categories", "products", "customers", "orders"];

/** The current run of a kind. */
export async function current(url, kind) {
  return (await admin(url, "GET", `/sync/${kind}`)).body.current;
}

/** Waits until the run of a kind has ended, and gives it. */
export async function ended(url, kind) {
  let run;
  await eventually(async () => {
    run = await current(url, kind);
    return run && !["running", "stopping"].includes(run.state);
  });
  return run;
}

/** Runs one import of a kind to its end. */
export async function imported(url, kind, body) {
  const { status, text } = await admin(url, "POST", `/sync/${kind}`, body);
  if (status !== 202) throw new Error(`the start was answered ${status}: ${text}`);
  return ended(url, kind);
}

/** Runs one import of every kind, one after the other. */
export async function importedAll(url) {
  const runs = {};
  for (const kind of KINDS) runs[kind] = await imported(url, kind);
  return runs;
}

/** A run's counts. */
export function counts({ read, sent, skipped, failed }) {
  return { read, sent, skipped, failed };
}
