// Runs every check and test, in order, up to the first that fails.
//
//   npm test                     everything
//   npm test -- rust runtime     only these steps or groups, and what they need
//   npm run check                format, lints, and the quick native tests: under a minute once compiled

import { existsSync, readdirSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { build } from "./build.mjs";
import { ensureChromium } from "./chromium.mjs";
import { ROOT, SHARED_DIR } from "./lib/project.mjs";
import { FEW_SEEDS, skipping, WITHOUT_LONG } from "./lib/quick-tests.mjs";
import { asProgram, Failure, printable, runHeard, runOpenly, say } from "./lib/run.mjs";
import { ensureTools, usesDebianRust } from "./tools.mjs";

const FILE_TIME_LIMIT_MS = 600_000;

/** The program that makes bindings is tested by what it makes. */
const TESTED = ["--package", "commercetools-klaviyo", "--package", "mutations"];

/**
 * Each has a `command`, or work that is `done` here and a command that would `repeat` it. A runner of
 * tests says how many it `skipped`. One that is `onlyIfNamed` repeats, in short, what another does.
 */
const STEPS = [
  { name: "tools", always: true, done: ensureTools, repeat: "node scripts/tools.mjs" },
  { name: "fmt", group: "rust", command: words("cargo fmt --all --check") },
  { name: "biome", group: "js", command: words(`npx biome ci ${biomeColors()}`) },
  {
    name: "clippy",
    group: "rust",
    command: words("cargo clippy --workspace --all-targets -- -D warnings"),
  },
  {
    name: "clippy-wasm",
    group: "rust",
    command: words("cargo clippy --all-targets --target wasm32-unknown-unknown -- -D warnings"),
    unless: () => usesDebianRust() && "rustup has no wasm target here",
  },
  {
    name: "native",
    group: "rust",
    command: () => ["cargo", "test", ...TESTED, "--", ...withoutShared()],
    skipped: skippedByLibtest,
  },
  {
    name: "quick",
    onlyIfNamed: true,
    env: FEW_SEEDS,
    command: () => ["cargo", "test", ...TESTED, "--", ...WITHOUT_LONG, ...withoutShared()],
    skipped: skippedByLibtest,
  },
  { name: "build", done: build, repeat: "npm run build" },
  ...["", " --env realtime", " --env bulk"].map((env) => ({
    name: `deploy${env.replace(" --env ", "-")}`,
    group: "deploy",
    needs: "build",
    command: words(`npx wrangler deploy --dry-run${env}`),
  })),
  {
    name: "runtime",
    needs: "build",
    command: () => ["node", ...testOptions(), ...testFiles((name) => !isOfBrowser(name))],
    skipped: skippedByNode,
  },
  {
    name: "chromium",
    group: "browser",
    done: ensureChromium,
    repeat: "node scripts/chromium.mjs",
  },
  {
    name: "dashboard",
    group: "browser",
    needs: "build",
    command: () => ["node", ...testOptions(), ...testFiles(isOfBrowser)],
    skipped: skippedByNode,
  },
];

async function test(selection) {
  let skipped = 0;
  for (const step of selected(selection)) {
    const reason = step.unless?.();
    if (reason) {
      say(`${step.name}: left out, because ${reason}`);
      continue;
    }
    skipped += await perform(step);
  }
  const why = hasShared() ? "" : ": ../shared is not there";
  say(skipped > 0 ? `all passed; ${skipped} skipped${why}` : "all passed");
}

const hasShared = () => existsSync(SHARED_DIR);

const withoutShared = () => (hasShared() ? [] : skipping(["needs_shared"]));

/** The steps that were named, by their own name or their group's, and those that they need; all if none is named. */
function selected(names) {
  const known = new Set(STEPS.flatMap(({ name, group }) => (group ? [name, group] : [name])));
  const unknown = names.filter((name) => !known.has(name));
  if (unknown.length > 0) {
    throw new Failure(`no such step: ${unknown.join(", ")}; there are ${[...known].join(", ")}`);
  }
  if (names.length === 0) return STEPS.filter((step) => !step.onlyIfNamed);
  const chosen = STEPS.filter(({ name, group }) => names.includes(name) || names.includes(group));
  const needed = new Set(chosen.map(({ needs }) => needs));
  return STEPS.filter((step) => step.always || chosen.includes(step) || needed.has(step.name));
}

/** Performs one step; answers how many tests it skipped. */
async function perform({ name, command, env, done, repeat, skipped }) {
  const began = process.uptime();
  const line = typeof command === "function" ? command() : command;
  const typed = repeat ?? printable(line[0], line.slice(1));
  say(`${name}: ${typed}`);
  let left = 0;
  try {
    if (done) await done();
    else if (skipped) left = skipped(await runHeard(line[0], line.slice(1), env));
    else await runOpenly(line[0], line.slice(1));
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    throw new Failure(`${name}: ${error.message}\nTo repeat this step alone:\n  ${typed}`);
  }
  const took = `${(process.uptime() - began).toFixed(1)} s`;
  say(`${name}: passed in ${took}${left > 0 ? `, ${left} skipped` : ""}`);
  return left;
}

/** As node's runner closes: "ℹ skipped 2". */
function skippedByNode(output) {
  return sumOf(output, /^ℹ skipped (\d+)$/gm);
}

/** As each of cargo's test programs closes: "…; 0 ignored; 0 measured; 3 filtered out; …". */
function skippedByLibtest(output) {
  return sumOf(output, / (\d+) (?:ignored|filtered out);/g);
}

/** A runner that does not say it must not count as one that skipped nothing. */
function sumOf(output, pattern) {
  const counts = [...output.matchAll(pattern)].map(([, count]) => Number(count));
  if (counts.length === 0) throw new Failure("the runner did not say how many tests it skipped");
  return counts.reduce((total, count) => total + count, 0);
}

/** Those whose path within `tests` is wanted; node 20 takes paths and no patterns. */
function testFiles(isWanted) {
  const files = readdirSync(join(ROOT, "tests"), { recursive: true })
    .filter((name) => name.endsWith(".test.mjs") && isWanted(name))
    .map((name) => join("tests", name))
    .sort();
  if (files.length === 0) throw new Failure("there are no such tests");
  return files;
}

const isOfBrowser = (name) => name.startsWith("browser/");

/**
 * Each file may start a Workers runtime of its own, which mostly waits. A failed test may leave one running, which would
 * keep its file from ending; a file that hangs is given up.
 */
function testOptions() {
  const filesAtOnce = Math.min(4, Math.max(2, availableParallelism()));
  return [
    "--test",
    "--test-reporter=spec",
    "--test-force-exit",
    `--test-timeout=${FILE_TIME_LIMIT_MS}`,
    `--test-concurrency=${filesAtOnce}`,
  ];
}

/** `biome ci` colours its output even where it goes into a file. */
function biomeColors() {
  return process.stdout.isTTY ? "--colors=force" : "--colors=off";
}

function words(command) {
  return command.split(" ");
}

await asProgram(import.meta.url, test);
