// The dialog that starts an import: which records. The deletion of everything is a dialog of its own, with a typed
// confirmation.

import { post } from "./api.js";
import { open } from "./dialog.js";
import { button, el, say, show } from "./dom.js";

/** A choice: its label, and the body that it gives. If it throws, the error says what is wrong. */
const CHOICES = [
  { name: "full", label: "All of them" },
  { name: "since", label: "Changed since", field: since, body: (value) => ({ since: utc(value) }) },
  { name: "ids", label: "These ids", field: ids, body: (value) => ({ ids: words(value) }) },
  {
    name: "start_id",
    label: "From an id on",
    field: startId,
    body: (value) => ({ startId: one(value) }),
  },
];

/**
 * Asks how to start, and starts. `changed` is called after the start; `loses` says that a stopped run
 * could go on.
 */
export function start(kind, changed, loses) {
  const refused = el("p", { class: "error", role: "alert" });
  const fields = new Map();
  let chosen = CHOICES[0];

  const go = button("Start", submit, { class: "primary" });
  const rows = CHOICES.map((choice) => {
    const radio = el("input", {
      type: "radio",
      name: "choice",
      value: choice.name,
      checked: choice === chosen,
    });
    radio.addEventListener("change", () => choose(choice));
    const field = choice.field?.(kind);
    if (field) fields.set(choice, field);
    const inner =
      field && el("div", { class: "field", hidden: true }, field.label, field.input, field.hint);
    field?.input.addEventListener("input", ready);
    return el("div", { class: "choice" }, el("label", {}, radio, ` ${choice.label}`), inner);
  });
  const warning =
    loses &&
    el(
      "p",
      { class: "trouble" },
      "This begins anew: the position of the run before is lost. Resume goes on from there.",
    );
  const records = el("fieldset", {}, el("legend", {}, `Which ${kind}`), rows);
  const form = el("form", {}, records, warning || null, refused);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    go.click();
  });
  const close = open(`Import ${kind}`, form, { dismiss: "Cancel", actions: () => [go] });

  function choose(choice) {
    chosen = choice;
    for (const [other, { input }] of fields) show(input.parentElement, other === choice);
    ready();
  }

  function ready() {
    say(refused, "");
  }

  async function submit() {
    try {
      await post(`/sync/${kind}`, bodyOf());
    } catch (error) {
      say(refused, error.message);
      return;
    }
    close();
    await changed();
  }

  function bodyOf() {
    return chosen.body ? chosen.body(fields.get(chosen).input.value) : {};
  }
}

/** Asks the user to type the kind, and deletes everything that Klaviyo has of it. */
export function deleteAll(kind, changed) {
  const refused = el("p", { class: "error", role: "alert" });
  const { input, label, hint } = confirmation(kind);
  const go = button(`Delete all ${kind}`, submit, { class: "danger", disabled: true });
  input.addEventListener("input", () => {
    say(refused, "");
    go.disabled = input.value !== kind;
  });
  const form = el("form", {}, el("div", { class: "field" }, label, input, hint), refused);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (!go.disabled) go.click();
  });
  const title = `Delete all ${kind} in Klaviyo`;
  const close = open(title, form, { dismiss: "Cancel", actions: () => [go] });

  async function submit() {
    try {
      await post(`/sync/${kind}`, { deleteAll: true, confirmDeletion: kind });
    } catch (error) {
      say(refused, error.message);
      return;
    }
    close();
    await changed();
  }
}

function since() {
  const input = el("input", { id: "since", type: "datetime-local", step: "1" });
  return labelled(input, "Since when", "In your own time zone.");
}

function ids() {
  const input = el("textarea", { id: "ids", rows: "5", spellcheck: "false" });
  return labelled(input, "Ids", "One a line, or separated by commas or spaces.");
}

function startId() {
  const input = el("input", { id: "start-id", spellcheck: "false", autocomplete: "off" });
  return labelled(input, "First id", "Those from this one on, in the order of commercetools' ids.");
}

function confirmation(kind) {
  const input = el("input", { id: "confirmation", spellcheck: "false", autocomplete: "off" });
  const hint = `Klaviyo loses all ${kind}, also those that are not from here. It cannot be undone.`;
  return labelled(input, `Type “${kind}” to confirm`, hint);
}

function labelled(input, label, hint) {
  const hintId = `${input.id}-hint`;
  input.setAttribute("aria-describedby", hintId);
  return {
    input,
    label: el("label", { for: input.id }, label),
    hint: el("p", { id: hintId, class: "soft" }, hint),
  };
}

function utc(value) {
  if (value === "") throw new Error("Give a date and a time.");
  return new Date(value).toISOString();
}

function words(value) {
  const found = value.split(/[\s,]+/).filter((word) => word !== "");
  if (found.length === 0) throw new Error("Give at least one id.");
  return found;
}

function one(value) {
  if (value.trim() === "") throw new Error("Give an id.");
  return value.trim();
}
