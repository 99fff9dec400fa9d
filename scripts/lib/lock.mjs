// A lock between processes: a file that names its owner. The owner keeps touching it; another process takes over a lock
// if its owner is dead, or has not touched it for a while.

import { randomUUID } from "node:crypto";
import { mkdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { say } from "./run.mjs";

const TOUCH_EVERY_MS = 2_000;
const ABANDONED_AFTER_MS = 60_000;
const LOOK_EVERY_MS = 200;

/** Runs `work` while no other process holds the lock at `path`. `purpose` is what a waiting process shows. */
export async function withLock(path, purpose, work) {
  const owner = { pid: process.pid, host: hostname(), token: randomUUID() };
  mkdirSync(dirname(path), { recursive: true });
  await acquire(path, purpose, owner);
  const timer = setInterval(() => touch(path), TOUCH_EVERY_MS);
  const release = () => {
    if (ownerOf(path)?.token === owner.token) rmSync(path, { force: true });
  };
  process.on("exit", release);
  try {
    return await work();
  } finally {
    clearInterval(timer);
    process.off("exit", release);
    release();
  }
}

async function acquire(path, purpose, owner) {
  let announced = false;
  while (!createExclusively(path, JSON.stringify(owner))) {
    if (isAbandoned(path)) {
      takeAway(path);
    } else if (!announced) {
      say(
        `${purpose}: waiting for process ${ownerOf(path)?.pid ?? "unknown"}, which does the same`,
      );
      announced = true;
    }
    await sleep(LOOK_EVERY_MS);
  }
}

/**
 * Removes an abandoned lock. Only one process at a time may do that, and it looks again first; otherwise two that saw
 * the same abandoned lock could remove each other's new one.
 */
function takeAway(path) {
  const guard = `${path}.removing`;
  if (createExclusively(guard, "")) {
    if (isAbandoned(path)) rmSync(path, { force: true });
    rmSync(guard, { force: true });
  } else if (ageOf(guard) > ABANDONED_AFTER_MS) {
    rmSync(guard, { force: true });
  }
}

function isAbandoned(path) {
  const age = ageOf(path);
  if (age === null) return false;
  const owner = ownerOf(path);
  const dead = owner?.host === hostname() && !isAlive(owner.pid);
  return dead || age > ABANDONED_AFTER_MS;
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === "EPERM";
  }
}

function createExclusively(path, content) {
  try {
    writeFileSync(path, content, { flag: "wx" });
    return true;
  } catch (error) {
    if (error.code === "EEXIST") return false;
    throw error;
  }
}

/** The owner, or null when the lock is gone or its owner has not written its name yet. */
function ownerOf(path) {
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch {
    return null;
  }
}

/** Milliseconds since the lock was touched, or null when it is gone. */
function ageOf(path) {
  const stat = statSync(path, { throwIfNoEntry: false });
  return stat ? Date.now() - stat.mtimeMs : null;
}

function touch(path) {
  const now = new Date();
  try {
    utimesSync(path, now, now);
  } catch (error) {
    if (error.code !== "ENOENT") throw error;
  }
}
