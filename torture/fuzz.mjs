// The fuzzing: a million cases for each decoder of tests/core/decoders/table.rs, with libFuzzer, from the kept corpus.

import { execFile } from "node:child_process";
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { CARGO_FUZZ, ensureCargoFuzz } from "../scripts/lib/cargo-tools.mjs";
import { childEnv, ROOT } from "../scripts/lib/project.mjs";
import { Failure, runQuietly, say } from "../scripts/lib/run.mjs";
import { NIGHTLY } from "../scripts/lib/rustup.mjs";

const CASES = Number(process.env.CASES ?? 1_000_000);
const SEED = process.env.SEED ?? "1";

/** No input is longer; the corpus has a few kB. */
const LONGEST = 16_384;

/** A single input that takes longer is a finding. */
const TIME_LIMIT_S = 10;

/**
 * The core forbids `unsafe`, so that no sanitizer is needed; what is checked are panics, overflows and the assertions of
 * the table. Nightly is what the worker itself is compiled by.
 */
const OPTIONS = ["--sanitizer", "none"];
const FOLDER = join(ROOT, "target/fuzz");
const ENV = { RUSTUP_TOOLCHAIN: NIGHTLY };

/** Fuzzes these decoders, or all; what breaks one stands in fuzz/artifacts. */
export async function fuzz(names, { folder }) {
  const all = readdirSync(join(ROOT, "fuzz/fuzz_targets")).map((file) => file.replace(".rs", ""));
  const unknown = names.filter((name) => !all.includes(name));
  if (unknown.length > 0) {
    throw new Failure(`no such decoder: ${unknown.join(", ")}; there are ${all.join(", ")}`);
  }
  await ensureCargoFuzz();
  const target = ["--target-dir", FOLDER];
  await runQuietly("fuzz targets", CARGO_FUZZ, ["build", ...OPTIONS, ...target], { env: ENV });
  const left = names.length > 0 ? [...names] : all;
  const rows = [];
  const lane = async () => {
    while (left.length > 0) {
      const row = await fuzzOne(left.shift(), target);
      rows.push(row);
      say(`${row.name}: ${row.broke ? "BROKE" : `${row.cases} cases in ${row.seconds} s`}`);
      writeFileSync(join(folder, "fuzz.json"), `${JSON.stringify(rows, null, 2)}\n`);
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, lane));
  const broke = rows.filter((row) => row.broke);
  for (const { name, output } of broke) console.error(`${name}:\n${output}`);
  if (broke.length > 0) throw new Failure(`broken: ${broke.map(({ name }) => name).join(", ")}`);
  say(`${rows.length} decoders, ${CASES} cases each, SEED=${SEED}: none broke`);
}

async function fuzzOne(name, target) {
  const began = performance.now();
  // The first folder gets what is found; the kept corpus stays as it is.
  const found = join(FOLDER, "found", name);
  mkdirSync(found, { recursive: true });
  const libFuzzer = [
    `-runs=${CASES}`,
    `-seed=${SEED}`,
    `-max_len=${LONGEST}`,
    `-timeout=${TIME_LIMIT_S}`,
    "-print_final_stats=1",
  ];
  const args = ["run", ...OPTIONS, ...target, name, found, join("fuzz/corpus", name)];
  const { failed, output } = await heard(CARGO_FUZZ, [...args, "--", ...libFuzzer]);
  const cases = Number(/stat::number_of_executed_units: (\d+)/.exec(output)?.[1] ?? 0);
  const seconds = Math.round((performance.now() - began) / 1_000);
  const broke = failed || cases < CASES;
  return { name, cases, seconds, broke, ...(broke && { output: output.slice(-4_000) }) };
}

/** All that a command printed, and whether it failed. */
function heard(command, args) {
  const options = { cwd: ROOT, env: childEnv(ENV), maxBuffer: Number.POSITIVE_INFINITY };
  return new Promise((resolve) => {
    execFile(command, args, options, (error, stdout, stderr) =>
      resolve({ failed: error !== null, output: stdout + stderr }),
    );
  });
}
