// Asynchronous jobs: queued -> processing -> complete, driven only by the clock.
//
// For: profile imports, catalogue jobs, merges and deletions. No timer runs: `settle()` is called
// before every request and every look into the store, and carries out what has become due, in the
// order of its time. So an injected clock alone decides, and runs with the same clock are the same.
// Not for: the effect of a job; its `run` function, called once, has that.
// Source: klaviyo.md §2.2 (profile import job) and §2.3 ("Bulk jobs").

import { rowError } from "./errors.mjs";

const WEEK_MS = 7 * 24 * 3600 * 1000; // jobs are kept for 7 days

export function createJobs({ now, random, newId, settings }) {
  const jobs = new Map();
  let open = []; // not complete yet, in the order of creation

  /**
   * `run()` answers `{ completed, failed, errors, created }`. `lingerMs` keeps the status at
   * `processing` for so long after the effect took place. `details` is carried along for the code that
   * renders the job.
   */
  function add({ type, total, run, lingerMs = 0, details = {} }) {
    const at = now();
    const { min, max } = settings.jobMs;
    const duration = Math.round(min + random() * (max - min));
    const job = {
      id: newId(),
      seq: jobs.size,
      type,
      status: "queued",
      total,
      completed: 0,
      failed: 0,
      errors: [],
      created: [],
      createdAt: at,
      startsAt: at + Math.round(duration / 3),
      appliesAt: at + duration,
      completesAt: at + duration + lingerMs,
      expiresAt: at + WEEK_MS,
      details,
      run,
    };
    jobs.set(job.id, job);
    open.push(job);
    return job;
  }

  function settle(at = now()) {
    if (open.length === 0) return;
    const due = open.filter((job) => job.run && job.appliesAt <= at);
    for (const job of due.sort((a, b) => a.appliesAt - b.appliesAt)) take(job);
    for (const job of open) {
      if (job.completesAt <= at) job.status = "complete";
      else if (job.startsAt <= at) job.status = "processing";
    }
    open = open.filter((job) => job.status !== "complete");
  }

  function take(job) {
    Object.assign(job, job.run());
    job.run = null; // lets go of the rows
  }

  return {
    add,
    settle,
    /** Carries out everything that is open, whatever the clock says. */
    finish: () => settle(Number.POSITIVE_INFINITY),
    get: (id) => jobs.get(id),
    list: () => [...jobs.values()],
    ofType: (type) => [...jobs.values()].filter((job) => job.type === type),
    openCatalogJobs: () => open.filter((job) => job.type.startsWith("catalog-")).length,
  };
}

/**
 * The rows of a job, each with its own fate. `effect(row)` answers the id it touched, or throws
 * what the single endpoint would answer. `path` is the pointer to the rows, null where errors are not to
 * name theirs; `more(row)` adds to an error.
 */
export function carryOutRows(rows, { effect, path, more = () => ({}) }) {
  const created = [];
  const errors = [];
  rows.forEach((row, index) => {
    try {
      created.push(effect(row));
    } catch (error) {
      if (!error.errors) throw error;
      const pointer = path === null ? "/data/" : `${path}/${index}`;
      errors.push({ ...rowError(error, pointer), ...more(row) });
    }
  });
  return { completed: created.length, failed: errors.length, errors, created };
}
