// The last runs of a kind: a bar for each, the newest on the right, with the number of read records
// as its height; and the same as a table.

import { el, svg } from "./dom.js";
import { counted, duration, number, time } from "./format.js";

const HEIGHT = 44;
const STEP = 12;
const BAR = 8;
const SLOTS = 20;
const FOOT = 2;

/** The outcomes of records, from the bottom of a bar to its top. */
const PARTS = ["sent", "skipped", "failed"];

const COLUMNS = ["Began", "What", "State", "Read", "Sent", "Skipped", "Failed", "Took"];

/** The chart of these runs, the newest first. */
export function chart(kind, runs) {
  const most = Math.max(1, ...runs.map(({ read }) => read));
  const slots = Array.from({ length: SLOTS }, (_, n) => foot(n, "none"));
  const bars = runs.map((run, n) => bar(run, SLOTS - 1 - n, most));
  const label = `The last ${counted(runs.length, "run")} of ${kind}; the table has the figures.`;
  const viewBox = `0 0 ${SLOTS * STEP} ${HEIGHT}`;
  return svg("svg", { class: "chart", viewBox, role: "img", "aria-label": label }, slots, bars);
}

/** The same as a table, folded up unless it `isOpen`. */
export function table(kind, runs, isOpen) {
  const rows = runs.map((run) => {
    const took = run.finishedAt && duration(Date.parse(run.finishedAt) - Date.parse(run.startedAt));
    const figures = [run.read, run.sent, run.skipped, run.failed].map(number);
    const cells = [run.mode.replace("_", " "), run.state, ...figures, took ?? "–"];
    const head = el("th", { scope: "row" }, time(run.startedAt));
    return el(
      "tr",
      {},
      head,
      cells.map((text) => el("td", {}, text)),
    );
  });
  const columns = COLUMNS.map((name) => el("th", { scope: "col" }, name));
  const head = el("thead", {}, el("tr", {}, columns));
  const region = {
    class: "scroll",
    tabindex: "0",
    role: "region",
    "aria-label": `Recent runs of ${kind}`,
  };
  const whole = el("div", region, el("table", {}, head, el("tbody", {}, rows)));
  return el("details", { open: isOpen }, el("summary", {}, "Recent runs"), whole);
}

function bar(run, slot, most) {
  const x = slot * STEP + (STEP - BAR) / 2;
  let y = HEIGHT - FOOT - 1;
  const stacked = PARTS.filter((part) => run[part] > 0).map((part) => {
    const height = Math.max(2, (run[part] / most) * (HEIGHT - FOOT - 4));
    y -= height;
    return svg("rect", { x, y, width: BAR, height, class: part });
  });
  const said = `${run.startedAt} ${run.mode}, ${run.state}: ${number(run.read)} read`;
  return svg("g", {}, svg("title", {}, said), stacked, foot(slot, run.state));
}

function foot(slot, state) {
  const x = slot * STEP + (STEP - BAR) / 2;
  return svg("rect", { x, y: HEIGHT - FOOT, width: BAR, height: FOOT, class: state });
}
