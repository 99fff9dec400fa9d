// What waits in the outbox, since when and why.

import { byId, el, say, show, terms } from "./dom.js";
import { duration, number, time } from "./format.js";

const NAMES = {
  waiting: "Waiting",
  oldest: "Oldest",
  errors: "Last error",
  deadLetters: "Dead letters",
};

const [figures, values] = terms(NAMES, { class: "counts" });
const off = el(
  "p",
  { class: "off" },
  "Realtime is off in this deployment: it has ",
  el("code", {}, "APP_TYPE=BULK_IMPORT"),
  ". Notifications go to the other one.",
);

/** Says whether realtime is off here. */
export function arrange(parts) {
  byId("outbox-body").replaceChildren(off, figures);
  show(off, !parts.includes("realtime"));
}

/** Shows how the outbox stands. */
export function update({ waiting, oldest, lastErrors, deadLetters }) {
  say(values.waiting, number(waiting));
  say(values.deadLetters, number(deadLetters));
  values.deadLetters.dataset.some = deadLetters > 0;
  values.oldest.replaceChildren(...age(oldest));
  say(values.errors, lastErrors ? lastErrors.map(reason).join(", ") : "–");
  values.errors.classList.toggle("words", Boolean(lastErrors));
}

function age(oldest) {
  if (!oldest) return ["–"];
  const shown = time(oldest);
  say(shown, duration(Date.now() - Date.parse(oldest)));
  return [shown];
}

const reason = ({ code, count }) => `${code} (${number(count)})`;
