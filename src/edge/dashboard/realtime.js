// Realtime: the notifications of the last hour or of 30 days, when each type was last seen, and what waits.

import { get, post } from "./api.js";
import { button, byId, el, say, show, svg, terms } from "./dom.js";
import { counted, duration, number, time } from "./format.js";
import { record } from "./merchant.js";

const NAMES = {
  received: "Last received",
  delivered: "Last delivered",
  waiting: "Waiting",
  oldest: "Oldest",
  errors: "Last error",
  deadLetters: "Dead letters",
};

/** The outcomes of notifications, from the bottom of a bar to its top. */
const PARTS = {
  delivered: "delivered",
  ignored: "ignored",
  parked: "parked",
  deadLettered: "dead lettered",
  refused: "refused",
};

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;

/** The charts: their bars, and the member of realtime with their data. */
const SPANS = {
  hour: { label: "Last hour", bars: 60, length: MINUTE, of: "minutes" },
  month: { label: "Last 30 days", bars: 30, length: DAY, of: "hours" },
};

/** How often the page loads the hours while it shows them, in ms. */
const HOURS = MINUTE;

/** How often the page loads the list of waiting notifications while it is open, in ms. */
const LIST = 5_000;

const [figures, values] = terms(NAMES, { class: "counts" });
const off = el(
  "p",
  { class: "off" },
  "Realtime is off in this deployment: it has ",
  el("code", {}, "APP_TYPE=BULK_IMPORT"),
  ". Notifications go to the other one.",
);
const feed = el("p", { class: "soft" });
const picture = el("div", { class: "times" });
const legend = el("p", { class: "legend soft" });
const types = el("ul", { class: "types" });
const rows = el("ul", { class: "rows" });
const refused = el("p", { class: "error", role: "alert" });
const retry = button("Retry now", retryAll, { "aria-label": "Retry now what waits" });
const kinds = details("Types of notifications", types);
const waits = details("What waits", refused, rows, el("div", { class: "actions" }, retry));

let span = "hour";
let hours = { at: 0, of: [] };
let listed = 0;
let changed = () => {};

/** Creates the section; `done` is called after an action. */
export function prepare(done) {
  changed = done;
  const choose = Object.entries(SPANS).map(([name, { label }]) =>
    button(label, () => pick(name), { "data-span": name, "aria-pressed": String(name === span) }),
  );
  const chooser = el("div", { class: "actions spans" }, choose);
  byId("realtime-body").replaceChildren(off, figures, feed, chooser, picture, legend, kinds, waits);
  waits.addEventListener("toggle", () => waits.open && list());
}

/** Shows whether realtime is off here. */
export function arrange(parts) {
  const on = parts.includes("realtime");
  show(off, !on);
  for (const node of [picture, legend, kinds]) show(node, on);
  for (const name of ["received", "delivered"]) show(values[name].parentNode, on);
}

/** Shows the state of realtime. */
export async function update({ realtime, outbox, feed: read }) {
  say(feed, feedOf(read));
  show(feed, feed.textContent !== "");
  const { waiting, oldest, lastErrors, deadLetters } = outbox;
  say(values.waiting, number(waiting));
  say(values.deadLetters, number(deadLetters));
  values.deadLetters.dataset.some = deadLetters > 0;
  values.oldest.replaceChildren(...age(oldest));
  say(values.errors, lastErrors ? lastErrors.map(reason).join(", ") : "–");
  values.errors.classList.toggle("words", Boolean(lastErrors));
  show(waits, waiting > 0);
  if (waiting > 0 && waits.open && Date.now() - listed > LIST) await list();
  if (!realtime) {
    say(values.received, "not known");
    say(values.delivered, "not known");
    return;
  }
  values.received.replaceChildren(...ago(realtime.lastReceived));
  values.delivered.replaceChildren(...ago(realtime.lastDelivered));
  if (span === "month" && Date.now() - hours.at > HOURS) await askHours();
  draw(span === "hour" ? realtime.minutes : hours.of);
  types.replaceChildren(...Object.entries(realtime.types).map(type));
}

/** How far the feed has read, if it is on. */
function feedOf(read) {
  if (!read || read.mode === "off") return "";
  const { lagSeconds, lostByBroker, late, lastError } = read;
  const lag = lagSeconds === null ? "has not begun" : `is ${duration(lagSeconds * 1000)} behind`;
  const lost =
    read.mode === "beside"
      ? `; the broker lost ${number(lostByBroker.count)}, and ${number(late)} came late`
      : "";
  return `The feed ${lag}${lost}${lastError ? `: ${lastError}` : "."}`;
}

async function pick(name) {
  span = name;
  for (const node of byId("realtime-body").querySelectorAll("[data-span]")) {
    node.setAttribute("aria-pressed", node.dataset.span === name);
  }
  await changed();
}

async function askHours() {
  const { realtime } = await get("/sync/status?hours=true");
  hours = { at: Date.now(), of: realtime?.hours ?? [] };
}

/** Draws counts: a bar for each minute or day, the newest on the right. */
function draw(counts) {
  const { label, bars, length } = SPANS[span];
  const last = Math.floor(Date.now() / length);
  const sums = Array.from({ length: bars }, () => ({}));
  const whole = {};
  for (const count of counts) {
    const slot = bars - 1 - (last - Math.floor(Date.parse(count.at) / length));
    if (slot < 0 || slot >= bars) continue;
    for (const part of Object.keys(PARTS)) {
      sums[slot][part] = (sums[slot][part] ?? 0) + count[part];
      whole[part] = (whole[part] ?? 0) + count[part];
    }
  }
  const said = Object.entries(PARTS)
    .filter(([part]) => whole[part] > 0)
    .map(([part, name]) => `${number(whole[part])} ${name}`);
  const text = `${label}: ${said.length > 0 ? said.join(", ") : "nothing"}`;
  if (picture.dataset.of === JSON.stringify([last, sums])) return;
  picture.dataset.of = JSON.stringify([last, sums]);
  picture.replaceChildren(chart(sums, text));
  say(legend, text);
}

const HEIGHT = 60;
const STEP = 10;

function chart(sums, label) {
  const total = (sum) => Object.values(sum).reduce((all, count) => all + count, 0);
  const most = Math.max(1, ...sums.map(total));
  const bars = sums.map((sum, slot) => {
    let y = HEIGHT;
    const x = slot * STEP + 1;
    const parts = Object.keys(PARTS).filter((part) => sum[part] > 0);
    const stacked = parts.map((part) => {
      const height = Math.max(2, (sum[part] / most) * (HEIGHT - 4));
      y -= height;
      return svg("rect", { x, y, width: STEP - 2, height, class: part });
    });
    const foot = svg("rect", { x, y: HEIGHT - 1, width: STEP - 2, height: 1, class: "none" });
    return svg("g", {}, stacked, stacked.length === 0 && foot);
  });
  const viewBox = `0 0 ${sums.length * STEP} ${HEIGHT}`;
  const attributes = { class: "chart", viewBox, role: "img", "aria-label": label };
  return svg("svg", { ...attributes, preserveAspectRatio: "none" }, bars);
}

/** Lists waiting notifications, with their reasons and next tries. */
async function list() {
  listed = Date.now();
  say(refused, "");
  try {
    const { parked, next } = await get("/outbox");
    const more = next && el("li", {}, "There are more, which wait behind these.");
    rows.replaceChildren(...parked.map(row), ...(more ? [more] : []));
  } catch (error) {
    say(refused, error.message);
  }
}

function row({ resource, name, code, since, attempts, nextAttempt }) {
  return el(
    "li",
    {},
    el("div", { class: "row-head" }, record(resource, name), el("span", { class: "code" }, code)),
    el(
      "p",
      { class: "soft" },
      "since ",
      time(since),
      ` · ${counted(attempts, "attempt")} · next try `,
      nextAttempt ? time(nextAttempt) : "when Klaviyo's job has ended",
    ),
  );
}

async function retryAll() {
  say(refused, "");
  try {
    await post("/outbox/retry");
    await changed();
    await list();
  } catch (error) {
    say(refused, error.message);
  }
}

const type = ([name, { lastReceived, lastDelivered }]) =>
  el(
    "li",
    {},
    el("code", {}, name),
    el(
      "span",
      { class: "soft" },
      "received ",
      ...ago(lastReceived),
      ", delivered ",
      ...ago(lastDelivered),
    ),
  );

/** How long ago something happened, with the time in its title. */
function ago(iso) {
  if (!iso) return ["never"];
  const shown = time(iso);
  say(shown, `${duration(Date.now() - Date.parse(iso))} ago`);
  return [shown];
}

function age(oldest) {
  if (!oldest) return ["–"];
  const shown = time(oldest);
  say(shown, duration(Date.now() - Date.parse(oldest)));
  return [shown];
}

const reason = ({ code, count }) => `${code} (${number(count)})`;

function details(name, ...content) {
  return el("details", {}, el("summary", {}, name), content);
}
