// The dead letters: notifications that can never succeed unless a person acts. Grouped by their reason, shown in full,
// retried, deleted.

import { call, get, post } from "./api.js";
import { confirm } from "./dialog.js";
import { button, byId, el, show } from "./dom.js";
import { counted, time } from "./format.js";
import { keptList } from "./kept.js";
import { record } from "./merchant.js";
import { showRequest, showText } from "./request.js";

const heading = el("h3", { id: "letters-title", tabindex: "-1" }, "Dead letters");

/** The last date of each letter that was retried here: one that comes back failed again. */
const retried = new Map();

let known = null;
let changed = () => {};

const list = keptList({
  one: "dead letter",
  many: "dead letters",
  changed: () => refresh(),
  read: async (cursor, code) => {
    const { deadLetters, ...rest } = await get(
      `/dead-letters?${cursor && `cursor=${encodeURIComponent(cursor)}&`}${code && `code=${encodeURIComponent(code)}`}`,
    );
    return { rows: deadLetters.map(row), ...rest };
  },
  retry: (code) => post("/dead-letters/replay", code ? { code } : undefined),
  forget: (code) =>
    call("DELETE", `/dead-letters?${code ? `code=${encodeURIComponent(code)}` : "all=true"}`),
});

/** Creates the section; `done` is called after an action. */
export function prepare(done) {
  changed = done;
  byId("letters").replaceChildren(heading, list.content);
}

/** Lists them again if their number has changed. */
export async function update({ deadLetters }) {
  if (deadLetters === known) return;
  show(byId("letters"), deadLetters > 0);
  if (deadLetters > 0) await list.load();
  known = deadLetters;
}

/** Forgets the list. */
export function forget() {
  known = null;
  retried.clear();
  list.clear();
}

function row(letter) {
  const { id, code, detail, pointer, resource, name, at, attempts } = letter;
  const about = resource ?? "no resource";
  const before = retried.get(id);
  const again = before !== undefined && before !== at;
  const act = (label, what) =>
    button(label, () => what(letter), { "aria-label": `${label} ${about}` });
  return el(
    "li",
    { tabindex: "-1", "data-id": id },
    el("div", { class: "row-head" }, record(resource, name), el("span", { class: "code" }, code)),
    again && el("p", { class: "error" }, "It was retried, and failed again."),
    el("p", { class: "detail" }, detail),
    el(
      "p",
      { class: "soft" },
      pointer && ["at ", el("code", {}, pointer), " · "],
      time(at),
      ` · ${counted(attempts, "attempt")}`,
    ),
    el(
      "div",
      { class: "actions" },
      act("Read", read),
      act("Request", request),
      act("Retry", retry),
      act("Delete", remove),
    ),
  );
}

const read = ({ id }) =>
  list.attempt(async () => showText("The dead letter", await get(`/dead-letters/${id}`)));

const request = ({ id, code, detail, pointer }) =>
  list.attempt(async () => {
    const { notification } = await get(`/dead-letters/${id}`);
    await showRequest(notification, { code, detail, pointer });
  });

const retry = ({ id, at }) =>
  list.done(async () => {
    retried.set(id, at);
    await post(`/dead-letters/${id}/replay`);
  });

async function remove({ id, resource }) {
  const text = `The notification about ${resource ?? "no resource"} is lost then. It cannot be undone.`;
  if (!(await confirm("Delete this dead letter?", text, "Delete"))) return;
  await list.done(() => call("DELETE", `/dead-letters/${id}`));
}

/** An action removes its letter, and with it the focus. */
async function refresh() {
  known = null;
  await changed();
  if (document.activeElement === document.body)
    (byId("letters").hidden ? byId("headline") : heading).focus();
}
