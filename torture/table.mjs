// The whole table: every way × every fault × every length, in several processes at once.

import { fork } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Failure, say } from "../scripts/lib/run.mjs";
import { isGood } from "./cell.mjs";
import { FAULTS, LENGTHS } from "./faults.mjs";
import { WAYS } from "./ways.mjs";

const LANE = fileURLToPath(new URL("lane.mjs", import.meta.url));

/**
 * The cells that are asked for: words that name ways, faults or lengths, each in full or by its beginning; of what is
 * not named, all.
 */
export function chosenCells(words) {
  const all = { way: Object.keys(WAYS), fault: Object.keys(FAULTS), length: Object.keys(LENGTHS) };
  const chosen = { way: [], fault: [], length: [] };
  for (const word of words) {
    const known = Object.entries(all).flatMap(([of, names]) =>
      names.filter((name) => name.startsWith(word)).map((name) => [of, name]),
    );
    if (known.length === 0) {
      throw new Failure(`there is no "${word}"; there are ${Object.values(all).flat().join(", ")}`);
    }
    for (const [of, name] of known) chosen[of].push(name);
  }
  const [ways, faults, lengths] = Object.keys(all).map((of) =>
    chosen[of].length > 0 ? chosen[of] : all[of],
  );
  // The longest first, so that none of them is left for the end.
  return [...lengths]
    .reverse()
    .flatMap((lengthName) =>
      ways.flatMap((wayName) => faults.map((faultName) => ({ wayName, faultName, lengthName }))),
    );
}

/** Runs the cells, `atOnce` at a time; gives the rows. They stand in `folder` as they come. */
export async function runTable({ cells, atOnce, seed, folder }) {
  mkdirSync(folder, { recursive: true });
  const path = (wayName) => join(folder, `calm ${wayName}.json`);
  const lanes = Array.from({ length: atOnce }, startLane);
  const rows = [];
  try {
    const ways = [...new Set(cells.map(({ wayName }) => wayName))];
    await inLanes(lanes, ways, async (lane, wayName) => {
      await lane({ task: "calm", wayName, path: path(wayName) });
      say(`${wayName}: without a fault, all is there`);
    });
    await inLanes(lanes, [...cells.entries()], async (lane, [n, cell]) => {
      const task = { task: "cell", ...cell, seed: seed + n, path: path(cell.wayName) };
      const row = await lane(task).catch((error) => broken(cell, error));
      rows.push({ ...row, seed: seed + n });
      const words = [row.lost, row.doubled, row.different, row.leaked].join("/");
      const note = row.notes.length > 0 ? ` ${row.notes.join("; ")}` : "";
      say(
        `${rows.length}/${cells.length} ${row.way}, ${row.fault}, ${row.length}: ${words}${note}`,
      );
      writeFileSync(join(folder, "table.json"), `${JSON.stringify({ seed, rows }, null, 2)}\n`);
    });
  } finally {
    for (const lane of lanes) lane.end();
  }
  return rows;
}

/** A cell that could not be run to its end shows nothing, so it is not good. */
function broken({ wayName, faultName, lengthName }, error) {
  const counts = {
    hits: 0,
    lost: 0,
    doubled: 0,
    different: 0,
    leaked: 0,
    letters: 0,
    byHand: 0,
    doubts: 0,
  };
  const { where } = FAULTS[faultName];
  const of = { way: wayName, fault: faultName, length: lengthName, where };
  return { ...of, ...counts, restSeconds: 0, seconds: 0, notes: [`not run: ${error.message}`] };
}

/** Each lane takes the next task when it has done one. */
async function inLanes(lanes, tasks, perform) {
  const left = [...tasks];
  await Promise.all(
    lanes.map(async (lane) => {
      while (left.length > 0) await perform(lane, left.shift());
    }),
  );
}

function startLane() {
  const child = fork(LANE, { stdio: ["ignore", "ignore", "inherit", "ipc"] });
  const messages = [];
  const waiting = [];
  const settle = () => {
    while (messages.length > 0 && waiting.length > 0) waiting.shift()(messages.shift());
  };
  child.on("message", (message) => {
    messages.push(message);
    settle();
  });
  child.on("exit", (code) => {
    messages.push({ error: `the process of the lane ended (${code})` });
    settle();
  });
  const next = () =>
    new Promise((resolve) => {
      waiting.push(resolve);
      settle();
    });
  const ready = next();
  const lane = async (task) => {
    await ready;
    child.send(task);
    const { result, error } = await next();
    if (error) throw new Error(error);
    return result;
  };
  return Object.assign(lane, { end: () => child.kill() });
}

/** The table for a person and for docs/reliability.md: a row for each way and fault, a column for each length. */
export function rendered(rows) {
  const lengths = Object.keys(LENGTHS).filter((name) => rows.some(({ length }) => length === name));
  const head = ["way", "fault", "where", ...lengths, "at rest after", "by hand"];
  const lines = Object.keys(WAYS).flatMap((way) =>
    Object.entries(FAULTS).flatMap(([fault, { where }]) => {
      const of = rows.filter((row) => row.way === way && row.fault === fault);
      if (of.length === 0) return [];
      const cells = lengths.map((length) => words(of.find((row) => row.length === length)));
      const longest = Math.max(...of.map(({ restSeconds }) => restSeconds));
      const byHand = of.reduce((total, row) => total + row.byHand, 0);
      return [[way, fault, where, ...cells, `${longest} s`, byHand || ""]];
    }),
  );
  const line = (words) => `| ${words.join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...lines.map(line)].join("\n");
}

function words(row) {
  if (!row) return "";
  const { lost, doubled, different, leaked } = row;
  const counts = [lost, doubled, different, leaked].join(" / ");
  return isGood(row) ? counts : `**${counts}**`;
}
