// The native tests that take less than half a minute: few seeds of the simulators, without the longest tests.
//
// For: `npm run check`, and the tests of a mutation (`npm run mutants`).
// Not for: `npm test`, which runs all of them.

/** How many seeds the simulators run. */
export const FEW_SEEDS = { WORLD_SEEDS: "100", IMPORT_SEEDS: "50" };

const LONG = [
  "no_moment_is_a_bad_one",
  "b6_jobs_and_memory",
  "a_seed_is_always",
  "thousands_of_var",
];

/** The arguments that leave the longest tests out. */
export const WITHOUT_LONG = skipping(LONG);

/** Arguments for the test programs of cargo that leave out the tests with one of these names. */
export function skipping(names) {
  return names.flatMap((name) => ["--skip", name]);
}
