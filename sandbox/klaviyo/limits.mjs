// Klaviyo's rate limits: two fixed windows per operation, a burst of 1 s and a steady one of 60 s.
//
// For: counting requests per account and operation, the RateLimit-* headers in the live format,
// Retry-After.
// Not for: limits on sizes and batches (rules.mjs), and on the number of open jobs (jobs.mjs).
// Source: klaviyo.md §2.0 (tiers) and §3.1 (algorithm and headers).
//
// A window opens with the first request in it. A refused request is not counted.

const TIERS = {
  XS: { burst: 1, steady: 15 },
  S: { burst: 3, steady: 60 },
  M: { burst: 10, steady: 150 },
  L: { burst: 75, steady: 750 },
  XL: { burst: 350, steady: 3500 },
};
const BURST_MS = 1000;
const STEADY_MS = 60_000;

export function createLimits({ now }) {
  const windows = new Map();

  /** Counts a request; answers `{ headers }`, or `{ retryAfter }` in seconds if it is refused. */
  function take(operation, tier) {
    const { burst, steady } = TIERS[tier];
    const at = now();
    let pair = windows.get(operation);
    if (!pair) {
      pair = { burst: { start: at, count: 0 }, steady: { start: at, count: 0 } };
      windows.set(operation, pair);
    }
    roll(pair.burst, BURST_MS, at);
    roll(pair.steady, STEADY_MS, at);
    if (pair.steady.count >= steady) return refused(pair.steady, STEADY_MS, at);
    if (pair.burst.count >= burst) return refused(pair.burst, BURST_MS, at);
    pair.burst.count += 1;
    pair.steady.count += 1;
    return {
      headers: {
        // The first number and `remaining` are those of the burst window (seen live).
        "ratelimit-limit": `${burst}, ${burst};w=1, ${steady};w=60`,
        "ratelimit-remaining": String(burst - pair.burst.count),
        "ratelimit-reset": String(Math.floor((pair.burst.start + BURST_MS - at) / 1000)),
      },
    };
  }

  return { take, reset: () => windows.clear() };
}

function roll(window, length, at) {
  if (at - window.start < length) return;
  window.start = at;
  window.count = 0;
}

function refused(window, length, at) {
  return { retryAfter: Math.max(1, Math.ceil((window.start + length - at) / 1000)) };
}
