// Random values in a test are the same in every run, unless another seed is given:
//
//   SEED=7 node --test tests/runtime/any-bytes.test.mjs

/** The seed, which is printed beside what it is for. */
export function seedFor(what) {
  const seed = Number(process.env.SEED ?? 1);
  if (!Number.isSafeInteger(seed)) throw new TypeError("SEED must be a whole number");
  console.log(`${what}: SEED=${seed}`);
  return seed;
}
