// The copy of the checkout that is mutated, and the order in which its mutations are drawn.

import { createHash } from "node:crypto";
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { CARGO_MUTANTS } from "../lib/cargo-tools.mjs";
import { ROOT } from "../lib/project.mjs";
import { capture, Failure } from "../lib/run.mjs";

const ROOMS = ["engine", "outbox", "import"];

export const FOLDER = join(ROOT, "target", "mutants");
export const COPY = join(FOLDER, "copy");

/** Copies what git knows or would add, as far as it differs, so that cargo sees what changed. */
export function copyCheckout() {
  mkdirSync(COPY, { recursive: true });
  const list = capture("git", ["ls-files", "-z", "--cached", "--others", "--exclude-standard"]);
  const files = list.split("\0").filter((file) => file !== "" && existsSync(join(ROOT, file)));
  for (const file of files) {
    const [from, to] = [join(ROOT, file), join(COPY, file)];
    if (existsSync(to) && readFileSync(from).equals(readFileSync(to))) continue;
    mkdirSync(dirname(to), { recursive: true });
    copyFileSync(from, to);
  }
  const known = new Set(files);
  for (const entry of readdirSync(COPY, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isFile() && !known.has(path.slice(COPY.length + 1))) rmSync(path);
  }
}

/** All mutations of the rooms: `{name, file, genre, replacement, span, …}`. */
export function offered() {
  const files = ROOMS.flatMap((room) => ["--file", `src/${room}/**`]);
  const list = capture(CARGO_MUTANTS, ["mutants", "--list", "--json", "--dir", COPY, ...files]);
  if (list === null) throw new Failure("cargo-mutants lists nothing");
  return JSON.parse(list);
}

/** All of them in the order in which they are drawn: the same as long as the code is. */
export function drawn(mutations, seed) {
  const lot = ({ name }) => createHash("sha256").update(`${seed} ${name}`).digest("hex");
  const lots = mutations.map((mutation) => [lot(mutation), mutation]);
  return lots.sort(([one], [other]) => (one < other ? -1 : 1)).map(([, mutation]) => mutation);
}
