// `npm run mutants`: whether the native tests see it if the engine, the outbox or the import does something else.
// Draws mutations from all that cargo-mutants offers, compiles them into one build, and runs the tests on each. Not part
// of `npm test`: 400 of them take an hour on two cores.
//
//   npm run mutants                      40 of them, drawn by seed 1
//   npm run mutants -- seed=7 count=400  others
//   npm run mutants -- '<name>' …        these, as it prints them: to see a new test see them
//
// It works on a copy of the checkout in target/mutants, which stays, so that a build only compiles what changed.

import { ensureCargoMutants } from "./lib/cargo-tools.mjs";
import { asProgram, Failure, say } from "./lib/run.mjs";
import { copyCheckout, drawn, offered } from "./mutants/lots.mjs";
import { testMutated, testUnchanged } from "./mutants/tests.mjs";
import { buildWoven } from "./mutants/woven.mjs";

async function mutants(args) {
  await ensureCargoMutants();
  copyCheckout();
  const names = args.filter((arg) => arg.startsWith("src/"));
  const { seed, count } = settings(args.filter((arg) => !arg.startsWith("src/")));
  const all = offered();
  const lots = names.length > 0 ? named(all, names) : drawn(all, seed);
  const wanted = names.length || count;
  say(
    names.length > 0 ? "mutants: those named" : `mutants: ${count} of ${all.length}, seed=${seed}`,
  );
  const { woven, left, programs } = await buildWoven(lots, wanted);
  for (const { name, why } of left) say(`${why}: ${name}`);
  const limitMs = await testUnchanged(programs);
  const ends = [];
  for (const mutation of woven) {
    const { end, by } = await testMutated(programs, mutation, limitMs);
    say(`${end}: ${mutation.name}${by ? ` (${by})` : ""}`);
    ends.push({ end, name: mutation.name });
  }
  const survivors = ends.filter(({ end }) => end === "survives").map(({ name }) => name);
  const seen = ends.length - survivors.length;
  say(`mutants: ${seen} of ${ends.length} are seen, ${((100 * seen) / ends.length).toFixed(1)} %`);
  if (survivors.length > 0) throw new Failure(["these survive:", ...survivors].join("\n  "));
}

function settings(args) {
  const settings = { seed: 1, count: 40 };
  for (const arg of args) {
    const [name, value] = arg.split("=");
    if (!(name in settings && /^\d+$/.test(value))) throw new Failure(`not understood: ${arg}`);
    settings[name] = Number(value);
  }
  return settings;
}

function named(all, names) {
  return names.map((name) => {
    const mutation = all.find((offer) => offer.name === name);
    if (!mutation) throw new Failure(`there is no such mutation: ${name}`);
    return mutation;
  });
}

await asProgram(import.meta.url, mutants);
