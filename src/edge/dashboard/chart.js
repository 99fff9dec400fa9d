// The last runs of a kind: a bar for each, the newest on the right, as high as what it read, and the
// same as a table.

import { el, svg } from "./dom.js";
import { counted, duration, number, time } from "./format.js";

const HEIGHT = 44;
const STEP = 12;
const BAR = 8;
const SLOTS = 20;

/** What a record became, from the bottom of a bar to its top. */
const PARTS = ["sent", "skipped", "failed"];

const COLUMNS = ["Began", "What", "State", "Read", "Sent", "Skipped", "Failed", "Took"];

/** The chart and the table of these runs, the newest first. */
export function chart(kind, runs) {
  const most = Math.max(1, ...runs.map(({ read }) => read));
  const bars = runs.map((run, n) => bar(run, SLOTS - 1 - n, most));
  const label = `The last ${counted(runs.length, "run")} of ${kind}, the newest on the right; the table has the figures.`;
  const size = { viewBox: `0 0 ${SLOTS * STEP} ${HEIGHT}`, preserveAspectRatio: "xMaxYMax meet" };
  return el(
    "figure",
    { class: "recent" },
    svg("svg", { ...size, role: "img", "aria-label": label }, bars),
    el("details", {}, el("summary", {}, "Recent runs"), table(kind, runs)),
  );
}

function bar(run, slot, most) {
  const x = slot * STEP + (STEP - BAR) / 2;
  let y = HEIGHT;
  const stacked = PARTS.filter((part) => run[part] > 0).map((part) => {
    const height = Math.max(2, (run[part] / most) * (HEIGHT - 4));
    y -= height;
    return svg("rect", { x, y, width: BAR, height, class: part });
  });
  const foot = svg("rect", { x, y: HEIGHT - 1.5, width: BAR, height: 1.5, class: run.state });
  const said = `${run.startedAt} ${run.mode}, ${run.state}: ${number(run.read)} read`;
  return svg("g", {}, svg("title", {}, said), stacked, foot);
}

function table(kind, runs) {
  const rows = runs.map((run) => {
    const took = run.finishedAt && duration(Date.parse(run.finishedAt) - Date.parse(run.startedAt));
    const figures = [run.read, run.sent, run.skipped, run.failed].map(number);
    const cells = [run.mode.replace("_", " "), run.state, ...figures, took ?? "–"];
    const head = el("th", { scope: "row" }, time(run.startedAt));
    return el("tr", {}, head, cells.map((text) => el("td", {}, text)));
  });
  const head = COLUMNS.map((name) => el("th", { scope: "col" }, name));
  return el(
    "div",
    { class: "scroll", tabindex: "0", role: "region", "aria-label": `Recent runs of ${kind}` },
    el("table", {}, el("thead", {}, el("tr", {}, head)), el("tbody", {}, rows)),
  );
}
