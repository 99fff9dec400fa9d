// Installs what the other commands need and this machine lacks: npm packages, Rust toolchains, and the programs that
// build a worker. It imports only node's own modules, since it runs before `npm ci`.
//
//   node scripts/tools.mjs

import { join } from "node:path";
import {
  debianRustEnv,
  debianRustIsSetUp,
  debianRustPackages,
  debianRustVersion,
  setUpDebianRust,
} from "./debian-fallback.mjs";
import { bindingsAreMissing, installBindings } from "./lib/cargo-tools.mjs";
import { withLock } from "./lib/lock.mjs";
import { installNpmPackages, npmPackagesAreStale } from "./lib/npm.mjs";
import { requireMachine } from "./lib/prerequisites.mjs";
import { TOOLS_DIR } from "./lib/project.mjs";
import { asProgram, Failure, say } from "./lib/run.mjs";
import {
  describe,
  install as installRustParts,
  missingNative,
  missingWasm,
  NIGHTLY,
  nightlyVersion,
} from "./lib/rustup.mjs";

/** Set to any value, this takes Debian's compiler even where rustup could do it; for testing the fallback. */
const forcesDebian = Boolean(process.env.CTK_FORCE_DEBIAN_RUST);

/**
 * Installs everything that is missing, and says what before it begins. Does nothing, quickly, when nothing is. Answers how
 * many steps it took; `more` is how many the caller takes afterwards, since they are counted together.
 */
export async function ensureTools({ more = 0 } = {}) {
  requireMachine();
  if (missingSteps().length === 0) return 0;
  return withLock(join(TOOLS_DIR, "install.lock"), "installing tools", () => installMissing(more));
}

/** The worker is compiled by Debian's compiler, and rustup has no wasm target. */
export function usesDebianRust() {
  return forcesDebian || missingWasm().length > 0;
}

/** The version of the compiler that the worker is compiled by. */
export function wasmCompilerVersion() {
  return (usesDebianRust() ? debianRustVersion() : nightlyVersion()) ?? "none";
}

/** How cargo and rustc are called to compile the worker: their first arguments, and their environment. */
export function wasmCompiler() {
  return usesDebianRust()
    ? { toolchain: [], env: debianRustEnv() }
    : { toolchain: [`+${NIGHTLY}`], env: {} };
}

async function installMissing(more) {
  const steps = missingSteps();
  if (steps.length === 0) return 0;
  const total = steps.length + more;
  say(`first, what is missing here: ${steps.map(({ what }) => what).join("; ")}`);
  for (const [nth, { what, takes, done }] of steps.entries()) {
    say(`${nth + 1} of ${total}: ${what} (${takes})`);
    await done();
  }
  return steps.length;
}

/** What has to be installed, in this order: Debian's compiler is chosen only when rustup could not have nightly. */
function missingSteps() {
  const rust = [...missingNative(), ...(forcesDebian || debianRustIsSetUp() ? [] : missingWasm())];
  const steps = [
    npmPackagesAreStale() && {
      what: "npm packages",
      takes: "half a minute",
      done: installNpmPackages,
    },
    (rust.length > 0 || (usesDebianRust() && !debianRustIsSetUp())) && {
      what:
        `Rust, ${describe(rust) || "Debian's"} (if rustup may not install the compiler of the Worker, it is ` +
        `that of ${debianRustPackages}, which takes root on Debian)`,
      takes: "a minute",
      done: installRust,
    },
    bindingsAreMissing() && {
      what: "the program that makes the bindings of the Worker",
      takes: "half a minute",
      done: installBindings,
    },
  ];
  return steps.filter(Boolean);
}

async function installRust() {
  await installRustParts(missingNative());
  if (!forcesDebian && !debianRustIsSetUp()) await installWasmRust();
  if (usesDebianRust()) await setUpDebianRust();
}

async function installWasmRust() {
  const needs = missingWasm();
  try {
    await installRustParts(needs);
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    say(`rustup could not install ${describe(needs)}`);
  }
}

await asProgram(import.meta.url, async () => {
  await ensureTools();
  say("tools: all there");
});
