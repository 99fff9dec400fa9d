// The preview: a record or a notification in, the requests to Klaviyo out.

import { call } from "./api.js";
import { button, byId, el, say, show } from "./dom.js";
import { counted } from "./format.js";
import { KINDS } from "./imports.js";

const refused = el("p", { class: "error", role: "alert" });
const result = el("div", {
  class: "result",
  role: "region",
  "aria-label": "Requests",
  tabindex: "-1",
  hidden: true,
});

/** Makes the room. */
export function prepare() {
  const kind = el(
    "select",
    { id: "preview-kind" },
    KINDS.map((name) => el("option", {}, name)),
  );
  const id = el("input", { id: "preview-id", spellcheck: "false", autocomplete: "off" });
  const text = el("textarea", { id: "preview-text", rows: "7", spellcheck: "false" });
  const record = el("div", { class: "pair" }, labelled("Kind", kind), labelled("Id", id));
  const notification = labelled("Notification, as the broker sends it (JSON)", text);
  const choose = (isRecord) => {
    show(record, isRecord);
    show(notification, !isRecord);
  };
  const radio = (label, isRecord) => {
    const input = el("input", { type: "radio", name: "preview", checked: isRecord });
    input.addEventListener("change", () => choose(isRecord));
    return el("label", {}, input, ` ${label}`);
  };
  const go = button("Preview", () =>
    preview(record.hidden ? text.value : JSON.stringify({ kind: kind.value, id: id.value.trim() })),
  );
  const what = el(
    "fieldset",
    { class: "inline" },
    el("legend", {}, "Preview of"),
    radio("A record", true),
    radio("A notification", false),
  );
  const form = el(
    "form",
    {},
    what,
    record,
    notification,
    refused,
    el("div", { class: "actions" }, go),
  );
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    go.click();
  });
  choose(true);
  byId("preview-body").replaceChildren(form, result);
}

/** Forgets what was shown. */
export function forget() {
  result.replaceChildren();
  show(result, false);
}

async function preview(body) {
  say(refused, "");
  forget();
  try {
    JSON.parse(body);
  } catch {
    say(refused, "That is not JSON.");
    return;
  }
  try {
    present(await call("POST", "/preview", body));
  } catch (error) {
    say(refused, error.message);
  }
}

function present({ requests, outcomes = [] }) {
  const head = requests.length > 0 ? counted(requests.length, "request") : "Nothing would be sent";
  const ends = outcomes.map((end) => el("li", {}, outcome(end)));
  result.replaceChildren(
    el("h3", {}, head),
    el("ul", { class: "notes" }, ends),
    ...requests.map(request),
  );
  show(result, true);
  result.focus();
}

/** What would become of a record or a notification. */
function outcome({ outcome, code, detail, pointer, follow }) {
  return [
    el("strong", {}, outcome.replace("_", " ")),
    code && [" · ", el("span", { class: "code" }, code)],
    detail && `: ${detail}`,
    pointer && [" at ", el("code", {}, pointer)],
    follow > 0 ? ` · ${counted(follow, "other")} would follow` : null,
  ];
}

function request({ method, path, body }, n) {
  const text = el(
    "pre",
    { tabindex: "0", "aria-label": `Body of request ${n + 1}` },
    JSON.stringify(body, null, 2),
  );
  const line = el("summary", {}, el("span", { class: "code" }, method), " ", el("code", {}, path));
  return el("details", { open: n === 0 }, line, text);
}

function labelled(label, input) {
  return el("div", { class: "field" }, el("label", { for: input.id }, label), input);
}
