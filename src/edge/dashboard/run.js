// The card of a kind: the state of its newest run, and the possible actions. It is created once and
// then only changes its content, so that focus and selection survive.

import { chart, table } from "./chart.js";
import { button, el, say, show, terms } from "./dom.js";
import { duration, number, rounded, share, time, title } from "./format.js";
import { left, meter, settled } from "./rate.js";

const MODES = {
  full: "all records",
  ids: "a list of ids",
  start_id: "from an id on",
  since: "changed since",
  delete_all: "delete everything",
  retry: "retry of failures",
};

/** Why a scheduled run did not start. */
const SKIPPED = {
  running: "another one was under way",
  stopped: "the one before is stopped; resume it, or start anew",
  stored_by_another_version: "another version of this Worker stored the one before",
};

const COUNTS = { read: "Read", sent: "Sent", skipped: "Skipped", failed: "Failed" };

export const isActive = ({ state }) => state === "running" || state === "stopping";

/** The card. `acts` has what its buttons do: start (told whether a position is lost), stop, resume, failures,
 * skipped. */
export function card(kind, acts) {
  const name = title(kind);
  const heading = el("h3", { id: `${kind}-title`, tabindex: "-1" }, name);
  const badge = el("span", { class: "badge" });
  const mode = el("span", { class: "soft" });
  const bar = el("progress", { "aria-label": `${name}: records read` });
  const pace = el("p", { class: "pace" });
  const [counts, values] = terms(COUNTS, { class: "counts" });
  const [facts, said] = terms(
    { began: "Began", ended: "Ended", success: "Last success", next: "Next run" },
    { class: "facts" },
  );
  const missed = el("p", { class: "soft" });
  const trouble = el("p", { class: "trouble" });
  const refused = el("p", { class: "error", role: "alert" });
  const after = el("p", { class: "after" });
  const bars = el("div", { class: "bars" });
  const recent = el("div");
  const label = (what) => ({ "aria-label": `${what} ${kind}` });
  const doing = (what) => () => attempt(acts[what], refused, heading);
  let resumable = false;
  const buttons = {
    resume: button("Resume", doing("resume"), {
      class: "primary",
      ...label("Resume the import of"),
    }),
    start: button("Start…", () => acts.start(resumable), label("Start an import of")),
    stop: button("Stop", doing("stop"), label("Stop the import of")),
    failures: button("Failures", acts.failures, { class: "bad" }),
    skipped: button("Skipped", acts.skipped),
    ...(acts.deleteAll && {
      deleteAll: button("Delete all…", acts.deleteAll, { class: "quiet", ...label("Delete all") }),
    }),
  };
  const rate = meter();
  const root = el(
    "article",
    { class: "card run", id: `run-${kind}`, "aria-labelledby": heading.id },
    el("header", {}, heading, mode, badge),
    bar,
    pace,
    counts,
    trouble,
    el("div", { class: "facts-row" }, facts, bars),
    missed,
    after,
    recent,
    refused,
    el("div", { class: "actions" }, Object.values(buttons)),
  );

  function update(run, now) {
    const isPartly = run.state === "completed" && run.failed > 0;
    root.dataset.state = isPartly ? "partly" : run.state;
    badge.dataset.state = root.dataset.state;
    say(badge, isPartly ? `completed, ${number(run.failed)} failed` : run.state);
    say(mode, MODES[run.mode] ?? "");
    progress(bar, run);
    say(pace, paceOf(run, rate(run, now)));
    for (const [count, node] of Object.entries(values)) say(node, number(run[count]));
    values.failed.dataset.some = run.failed > 0;
    worry(trouble, run);
    at(said.began, run.startedAt);
    at(said.ended, run.finishedAt);
    position(after, run);
    resumable = run.state === "stopped" || run.state === "failed";
    show(buttons.start, !isActive(run));
    buttons.start.className = resumable ? "" : "primary";
    say(buttons.start, resumable ? "Start anew…" : "Start…");
    buttons.start.setAttribute(
      "aria-label",
      resumable
        ? `Start anew an import of ${kind}: its position is lost`
        : `Start an import of ${kind}`,
    );
    show(buttons.stop, isActive(run));
    buttons.stop.disabled = run.state === "stopping";
    showCount(buttons.skipped, `Skipped ${kind}`, "Skipped", run.skipped);
    showCount(buttons.failures, `Failures of ${kind}`, "Failures", run.failures ?? 0);
    if (buttons.deleteAll) show(buttons.deleteAll, !isActive(run));
    show(buttons.resume, resumable);
  }

  /** The next scheduled run of the kind, if any, and its last import without failures. */
  function plan(schedule, success) {
    at(said.success, success);
    at(said.next, schedule?.next ?? null);
    const last = schedule?.last;
    const wasMissed = last?.outcome === "skipped";
    if (missed.dataset.iso !== String(wasMissed && last.at)) {
      missed.dataset.iso = String(wasMissed && last.at);
      const why = SKIPPED[last?.reason] ?? last?.reason;
      missed.replaceChildren(
        ...(wasMissed ? ["The run of ", time(last.at), ` was skipped: ${why}.`] : []),
      );
    }
    show(missed, wasMissed);
    for (const node of Object.values(said)) show(node.parentElement, node.textContent !== "");
  }

  /** The newest run and those before it. */
  function records(history) {
    const past = history.length > 0;
    bars.replaceChildren(...(past ? [chart(kind, history)] : []));
    const isOpen = recent.firstElementChild?.open;
    recent.replaceChildren(...(past ? [table(kind, history, isOpen)] : []));
  }

  return { root, update, plan, records };
}

/** The count of failures stops here; there may be more. */
const MOST = 10_000;

/** A button to a list shows the list's length, and exists only if the list is not empty. */
function showCount(node, name, label, count) {
  const more = count >= MOST;
  say(node, `${label} (${number(count)}${more ? "+" : ""})`);
  node.setAttribute("aria-label", `${name}: ${count}${more ? " and more" : ""}`);
  show(node, count > 0);
}

/** Runs an action, and shows why it was refused. If its button disappears, the focus stays here. */
async function attempt(act, refused, heading) {
  say(refused, "");
  try {
    await act();
  } catch (error) {
    say(refused, error.message);
  }
  if (document.activeElement === document.body) heading.focus();
}

function progress(bar, run) {
  show(bar, run.state !== "idle");
  const known = run.total !== null;
  if (known) {
    bar.max = Math.max(1, run.total);
    bar.value = Math.min(settled(run), bar.max);
  } else if (isActive(run)) {
    bar.removeAttribute("value");
  } else {
    bar.max = 1;
    bar.value = run.state === "completed" ? 1 : 0;
  }
}

/** The limit of a run's speed. */
const PACED = {
  klaviyo_rate: ({ calls, perMinute }) =>
    `as fast as Klaviyo's limit of ${number(perMinute)} ${calls} a minute`,
  klaviyo_jobs: () => "waits for Klaviyo's jobs",
  commercetools: () => "as fast as commercetools answers",
  connections: () => "as many calls at once as it may make",
};

function paceOf(run, rate) {
  if (run.state === "idle") return "Never imported here.";
  const done = settled(run);
  const of = run.total === null ? "" : ` of ${number(run.total)} (${share(done, run.total)})`;
  const parts = [`${number(done)}${of} done`, `${number(run.read + run.underWay)} read`];
  if (run.reread > 0) parts.push(`${number(run.reread)} read once more`);
  if (run.state === "running") {
    if (run.total !== null && done >= run.total) return [...parts, "finishing"].join(" · ");
    if (rate !== null) parts.push(`${rounded(rate)} a second`);
    const ms = left(run, rate);
    if (ms !== null) parts.push(`about ${duration(ms)} left`);
    if (run.limit) parts.push(PACED[run.limit.by]?.(run.limit) ?? run.limit.by);
  } else if (run.state === "completed") {
    // A run may have been stopped for a while, so the duration says nothing about its speed.
    const took = Date.parse(run.finishedAt) - Date.parse(run.startedAt);
    parts.push(`ended after ${duration(took)}`);
  }
  return parts.join(" · ");
}

/** The obstacle of a run; announced again only if it changes. */
function worry(node, run) {
  const mark = JSON.stringify([run.error, run.waiting, run.state]);
  if (node.dataset.mark === mark) return;
  node.dataset.mark = mark;
  const said = reasons(run);
  node.replaceChildren(...said);
  show(node, said.length > 0);
}

/** What a run waits for, by code. */
const LIMITS = [
  [/^klaviyo_429$/, "Klaviyo's rate limit is used up"],
  [/^klaviyo_jobs_open$/, "Klaviyo takes no more jobs at once"],
  [/^klaviyo_(job|foreign|timeout|network|5)/, "Klaviyo does not answer as it should"],
  [/^commercetools_429$/, "commercetools limits the calls"],
  [/^commercetools.*(timeout|504)$/, "commercetools is slow"],
  [/^commercetools/, "commercetools does not answer as it should"],
  [/./, "it cannot go on"],
];

function reasons({ error, waiting, state }) {
  if (error) return [`${error.code}: ${error.message}`];
  if (waiting) {
    const why = LIMITS.find(([codes]) => codes.test(waiting.code))[1];
    return [
      "Waits since ",
      time(waiting.since),
      `: ${why} (${waiting.code}). It goes on by itself.`,
    ];
  }
  if (state === "stopping") {
    return [
      "What was read is kept; the calls under way are finished first, at most half a minute.",
    ];
  }
  return [];
}

/** The last id of each part of the reading, as long as the run can go on. */
function position(node, run) {
  const ids = run.state === "completed" ? [] : run.after;
  if (node.dataset.ids === ids.join()) return;
  node.dataset.ids = ids.join();
  show(node, ids.length > 0);
  const label = el("span", { class: "soft" }, "Reads after id");
  node.replaceChildren(label, ...ids.map((id) => el("code", {}, id)));
}

function at(node, iso) {
  if (node.dataset.iso === String(iso)) return;
  node.dataset.iso = String(iso);
  node.replaceChildren(...(iso ? [time(iso)] : []));
}
