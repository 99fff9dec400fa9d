// Waits for a condition that becomes true by itself.

import { inspect } from "node:util";

const LIMIT_MS = 30_000;

/**
 * Looks again and again until what it sees `holds`, and gives that. After the limit it fails with
 * `what` it waited for and what it saw last. What `look` throws is not waited out.
 */
export async function eventually(
  what,
  look,
  holds = Boolean,
  { limitMs = LIMIT_MS, everyMs = 20 } = {},
) {
  if (typeof what !== "string") throw new TypeError("say what is waited for");
  const end = performance.now() + limitMs;
  for (;;) {
    const seen = await look();
    if (await holds(seen)) return seen;
    if (performance.now() > end) {
      const last = inspect(seen, { depth: 4, breakLength: Number.POSITIVE_INFINITY });
      throw new Error(`waited ${limitMs / 1000} s for ${what}; saw last: ${last.slice(0, 2_000)}`);
    }
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
}
