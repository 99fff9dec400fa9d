// Runs child processes and shows their progress: one line per step with the seconds since the start, and on a terminal
// the tool's latest line of output while it works.

import { spawn, spawnSync } from "node:child_process";
import { realpathSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { stripVTControlCharacters } from "node:util";
import { childEnv, ROOT } from "./project.mjs";

const STATUS_EVERY_MS = 250;
const HEARTBEAT_EVERY_MS = 30_000;
const LINES_KEPT = 400;

/** A failure whose message says all there is to say: shown without a stack. */
export class Failure extends Error {}

/** Prints one line, after the seconds since this process was started. */
export function say(text) {
  console.log(`[${process.uptime().toFixed(1).padStart(6)} s] ${text}`);
}

/**
 * Runs a command with its output hidden behind a progress line. Throws a Failure, after printing the end of the
 * output, when it does not succeed.
 */
export async function runQuietly(label, command, args, options = {}) {
  const began = process.uptime();
  const output = recentLines();
  const progress = showProgress(label, () => output.last());
  const code = await exitOf(command, args, {
    ...options,
    stdio: ["ignore", "pipe", "pipe"],
    onOutput: output.add,
  }).finally(() => progress.stop());
  const took = `${(process.uptime() - began).toFixed(1)} s`;
  if (code === 0) {
    say(`${label}: done in ${took}`);
    return;
  }
  console.error(output.all());
  throw new Failure(
    `${label}: failed after ${took} (${describeExit(code)}): ${printable(command, args)}`,
  );
}

/** Runs a command with its output passed straight through. Throws a Failure when it does not succeed. */
export async function runOpenly(command, args, options = {}) {
  const code = await exitOf(command, args, { ...options, stdio: "inherit" });
  if (code !== 0) throw new Failure(`${describeExit(code)}: ${printable(command, args)}`);
}

/** The same; answers what was printed on standard output, without colours. */
export async function runHeard(command, args, env = {}) {
  let heard = "";
  const code = await exitOf(command, args, {
    env: process.stdout.isTTY ? { FORCE_COLOR: "1", CARGO_TERM_COLOR: "always", ...env } : env,
    stdio: ["inherit", "pipe", "inherit"],
    onOutput(text) {
      process.stdout.write(text);
      heard += text;
    },
  });
  if (code !== 0) throw new Failure(`${describeExit(code)}: ${printable(command, args)}`);
  return stripVTControlCharacters(heard);
}

/** The trimmed standard output of a short command, or null when it is missing or fails. */
export function capture(command, args, options = {}) {
  const result = spawnSync(command, args, {
    cwd: options.cwd ?? ROOT,
    env: childEnv(options.env),
    encoding: "utf8",
    maxBuffer: Number.POSITIVE_INFINITY,
    stdio: ["ignore", "pipe", "ignore"],
  });
  return result.status === 0 ? result.stdout.trim() : null;
}

/** Runs `main` when the module at `moduleUrl` is the program that was started, and turns a Failure into exit code 1. */
export async function asProgram(moduleUrl, main) {
  const started = process.argv[1] && realpathSync(process.argv[1]);
  if (started !== fileURLToPath(moduleUrl)) return;
  try {
    await main(process.argv.slice(2));
  } catch (error) {
    console.error(error instanceof Failure ? `error: ${error.message}` : error);
    process.exitCode = 1;
  }
}

/** A command as it would be typed. */
export function printable(command, args) {
  return [command, ...args].map((word) => (/[\s'"$*]/.test(word) ? `'${word}'` : word)).join(" ");
}

function exitOf(command, args, { cwd = ROOT, env, stdio, onOutput }) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd, env: childEnv(env), stdio });
    const release = stopTogether(child);
    child.stdout?.setEncoding("utf8").on("data", onOutput);
    child.stderr?.setEncoding("utf8").on("data", onOutput);
    child.on("error", (error) => {
      release();
      reject(
        error.code === "ENOENT" ? new Failure(`\`${command}\` is needed but not installed`) : error,
      );
    });
    child.on("close", (code, signal) => {
      release();
      resolve(code ?? signal);
    });
  });
}

/** Passes a request to stop on to the child, so that no compiler is left behind. Returns how to undo that. */
function stopTogether(child) {
  const handlers = Object.entries({ SIGINT: 130, SIGTERM: 143 }).map(([signal, exitCode]) => [
    signal,
    () => {
      child.kill("SIGTERM");
      process.exit(exitCode);
    },
  ]);
  for (const [signal, handler] of handlers) process.on(signal, handler);
  return () => {
    for (const [signal, handler] of handlers) process.off(signal, handler);
  };
}

function describeExit(code) {
  return typeof code === "number" ? `exit code ${code}` : `stopped by ${code}`;
}

/** The last lines of a stream of text. */
function recentLines() {
  let lines = [""];
  return {
    add(chunk) {
      const [first, ...rest] = chunk.split(/\r?\n|\r/);
      lines[lines.length - 1] += first;
      lines = lines.concat(rest).slice(-LINES_KEPT);
    },
    last: () => lines.findLast((line) => line.trim() !== "")?.trim() ?? "",
    all: () => lines.join("\n").trimEnd(),
  };
}

/** A line that is rewritten in place on a terminal; elsewhere a line now and then, so that a log shows life. */
function showProgress(label, lastLine) {
  const began = process.uptime();
  if (!process.stdout.isTTY) {
    say(`${label} …`);
    const timer = setInterval(() => say(`${label} … ${lastLine()}`), HEARTBEAT_EVERY_MS);
    return { stop: () => clearInterval(timer) };
  }
  const draw = () => {
    const seconds = Math.floor(process.uptime() - began);
    const line = `${label} … ${seconds} s  ${lastLine()}`;
    process.stdout.write(`\r\x1b[2K${line.slice(0, process.stdout.columns - 1)}`);
  };
  draw();
  const timer = setInterval(draw, STATUS_EVERY_MS);
  return {
    stop() {
      clearInterval(timer);
      process.stdout.write("\r\x1b[2K");
    },
  };
}
