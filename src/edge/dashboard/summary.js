// An operator's first question: is it healthy, and what needs attention? The Worker answers the second part (`alerts`);
// heading, dot, title and icon of the page agree.

import { byId, el, say } from "./dom.js";
import { counted, time, title } from "./format.js";
import { KINDS } from "./imports.js";
import { isActive } from "./run.js";

const PRODUCT = "commercetools → Klaviyo";

/** The section with details of an alert, by the area of its code. */
const ROOMS = [
  [/^import_/, ({ of }) => `run-${of}`],
  [/^(check_failed|klaviyo_revision_ends)$/, () => "check"],
  [/./, () => "realtime"],
];

const list = byId("needs");
const headline = byId("headline");
const icon = document.querySelector('link[rel="icon"]');

/** Shows that the Worker does not answer: nothing is known about it, whatever it answered before. */
export function isUnreachable() {
  present("unreachable", "The worker cannot be reached", "");
}

/** Shows the status and `/health`: the notes, and the active parts. */
export function update(status, { notes, parts }) {
  const running = KINDS.filter((kind) => isActive(status[kind]));
  const [mood, words] = stateOf(status, notes, parts, running);
  present(mood, words, ["busy", "well"].includes(mood) ? "" : besides(running));
  const needs = [...notes.map((what) => ({ what })), ...status.alerts.map(need)];
  const text = JSON.stringify(needs);
  if (list.dataset.of === text) return;
  list.dataset.of = text;
  list.replaceChildren(
    ...needs.map(({ to, what, since }) =>
      el(
        "li",
        {},
        to ? el("a", { href: `#${to}` }, what) : what,
        since && [" · since ", time(since)],
      ),
    ),
  );
}

/** The current state, and its headline. */
function stateOf({ alerts, realtime, outbox }, notes, parts, running) {
  const needs = alerts.length + notes.length;
  if (needs > 0) return ["needs", `${counted(needs, "thing needs", "things need")} attention`];
  const { waiting, lastErrors = [] } = outbox;
  if (waiting > 0) {
    const why = lastErrors[0] ? ` (${lastErrors[0].code})` : "";
    return ["degraded", `${counted(waiting, "notification waits", "notifications wait")}${why}`];
  }
  if (running.length > 0) return ["busy", importing(running)];
  if (parts.includes("realtime") && realtime && !realtime.lastReceived && !realtime.lastDelivered) {
    return ["empty", "No notification was received yet"];
  }
  return ["well", "Healthy"];
}

const importing = (kinds) => `${title(new Intl.ListFormat("en").format(kinds))} are being imported`;
const besides = (running) => (running.length > 0 ? importing(running) : "");

function need(alert) {
  const [, room] = ROOMS.find(([codes]) => codes.test(alert.code));
  return { to: room(alert), what: alert.detail, since: alert.since };
}

function present(mood, words, beside) {
  say(headline, words);
  say(byId("busy"), beside);
  byId("summary").dataset.mood = mood;
  const name = `${words} · ${PRODUCT}`;
  if (document.title !== name) document.title = name;
  const address = `/dashboard/${ICONS[mood]}`;
  if (icon.getAttribute("href") !== address) icon.setAttribute("href", address);
}

const ICONS = {
  well: "icon.svg",
  busy: "icon.svg",
  empty: "icon.svg",
  degraded: "icon-degraded.svg",
  needs: "icon-needs.svg",
  unreachable: "icon-needs.svg",
};
