// Tortures the worker, and reports the results. docs/reliability.md has the promises.
//
//   npm run torture                                all: the table, the load, the fuzzing
//   npm run torture -- table                       the whole table: ways × faults × lengths
//   npm run torture -- realtime SIGKILL minute     only these cells, by the beginnings of their names
//   npm run torture -- load                        pushes beside imports, and an outbox of 200,000 rows
//   npm run torture -- fuzz [decoder …]            a million cases for each decoder
// SEED=7 draws other moments, AT_ONCE=8 runs this many cells at a time, CASES=1000 fuzzes less. EARLIER_BUILD=folder/
// is the build before an upgrade; without it, an upgrade is the same build with other settings.

import { mkdirSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { isGood } from "../torture/cell.mjs";
import { fuzz } from "../torture/fuzz.mjs";
import { load } from "../torture/load.mjs";
import { chosenCells, rendered, runTable } from "../torture/table.mjs";
import { build } from "./build.mjs";
import { ROOT } from "./lib/project.mjs";
import { asProgram, Failure, say } from "./lib/run.mjs";
import { ensureTools } from "./tools.mjs";

const FOLDER = join(ROOT, "target/torture");

async function torture([what, ...rest]) {
  mkdirSync(FOLDER, { recursive: true });
  await ensureTools();
  if (what === "fuzz") return fuzz(rest, { folder: FOLDER });
  await build();
  if (what === "load") return report(await load({ folder: FOLDER, tell: say }));
  if (what !== undefined) return table(what === "table" ? rest : [what, ...rest]);
  await table([]);
  report(await load({ folder: FOLDER, tell: say }));
  await fuzz([], { folder: FOLDER });
}

async function table(words) {
  const seed = Number(process.env.SEED ?? 1);
  const atOnce = Number(process.env.AT_ONCE ?? 2 * availableParallelism());
  const cells = chosenCells(words);
  // A part of the table does not take the place of the whole one.
  const folder = words.length > 0 ? join(FOLDER, "part") : FOLDER;
  say(`${cells.length} cells, ${atOnce} at a time, SEED=${seed}`);
  const rows = await runTable({ cells, atOnce, seed, folder });
  const text = rendered(rows);
  writeFileSync(join(folder, "table.md"), `${text}\n`);
  console.log(text);
  const bad = rows.filter((row) => !isGood(row));
  for (const row of bad) console.log(`${row.way}, ${row.fault}, ${row.length}:`, row);
  if (bad.length > 0) throw new Failure(`${bad.length} of ${rows.length} cells are not 0/0/0/0`);
  say(`${rows.length} cells: nothing lost, doubled, different or leaked`);
}

function report({ problems }) {
  if (problems.length > 0) throw new Failure(problems.join("\n"));
}

await asProgram(import.meta.url, torture);
