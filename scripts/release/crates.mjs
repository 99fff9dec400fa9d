// The crates in the worker, with their licences and the licence texts: those of Cargo.lock, and the standard library
// with its own, since it is compiled with the worker.
//
// Not for: macros and build scripts, which leave nothing in the module.

import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { ROOT } from "../lib/project.mjs";
import { capture, Failure, printable } from "../lib/run.mjs";

/** What crates call the files with their licences and notices. */
const LICENCE_FILE = /^(?:licen[cs]e|copying|copyright|notice|unlicense)/i;

/**
 * Each as `{ name, version, purl, licence, sha256, texts }`, sorted: `licence` is an SPDX expression, `sha256` that of the
 * crate's file in the registry (undefined for the standard library), `texts` the content of each file. `compiler` is the
 * one of the worker (tools.mjs).
 */
export function cratesOfWorker(compiler) {
  const { toolchain, env } = compiler;
  const rustc = (...args) => output(env.RUSTC ?? "rustc", [...toolchain, ...args], { env });
  const sysroot = rustc("--print", "sysroot");
  const crates = [
    ...cratesOf(ROOT, { compiler }),
    standardLibrary(sysroot, rustc("-vV")),
    // As `-Zbuild-std` has it.
    ...cratesOf(join(sysroot, "lib/rustlib/src/rust/library/std"), {
      compiler,
      features: ["--features", "panic-unwind,backtrace"],
    }),
  ];
  // The standard library has some of the same.
  const once = new Map(crates.map((crate) => [crate.purl, crate])).values();
  return [...once].sort((a, b) => (placeInList(a) < placeInList(b) ? -1 : 1));
}

/** The crates of a registry that the package in `folder` is compiled with. */
function cratesOf(folder, { compiler: { toolchain, env }, features = [] }) {
  const cargo = (...args) =>
    output("cargo", [...toolchain, ...args, "--locked", ...features], { cwd: folder, env });
  const compiled = new Set(
    cargo(
      "tree",
      ...["--target", "wasm32-unknown-unknown", "--edges", "normal,no-proc-macro"],
      ...["--prefix", "none", "--no-dedupe", "--format", "{p}"],
    ).split("\n"),
  );
  const checksums = checksumsOf(readFileSync(lockFileOf(folder), "utf8"));
  const { packages } = JSON.parse(cargo("metadata", "--format-version", "1"));
  return packages
    .filter(({ name, version }) => compiled.has(`${name} v${version}`))
    .map(({ name, version, license, manifest_path: manifest }) => ({
      name,
      version,
      purl: `pkg:cargo/${name}@${encodeURIComponent(version)}`,
      // Before there was SPDX, crates wrote `MIT/Apache-2.0`.
      licence: license?.replaceAll("/", " OR "),
      sha256: checksums.get(`${name} ${version}`),
      texts: licenceTexts(dirname(manifest)),
    }));
}

/** Its own parts as one: std, core, alloc and the others, which have one version and one repository. */
function standardLibrary(sysroot, compiler) {
  const [, version] = /^release: (.+)$/m.exec(compiler);
  const [, commit] = /^commit-hash: (.+)$/m.exec(compiler);
  const licences = join(sysroot, "share/doc/rust/licenses");
  const files = ["MIT.txt", "Apache-2.0.txt", "LLVM-exception.txt"].map((name) =>
    join(licences, name),
  );
  return {
    name: "rust-std",
    version,
    purl: `pkg:github/rust-lang/rust@${commit}`,
    // The exception is of compiler_builtins.
    licence: "(MIT OR Apache-2.0) AND MIT AND Apache-2.0 WITH LLVM-exception",
    texts: files.filter((file) => existsSync(file)).map((file) => readFileSync(file, "utf8")),
  };
}

function licenceTexts(folder) {
  return readdirSync(folder)
    .filter((name) => LICENCE_FILE.test(name) && statSync(join(folder, name)).isFile())
    .sort()
    .map((name) => readFileSync(join(folder, name), "utf8"));
}

/** The lock file of the workspace that a package is in. */
function lockFileOf(folder) {
  const file = join(folder, "Cargo.lock");
  return existsSync(file) ? file : lockFileOf(dirname(folder));
}

/** By "name version". */
function checksumsOf(lock) {
  const entry = /^name = "(.+)"\nversion = "(.+)"\nsource = .+\nchecksum = "(.+)"$/gm;
  return new Map(
    [...lock.matchAll(entry)].map(([, name, version, sum]) => [`${name} ${version}`, sum]),
  );
}

const placeInList = ({ name, purl }) => `${name} ${purl}`;

function output(command, args, options) {
  const text = capture(command, args, options);
  if (text === null) throw new Failure(`this does not work: ${printable(command, args)}`);
  return text;
}
