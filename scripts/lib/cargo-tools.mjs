// The Rust programs that the other commands call, in .tools/bin: the one of this checkout that makes a worker's bindings,
// and those of the crate registry that mutate and fuzz it.

import { createHash } from "node:crypto";
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { ROOT, TOOLS_DIR } from "./project.mjs";
import { capture, runQuietly } from "./run.mjs";

const CARGO_MUTANTS_VERSION = "27.1.0";
const CARGO_FUZZ_VERSION = "0.13.2";

const BIN_DIR = join(TOOLS_DIR, "bin");
const TARGET_DIR = join(TOOLS_DIR, "target");

/** What the program for bindings is compiled from. */
const BINDINGS_SOURCES = ["Cargo.lock", "tools/bindings/Cargo.toml", "tools/bindings/src/main.rs"];

export const CARGO_MUTANTS = join(BIN_DIR, "cargo-mutants");
export const CARGO_FUZZ = join(BIN_DIR, "cargo-fuzz");

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
export function ensureCargoMutants() {
  const version = () => capture(CARGO_MUTANTS, ["mutants", "--version"]);
  return ensureCrate("cargo-mutants", CARGO_MUTANTS_VERSION, version);
}

/** Installs what `npm run torture -- fuzz` needs and nothing else does. */
export function ensureCargoFuzz() {
  return ensureCrate("cargo-fuzz", CARGO_FUZZ_VERSION, () => capture(CARGO_FUZZ, ["--version"]));
}

/** Installs a crate's program, unless the one there says this version last. */
async function ensureCrate(crate, version, printed) {
  if (printed()?.split(" ").at(-1) === version) return;
  await runQuietly(
    `cargo install ${crate} ${version}`,
    "cargo",
    ["install", crate, "--version", `=${version}`, "--debug", "--force", "--root", TOOLS_DIR],
    { env: quickBuild() },
  );
  rmSync(TARGET_DIR, { recursive: true, force: true });
}

/** A build that is made once, and kept nowhere. */
function quickBuild() {
  return { CARGO_TARGET_DIR: TARGET_DIR, CARGO_PROFILE_DEV_DEBUG: "0", CARGO_INCREMENTAL: "0" };
}
