// The compiler for a machine where rustup may not fetch the wasm target or nightly: Debian's rustc-web and
// rust-web-src. Debian ships no compiled standard library for wasm; the build compiles it from source anyway, so the
// packages are enough. cargo and the linker still come from the rustup toolchain.

import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { aptInstall } from "./lib/apt.mjs";
import { TOOLS_DIR } from "./lib/project.mjs";
import { capture, Failure, say } from "./lib/run.mjs";

const PACKAGES = ["rustc-web", "rust-web-src"];
const RUSTC = "/usr/bin/rustc";
const CHOSEN = join(TOOLS_DIR, "debian");

/** What is installed, as a person would say it. */
export const debianRustPackages = PACKAGES.join(" and ");

/** The version of Debian's compiler, or null when it or its standard library's source is missing. */
export function debianRustVersion() {
  const sysroot = capture(RUSTC, ["--print", "sysroot"]);
  if (sysroot === null) return null;
  const std = join(sysroot, "lib/rustlib/src/rust/library/std/Cargo.toml");
  return existsSync(std) ? capture(RUSTC, ["--version"]) : null;
}

/** Whether an earlier call chose this compiler. Delete .tools/debian to have rustup tried again. */
export function debianRustIsSetUp() {
  return existsSync(CHOSEN) && debianRustVersion() !== null;
}

/** Installs the packages if they are missing. Throws a Failure that says what is needed if that is impossible. */
export async function setUpDebianRust() {
  say(`compiling with Debian's ${debianRustPackages}`);
  if (debianRustVersion() === null) await installPackages();
  mkdirSync(CHOSEN, { recursive: true });
}

/** The environment in which cargo takes Debian's compiler for nightly. */
export function debianRustEnv() {
  const host = capture("rustc", ["--print", "host-tuple"]);
  const rustupSysroot = capture("rustc", ["--print", "sysroot"]);
  const linker = join(rustupSysroot, "lib/rustlib", host, "bin/rust-lld");
  return {
    RUSTC,
    RUSTC_BOOTSTRAP: "1",
    CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER: linker,
  };
}

async function installPackages() {
  try {
    await aptInstall(...PACKAGES);
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    throw new Failure(help(error.message));
  }
  if (debianRustVersion() === null) throw new Failure(help("they lack the standard library"));
}

function help(reason) {
  return `rustup cannot install the compiler for the Workers runtime, nor can apt-get: ${reason}
Needed is one of these:
- rustup with the wasm target and nightly:
    rustup target add wasm32-unknown-unknown
    rustup toolchain install nightly --profile minimal --component rust-src
- Debian's packages: apt-get install ${PACKAGES.join(" ")}`;
}
