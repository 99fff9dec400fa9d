// The Rust programs in .tools/bin that other commands call: the one of this checkout that generates a worker's
// bindings, and the one of the crate registry that mutates the code.

import { createHash } from "node:crypto";
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { ROOT, TOOLS_DIR } from "./project.mjs";
import { capture, runQuietly } from "./run.mjs";

const CARGO_MUTANTS_VERSION = "27.1.0";

const BIN_DIR = join(TOOLS_DIR, "bin");
const TARGET_DIR = join(TOOLS_DIR, "target");

/** What the program for bindings is compiled from. */
const BINDINGS_SOURCES = ["Cargo.lock", "tools/bindings/Cargo.toml", "tools/bindings/src/main.rs"];

export const CARGO_MUTANTS = join(BIN_DIR, "cargo-mutants");

/** The path of the program that makes bindings, which has the sources in its name. */
export function bindingsProgram() {
  const hash = createHash("sha256");
  for (const name of BINDINGS_SOURCES) hash.update(readFileSync(join(ROOT, name)));
  return join(BIN_DIR, `bindings-${hash.digest("hex").slice(0, 16)}`);
}

export const bindingsAreMissing = () => !existsSync(bindingsProgram());

/** Compiles it as a debug build, which takes half the time and is fast enough. */
export async function installBindings() {
  await runQuietly(
    "cargo build --package bindings",
    "cargo",
    ["build", "--locked", "--package", "bindings"],
    { env: quickBuild() },
  );
  mkdirSync(BIN_DIR, { recursive: true });
  copyFileSync(join(TARGET_DIR, "debug", "bindings"), bindingsProgram());
  rmSync(TARGET_DIR, { recursive: true, force: true });
}

/** Installs what `npm run mutants` needs and nothing else does. */
export async function ensureCargoMutants() {
  const version = capture(CARGO_MUTANTS, ["mutants", "--version"])?.split(" ").at(-1);
  if (version === CARGO_MUTANTS_VERSION) return;
  const crate = ["cargo-mutants", "--version", `=${CARGO_MUTANTS_VERSION}`];
  await runQuietly(
    `cargo install cargo-mutants ${CARGO_MUTANTS_VERSION}`,
    "cargo",
    ["install", ...crate, "--debug", "--force", "--root", TOOLS_DIR],
    { env: quickBuild() },
  );
  rmSync(TARGET_DIR, { recursive: true, force: true });
}

/** A build that is made once, and kept nowhere. */
function quickBuild() {
  return { CARGO_TARGET_DIR: TARGET_DIR, CARGO_PROFILE_DEV_DEBUG: "0", CARGO_INCREMENTAL: "0" };
}
