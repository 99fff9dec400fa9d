// A process that runs cells one after the other, given by scripts/torture.mjs: a kill of the runtime must find only its
// own. A message is a task, the answer its result or its error.

import { readFileSync, writeFileSync } from "node:fs";
import { seededRandom } from "../sandbox/faults.mjs";
import { calm, cell } from "./cell.mjs";

process.on("message", async ({ task, ...of }) => {
  try {
    process.send({ result: await TASKS[task](of) });
  } catch (error) {
    process.send({ error: error.stack });
  }
});

// Without whom it works for there is nothing left to do.
process.on("disconnect", () => process.exit());

const TASKS = {
  /** What the way gives without a fault, into a file. */
  async calm({ wayName, path }) {
    writeFileSync(path, JSON.stringify(await calm({ wayName })));
  },
  cell: ({ path, seed, ...of }) =>
    cell({ ...of, expected: JSON.parse(readFileSync(path, "utf8")), random: seededRandom(seed) }),
};

process.send({ ready: true });
