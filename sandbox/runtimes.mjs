// The Workers runtimes that this process started, each a process of its own.
//
// For: killing them in the middle of work, and measuring them.

import { execFileSync } from "node:child_process";

/** Their ids. `ps` is asked as POSIX has it: Linux and macOS differ in the rest. */
export function runtimeIds() {
  const columns = ["pid", "ppid", "stat", "comm"].flatMap((column) => ["-o", `${column}=`]);
  const lines = execFileSync("ps", ["-A", ...columns], { encoding: "utf8" }).split("\n");
  return lines
    .map((line) => line.trim().split(/\s+/))
    .filter(([, parent]) => Number(parent) === process.pid)
    .filter(([, , state, name]) => name.includes("workerd") && !state.startsWith("Z"))
    .map(([id]) => Number(id));
}
