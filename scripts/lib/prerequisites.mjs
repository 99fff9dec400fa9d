// The programs that a machine must have because no command of this project installs them. They are checked before
// anything is downloaded or compiled.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "./project.mjs";
import { capture, Failure } from "./run.mjs";

const TO_COMPILE = [
  { command: "rustup", help: "rustup, which installs Rust: see https://rustup.rs" },
  {
    command: "cc",
    help:
      "`cc`, a C linker, with which Rust links its own tools: `apt-get install gcc libc6-dev` on Debian, " +
      "`xcode-select --install` on macOS",
  },
];

/** Throws a Failure when the worker cannot be built here, whatever is installed. */
export function requireMachine() {
  requireNode();
  requireCompilers();
}

/** Throws a Failure when this Node.js is older than package.json says. */
export function requireNode(version = process.versions.node) {
  const { engines } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
  const needed = engines.node.replace(">=", "");
  if (!isAtLeast(version, needed)) {
    throw new Failure(
      `Node.js ${needed} or newer is needed, and this is ${version}: see https://nodejs.org`,
    );
  }
}

/** Throws a Failure that names all that is missing to compile the worker. `has` says whether a command is there. */
export function requireCompilers(has = isInstalled) {
  const missing = TO_COMPILE.filter(({ command }) => !has(command));
  if (missing.length === 0) return;
  const lines = missing.map(({ help }) => `- ${help}`);
  throw new Failure(
    `to build the Worker, install:\n${lines.join("\n")}\nA release needs none of it: README.md`,
  );
}

const isInstalled = (command) => capture(command, ["--version"]) !== null;

function isAtLeast(version, needed) {
  const [have, want] = [version, needed].map((text) => text.split(".").map(Number));
  const differing = want.findIndex((part, place) => have[place] !== part);
  return differing === -1 || have[differing] > want[differing];
}
