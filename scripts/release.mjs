// Makes a release: builds the worker, lays out an archive for trying and deploying it without Rust, packs it, and
// writes the notes. docs/releasing.md says when and how.
//
//   npm run release [-- --tag v1.2.3] [--dirty]     --tag: fails unless this is the version; --dirty: also with
//                                                   uncommitted changes, for a trial

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { build } from "./build.mjs";
import { ROOT } from "./lib/project.mjs";
import { asProgram, capture, Failure, say } from "./lib/run.mjs";
import { PINNED_NIGHTLY } from "./lib/rustup.mjs";
import { notesOf } from "./release/changelog.mjs";
import { wasmCompiler, wasmCompilerVersion } from "./tools.mjs";

const FOLDER = join(ROOT, "target", "releases");

async function release(args) {
  const { name, version } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
  const tag = args.includes("--tag") ? args[args.indexOf("--tag") + 1] : `v${version}`;
  if (tag !== `v${version}`) throw new Failure(`the tag is ${tag}, the version is ${version}`);
  const { commit, time } = committed(args.includes("--dirty"));
  const notes = notesOf(version, readFileSync(join(ROOT, "CHANGELOG.md"), "utf8"));
  await build();
  const compiler = wasmCompilerVersion();
  const { toolchain, lastCommit } = PINNED_NIGHTLY;
  if (!compiler.includes(lastCommit)) {
    throw new Failure(`a release is compiled by ${toolchain}, and this is ${compiler}`);
  }
  // What these import is installed by the build.
  const { cratesOfWorker } = await import("./release/crates.mjs");
  const { layOut } = await import("./release/layout.mjs");
  const { pack, writeSums } = await import("./release/pack.mjs");
  const folder = join(FOLDER, `${name}-${version}`);
  await layOut(folder, {
    facts: { commit, compiler },
    crates: cratesOfWorker(wasmCompiler()),
  });
  const archive = await pack(folder, time);
  writeSums([archive]);
  writeFileSync(join(FOLDER, "notes.md"), notes);
  say(`release: ${archive}`);
}

/** The commit that is released, and its time, which all files of the archive get. */
function committed(dirtyIsFine) {
  const commit = capture("git", ["rev-parse", "HEAD"]);
  if (commit === null) throw new Failure("a release is made from a git checkout");
  if (!dirtyIsFine && capture("git", ["status", "--porcelain"]) !== "") {
    throw new Failure("there are changes that are not committed: see `git status`");
  }
  const seconds = capture("git", ["show", "--no-patch", "--format=%ct", "HEAD"]);
  return { commit, time: new Date(Number(seconds) * 1000) };
}

await asProgram(import.meta.url, release);
