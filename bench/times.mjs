// The times of creation in a generated shop: in the order of the numbers, spread evenly or mostly on one day.
//
// For: bench/shop.mjs, which has to find a page by a time without a search, and bench/documents.mjs.
// Not for: later changes; there are none.

const FIRST = Date.UTC(2020, 0, 1);
const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;
const YEAR = 365 * DAY;

/**
 * The times of so many records. Without `oneDay` one is created every minute. `oneDay`, a share of them, is created
 * on one day in the middle of a year, and the rest evenly before and after it.
 */
export function timesOf(total, { oneDay } = {}) {
  const spans = oneDay ? skewed(total, oneDay) : [{ first: 0, from: FIRST, step: MINUTE }];
  return {
    /** When the record of this number was created. */
    at: (number) => {
      const { first, from, step } = spans.findLast((span) => span.first <= number);
      return from + (number - first) * step;
    },
    /** The number of the first record that was created at this time or later. */
    firstSince: (time) => {
      const place = spans.findLastIndex(({ from }) => from <= time);
      if (place < 0) return 0;
      const { first, from, step } = spans[place];
      const next = spans[place + 1]?.first ?? Number.POSITIVE_INFINITY;
      return Math.min(first + Math.ceil((time - from) / step), next);
    },
  };
}

/** Spans of time in each of which records have the same distance. */
function skewed(total, share) {
  const ofDay = Math.round(total * share);
  const before = Math.floor((total - ofDay) / 2);
  const after = total - ofDay - before;
  const morning = FIRST + (YEAR - DAY) / 2;
  return [
    span(0, before, FIRST, morning),
    span(before, ofDay, morning, morning + DAY),
    span(before + ofDay, after, morning + DAY, FIRST + YEAR),
  ];
}

function span(first, count, from, to) {
  return { first, from, step: Math.max(1, Math.floor((to - from) / Math.max(1, count))) };
}
