// One build that has many mutations, each behind a switch (tools/mutations).

import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { childEnv } from "../lib/project.mjs";
import { capture, Failure, runQuietly, say } from "../lib/run.mjs";
import { COPY, copyCheckout, FOLDER } from "./lots.mjs";

const LIST = join(FOLDER, "mutations.json");

/** Warnings of woven code say nothing. */
export const BUILD_ENV = { CARGO_TARGET_DIR: join(FOLDER, "build"), RUSTFLAGS: "--cap-lints=warn" };

const WEAVER = join(BUILD_ENV.CARGO_TARGET_DIR, "debug", "mutations");

/**
 * Weaves the first `wanted` of the lots that compile, and builds the tests. Gives them with their `id`, those left out
 * and why, and the paths of the test programs.
 */
export async function buildWoven(lots, wanted) {
  await runQuietly("the program that weaves", "cargo", ["build", "--package", "mutations"], {
    cwd: COPY,
    env: BUILD_ENV,
  });
  const numbered = lots.map((mutation, index) => ({ ...mutation, id: index + 1 }));
  const left = new Map();
  for (;;) {
    const woven = numbered.filter(({ id }) => !left.has(id)).slice(0, wanted);
    const bad = weave(woven) ?? doNotCompile();
    if (bad.ids.length === 0) {
      const named = numbered.filter(({ id }) => left.has(id));
      return {
        woven,
        left: named.map(({ id, name }) => ({ name, why: left.get(id) })),
        programs: await testPrograms(),
      };
    }
    say(`mutants: ${bad.ids.length} ${bad.why}, others are drawn instead`);
    for (const id of bad.ids) left.set(id, bad.why);
  }
}

/** Rewrites the copy; what cannot be woven, if there is any. */
function weave(mutations) {
  copyCheckout();
  writeFileSync(LIST, JSON.stringify(mutations));
  const answer = capture(WEAVER, [COPY, LIST]);
  if (answer === null) throw new Failure(`not woven: ${WEAVER} ${COPY} ${LIST}`);
  const ids = JSON.parse(answer);
  return ids.length > 0 ? { ids, why: "cannot be woven" } : null;
}

/** The mutations to which errors of the compiler lead. */
function doNotCompile() {
  const args = ["check", "--lib", "--message-format=json", "--quiet"];
  const options = { cwd: COPY, env: childEnv(BUILD_ENV), encoding: "utf8", maxBuffer: Infinity };
  const { stdout } = spawnSync("cargo", args, options);
  const ids = new Set();
  for (const line of stdout.split("\n").filter(Boolean)) {
    const { reason, message } = JSON.parse(line);
    if (reason !== "compiler-message" || message.level !== "error") continue;
    const found = message.spans.flatMap((span) => idsAt(span));
    if (found.length === 0 && message.spans.length > 0) throw new Failure(message.rendered);
    for (const id of found) ids.add(id);
  }
  return { ids: [...ids], why: "does not compile" };
}

/** The ids between whose marks a place lies: of the innermost. */
function idsAt({ file_name: file, byte_start: start }) {
  const open = [];
  const text = readFileSync(join(COPY, file)).subarray(0, start).toString();
  for (const [, begun, ended] of text.matchAll(/\/\*(?:(\d+)\{|\}(\d+))\*\//g)) {
    if (begun) open.push(Number(begun));
    else open.splice(open.lastIndexOf(Number(ended)), 1);
  }
  return open.slice(-1);
}

/** Compiles the native tests; gives the paths of their programs. */
async function testPrograms() {
  const args = ["test", "--no-run", "--message-format=json"];
  const options = { cwd: COPY, env: BUILD_ENV };
  await runQuietly("building the tests", "cargo", ["test", "--no-run"], options);
  const messages = capture("cargo", args, options) ?? "";
  const artifacts = messages.split("\n").filter(Boolean).map(JSON.parse);
  return artifacts.flatMap(({ executable }) => executable ?? []);
}
