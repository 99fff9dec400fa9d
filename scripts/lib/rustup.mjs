// The Rust toolchains: the stable one of rust-toolchain.toml for everything native, nightly for the worker
// (whose standard library is compiled with it).

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "./project.mjs";
import { capture, Failure, printable, runQuietly } from "./run.mjs";

const WASM_TARGET = "wasm32-unknown-unknown";

const STABLE = stableChannel();

/**
 * The nightly that releases are compiled by: the same sources give the same bytes. rustup names a nightly by the day after
 * its last commit.
 */
export const PINNED_NIGHTLY = { toolchain: "nightly-2026-05-20", lastCommit: "2026-05-19" };

/** The toolchain that compiles the worker here. */
export const NIGHTLY = chosenNightly(installedToolchains());

/** What each toolchain must have. `wasm` says that it is needed only to compile for the Workers runtime. */
const NEEDS = [
  { toolchain: STABLE, kind: "component", name: "rustfmt" },
  { toolchain: STABLE, kind: "component", name: "clippy" },
  { toolchain: STABLE, kind: "target", name: WASM_TARGET, wasm: true },
  { toolchain: NIGHTLY, kind: "component", name: "rust-src", wasm: true },
];

/** What is missing of the native toolchain. */
export const missingNative = () => missing((need) => !need.wasm);

/** What is missing to compile for the Workers runtime. */
export const missingWasm = () => missing((need) => need.wasm);

/** Installs what one of the functions above returned. Throws a Failure where rustup cannot. */
export async function install(needs) {
  for (const { toolchain, kind, name } of needs) {
    if (!hasToolchain(toolchain)) {
      await rustup("toolchain", "install", toolchain, "--profile", "minimal", "--no-self-update");
    }
    if (!isPresent({ toolchain, kind, name })) {
      await rustup(kind, "add", name, "--toolchain", toolchain);
    }
  }
}

/** The needs as a person would name them. */
export function describe(needs) {
  return needs.map(({ toolchain, kind, name }) => `${kind} ${name} of ${toolchain}`).join(", ");
}

/** The version of the compiler that compiles the worker, or null when there is none. */
export function nightlyVersion() {
  return capture("rustc", [`+${NIGHTLY}`, "--version"], { env: { RUSTUP_AUTO_INSTALL: "0" } });
}

function missing(isWanted) {
  if (capture("rustup", ["--version"]) === null) {
    throw new Failure("`rustup` is needed but not installed: see https://rustup.rs");
  }
  return NEEDS.filter((need) => isWanted(need) && !isPresent(need));
}

/** The pinned nightly, unless only another one is installed: a machine may be one that rustup can download nothing to. */
export function chosenNightly(installed) {
  const has = (name) => installed.some((listed) => namesPart(listed, name));
  return has("nightly") && !has(PINNED_NIGHTLY.toolchain) ? "nightly" : PINNED_NIGHTLY.toolchain;
}

function hasToolchain(toolchain) {
  return installedToolchains().some((listed) => namesPart(listed, toolchain));
}

function installedToolchains() {
  const lines = (capture("rustup", ["toolchain", "list"]) ?? "").split("\n");
  return lines.map((line) => line.split(" ")[0]);
}

function isPresent({ toolchain, kind, name }) {
  const list = capture("rustup", [kind, "list", "--installed", "--toolchain", toolchain], {
    env: { RUSTUP_AUTO_INSTALL: "0" },
  });
  return (list ?? "").split("\n").some((line) => namesPart(line.trim(), name));
}

/** Toolchains and most components are listed with the platform behind their name; a date is a part of the name. */
function namesPart(listed, name) {
  return (
    listed === name || (listed.startsWith(`${name}-`) && !/^-\d/.test(listed.slice(name.length)))
  );
}

function rustup(...args) {
  return runQuietly(printable("rustup", args), "rustup", args);
}

function stableChannel() {
  const file = readFileSync(join(ROOT, "rust-toolchain.toml"), "utf8");
  return /^channel\s*=\s*"([^"]+)"/m.exec(file)[1];
}
