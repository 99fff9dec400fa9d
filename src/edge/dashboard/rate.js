// How fast a run is, from what was seen of it in the last half minute. What was read before the page
// was opened, or before a stop, says nothing about now.

const WINDOW = 30_000;
const SHORTEST = 900;

/** Gives a function that takes a run and the time in ms, and says records a second, or null. */
export function meter() {
  let seen = [];
  return (run, now) => {
    if (run.state !== "running" || seen.at(-1)?.id !== run.id) seen = [];
    if (run.state !== "running") return null;
    const { id, read } = run;
    seen.push({ id, read, at: now });
    while (seen.length > 2 && seen[1].at < now - WINDOW) seen.shift();
    const [first] = seen;
    if (now - first.at < SHORTEST) return null;
    return ((read - first.read) * 1000) / (now - first.at);
  };
}

/** How long a run takes from here on, in ms; null if that cannot be told. */
export function left({ read, total }, rate) {
  return total === null || !rate ? null : (Math.max(0, total - read) / rate) * 1000;
}
