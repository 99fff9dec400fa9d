// The dead letters: what can never succeed unless a person does something. Listed page by page, read
// whole, retried, deleted.

import { call, get, post } from "./api.js";
import { confirm, open } from "./dialog.js";
import { button, byId, el, say, show } from "./dom.js";
import { counted, time } from "./format.js";

const list = el("ul", { class: "rows", "aria-labelledby": "letters-title" });
const heading = el("h3", { id: "letters-title", tabindex: "-1" }, "Dead letters");
const refused = el("p", { class: "error", role: "alert" });
let known = null;
let cursor = null;
let changed = () => {};

const more = button("Show more", () => tried(() => load(cursor)));
const all = button("Retry all", replayAll);

/** Makes the room; `done` is called when something was done. */
export function prepare(done) {
  changed = done;
  const head = el("div", { class: "row-head" }, heading, all);
  byId("letters").replaceChildren(head, refused, list, more);
}

/** Lists them anew when their number is another one. */
export async function update({ deadLetters }) {
  if (deadLetters === known) return;
  show(byId("letters"), deadLetters > 0);
  show(all, deadLetters > 1);
  if (deadLetters > 0) await load(null);
  known = deadLetters;
}

/** Forgets what was listed. */
export function forget() {
  known = null;
  list.replaceChildren();
}

async function load(from) {
  const query = from === null ? "" : `?cursor=${encodeURIComponent(from)}`;
  const { deadLetters, next } = await get(`/dead-letters${query}`);
  const rows = deadLetters.map(row);
  if (from === null) list.replaceChildren(...rows);
  else list.append(...rows);
  if (from !== null) rows[0]?.focus();
  cursor = next;
  show(more, next !== null);
}

function row(letter) {
  const { id, code, detail, pointer, resource, at, attempts } = letter;
  const about = resource ?? "no resource";
  const act = (label, what, attributes) =>
    button(label, () => tried(() => what(letter)), {
      "aria-label": `${label} ${about}`,
      ...attributes,
    });
  return el(
    "li",
    { tabindex: "-1", "data-id": id },
    el("div", { class: "row-head" }, el("code", {}, about), el("span", { class: "code" }, code)),
    el("p", { class: "detail" }, detail),
    el(
      "p",
      { class: "soft" },
      pointer && ["at ", el("code", {}, pointer), " · "],
      time(at),
      ` · ${counted(attempts, "attempt")}`,
    ),
    el("div", { class: "actions" }, act("Read", read), act("Retry", replay), act("Delete", remove)),
  );
}

async function read({ id }) {
  const whole = await get(`/dead-letters/${id}`);
  const text = JSON.stringify(whole, null, 2);
  const content = el("pre", { tabindex: "0", "aria-label": "The dead letter" }, text);
  open("Dead letter", content, { wide: true });
}

async function replay({ id }) {
  await post(`/dead-letters/${id}/replay`);
  await refresh();
}

async function remove({ id, resource }) {
  const text = `The notification about ${resource ?? "no resource"} is lost then. It cannot be undone.`;
  if (!(await confirm("Delete this dead letter?", text, "Delete"))) return;
  await call("DELETE", `/dead-letters/${id}`);
  await refresh();
}

async function replayAll() {
  const text = `${counted(known, "notification")} will be tried again now. What fails again comes back here.`;
  if (!(await confirm("Retry all dead letters?", text, "Retry all"))) return;
  await tried(async () => {
    await post("/dead-letters/replay");
    await refresh();
  });
}

/** What was done to a letter takes it away, and with it the focus. */
async function refresh() {
  known = null;
  await changed();
  if (document.activeElement === document.body)
    (byId("letters").hidden ? byId("headline") : heading).focus();
}

async function tried(act) {
  say(refused, "");
  try {
    await act();
  } catch (error) {
    say(refused, error.message);
  }
}
