// `npm run mutants`: whether the native tests see it if the engine, the outbox or the import does something else.
// Draws mutations from all that cargo-mutants offers, and runs the tests on each. Not part of `npm test`: each takes
// a build.
//
//   npm run mutants                      40 of them, drawn by seed 1
//   npm run mutants -- seed=7 count=10   others
//   npm run mutants -- '<name>' …        these, as it prints them: to see a new test see them
//
// What it builds stays in target/mutants, and cargo-mutants' own report in target/mutants/mutants.out.

import { createHash } from "node:crypto";
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { CARGO_MUTANTS, ensureCargoMutants } from "./lib/cargo-tools.mjs";
import { ROOT } from "./lib/project.mjs";
import { asProgram, capture, Failure, runOpenly, say } from "./lib/run.mjs";

const ROOMS = ["engine", "outbox", "import"];

const FOLDER = join(ROOT, "target", "mutants");
const REPORT = join(FOLDER, "mutants.out");

/** A test that hangs sees its mutation; one on a busy machine does not, so this is ten times what all need. */
const TIME_LIMIT_S = 600;

/** With so few seeds of the simulators the native tests take less than a minute. */
const ENV = { WORLD_SEEDS: "100", IMPORT_SEEDS: "100", CARGO_TARGET_DIR: FOLDER };

/** Tests of texts see a mutation's text and not what it does; some need what lies beside the checkout. */
const SKIPPED = ["architecture::", "docs::", "needs_shared"];

/** How a mutation ended, by what cargo-mutants calls it. */
const ENDS = {
  CaughtMutant: "killed",
  Timeout: "hung",
  MissedMutant: "survived",
  Unviable: "does not compile",
};

async function mutants(args) {
  await ensureCargoMutants();
  const names = args.filter((arg) => arg.startsWith("src/"));
  const { seed, count } = settings(args.filter((arg) => !arg.startsWith("src/")));
  const lots = names.length > 0 ? names : drawn(offered(), seed);
  const wanted = names.length || count;
  say(`mutants: ${names.length > 0 ? "those that are named" : `${count} drawn by seed=${seed}`}`);
  const ended = [];
  const viable = () => ended.filter(({ end }) => end !== ENDS.Unviable);
  // Instead of each that does not compile the next is drawn.
  while (viable().length < wanted && ended.length < lots.length) {
    const next = lots.slice(ended.length, ended.length + wanted - viable().length);
    ended.push(...(await tested(next, ended.length === 0)));
    if (names.length > 0) break;
  }
  for (const { end, name, by } of ended) console.log(`${end}: ${name}${by ? ` (${by})` : ""}`);
  const survived = viable().filter(({ end }) => end === ENDS.MissedMutant).length;
  say(`mutants: ${viable().length - survived} of ${viable().length} were seen`);
  if (survived > 0) throw new Failure(`${survived} survived`);
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

/** The names of all mutations of the rooms. */
function offered() {
  const files = ROOMS.flatMap((room) => ["--file", `src/${room}/**`]);
  const list = capture(CARGO_MUTANTS, ["mutants", "--list", "--json", ...files]);
  if (list === null) throw new Failure("cargo-mutants lists nothing");
  return JSON.parse(list).map(({ name }) => name);
}

/** All of them in the order in which they are drawn. */
function drawn(names, seed) {
  const lot = (name) => createHash("sha256").update(`${seed} ${name}`).digest("hex");
  const lots = names.map((name) => [lot(name), name]).sort();
  return lots.map(([, name]) => name);
}

/** Runs the tests on each of these; and first without a mutation, if they are the `first`. */
async function tested(names, first) {
  mkdirSync(FOLDER, { recursive: true });
  const patterns = names.flatMap((name) => ["--re", `^${literal(name)}$`]);
  const options = ["--gitignore=true", "--timeout", `${TIME_LIMIT_S}`, "--output", FOLDER];
  const baseline = first ? [] : ["--baseline=skip"];
  const skipped = SKIPPED.flatMap((name) => ["--skip", name]);
  let failed = new Failure("cargo-mutants did not run all of them");
  try {
    const args = ["mutants", "--caught", "--unviable", ...options, ...baseline, ...patterns];
    await runOpenly(CARGO_MUTANTS, [...args, "--", "--", ...skipped], { env: ENV });
  } catch (error) {
    // It also fails if one survived.
    failed = error;
  }
  const { outcomes } = JSON.parse(readFileSync(join(REPORT, "outcomes.json"), "utf8"));
  const ended = new Map();
  for (const { scenario, summary, log_path, phase_results } of outcomes) {
    const end = { end: ENDS[summary], by: summary === "CaughtMutant" && firstFailed(log_path) };
    if (scenario.Mutant) ended.set(scenario.Mutant.name, end);
    else say(`native tests: ${phase_results.at(-1).duration.toFixed(1)} s without compiling`);
  }
  if (names.some((name) => !ended.has(name))) throw failed;
  return names.map((name) => ({ name, ...ended.get(name) }));
}

/** The first test that failed. */
function firstFailed(log) {
  const [, test] = /^test (\S+) \.\.\. FAILED/m.exec(readFileSync(join(REPORT, log), "utf8")) ?? [];
  return test;
}

function literal(text) {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&");
}

await asProgram(import.meta.url, mutants);
