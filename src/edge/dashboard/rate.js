// The progress and speed of a run, from the last half minute of observation. Work before the page was opened, or before
// a stop, says nothing about now.

const WINDOW = 30_000;
const SHORTEST = 900;

/** The finished records: read records may wait for jobs at Klaviyo. */
export const settled = ({ sent, skipped, failed }) => sent + skipped + failed;

/** Returns a function that takes a run and the time in ms, and returns records a second, or null. */
export function meter() {
  let seen = [];
  return (run, now) => {
    if (run.state !== "running" || seen.at(-1)?.id !== run.id) seen = [];
    if (run.state !== "running") return null;
    const { id } = run;
    const done = settled(run);
    seen.push({ id, done, at: now });
    while (seen.length > 2 && seen[1].at < now - WINDOW) seen.shift();
    const [first] = seen;
    if (now - first.at < SHORTEST) return null;
    return ((done - first.done) * 1000) / (now - first.at);
  };
}

/** The remaining time of a run, in ms; null if it is not known. */
export function left(run, rate) {
  const { total } = run;
  return total === null || !rate ? null : (Math.max(0, total - settled(run)) / rate) * 1000;
}
