// `npm run mutants`: whether the native tests notice changed behaviour of the engine, the outbox or the import. It
// draws mutations from those that cargo-mutants offers, and runs the tests on each. Not part of `npm test`: each
// mutation needs a build.
//
//   npm run mutants                      40 of them, drawn by seed 1
//   npm run mutants -- seed=7 count=10   others
//   npm run mutants -- '<name>' …        these, by their printed names: to check that a new test catches them
//
// It works on a copy of the checkout in target/mutants, which stays, so that a build only compiles what changed.

import { createHash } from "node:crypto";
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { CARGO_MUTANTS, ensureCargoMutants } from "./lib/cargo-tools.mjs";
import { ROOT } from "./lib/project.mjs";
import { FEW_SEEDS, skipping, WITHOUT_LONG } from "./lib/quick-tests.mjs";
import { asProgram, capture, Failure, printable, runQuietly, say } from "./lib/run.mjs";

const ROOMS = ["engine", "outbox", "import"];
const FILES = ROOMS.flatMap((room) => ["--file", `src/${room}/**`]);

const FOLDER = join(ROOT, "target", "mutants");
const COPY = join(FOLDER, "copy");
const REPORT = join(FOLDER, "mutants.out");

const ENV = { ...FEW_SEEDS, CARGO_TARGET_DIR: join(FOLDER, "build") };

/** Tests of texts see a mutation's text and not what it does; some need what lies beside the checkout. */
const OF_TEXTS = ["architecture::", "docs::", "needs_shared"];

const SKIPPED = [...WITHOUT_LONG, ...skipping(OF_TEXTS)];

/** A test that hangs sees its mutation; one on a busy machine does not, so this is over ten times what all need. */
const TIME_LIMIT_S = 600;

/** How a mutation ends, by what cargo-mutants calls it. */
const ENDS = {
  CaughtMutant: "killed",
  Timeout: "hangs",
  MissedMutant: "survives",
  Unviable: "does not compile",
};

async function mutants(args) {
  await ensureCargoMutants();
  copyCheckout();
  const names = args.filter((arg) => arg.startsWith("src/"));
  const { seed, count } = settings(args.filter((arg) => !arg.startsWith("src/")));
  const all = offered();
  const lots = names.length > 0 ? names : drawn(all, seed);
  const wanted = names.length || count;
  say(
    names.length > 0 ? "mutants: those named" : `mutants: ${count} of ${all.length}, seed=${seed}`,
  );
  await testUnchanged();
  const ends = [];
  for (const name of lots) {
    // Instead of one that does not compile the next is drawn.
    if (ends.length === wanted) break;
    const { end, by } = await testMutated(all, name);
    say(`${end}: ${name}${by ? ` (${by})` : ""}`);
    if (end !== ENDS.Unviable) ends.push(end);
  }
  const survived = ends.filter((end) => end === ENDS.MissedMutant).length;
  say(`mutants: ${ends.length - survived} of ${ends.length} are seen`);
  if (survived > 0) throw new Failure(`${survived} survive`);
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

/** Copies what git knows or would add, as far as it differs, so that cargo sees what changed. */
function copyCheckout() {
  const list = capture("git", ["ls-files", "-z", "--cached", "--others", "--exclude-standard"]);
  const files = list.split("\0").filter((file) => file !== "" && existsSync(join(ROOT, file)));
  for (const file of files) {
    const [from, to] = [join(ROOT, file), join(COPY, file)];
    if (existsSync(to) && readFileSync(from).equals(readFileSync(to))) continue;
    mkdirSync(dirname(to), { recursive: true });
    copyFileSync(from, to);
  }
  const known = new Set(files);
  for (const entry of readdirSync(COPY, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isFile() && !known.has(path.slice(COPY.length + 1))) rmSync(path);
  }
}

/** The names of all mutations of the rooms. */
function offered() {
  const list = capture(CARGO_MUTANTS, ["mutants", "--list", "--dir", COPY, ...FILES]);
  if (list === null) throw new Failure("cargo-mutants lists nothing");
  return list.split("\n");
}

/** All of them in the order in which they are drawn. */
function drawn(names, seed) {
  const lot = (name) => createHash("sha256").update(`${seed} ${name}`).digest("hex");
  const lots = names.map((name) => [lot(name), name]).sort();
  return lots.map(([, name]) => name);
}

async function testUnchanged() {
  const options = { cwd: COPY, env: ENV };
  await runQuietly("building the tests", "cargo", ["test", "--no-run"], options);
  await runQuietly("native tests", "cargo", ["test", "--", ...SKIPPED], options);
}

/** How one ends, and by which test it is killed. */
async function testMutated(all, name) {
  const place = all.indexOf(name);
  if (place < 0) throw new Failure(`there is no such mutation: ${name}`);
  // One shard of as many as there are mutations is one of them. `--re` does not keep out those that delete a field.
  const one = ["--shard", `${place}/${all.length}`];
  const how = ["--in-place", "--baseline=skip", "--timeout", `${TIME_LIMIT_S}`];
  const args = ["mutants", "--dir", COPY, "--output", FOLDER, ...how, ...FILES, ...one];
  rmSync(REPORT, { recursive: true, force: true });
  capture(CARGO_MUTANTS, [...args, "--", "--", ...SKIPPED], { env: ENV });
  const [outcome] = outcomes().filter(({ scenario }) => scenario.Mutant?.name === name);
  if (!outcome) throw new Failure(`not tested: ${printable(CARGO_MUTANTS, args)}`);
  const log = readFileSync(join(REPORT, outcome.log_path), "utf8");
  return { end: ENDS[outcome.summary], by: /^test (\S+) \.\.\. FAILED/m.exec(log)?.[1] };
}

function outcomes() {
  const file = join(REPORT, "outcomes.json");
  return existsSync(file) ? JSON.parse(readFileSync(file, "utf8")).outcomes : [];
}

await asProgram(import.meta.url, mutants);
