// Says whether the worker in build/ matches the present sources.

import { createHash } from "node:crypto";
import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { BUILD_DIR, ROOT } from "./project.mjs";

/** Files and folders that the worker is made from. A file that `src` includes from elsewhere must be named here. */
const INPUTS = [
  "src",
  "build.rs",
  ".cargo",
  "Cargo.toml",
  "Cargo.lock",
  "rust-toolchain.toml",
  "package-lock.json",
  "scripts/build.mjs",
  "scripts/tools.mjs",
  "scripts/debian-fallback.mjs",
  "scripts/lib",
  "tools",
];

/** Variables that change what the compiler makes. */
const VARIABLES = ["RUSTFLAGS"];

const FINGERPRINT = join(BUILD_DIR, ".fingerprint");

/** A hash of everything that the worker is made from. */
export function fingerprintOfInputs(compilerVersion) {
  const hash = createHash("sha256");
  hash.update(JSON.stringify([compilerVersion, VARIABLES.map((name) => process.env[name])]));
  hashFiles(hash, INPUTS.flatMap(filesUnder));
  return hash.digest("hex");
}

/** Whether `outputs`, files in build/, were made from these inputs and have not changed since. */
export function isFresh(inputs, outputs) {
  try {
    return readFileSync(FINGERPRINT, "utf8") === stamp(inputs, outputs);
  } catch (error) {
    if (error.code === "ENOENT") return false;
    throw error;
  }
}

export function writeFingerprint(inputs, outputs) {
  writeFileSync(FINGERPRINT, stamp(inputs, outputs));
}

export function removeFingerprint() {
  rmSync(FINGERPRINT, { force: true });
}

function stamp(inputs, outputs) {
  const hash = createHash("sha256");
  hashFiles(hash, outputs);
  return `inputs ${inputs}\noutputs ${hash.digest("hex")}\n`;
}

function hashFiles(hash, names) {
  for (const name of names) {
    const content = readFileSync(join(ROOT, name));
    hash.update(`${name}\0${content.length}\0`);
    hash.update(content);
  }
}

/** The files of an input, sorted, relative to the checkout; none when it does not exist. */
function filesUnder(input) {
  const stat = statSync(join(ROOT, input), { throwIfNoEntry: false });
  if (!stat) return [];
  if (stat.isFile()) return [input];
  return readdirSync(join(ROOT, input), { recursive: true })
    .map((name) => join(input, name))
    .filter((name) => statSync(join(ROOT, name), { throwIfNoEntry: false })?.isFile())
    .sort();
}
