// The least time that any client needs for an import, and how long the two systems take to answer.
//
// For: the ceiling beside each measured time. It knows the rules of both systems, and the amounts that an import wrote.
// Not for: measuring. Nothing here waits.

export const PAGE_MS = 300; // commercetools, over a page
export const CALL_MS = 200; // Klaviyo, over a call
export const JOB_MS = { min: 1_000, max: 4_000 }; // Klaviyo, to carry out a job

const PAGE = 500; // records
const LANES = 4; // pages that a run reads at once
const CONNECTIONS = 6; // of a Worker
const BODY = 4_900_000; // bytes of rows in a bulk request

/** Klaviyo's limits: calls a second and a minute. */
const TIERS = { M: [10, 150], L: [75, 750] };

/**
 * Klaviyo's bulk operations: what Klaviyo `holds` of what they write, the `rows` of a request, and the calls
 * that come with it. A job is begun and looked at once; items are looked for before and after they are made.
 */
const BULK = [
  { like: /^POST .*event-bulk/, tier: "M", holds: "events", rows: 1_000, calls: 1 },
  { like: /^POST .*profile-bulk/, tier: "M", holds: "profiles", rows: 10_000, calls: 2 },
  { like: /^POST .*catalog-item-bulk/, tier: "L", holds: "items", rows: 100, calls: 4 },
  { like: /^POST .*catalog-variant-bulk/, tier: "L", holds: "variants", rows: 100, calls: 2 },
];

/** The jobs that follow one another at the end: those of variants come after those of their items. */
const JOBS_IN_TURN = { customers: 1, orders: 0, products: 2 };

/** The least time for an import that wrote this: the longest of the limits, and the last jobs. */
export function ceilingOf(kind, records, written) {
  const writes = leastWrites(written);
  const limits = [reading(records), ...writes.map(begun), connections(records, writes)];
  const { what, seconds } = limits.sort((one, other) => other.seconds - one.seconds)[0];
  const last = lastJobs(kind);
  const jobs = last === 0 ? "" : `, and ${last} s for the last jobs`;
  return { what: `${what}${jobs}`, seconds: seconds + last };
}

/**
 * The seconds for which each part of an import is busy if it waits for nothing else: reading, the CPU that was
 * measured, and the fewest calls of Klaviyo. `least` is the longest of them, and the last jobs.
 */
export function busyOf(kind, records, { cpuMs, ...written }) {
  const calls = callsOf(leastWrites(written));
  const parts = {
    reading: reading(records).seconds,
    CPU: cpuMs / 1000,
    calls: (calls * CALL_MS) / CONNECTIONS / 1000,
  };
  const [longest, seconds] = Object.entries(parts).sort(([, one], [, other]) => other - one)[0];
  const last = lastJobs(kind);
  return { parts, longest, lastJobs: last, least: seconds + last };
}

function reading(records) {
  const pages = pagesOf(records);
  return {
    what: `${pages} pages of ${PAGE}, ${LANES} at once, ${PAGE_MS} ms each`,
    seconds: (pages * PAGE_MS) / LANES / 1000,
  };
}

/** When the last of an operation's requests may begin. */
function begun({ operation, requests, tier }) {
  const [second, minute] = TIERS[tier];
  return {
    what: `${requests} × ${operation}, ${minute} a minute and ${second} a second`,
    seconds: windows(requests, second, minute),
  };
}

function connections(records, writes) {
  const calls = callsOf(writes);
  return {
    what: `${calls} calls of Klaviyo, ${CALL_MS} ms each, and the pages, ${CONNECTIONS} at once`,
    seconds: (calls * CALL_MS + pagesOf(records) * PAGE_MS) / CONNECTIONS / 1000,
  };
}

/** The seconds that the last jobs take, on average. */
function lastJobs(kind) {
  return (JOBS_IN_TURN[kind] * (JOB_MS.min + JOB_MS.max)) / 2 / 1000;
}

/** The bulk operations of an import, each with the fewest requests by its rows and its bytes. */
function leastWrites({ operations, held }) {
  return Object.entries(operations).flatMap(([operation, { bytes }]) => {
    const bulk = BULK.find(({ like }) => like.test(operation));
    if (!bulk) return [];
    const { tier, holds, rows, calls } = bulk;
    const requests = Math.max(Math.ceil(bytes / BODY), Math.ceil(held[holds] / rows));
    return [{ operation, tier, requests, calls: requests * calls }];
  });
}

function callsOf(writes) {
  return writes.reduce((sum, { calls }) => sum + calls, 0);
}

function pagesOf(records) {
  return Math.ceil(records / PAGE);
}

/** The seconds until the last of so many calls may begin, in fixed windows. */
function windows(calls, second, minute) {
  const last = Math.max(0, calls - 1);
  return Math.floor(last / minute) * 60 + Math.floor((last % minute) / second);
}
