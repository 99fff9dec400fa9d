// What an operator wants to know first: is all well, what runs, what needs a person?

import { byId, el, say } from "./dom.js";
import { counted, number, title } from "./format.js";
import { failing, KINDS } from "./imports.js";
import { isActive } from "./run.js";

/** What an oldest notification may wait before somebody should look, in ms. */
const PATIENCE = 15 * 60_000;

/** What only a person mends, however young it is, by the codes of what waits. */
const REFUSALS = {
  klaviyo_401: "Klaviyo refuses the key",
  klaviyo_403: "The key of Klaviyo lacks a scope",
  commercetools_401: "commercetools refuses the API client",
  commercetools_403: "The API client of commercetools lacks a scope",
  commercetools_token_400: "commercetools refuses the API client",
  commercetools_token_401: "commercetools refuses the API client",
};

const list = byId("needs");
const headline = byId("headline");

/** Shows that the worker does not answer: nothing is known of it, whatever it said before. */
export function isUnreachable() {
  say(headline, "The worker cannot be reached");
  byId("summary").dataset.mood = "needs";
  document.title = `${headline.textContent} · commercetools → Klaviyo`;
}

/** Shows it, of the status, the notes of `/health` and how many checks failed. */
export function update(status, notes, failedChecks) {
  const needs = needsOf(status, notes, failedChecks);
  const running = KINDS.filter((kind) => isActive(status[kind]));
  say(headline, headlineOf(needs, running, status.outbox.waiting));
  say(byId("busy"), needs.length > 0 && running.length > 0 ? busy(running) : "");
  byId("summary").dataset.mood = needs.length > 0 ? "needs" : running.length > 0 ? "busy" : "well";
  document.title = `${headline.textContent} · commercetools → Klaviyo`;
  const text = JSON.stringify(needs);
  if (list.dataset.of === text) return;
  list.dataset.of = text;
  list.replaceChildren(...needs.map(({ to, what }) => el("li", {}, to ? link(to, what) : what)));
}

function headlineOf(needs, running, waiting) {
  if (needs.length > 0) return `${counted(needs.length, "thing needs", "things need")} a person`;
  if (running.length > 0) return busy(running);
  return waiting > 0
    ? `All is well; ${counted(waiting, "notification")} on the way`
    : "All is well";
}

const busy = (kinds) => `${title(new Intl.ListFormat("en").format(kinds))} are being imported`;

/** Each with what it is, and the id of the room that it leads `to`, if there is one. */
function needsOf(status, notes, failedChecks) {
  const needs = notes.map((what) => ({ what }));
  const add = (to, what) => needs.push({ to, what });
  if (failedChecks > 0) {
    add("check", `${counted(failedChecks, "check")} of the configuration failed`);
  }
  for (const kind of KINDS) {
    const { state, error, failed } = status[kind];
    if (state === "failed") add(`run-${kind}`, `The import of ${kind} failed: ${error?.code}`);
    const kept = failing(kind);
    const bad = Math.max(failed, kept.failing);
    const most = kept.more && bad === kept.failing ? "+" : "";
    if (bad > 0) add(`run-${kind}`, `${number(bad)}${most} of the ${kind} could not be sent`);
  }
  const { deadLetters, oldest, waiting, lastErrors = [] } = status.outbox;
  for (const { code, count } of lastErrors) {
    const what = REFUSALS[code];
    if (what)
      add("outbox", `${what}: ${counted(count, "notification waits", "notifications wait")}`);
  }
  if (deadLetters > 0) add("outbox", counted(deadLetters, "dead letter"));
  if (oldest && Date.now() - Date.parse(oldest) > PATIENCE) {
    add("outbox", `${counted(waiting, "notification")} waiting for long`);
  }
  return needs;
}

function link(to, what) {
  return el("a", { href: `#${to}` }, what);
}
